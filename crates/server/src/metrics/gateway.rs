//! Calls to Stripe, measured on their way: each attempt, whoever makes it and why.

use std::{sync::Arc, time::Duration};

use tollhouse_stripe::{Answer, BoxFuture, Call, Failure, Gateway};

use super::Metrics;
use crate::clock::Clock;

/// What Stripe's paths are made of. What is no word of these is an id.
const WORDS: [&str; 35] = [
    "v1",
    "v2",
    "billing",
    "billing_portal",
    "charges",
    "checkout",
    "configurations",
    "core",
    "coupons",
    "create_preview",
    "credit_notes",
    "customers",
    "detach",
    "disputes",
    "event_summaries",
    "events",
    "expire",
    "invoice_payments",
    "invoices",
    "lines",
    "meter_events",
    "meters",
    "pause",
    "payment_methods",
    "prices",
    "products",
    "promotion_codes",
    "refunds",
    "release",
    "resume",
    "sessions",
    "setup_intents",
    "subscription_schedules",
    "subscriptions",
    "webhook_endpoints",
];

/// A gateway whose calls are counted and timed.
pub struct Measured {
    gateway: Arc<dyn Gateway>,
    metrics: Arc<Metrics>,
    clock: Clock,
}

impl Measured {
    pub fn new(gateway: Arc<dyn Gateway>, metrics: Arc<Metrics>, clock: Clock) -> Self {
        Self { gateway, metrics, clock }
    }
}

impl Gateway for Measured {
    fn send<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            let began = self.clock.now();
            let outcome = self.gateway.send(call).await;
            if let Some(word) = word(&outcome) {
                let microseconds = self.clock.now().as_microsecond() - began.as_microsecond();
                let took = Duration::from_micros(u64::try_from(microseconds).unwrap_or(0));
                self.metrics.asked(&operation(call), word, took);
            }
            outcome
        })
    }
}

/// The call without its ids: `GET /v1/customers/:id`.
fn operation(call: &Call) -> String {
    let segments = call.path.trim_start_matches('/').split('/');
    segments.fold(call.method.as_str().to_owned() + " ", |operation, segment| {
        operation + "/" + if WORDS.contains(&segment) { segment } else { ":id" }
    })
}

/// What came of it; nothing where there was nobody to ask.
fn word(outcome: &Result<Answer, Failure>) -> Option<&'static str> {
    Some(match outcome {
        Err(Failure::Unconfigured) => return None,
        Err(Failure::Unreachable(_)) => "unreachable",
        Ok(answer) => match answer.status {
            ..400 => "ok",
            402 => "declined",
            404 => "missing",
            429 => "limited",
            400..500 => "refused",
            500.. => "failed",
        },
    })
}

#[cfg(test)]
mod tests {
    use tollhouse_stripe::Method;

    use super::*;

    #[test]
    fn an_operation_names_no_id() {
        for (method, path, expected) in [
            (Method::Get, "/v1/customers/cus_1", "GET /v1/customers/:id"),
            (Method::Post, "/v1/customers", "POST /v1/customers"),
            (Method::Delete, "/v1/coupons/SUMMER 20%", "DELETE /v1/coupons/:id"),
            (
                Method::Post,
                "/v1/checkout/sessions/cs_1/expire",
                "POST /v1/checkout/sessions/:id/expire",
            ),
            (Method::Get, "/v1/invoices/in_1/lines", "GET /v1/invoices/:id/lines"),
            (Method::Get, "/v2/core/events/evt_1", "GET /v2/core/events/:id"),
            (Method::Get, "/v1/secret@example.com", "GET /v1/:id"),
        ] {
            let path = path.to_owned();
            let call = Call { method, path, params: Vec::new(), idempotency_key: None };
            assert_eq!(operation(&call), expected);
        }
    }
}
