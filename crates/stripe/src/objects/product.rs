//! Products: what prices belong to.

use serde::Deserialize;

use crate::id::ProductId;

#[derive(Clone, Debug, Deserialize)]
pub struct Product {
    pub id: ProductId,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub active: bool,
}
