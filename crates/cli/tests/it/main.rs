//! The binary as people use it: its commands, its demo, and its pages in a real browser.
//!
//! Every test starts the program itself. `cargo xtask test` brings the browser and the servers.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod harness;

mod backup;
mod billing_pages;
mod commands;
mod crash;
mod deliveries;
mod demo;
mod docs_page;
mod doctor;
mod importing;
mod instances;
mod migrating;
mod operator_pages;
mod paying;
mod serving;
mod time_machine;
