//! One event of each type, for the documentation.

/// A JSON list of events as the API shows them, in the order of their types. The tests hold every event that any
/// of them causes against its sample.
pub const SAMPLES: &str = include_str!("samples.json");
