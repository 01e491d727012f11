//! Whole lists, page by page: Stripe gives a hundred at once, and a first page looks like all there is.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    client::Client,
    error::{Error, Result},
    objects::{List, Listed},
};

/// As many as Stripe gives at once.
pub(super) const PAGE: u8 = 100;

/// One page of a list.
#[derive(Serialize)]
struct PageOf<'a, P> {
    #[serde(flatten)]
    params: &'a P,
    limit: u8,
    /// The last one of the page before.
    starting_after: Option<String>,
}

impl Client {
    /// A whole list in Stripe's order; an error where it has more than `max`.
    pub(super) async fn list_all<T: DeserializeOwned + Listed>(
        &self,
        path: &str,
        params: &impl Serialize,
        max: usize,
    ) -> Result<Vec<T>> {
        let mut found: Vec<T> = Vec::new();
        loop {
            let starting_after = found.last().map(|last| last.id().to_owned());
            let page = PageOf { params, limit: PAGE, starting_after };
            let page: List<T> = self.get(path.to_owned(), &page).await?;
            let is_last = !page.has_more || page.data.is_empty();
            found.extend(page.data);
            if found.len() > max {
                return Err(Error::TooMany { path: path.to_owned(), max });
            }
            if is_last {
                return Ok(found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::{
        gateway::{Answer, BoxFuture, Call, Failure, Gateway},
        objects::Refund,
        params::PaidWith,
    };

    /// A payment with so many refunds; each is called by its number.
    struct Refunded(usize);

    impl Gateway for Refunded {
        fn send<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Answer, Failure>> {
            let param = |name: &str| call.params.iter().find(|(known, _)| known == name);
            assert_eq!(param("payment_intent").unwrap().1, "pi_1");
            let limit: usize = param("limit").unwrap().1.parse().unwrap();
            let start = param("starting_after").map_or(0, |(_, last)| last.parse().unwrap()) + 1;
            let end = (start + limit).min(self.0 + 1);
            let refund = |number| json!({"id": format!("{number}"), "amount": 1, "created": 1});
            let data: Vec<_> = (start..end).map(refund).collect();
            let body = json!({"data": data, "has_more": end <= self.0}).to_string().into();
            let headers = ::http::HeaderMap::new();
            Box::pin(std::future::ready(Ok(Answer { status: 200, headers, body })))
        }
    }

    async fn refunds(count: usize, max: usize) -> Result<Vec<Refund>> {
        let client = Client::new(Arc::new(Refunded(count)), 1);
        let paid_with =
            PaidWith::PaymentIntent { payment_intent: crate::PaymentIntentId::new("pi_1") };
        client.list_all("/v1/refunds", &paid_with.id(), max).await
    }

    #[tokio::test]
    async fn every_page_is_read_once_and_in_order() {
        for count in [0, 1, 99, 100, 101, 200, 350] {
            let found = refunds(count, 350).await.unwrap();
            let ids: Vec<String> = found.iter().map(|refund| refund.id.to_string()).collect();
            let expected: Vec<String> = (1..=count).map(|number| number.to_string()).collect();
            assert_eq!(ids, expected);
        }
    }

    #[tokio::test]
    async fn a_list_that_is_too_long_is_refused_and_not_cut() {
        let refused = refunds(351, 350).await.unwrap_err();
        assert!(matches!(&refused, Error::TooMany { max: 350, .. }), "{refused}");
        assert!(!refused.is_transient(), "it will not be shorter next time");
    }
}
