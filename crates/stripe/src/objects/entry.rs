//! What tells one object of a list from another, whatever else it has.

use serde::Deserialize;

use super::{List, Ref};
use crate::id::{CustomerId, PriceId};

/// Any object of a list, read only as far as finding it needs: a page must not fail for one field of one.
#[derive(Clone, Debug, Deserialize)]
pub struct Entry {
    pub id: String,
    /// Whose it is, where it is somebody's.
    #[serde(default)]
    customer: Option<Ref<CustomerId>>,
    /// Stripe's word.
    #[serde(default)]
    pub status: Option<String>,
    /// Of subscriptions.
    #[serde(default)]
    items: Option<List<Item>>,
}

#[derive(Clone, Debug, Deserialize)]
struct Item {
    price: ItemPrice,
}

#[derive(Clone, Debug, Deserialize)]
struct ItemPrice {
    id: PriceId,
    #[serde(default)]
    lookup_key: Option<String>,
}

impl Entry {
    pub fn customer(&self) -> Option<&CustomerId> {
        self.customer.as_ref().map(|customer| &customer.0)
    }

    /// What a subscription sells, each with its lookup key; the first ten.
    pub fn prices(&self) -> impl Iterator<Item = (&PriceId, Option<&str>)> {
        let items = self.items.iter().flat_map(|items| &items.data);
        items.map(|item| (&item.price.id, item.price.lookup_key.as_deref()))
    }
}
