//! Billing meters: what metered prices count.

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
pub struct Meter {
    /// `mtr_…`
    pub id: String,
    /// The name its events bear; one active meter per name.
    pub event_name: String,
    #[serde(default)]
    pub status: String,
}
