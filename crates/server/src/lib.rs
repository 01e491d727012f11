//! Where promises meet Stripe: HTTP, SQL and background tasks, one folder (slice) per subject.
//!
//! | floor | slices |
//! | --- | --- |
//! | roof | [`pages`] |
//! | doors | [`checkout`], [`export`], [`lago`], [`payment_methods`], [`platform`], [`portal`], [`reconcile`], [`webhooks`], [`outbound`], [`retention`], [`downloads`], [`doctor`], [`monitoring`] |
//! | answers | [`status`], [`summaries`], [`entitlements`], [`alerts`], [`analytics`] |
//! | state | [`subscriptions`], [`invoices`], [`usage`], [`credits`], [`slots`], [`discounts`], [`tenants`], [`catalog`], [`credentials`], [`sessions`], [`revenue`] |
//! | traces | [`record`], [`events`], [`audit`] |
//! | ground | [`app`], [`config`], [`clock`], [`error`], [`db`], [`http`], [`tasks`], [`nudge`], [`sync`], [`metrics`] |
//!
//! A slice uses what is on its own floor or below. [`App::start`] opens everything, [`router`] is the
//! whole service as an axum router, [`serve`] runs it with its tasks. `examples/embed.rs` puts it into another
//! application.

pub mod alerts;
pub mod analytics;
pub mod app;
pub mod audit;
pub mod catalog;
pub mod checkout;
pub mod clock;
pub mod config;
pub mod credentials;
pub mod credits;
pub mod db;
pub mod discounts;
pub mod doctor;
pub mod downloads;
pub mod entitlements;
pub mod error;
pub mod events;
pub mod export;
pub mod http;
pub mod invoices;
pub mod lago;
pub mod metrics;
pub mod monitoring;
pub mod nudge;
pub mod outbound;
pub mod pages;
pub mod payment_methods;
pub mod platform;
pub mod portal;
pub mod reconcile;
pub mod record;
pub mod retention;
pub mod revenue;
mod serve;
pub mod sessions;
pub mod slots;
pub mod status;
pub mod subscriptions;
pub mod summaries;
pub mod sync;
pub mod tasks;
pub mod tenants;
pub mod usage;
pub mod webhooks;

pub use app::App;
pub use clock::Clock;
pub use config::{Config, Settings};
pub use http::router;
pub use monitoring::serve_monitors;
pub use serve::{serve, serve_beside};
