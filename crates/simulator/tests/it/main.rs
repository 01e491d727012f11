//! The simulator from outside: every answer is checked against Stripe's own schema.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should stop"
)]

mod anchors;
mod automatic_tax;
mod checkout;
mod checkout_once;
mod clock;
mod credit_notes;
mod declines;
mod discounts;
mod disputes;
mod dunning;
mod entitlements;
mod errors;
mod funds;
mod gateways;
mod harness;
mod http;
mod incomplete;
mod library;
mod mixed_intervals;
mod one_off_invoices;
mod orders;
mod pausing;
mod payment_intents;
mod pending;
mod plans_and_sources;
mod portal;
mod previews;
mod prorations;
mod quotes;
mod reading;
mod refunds;
mod schedules;
mod schedules_begin;
mod schema;
mod searching;
mod sending;
mod setup_intents;
mod subscription_items;
mod subscriptions;
mod taxes;
mod test_clocks;
mod trials;
mod trouble;
mod upcoming;
mod usage;
mod usage_billing;
mod webhooks;
