//! What is due: add-ons that may have to follow their base, reminders, ends of grace.

pub mod queries;
