//! What was made within a range of time: many objects by one call, where many are wanted at once.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    client::{Client, Fetched, pages::PAGE, subscriptions::SHOWN},
    error::{Error, Result},
    objects::{CreditNote, Dispute, Invoice, List, Refund, Subscription},
    params::Seconds,
};

/// What was made since a second, that second included.
#[derive(Serialize)]
struct Since {
    created: From,
}

#[derive(Serialize)]
struct From {
    gte: i64,
}

#[derive(Serialize)]
struct Made<'a> {
    created: Option<Seconds>,
    current_period_start: Option<Seconds>,
    /// Without it, Stripe leaves canceled subscriptions out.
    status: Option<&'static str>,
    starting_after: Option<&'a str>,
    limit: u8,
    expand: &'a [&'a str],
}

impl Client {
    /// A page of the invoices made within these seconds, newest first, after the one named; with their
    /// payments. Those of test clocks are never listed.
    pub async fn list_invoices_made(
        &self,
        made: Seconds,
        after: Option<&str>,
    ) -> Result<List<Fetched<Invoice>>> {
        let params = Made {
            created: Some(made),
            current_period_start: None,
            status: None,
            starting_after: after,
            limit: PAGE,
            expand: &["data.payments"],
        };
        self.fetch_list("/v1/invoices", &params).await
    }

    /// A page of the subscriptions whose period began within these seconds, newest first, after the one
    /// named; with what [`Client::retrieve_subscription`] shows. Those of test clocks are never listed.
    pub async fn list_subscriptions_begun(
        &self,
        begun: Seconds,
        after: Option<&str>,
    ) -> Result<List<Fetched<Subscription>>> {
        let expand = SHOWN.map(|field| format!("data.{field}"));
        let params = Made {
            created: None,
            current_period_start: Some(begun),
            status: Some("all"),
            starting_after: after,
            limit: PAGE,
            expand: &expand.each_ref().map(String::as_str),
        };
        self.fetch_list("/v1/subscriptions", &params).await
    }

    /// Every refund made since that second, newest first; an error where there are more than `max`.
    pub async fn list_refunds_since(&self, second: i64, max: usize) -> Result<Vec<Refund>> {
        self.list_all("/v1/refunds", &Since { created: From { gte: second } }, max).await
    }

    /// Every dispute opened since that second, newest first; an error where there are more than `max`.
    pub async fn list_disputes_since(&self, second: i64, max: usize) -> Result<Vec<Dispute>> {
        self.list_all("/v1/disputes", &Since { created: From { gte: second } }, max).await
    }

    /// Every credit note made since that second, newest first; an error where there are more than `max`.
    pub async fn list_credit_notes_since(
        &self,
        second: i64,
        max: usize,
    ) -> Result<Vec<CreditNote>> {
        self.list_all("/v1/credit_notes", &Since { created: From { gte: second } }, max).await
    }

    /// A page whose objects are kept as they came, too.
    async fn fetch_list<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        params: &impl Serialize,
    ) -> Result<List<Fetched<T>>> {
        let page: List<Box<RawValue>> = self.get(path.to_owned(), params).await?;
        let unreadable = |source| Error::Unexpected { path: path.to_owned(), source };
        let mut data = Vec::with_capacity(page.data.len());
        for raw in page.data {
            let object = serde_json::from_str(raw.get()).map_err(unreadable)?;
            data.push(Fetched { object, raw });
        }
        Ok(List { data, has_more: page.has_more })
    }
}
