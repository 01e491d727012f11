//! HTTP: what every request goes through before and after its slice.
//!
//! Owns: `idempotency_keys`.
//! Does not own: any route's meaning; routes are listed in `router.rs` and stand in the slices' `api.rs`.
//! Invariant: whatever goes wrong, the answer is a problem document with a code and a request id.
//!
//! Beside the usual files: `listener.rs`, `router.rs`, `address.rs`, `limits.rs`, `rates.rs`, `shares.rs`, `auth.rs`, `tokens.rs`,
//! `key_set.rs`, `session_cookie.rs`, `idempotency.rs`, `extract.rs`, `openapi.rs`, `redirect.rs`, `request_log.rs`,
//! `health.rs`.

pub mod address;
pub mod auth;
pub mod extract;
pub(crate) mod health;
mod idempotency;
pub mod key_set;
mod limits;
mod listener;
mod openapi;
pub(crate) mod queries;
mod rates;
pub mod redirect;
pub(crate) mod request_log;
mod router;
pub mod session_cookie;
mod shares;
pub mod tokens;

pub use idempotency::{ShownOnce, Work, forget_old_keys};
pub(crate) use listener::listen;
pub use openapi::document;
pub use request_log::RequestId;
pub use router::{router, router_beside};
