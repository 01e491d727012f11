//! Customers: who pays.

use serde::Deserialize;

use super::Metadata;
use crate::id::CustomerId;

#[derive(Clone, Debug, Deserialize)]
pub struct Customer {
    pub id: CustomerId,
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub metadata: Metadata,
    /// A deleted customer is still answered, with nothing but this.
    #[serde(default)]
    pub deleted: bool,
}
