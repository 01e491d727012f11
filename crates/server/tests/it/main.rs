//! Every slice through HTTP, on both databases. One binary: linking is the slow part.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod harness;

mod addons;
mod all_events;
mod bad_input;
mod catalog;
mod checkout;
mod convergence;
mod copies;
mod database;
mod deliveries;
mod discounts;
mod documents;
mod dunning;
mod events;
mod frozen;
mod gateways;
mod idempotency;
mod import;
mod instances;
mod invoices;
mod isolation;
mod library;
mod odd_webhooks;
mod outbound;
mod pausing;
mod payment_methods;
mod pending;
mod portal;
mod promotion_codes;
mod prorations;
mod reconcile;
mod renewal_night;
mod slots;
mod starting;
mod story;
mod subscriptions;
mod taxes;
mod tenants;
mod usage;
mod webhooks;
mod year;
