//! Every slice through HTTP, on both databases. One binary: linking is the slow part.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod harness;

mod addons;
mod alerts;
mod all_events;
mod api_keys;
mod audit;
mod bad_input;
mod catalog;
mod checkout;
mod convergence;
mod copies;
mod credits;
mod database;
mod deliveries;
mod discounts;
mod documents;
mod dunning;
mod entitlements;
mod events;
mod export;
mod gateways;
mod idempotency;
mod import;
mod instances;
mod invoices;
mod isolation;
mod lago;
mod library;
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
mod renewals;
mod retention;
mod slots;
mod sso;
mod standing;
mod starting;
mod story;
mod subscriptions;
mod summaries;
mod taxes;
mod tenants;
mod usage;
mod webhooks;
mod year;
