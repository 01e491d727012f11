//! The customer portal: a page of Stripe's where someone manages what they have.

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
pub struct PortalConfiguration {
    /// `bpc_…`
    pub id: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct PortalSession {
    /// `bps_…`
    pub id: String,
    /// Where to send the customer; short-lived.
    pub url: String,
}
