//! Every slice through HTTP, on both databases. One binary: linking is the slow part.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod harness;

mod addons;
mod api_keys;
mod bad_input;
mod catalog;
mod checkout;
mod database;
mod discounts;
mod documents;
mod dunning;
mod events;
mod gateways;
mod idempotency;
mod instances;
mod invoices;
mod isolation;
mod library;
mod on_behalf;
mod pausing;
mod payment_methods;
mod pending;
mod portal;
mod promotion_codes;
mod prorations;
mod slots;
mod sso;
mod standing;
mod starting;
mod story;
mod subscriptions;
mod taxes;
mod tenants;
mod webhooks;
mod year;
