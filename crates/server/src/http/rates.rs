//! How often one caller may ask: a bucket of tokens for each credential and for each address, in memory.
//!
//! Every instance counts for itself. A restart begins with full buckets.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use tollhouse_domain::time::Timestamp;

use super::{address::network_of, auth::caller_of};
use crate::{
    app::App,
    error::{Error, Result},
};

/// Twice so many buckets are kept at most. Who has not been seen for longest is forgotten, and has a full
/// bucket again: whoever commands so many addresses gains nothing by it.
const BUCKETS_MAX: usize = 50_000;

/// A bucket for each key. What is kept of one is when it will be full again.
pub(super) struct Buckets<K> {
    /// How long one token takes to come back.
    token_microseconds: i64,
    /// How long a whole bucket does.
    bucket_microseconds: i64,
    full_at: Mutex<Generations<K>>,
}

/// Buckets of late, and those before them.
struct Generations<K> {
    recent: HashMap<K, i64>,
    older: HashMap<K, i64>,
}

impl<K: Hash + Eq> Buckets<K> {
    /// Nothing, where no number is set: then there is no limit.
    fn of(per_second: u32, burst: u32) -> Option<Arc<Self>> {
        let token_microseconds = 1_000_000_i64.checked_div(per_second.into())?.max(1);
        Some(Arc::new(Self {
            token_microseconds,
            bucket_microseconds: token_microseconds * i64::from(burst.max(1)),
            full_at: Mutex::new(Generations { recent: HashMap::new(), older: HashMap::new() }),
        }))
    }

    /// Takes one token.
    ///
    /// # Errors
    /// `Limited`, where the bucket is empty.
    fn take(&self, key: K, now: Timestamp) -> Result<()> {
        let now = now.as_microsecond();
        let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = buckets.get(&key).unwrap_or(now).max(now) + self.token_microseconds;
        let missing = full_at - now - self.bucket_microseconds;
        if missing > 0 {
            let seconds = u64::try_from(missing).unwrap_or(0).div_ceil(1_000_000);
            return Err(Error::Limited { retry_after_seconds: seconds });
        }
        buckets.set(key, full_at);
        Ok(())
    }
}

impl<K: Hash + Eq> Generations<K> {
    fn get(&self, key: &K) -> Option<i64> {
        self.recent.get(key).or_else(|| self.older.get(key)).copied()
    }

    fn set(&mut self, key: K, full_at: i64) {
        if self.recent.len() >= BUCKETS_MAX {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(key, full_at);
    }
}

/// What the two layers share with their settings.
#[derive(Clone)]
pub(super) struct Rates {
    app: Arc<App>,
    per_credential: Option<Arc<Buckets<String>>>,
    per_application: Option<Arc<Buckets<String>>>,
    per_address: Option<Arc<Buckets<IpAddr>>>,
}

impl Rates {
    pub fn of(app: &Arc<App>) -> Self {
        let limits = &app.config.limits;
        Self {
            app: Arc::clone(app),
            per_credential: Buckets::of(limits.credential_per_second, limits.credential_burst),
            per_application: Buckets::of(limits.application_per_second, limits.application_burst),
            per_address: Buckets::of(limits.address_per_second, limits.address_burst),
        }
    }
}

/// Asked once we know who it is. People have a bucket of their own and share that of their address, as whoever
/// guesses credentials does; the application, all of whose requests may come from one address, has its own alone.
pub(super) async fn bound(
    State(rates): State<Rates>,
    request: Request,
    next: Next,
) -> Result<Response> {
    let now = rates.app.clock.now();
    let caller = caller_of(&request);
    if let Some(application) = caller.filter(|caller| caller.is_application()) {
        if let Some(buckets) = &rates.per_application {
            buckets.take(application.scope(), now)?;
        }
        return Ok(next.run(request).await);
    }
    let trusted = rates.app.config.server.trusted_proxies;
    if let (Some(buckets), Some(address)) = (&rates.per_address, network_of(&request, trusted)) {
        buckets.take(address, now)?;
    }
    if let (Some(buckets), Some(caller)) = (&rates.per_credential, caller) {
        buckets.take(caller.scope(), now)?;
    }
    Ok(next.run(request).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry_after(taken: Result<()>) -> Option<u64> {
        match taken {
            Ok(()) => None,
            Err(Error::Limited { retry_after_seconds }) => Some(retry_after_seconds),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_bucket_empties_at_once_and_fills_by_the_clock() {
        let buckets = Buckets::of(2, 3).unwrap();
        let start = Timestamp::from_second(1_795_176_000).unwrap();
        for (half_seconds, expected) in [
            (0, None),
            (0, None),
            (0, None),
            (0, Some(1)),
            (0, Some(1)),
            (1, None),
            (1, Some(1)),
            (3, None),
            (3, None),
            (3, Some(1)),
            (1_000, None),
            (1_000, None),
            (1_000, None),
            (1_000, Some(1)),
        ] {
            let now = start.as_microsecond() + half_seconds * 500_000;
            let now = Timestamp::from_microsecond(now).unwrap();
            assert_eq!(retry_after(buckets.take("a", now)), expected, "{half_seconds}");
        }
        assert_eq!(retry_after(buckets.take("b", start)), None, "another's is its own");
    }

    #[test]
    fn a_slow_rate_says_how_long_to_wait() {
        let buckets = Buckets::of(1, 1).unwrap();
        let start = Timestamp::from_second(1_795_176_000).unwrap();
        assert_eq!(retry_after(buckets.take("a", start)), None);
        assert_eq!(retry_after(buckets.take("a", start)), Some(1));
        assert!(Buckets::<&str>::of(0, 100).is_none(), "off");
    }

    #[test]
    fn however_many_come_only_so_many_are_kept() {
        let buckets = Buckets::of(1, 1).unwrap();
        let now = Timestamp::from_second(1_795_176_000).unwrap();
        for key in 0..3 * BUCKETS_MAX {
            buckets.take(key, now).unwrap();
        }
        let kept = buckets.full_at.lock().unwrap();
        assert!(kept.recent.len() + kept.older.len() <= 2 * BUCKETS_MAX);
    }
}
