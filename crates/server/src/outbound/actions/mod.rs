//! The verbs of webhook endpoints and of what is sent to them.

mod endpoints;
mod redeliver;

pub use endpoints::{Changes, Wanted, create, delete, get, rotate_secret, update};
pub use redeliver::{redeliver, send_test};
