//! Credentials that we give out ourselves: API keys for programs.
//!
//! Owns: `api_keys`.
//! Does not own: what a scope grants (`domain::actor`), nor how a request is told by its key (`http::auth`).
//! Invariant: a key is shown once, when it is made; only its SHA-256 is kept. It holds 256 bits of chance,
//! so that nobody guesses it, and a slow hash would guard nothing more.
//! Invariant: what is revoked or has expired opens nothing, from the next request on.

pub mod actions;
pub mod api;
pub mod queries;
