//! What every slice's `sync.rs` has in common: how a fetch may replace what we have.
//!
//! A row counts its writes. Whoever syncs reads that number, then fetches, then writes only if the number is
//! still the same; otherwise somebody wrote meanwhile, and it fetches once more. So what is written was
//! fetched after everything it replaces was, and no clock is asked, neither ours nor Stripe's.

use crate::error::Error;

/// What became of an object that Stripe told us about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synced {
    /// Our row now is what Stripe has.
    Done,
    /// It belongs to nobody we know, and the reason for people.
    NotOurs(&'static str),
    /// Our row stays as it is against what Stripe says, and why: what is over stays over.
    Kept(&'static str),
}

/// What became of one fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    Yes,
    /// Somebody wrote since the fetch began.
    TooLate,
    /// Not to be written at all, and why.
    Never(&'static str),
}

/// Fetches before it is left to the next delivery, or to whoever asks again.
pub const FETCHES_MAX: u32 = 5;

/// Others wrote the same object again and again while we fetched it.
pub fn contended() -> Error {
    Error::Unavailable("the same object is being changed by many at once")
}
