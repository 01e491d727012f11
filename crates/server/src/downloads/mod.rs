//! Downloads: invoices, subscriptions, usage, audit and events as files, streamed.
//!
//! Owns: nothing.
//! Does not own: what is in them; each table has its own slice.
//! Invariant: memory stays the same however long a file is, and no transaction waits for whoever reads it.
//! Invariant: each download is in the audit before its first byte is sent.
//!
//! Beside the usual files: `format.rs` (CSV and NDJSON), `rows.rs` (what a line of each file says) and
//! `stream.rs` (page after page, as fast as it is read).

pub mod api;
pub mod format;
pub mod queries;
mod rows;
mod stream;

pub use stream::Places;
