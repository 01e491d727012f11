//! Every slice through HTTP, on both databases. One binary: linking is the slow part.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod harness;

mod addons;
mod all_events;
mod api_keys;
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
mod gateways;
mod idempotency;
mod identity;
mod import;
mod instances;
mod invoices;
mod isolation;
mod library;
mod limits;
mod logs;
mod odd_webhooks;
mod on_behalf;
mod outbound;
mod pausing;
mod payment_methods;
mod pending;
mod portal;
mod promotion_codes;
mod prorations;
mod reconcile;
mod sessions;
mod slots;
mod sso;
mod standing;
mod starting;
mod story;
mod subscriptions;
mod taxes;
mod tenants;
mod usage;
mod webhooks;
mod year;
