//! Secrets and signatures as Standard Webhooks has them.
//!
//! Signed is `id.timestamp.body` by HMAC-SHA256 under the bytes that follow `whsec_`.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tollhouse_domain::time::Timestamp;

use crate::{
    clock::secret_bytes,
    db::{self, Arguments, Column, DbResult, EncodeError, Param, Row},
};

const PREFIX: &str = "whsec_";
const BYTES: usize = 32;

/// What an endpoint's messages are signed with: `whsec_` and base64. It prints as `•••`.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(String);

impl SigningSecret {
    /// One that nobody can guess.
    ///
    /// # Errors
    /// Where the system has no randomness.
    pub fn generate() -> anyhow::Result<Self> {
        Ok(Self(format!("{PREFIX}{}", STANDARD.encode(secret_bytes::<BYTES>()?))))
    }

    /// The secret itself, for the one answer that shows it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `v1,` and the signature, in base64.
    pub fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> anyhow::Result<String> {
        let key = STANDARD.decode(self.0.trim_start_matches(PREFIX))?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key)?;
        mac.update(format!("{id}.{}.", at.as_second()).as_bytes());
        mac.update(body);
        Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

impl Param for SigningSecret {
    fn add_to(&self, arguments: &mut Arguments) -> Result<(), EncodeError> {
        self.0.add_to(arguments)
    }

    fn add_null_to(arguments: &mut Arguments) -> Result<(), EncodeError> {
        String::add_null_to(arguments)
    }
}

impl Column for SigningSecret {
    fn read(row: &Row<'_>, column: &str) -> DbResult<Self> {
        <String as db::Column>::read(row, column).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use standardwebhooks::Webhook;

    use super::*;
    use crate::Clock;

    const BODY: &[u8] = br#"{"type":"invoice.paid"}"#;

    #[test]
    fn their_own_library_believes_it() {
        let (secret, other) =
            (SigningSecret::generate().unwrap(), SigningSecret::generate().unwrap());
        // Their library asks the machine for the time.
        let now = Clock::real().now();
        let headers = |signature: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("webhook-id", "msg_1".parse().unwrap());
            headers.insert("webhook-timestamp", now.as_second().to_string().parse().unwrap());
            headers.insert("webhook-signature", signature.parse().unwrap());
            headers
        };
        let theirs = Webhook::new(secret.expose()).unwrap();
        let good = secret.sign("msg_1", now, BODY).unwrap();
        let foreign = other.sign("msg_1", now, BODY).unwrap();
        theirs.verify(BODY, &headers(&good)).unwrap();
        theirs.verify(BODY, &headers(&format!("{foreign} {good}"))).unwrap();
        assert!(theirs.verify(BODY, &headers(&foreign)).is_err());
        assert!(theirs.verify(b"{}", &headers(&good)).is_err());
    }

    #[test]
    fn secrets_differ_and_are_not_printed() {
        let secret = SigningSecret::generate().unwrap();
        assert_ne!(secret, SigningSecret::generate().unwrap());
        assert_eq!(format!("{secret:?}"), "•••");
        assert_eq!(secret.expose().len(), PREFIX.len() + 44);
    }
}
