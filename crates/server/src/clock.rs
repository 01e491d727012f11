//! The clock, real and settable; the source of new ids; and of secrets, which need a better one than chance.
//!
//! The only place in the server where time and chance come in, so that a test can hold both.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
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
    chance: Arc<Mutex<Chance>>,
}

struct Chance {
    rng: fastrand::Rng,
    /// The newest id given; the next one is larger, also within a millisecond.
    last_id: Uuid,
}

#[derive(Clone)]
enum Source {
    Real,
    /// So many microseconds ahead of the machine's time, moved by whoever holds a clone.
    Ahead(Arc<AtomicI64>),
    /// Microseconds since 1970, moved by whoever holds a clone.
    Settable(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's time.
    pub fn real() -> Self {
        Self::with(Source::Real, fastrand::Rng::new())
    }

    /// The machine's time until it is moved, and from then on ahead of it.
    pub fn movable() -> Self {
        Self::with(Source::Ahead(Arc::default()), fastrand::Rng::new())
    }

    /// Stands still at `start` until moved; the same seed gives the same ids.
    pub fn settable(start: Timestamp, seed: u64) -> Self {
        let time = Source::Settable(Arc::new(AtomicI64::new(start.as_microsecond())));
        Self::with(time, fastrand::Rng::with_seed(seed))
    }

    fn with(time: Source, rng: fastrand::Rng) -> Self {
        Self { time, chance: Arc::new(Mutex::new(Chance { rng, last_id: Uuid::nil() })) }
    }

    pub fn now(&self) -> Timestamp {
        let microseconds = match &self.time {
            Source::Real => wall_clock_microseconds(),
            Source::Ahead(ahead) => {
                wall_clock_microseconds().saturating_add(ahead.load(Ordering::SeqCst))
            }
            Source::Settable(time) => time.load(Ordering::SeqCst),
        };
        Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::MIN)
    }

    /// Moves a clock forward, for all who share it; a real one cannot be moved.
    pub fn advance(&self, seconds: i64) {
        match &self.time {
            Source::Real => {}
            Source::Ahead(time) | Source::Settable(time) => {
                time.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
            }
        }
    }

    /// A new UUID of version 7: ordered by time, and among themselves as they were made here.
    pub fn new_id(&self) -> Uuid {
        let millisecond = u64::try_from(self.now().as_millisecond()).unwrap_or(0);
        let mut chance = self.chance();
        let mut random = [0; 10];
        chance.rng.fill(&mut random);
        let id = id::v7(millisecond, random);
        let next = Uuid::from_u128(chance.last_id.as_u128().saturating_add(1));
        chance.last_id = id.max(next);
        chance.last_id
    }

    /// A number for whoever needs chance of their own (jitter).
    pub fn seed(&self) -> u64 {
        self.chance().rng.u64(..)
    }

    /// 256 bits that nobody can guess, from the machine's own source; never by a seed, not even in tests.
    ///
    /// # Errors
    /// Where the machine has no such source.
    pub fn secret(&self) -> anyhow::Result<[u8; 32]> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
        Ok(bytes)
    }

    fn chance(&self) -> MutexGuard<'_, Chance> {
        self.chance.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes that nobody can guess, from the system itself: for secrets, which no test needs to foresee.
///
/// # Errors
/// Where the system has none to give.
pub fn secret_bytes<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(bytes)
}

#[expect(clippy::disallowed_methods, reason = "the one door through which the time comes in")]
fn wall_clock_microseconds() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_each_other_while_time_stands_still() {
        let clock = Clock::settable(Timestamp::MIN, 1);
        let ids: Vec<Uuid> = (0..1000).map(|_| clock.new_id()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        clock.advance(1);
        assert!(clock.new_id() > ids[999]);
    }

    #[test]
    fn a_movable_clock_goes_on_from_where_it_was_moved_to() {
        let (clock, real) = (Clock::movable(), Clock::real());
        let shared = clock.clone();
        shared.advance(86_400);
        let ahead = clock.now().as_second() - real.now().as_second();
        assert!((86_399..=86_400).contains(&ahead), "{ahead}");
        real.advance(86_400);
        assert!(real.now() < clock.now(), "a real one stays");
    }
}
