//! The clock, real and settable; the source of new ids and secrets.
//!
//! The only place in the server where time and chance come in, so that a test can hold both.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::SystemTime,
};

use tollhouse_domain::{id, time::Timestamp};
use uuid::Uuid;

/// Time and ids for one running service. Clones share both.
#[derive(Clone)]
pub struct Clock {
    time: Source,
    chance: Arc<Mutex<fastrand::Rng>>,
}

#[derive(Clone)]
enum Source {
    Real,
    /// Microseconds since 1970, moved by whoever holds a clone.
    Settable(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's time; ids nobody can guess.
    pub fn real() -> Self {
        Self { time: Source::Real, chance: Arc::new(Mutex::new(fastrand::Rng::new())) }
    }

    /// Stands still at `start` until moved; the same seed gives the same ids.
    pub fn settable(start: Timestamp, seed: u64) -> Self {
        let time = Source::Settable(Arc::new(AtomicI64::new(start.as_microsecond())));
        Self { time, chance: Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))) }
    }

    pub fn now(&self) -> Timestamp {
        let microseconds = match &self.time {
            Source::Real => wall_clock_microseconds(),
            Source::Settable(time) => time.load(Ordering::SeqCst),
        };
        Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::MIN)
    }

    /// Moves a settable clock forward; a real one cannot be moved.
    pub fn advance(&self, seconds: i64) {
        if let Source::Settable(time) = &self.time {
            time.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
        }
    }

    /// A new UUID of version 7: ordered by time, unlike any other.
    pub fn new_id(&self) -> Uuid {
        let millisecond = u64::try_from(self.now().as_millisecond()).unwrap_or(0);
        let mut random = [0; 10];
        self.chance.lock().unwrap_or_else(PoisonError::into_inner).fill(&mut random);
        id::v7(millisecond, random)
    }

    /// A number for whoever needs chance of their own (jitter).
    pub fn seed(&self) -> u64 {
        self.chance.lock().unwrap_or_else(PoisonError::into_inner).u64(..)
    }
}

#[expect(clippy::disallowed_methods, reason = "the one door through which the time comes in")]
fn wall_clock_microseconds() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
