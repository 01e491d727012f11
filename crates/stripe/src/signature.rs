//! Signing and verifying webhook deliveries: every `v1`, several secrets, five minutes, constant time.
//!
//! The signed text is `<timestamp>.<raw body>`, the key the whole secret with its `whsec_`, the
//! algorithm HMAC-SHA256. While a secret is rolled Stripe sends one `v1` for each secret.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How old, or how far in the future, a signature may be: five minutes, as Stripe's clients have it.
pub const TOLERANCE_SECONDS: i64 = 300;

/// Why a delivery is not believed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SignatureError {
    #[error("the `Stripe-Signature` header is missing or malformed")]
    Malformed,
    #[error("no signature in the header matches the body and any of our secrets")]
    Mismatch,
    #[error(
        "it was signed {} {}, and five minutes is the most: set this machine's clock, or look for what held \
         the delivery up", span(*seconds_behind), if *seconds_behind < 0 { "in the future of our clock" } else { "before our clock's time" }
    )]
    Expired {
        /// How far the signature's time lies behind our clock; negative where it lies ahead.
        seconds_behind: i64,
    },
}

/// Seconds as a person says them.
fn span(seconds: i64) -> String {
    let seconds = seconds.unsigned_abs();
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7200 => format!("{} minutes", seconds / 60),
        7200..172_800 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Checks that one of `secrets` signed `body` at about `now` (unix seconds). When it was signed, in unix
/// seconds of the sender's clock.
///
/// # Errors
/// See [`SignatureError`]. The age is looked at last, so that a forger learns nothing from it.
pub fn verify(
    body: &[u8],
    header: &str,
    secrets: &[impl AsRef<str>],
    now: i64,
) -> Result<i64, SignatureError> {
    let mut timestamp = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=').ok_or(SignatureError::Malformed)? {
            ("t", seconds) => timestamp = seconds.parse::<i64>().ok(),
            ("v1", signature) => signatures.extend(hex::decode(signature).ok()),
            _ => {}
        }
    }
    let timestamp = timestamp.ok_or(SignatureError::Malformed)?;
    let believed = secrets.iter().any(|secret| {
        mac(secret.as_ref(), timestamp, body).is_some_and(|mac| {
            signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
        })
    });
    if !believed {
        return Err(SignatureError::Mismatch);
    }
    if now.abs_diff(timestamp) > TOLERANCE_SECONDS.unsigned_abs() {
        return Err(SignatureError::Expired { seconds_behind: now.saturating_sub(timestamp) });
    }
    Ok(timestamp)
}

/// The whole header for `body`, signed with `secret` at `timestamp` (unix seconds, wall clock).
pub fn sign(secret: &str, timestamp: i64, body: &[u8]) -> String {
    let signature = mac(secret, timestamp, body)
        .map(|mac| hex::encode(mac.finalize().into_bytes()))
        .unwrap_or_default();
    format!("t={timestamp},v1={signature}")
}

/// `None` never happens: HMAC takes keys of any length, the type only does not say so.
fn mac(secret: &str, timestamp: i64, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(timestamp.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: i64 = 1_790_000_000;
    const BODY: &[u8] = br#"{"id":"evt_1"}"#;

    #[test]
    fn believes_what_it_signed_and_nothing_else() {
        let header = sign("whsec_a", NOW, BODY);
        assert_eq!(verify(BODY, &header, &["whsec_a"], NOW), Ok(NOW));
        assert_eq!(verify(BODY, &header, &["whsec_b", "whsec_a"], NOW), Ok(NOW), "second secret");
        assert_eq!(verify(BODY, &header, &["whsec_b"], NOW), Err(SignatureError::Mismatch));
        assert_eq!(verify(b"{}", &header, &["whsec_a"], NOW), Err(SignatureError::Mismatch));
        assert_eq!(verify(BODY, &header, &[] as &[&str], NOW), Err(SignatureError::Mismatch));
    }

    #[test]
    fn five_minutes_and_no_more_both_ways() {
        let header = sign("whsec_a", NOW, BODY);
        for (now, expected) in [
            (NOW + 300, Ok(NOW)),
            (NOW - 300, Ok(NOW)),
            (NOW + 301, Err(SignatureError::Expired { seconds_behind: 301 })),
            (NOW - 301, Err(SignatureError::Expired { seconds_behind: -301 })),
        ] {
            assert_eq!(verify(BODY, &header, &["whsec_a"], now), expected);
        }
    }

    #[test]
    fn clocks_apart_are_told_by_how_much() {
        for (seconds_behind, said) in [
            (3600, "it was signed 60 minutes before our clock's time"),
            (-3600, "it was signed 60 minutes in the future of our clock"),
            (301, "it was signed 5 minutes before"),
            (3 * 86_400, "it was signed 3 days before"),
        ] {
            let message = SignatureError::Expired { seconds_behind }.to_string();
            assert!(message.starts_with(said), "{message}");
        }
    }

    #[test]
    fn takes_any_v1_and_ignores_other_schemes() {
        let good = sign("whsec_a", NOW, BODY);
        let (_, v1) = good.split_once(',').unwrap();
        let rolled = format!("t={NOW},v0=00,v1={},{v1}", "0".repeat(64));
        assert_eq!(verify(BODY, &rolled, &["whsec_a"], NOW), Ok(NOW));
        let old_scheme = good.replace("v1=", "v0=");
        assert_eq!(verify(BODY, &old_scheme, &["whsec_a"], NOW), Err(SignatureError::Mismatch));
    }

    #[test]
    fn matches_a_signature_computed_elsewhere() {
        // printf '1790000000.{}' | openssl dgst -sha256 -hmac whsec_test
        let header = format!("t={NOW},v1={OPENSSL}");
        assert_eq!(verify(b"{}", &header, &["whsec_test"], NOW), Ok(NOW));
    }

    const OPENSSL: &str = "1c2847ad1f8158a1da978f36627ac1f07f7fd027321ac9ad40bccc06743f8396";

    proptest! {
        #[test]
        fn never_panics_on_a_header(header in ".{0,80}") {
            prop_assert!(verify(BODY, &header, &["whsec_a"], NOW).is_err());
        }
    }
}
