//! The public keys of the identity provider (`JWT_JWKS_URL`): fetched, kept, and fetched again.
//!
//! They are fetched anew by a timer, and once more where a token names a key that is not among them, so that
//! a provider may change its keys at any time. Where the provider does not answer, the keys known so far are
//! used for `auth.jwks_outage_seconds`, and no longer: a key that was withdrawn must not live for ever.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use anyhow::{Context, bail};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};
use reqwest::{Client, redirect::Policy};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tollhouse_domain::time::Timestamp;

use crate::{app::App, clock::Clock, config::Auth};

/// From connecting to the end of the answer.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Providers publish a handful of keys; a longer answer is not read.
const SET_BYTES_MAX: usize = 256 * 1024;
/// Tokens with unknown keys make us ask no more often than this: anyone can invent them.
const ASKED_AGAIN_SECONDS: i64 = 10;
/// A shorter key can be broken.
const RSA_BITS_MIN: usize = 2048;

/// The keys that an identity provider signs with.
pub struct KeySet {
    url: String,
    outage_seconds: i64,
    client: Client,
    known: RwLock<Option<Known>>,
    /// When the provider was last asked. Whoever asks holds it, and all others wait for that answer.
    asked: Mutex<Option<Timestamp>>,
}

struct Known {
    keys: Vec<Key>,
    fetched_at: Timestamp,
}

/// A key that may check signatures, by one algorithm only.
struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    decoding: DecodingKey,
}

/// What is known of the key that a token names.
pub(super) enum Lookup {
    Found(DecodingKey),
    Unknown,
    /// The provider has not answered for too long.
    Unavailable,
}

impl KeySet {
    /// The set that the settings name, where they name one. Nothing is fetched yet.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub fn of(auth: &Auth) -> anyhow::Result<Option<Arc<Self>>> {
        let Some(url) = auth.jwt_jwks_url.clone() else { return Ok(None) };
        // Fails only where another part of the process has chosen a provider already: just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            // Settings say where we call, not the environment; nor may the provider send us elsewhere.
            .no_proxy()
            .redirect(Policy::none())
            .timeout(FETCH_TIMEOUT)
            .user_agent(concat!("Tollhouse/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("TLS could not be set up for `JWT_JWKS_URL`")?;
        Ok(Some(Arc::new(Self {
            url,
            outage_seconds: auth.jwks_outage_seconds,
            client,
            known: RwLock::new(None),
            asked: Mutex::new(None),
        })))
    }

    /// The key of this id, or the only one of this algorithm for a token that names none.
    pub(super) async fn find(
        &self,
        clock: &Clock,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Lookup {
        if let Lookup::Found(key) = self.find_known(clock.now(), id, algorithm) {
            return Lookup::Found(key);
        }
        self.refresh_once(clock).await;
        self.find_known(clock.now(), id, algorithm)
    }

    fn find_known(&self, now: Timestamp, id: Option<&str>, algorithm: Algorithm) -> Lookup {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = known.as_ref() else { return Lookup::Unavailable };
        if known.fetched_at.plus_seconds(self.outage_seconds) <= now {
            return Lookup::Unavailable;
        }
        let mut fitting = known
            .keys
            .iter()
            .filter(|key| key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Lookup::Found(key.decoding.clone()),
            // Of several keys none is tried in turn: a token says which one it means.
            _ => Lookup::Unknown,
        }
    }

    /// Asks the provider.
    pub async fn refresh(&self, clock: &Clock) {
        let mut asked = self.asked.lock().await;
        *asked = Some(clock.now());
        self.ask(clock).await;
    }

    /// Asks the provider unless somebody has just done so.
    async fn refresh_once(&self, clock: &Clock) {
        let mut asked = self.asked.lock().await;
        let now = clock.now();
        if asked.is_some_and(|last| now < last.plus_seconds(ASKED_AGAIN_SECONDS)) {
            return;
        }
        *asked = Some(now);
        self.ask(clock).await;
    }

    async fn ask(&self, clock: &Clock) {
        match self.fetch().await {
            Ok(keys) => {
                let known = Known { keys, fetched_at: clock.now() };
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
            }
            Err(error) => tracing::warn!(
                kept_seconds = self.outage_seconds,
                "the identity provider's keys could not be fetched; those known so far are used: {error:#}"
            ),
        }
    }

    async fn fetch(&self) -> anyhow::Result<Vec<Key>> {
        let sent = self.client.get(&self.url).header("accept", "application/json").send().await;
        let mut response = sent.map_err(reqwest::Error::without_url)?;
        let status = response.status();
        if status.is_redirection() {
            bail!("it answered {status}; redirects are not followed");
        }
        if !status.is_success() {
            bail!("it answered {status}");
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
            body.extend_from_slice(&chunk);
            if body.len() > SET_BYTES_MAX {
                bail!("its answer is longer than {SET_BYTES_MAX} bytes");
            }
        }
        let published: Published =
            serde_json::from_slice(&body).context("its answer is no key set")?;
        Ok(published.keys.into_iter().filter_map(key).collect())
    }
}

#[derive(Deserialize)]
struct Published {
    keys: Vec<Value>,
}

/// A published key as one of ours. What is not made for checking signatures, or by an algorithm that is not
/// accepted, is no key here; a symmetric one never is.
fn key(published: Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(published).ok()?;
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(key) if bits(&key.n)? >= RSA_BITS_MIN => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            Algorithm::ES256
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDSA
        }
        _ => return None,
    };
    let common = &jwk.common;
    let is_for_signatures =
        common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    let may_verify = common
        .key_operations
        .as_ref()
        .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    let is_for_algorithm = common.key_algorithm.is_none_or(|named| named == algorithm.into());
    if !(is_for_signatures && may_verify && is_for_algorithm) {
        return None;
    }
    Some(Key { decoding: DecodingKey::from_jwk(&jwk).ok()?, id: jwk.common.key_id, algorithm })
}

/// How long a number is that is written in base64.
fn bits(number: &str) -> Option<usize> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(number).ok()?;
    Some(bytes.iter().skip_while(|byte| **byte == 0).count() * 8)
}

/// Fetches the keys anew by the clock, until the service stops. Returns at once where there are none.
pub async fn run(app: Arc<App>) {
    let Some(key_set) = &app.key_set else { return };
    let interval = Duration::from_secs(app.config.auth.jwks_refresh_seconds);
    let mut timer = tokio::time::interval(interval);
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            _ = timer.tick() => key_set.refresh(&app.clock).await,
        }
    }
}
