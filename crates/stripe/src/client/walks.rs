//! Everything an account has, a page at a time, for those who compare it with what they know.
//!
//! Stripe lists the newest first. Who stops in the middle goes on after the last id seen; what was made
//! meanwhile is newer, and told by events.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    client::Client,
    error::Result,
    event::Event,
    objects::{Customer, Entry, List},
};

/// As many as Stripe gives at once.
const PAGE: u8 = 100;

/// Whose pages can be walked, as [`Entry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collection {
    /// Those that are over too.
    Subscriptions,
    Invoices,
    Coupons,
    PromotionCodes,
}

impl Collection {
    const fn path(self) -> &'static str {
        match self {
            Self::Subscriptions => "/v1/subscriptions",
            Self::Invoices => "/v1/invoices",
            Self::Coupons => "/v1/coupons",
            Self::PromotionCodes => "/v1/promotion_codes",
        }
    }
}

#[derive(Serialize)]
struct WalkParams<'a> {
    limit: u8,
    starting_after: Option<&'a str>,
    /// Without it, Stripe leaves canceled subscriptions out.
    status: Option<&'static str>,
    created: Option<Since>,
}

/// Unix seconds; that second included.
#[derive(Serialize)]
struct Since {
    gte: i64,
}

impl Client {
    /// Events, of the last thirty days at most, after the one named. All types: Stripe takes twenty at
    /// most as a filter.
    pub async fn walk_events(&self, after: Option<&str>) -> Result<List<Event>> {
        self.walk("/v1/events", None, None, after).await
    }

    /// Customers that were not deleted, after the one named. Those of test clocks are never listed.
    pub async fn walk_customers(&self, after: Option<&str>) -> Result<List<Customer>> {
        self.walk("/v1/customers", None, None, after).await
    }

    /// A page of a collection after the object named; with `since`, only of what was made since that
    /// second.
    pub async fn walk_entries(
        &self,
        of: Collection,
        since: Option<i64>,
        after: Option<&str>,
    ) -> Result<List<Entry>> {
        let status = (of == Collection::Subscriptions).then_some("all");
        self.walk(of.path(), status, since, after).await
    }

    async fn walk<T: DeserializeOwned>(
        &self,
        path: &str,
        status: Option<&'static str>,
        since: Option<i64>,
        after: Option<&str>,
    ) -> Result<List<T>> {
        let params = WalkParams {
            limit: PAGE,
            starting_after: after,
            status,
            created: since.map(|gte| Since { gte }),
        };
        self.get(path.to_owned(), &params).await
    }
}
