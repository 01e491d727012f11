//! Where a delivery stands.

use std::{fmt, str::FromStr};

use crate::db;

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Stored, not looked at yet.
    Received,
    /// Claimed by a worker until `due_at`.
    Working,
    /// Settled: our rows are what Stripe has.
    Done,
    /// Settled: nothing of ours.
    Ignored,
    /// To be tried again at `due_at`.
    Failed,
    /// Waits for a person.
    Dead,
}

impl State {
    pub const ALL: [Self; 6] =
        [Self::Received, Self::Working, Self::Done, Self::Ignored, Self::Failed, Self::Dead];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Working => "working",
            Self::Done => "done",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
            Self::Dead => "dead",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for State {
    type Err = UnknownState;

    fn from_str(word: &str) -> Result<Self, UnknownState> {
        let known = Self::ALL.into_iter().find(|state| state.as_str() == word);
        known.ok_or_else(|| UnknownState(word.to_owned()))
    }
}

/// The word is no state of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a state: received, working, done, ignored, failed or dead")]
pub struct UnknownState(String);

db::words!(State);
