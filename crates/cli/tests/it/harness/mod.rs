//! What the tests stand on: the binary, a running demo, a client, a browser.

mod browser;
mod database;
mod demo;
mod driver;
mod http;
mod instance;
mod sending;
mod stripe;
mod tollhouse;

use std::time::Duration;

pub use browser::Browser;
pub use database::Database;
pub use demo::Demo;
pub use http::Http;
pub use instance::{Installation, Instance, WEBHOOK_SECRET};
pub use sending::{Numbers, pass, send};
pub use stripe::Stripe;
pub use tollhouse::{Running, Tollhouse};

/// Far longer than anything takes: only what hangs is ended by it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The Redis that `cargo xtask test` started.
pub fn redis_url() -> String {
    variable("TEST_REDIS_URL")
}

#[expect(clippy::disallowed_methods, reason = "the test command says where its servers are")]
fn variable(name: &str) -> String {
    std::env::var(name).expect("run the tests with `cargo xtask test`")
}
