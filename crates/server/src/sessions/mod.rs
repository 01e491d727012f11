//! Sessions of people's browsers: begun with a token, carried by a cookie, ended by them or by time.
//!
//! Owns: `sessions`.
//! Does not own: how a request is told by its cookie, nor what keeps other sites out (`http::session_cookie`).
//! Invariant: a session opens what its token opened, and never outlives it.
//! Invariant: the cookie's value is kept nowhere, only its SHA-256. It holds 256 bits of chance, so that nobody
//! guesses it.

pub mod actions;
pub mod api;
pub mod queries;
pub mod tasks;
