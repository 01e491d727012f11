//! What every slice's `sync.rs` has in common: whether a fetch may replace what we have.
//!
//! A fetch is stamped with Stripe's own time (the `Date` of the answer, whole seconds). An older fetch
//! never overwrites a newer one. Two fetches of the same second that differ have no order: the one that
//! comes later fetches once more, and what is fetched after both were seen is newer than both.

use tollhouse_stripe::Fetched;

use crate::app::App;

/// What became of an object that Stripe told us about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synced {
    /// Our row now is what Stripe has.
    Done,
    /// It belongs to nobody we know, and the reason for people.
    NotOurs(&'static str),
}

/// What to do with a fetched object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Apply,
    /// What we have is newer.
    Stale,
    /// Same second, different content: fetch again, then apply.
    FetchAgain,
}

/// Fetches once more at most: what the second fetch brings is newer than everything seen before it.
pub const FETCHES_MAX: u32 = 2;

/// Compares the stamp of a fetch with that of the row. `attempt` counts from 1.
pub fn judge(row_fetched_at: Option<i64>, fetched_at: i64, differs: bool, attempt: u32) -> Verdict {
    match row_fetched_at {
        Some(row) if row > fetched_at => Verdict::Stale,
        Some(row) if row == fetched_at && differs && attempt < FETCHES_MAX => Verdict::FetchAgain,
        _ => Verdict::Apply,
    }
}

/// The stamp of a fetch, unix seconds; by our clock where Stripe sent no date.
pub fn stamp<T>(app: &App, fetched: &Fetched<T>) -> i64 {
    fetched.at.unwrap_or_else(|| app.clock.now().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_fetch_never_overwrites_a_newer_one() {
        for (row, fetched, differs, attempt, verdict) in [
            (None, 5, true, 1, Verdict::Apply),
            (Some(4), 5, true, 1, Verdict::Apply),
            (Some(6), 5, true, 1, Verdict::Stale),
            (Some(6), 5, true, 2, Verdict::Stale),
            (Some(5), 5, true, 1, Verdict::FetchAgain),
            (Some(5), 5, true, 2, Verdict::Apply),
            (Some(5), 5, false, 1, Verdict::Apply),
        ] {
            assert_eq!(
                judge(row, fetched, differs, attempt),
                verdict,
                "{row:?} {fetched} {attempt}"
            );
        }
    }
}
