//! Which failures to repeat, and how long to wait.
//!
//! As Stripe's own clients do: `Stripe-Should-Retry` decides where it is present; else no answer, 409,
//! 429 and 5xx are repeated. A POST without an idempotency key is never repeated.

use std::time::Duration;

use crate::gateway::{Answer, Call, Failure, Method};

/// Attempts in all, the first included.
pub(crate) const ATTEMPTS_MAX: u32 = 3;
/// Longer waits than this are left to the caller: a request must not hang on a rate limit.
const WAIT_MAX: Duration = Duration::from_secs(8);

/// How long to wait before repeating, or `None` where repeating is wrong or pointless.
pub(crate) fn wait_before_retry(
    call: &Call,
    outcome: &Result<Answer, Failure>,
    attempt: u32,
    jitter: &mut fastrand::Rng,
) -> Option<Duration> {
    let repeatable = call.method == Method::Get || call.idempotency_key.is_some();
    if !repeatable || attempt >= ATTEMPTS_MAX {
        return None;
    }
    match outcome {
        Err(Failure::Unconfigured) => None,
        Err(Failure::Unreachable(_)) => Some(backoff(attempt, jitter)),
        Ok(answer) => {
            let retry = match answer.header("stripe-should-retry") {
                Some("true") => true,
                Some("false") => false,
                _ => matches!(answer.status, 409 | 429 | 500..),
            };
            let asked = answer
                .header("retry-after")
                .and_then(|seconds| seconds.parse().ok())
                .map(Duration::from_secs);
            match asked {
                _ if !retry => None,
                Some(wait) if wait > WAIT_MAX => None,
                Some(wait) => Some(wait),
                None => Some(backoff(attempt, jitter)),
            }
        }
    }
}

/// Stripe keeps even its own failures under an idempotency key, and repeats them for a day.
pub(crate) fn is_kept_failure(outcome: &Result<Answer, Failure>) -> bool {
    let Ok(answer) = outcome else { return false };
    answer.status >= 500 && answer.header("idempotent-replayed") == Some("true")
}

/// Full jitter under a doubling ceiling: up to 0.5 s, 1 s, 2 s …
fn backoff(attempt: u32, jitter: &mut fastrand::Rng) -> Duration {
    let ceiling = 500_u64 << attempt.saturating_sub(1).min(4);
    Duration::from_millis(jitter.u64(50..=ceiling))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::IdempotencyKey;

    fn call(method: Method, key: bool) -> Call {
        let idempotency_key = key.then(|| IdempotencyKey::new("test", 1));
        Call { method, path: "/v1/customers".into(), params: vec![], idempotency_key }
    }

    fn answer(status: u16, headers: &[(&'static str, &'static str)]) -> Answer {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        Answer { status, headers, body: bytes::Bytes::new() }
    }

    #[test]
    fn repeats_what_is_safe_and_may_help() {
        let outcome = |status| Ok(answer(status, &[]));
        let wait = |call: &Call, outcome, attempt| {
            wait_before_retry(call, &outcome, attempt, &mut fastrand::Rng::with_seed(1))
        };
        let keyed = call(Method::Post, true);
        assert!(wait(&keyed, outcome(500), 1).is_some());
        assert!(wait(&keyed, outcome(409), 1).is_some());
        assert!(wait(&keyed, Err(Failure::Unreachable("gone".into())), 2).is_some());
        assert!(wait(&keyed, outcome(500), ATTEMPTS_MAX).is_none(), "bounded");
        assert!(wait(&keyed, outcome(402), 1).is_none(), "a decline stays a decline");
        assert!(wait(&keyed, Ok(answer(500, &[("stripe-should-retry", "false")])), 1).is_none());
        assert!(wait(&keyed, Ok(answer(400, &[("stripe-should-retry", "true")])), 1).is_some());
        assert!(wait(&call(Method::Get, false), outcome(503), 1).is_some());
        assert!(wait(&call(Method::Post, false), outcome(500), 1).is_none(), "no key, no repeat");
        assert!(wait(&keyed, Err(Failure::Unconfigured), 1).is_none());
    }

    #[test]
    fn knows_a_failure_that_stripe_keeps() {
        let replayed = [("idempotent-replayed", "true")];
        assert!(is_kept_failure(&Ok(answer(500, &replayed))));
        assert!(!is_kept_failure(&Ok(answer(500, &[]))), "the first time it is only a failure");
        assert!(!is_kept_failure(&Ok(answer(402, &replayed))), "a decline stays a decline");
        assert!(!is_kept_failure(&Err(Failure::Unreachable("gone".into()))));
    }

    #[test]
    fn obeys_retry_after_but_never_hangs_on_it() {
        let keyed = call(Method::Post, true);
        let mut jitter = fastrand::Rng::with_seed(1);
        let mut wait = |seconds| {
            wait_before_retry(&keyed, &Ok(answer(429, &[("retry-after", seconds)])), 1, &mut jitter)
        };
        assert_eq!(wait("2"), Some(Duration::from_secs(2)));
        assert_eq!(wait("3600"), None);
    }
}
