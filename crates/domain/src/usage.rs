//! Counting usage: what a report says, which windows it counts in, and what the reports come to.
//!
//! Reports arrive late, twice and in any order. What they come to depends on none of that: a repeated
//! report is dropped by its key, and [`Total::add`] does not ask which of two came first.

mod export;
mod quantity;
mod reading;
mod total;
mod window;

pub use export::{IDENTIFIER_SECONDS, MeterEventState, billable_hour, told_at};
pub use quantity::{Quantity, QuantityError};
pub use reading::{Reading, ReadingError};
pub use total::Total;
pub use window::{
    DAYS_LATE_MAX, Placement, SECONDS_AHEAD_MAX, UntimelyError, Window, calendar_month, check_time,
    open_period, place, window_of,
};
