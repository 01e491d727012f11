//! An identity provider on a real socket, and the keys it signs with.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, crypto, jwk::Jwk};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify};

/// A key of the provider's, under a name.
#[derive(Clone)]
pub struct Signer {
    id: Option<String>,
    algorithm: Algorithm,
    key: EncodingKey,
}

impl Signer {
    pub fn rsa(id: &str) -> Self {
        Self::of(id, Algorithm::RS256, EncodingKey::from_rsa_der(include_bytes!("keys/rsa.der")))
    }

    /// 1024 bits.
    pub fn rsa_short(id: &str) -> Self {
        let key = EncodingKey::from_rsa_der(include_bytes!("keys/rsa_short.der"));
        Self::of(id, Algorithm::RS256, key)
    }

    pub fn p256(id: &str) -> Self {
        Self::of(id, Algorithm::ES256, EncodingKey::from_ec_der(include_bytes!("keys/p256.der")))
    }

    pub fn p256_other(id: &str) -> Self {
        let key = EncodingKey::from_ec_der(include_bytes!("keys/p256_other.der"));
        Self::of(id, Algorithm::ES256, key)
    }

    pub fn ed25519(id: &str) -> Self {
        let key = EncodingKey::from_ed_der(include_bytes!("keys/ed25519.der"));
        Self::of(id, Algorithm::EdDSA, key)
    }

    fn of(id: &str, algorithm: Algorithm, key: EncodingKey) -> Self {
        Self { id: Some(id.to_owned()), algorithm, key }
    }

    pub fn named(mut self, id: Option<&str>) -> Self {
        self.id = id.map(str::to_owned);
        self
    }

    /// The public half, as a provider shows it.
    pub fn published(&self) -> Value {
        let mut key = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        key.common.key_id.clone_from(&self.id);
        serde_json::to_value(key).unwrap()
    }

    pub fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid.clone_from(&self.id);
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }

    /// Signed as ever, under a head that says something else.
    pub fn sign_with_header(&self, claims: &Value, words: &Value) -> String {
        let mut header = json!({"typ": "JWT", "alg": self.algorithm, "kid": self.id});
        header.as_object_mut().unwrap().extend(words.as_object().unwrap().clone());
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(claims));
        let signature = crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    /// HS256, with the key's public half as the secret.
    pub fn sign_with_public_key_as_secret(&self, id: &str, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(id.to_owned());
        let public = self.published().to_string();
        let key = EncodingKey::from_secret(public.as_bytes());
        jsonwebtoken::encode(&header, claims, &key).unwrap()
    }
}

/// A server that publishes keys, or fails as a test wants.
pub struct Provider {
    address: SocketAddr,
    inside: Arc<Inside>,
}

struct Inside {
    answer: Mutex<(u16, Value)>,
    asked: AtomicUsize,
    was_asked: Notify,
    followed: AtomicUsize,
}

impl Provider {
    pub async fn start(keys: &[Signer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let inside = Arc::new(Inside {
            answer: Mutex::new((200, Value::Null)),
            asked: AtomicUsize::new(0),
            was_asked: Notify::new(),
            followed: AtomicUsize::new(0),
        });
        let router = Router::new()
            .route("/keys", get(answer))
            .route("/elsewhere", get(elsewhere))
            .with_state(Arc::clone(&inside));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let provider = Self { address, inside };
        provider.publish_keys(keys);
        provider
    }

    pub fn url(&self) -> String {
        format!("http://{}/keys", self.address)
    }

    pub fn publish_keys(&self, keys: &[Signer]) {
        let keys: Vec<Value> = keys.iter().map(Signer::published).collect();
        self.publish(json!({ "keys": keys }));
    }

    pub fn publish(&self, set: Value) {
        *self.inside.answer.lock().unwrap() = (200, set);
    }

    /// Answers with this status and the keys of before.
    pub fn answer(&self, status: u16) {
        self.inside.answer.lock().unwrap().0 = status;
    }

    /// How often the keys were asked for.
    pub fn asked(&self) -> usize {
        self.inside.asked.load(Ordering::SeqCst)
    }

    pub async fn until_asked(&self) {
        self.inside.was_asked.notified().await;
    }

    /// How often somebody followed a redirect.
    pub fn followed(&self) -> usize {
        self.inside.followed.load(Ordering::SeqCst)
    }
}

async fn answer(State(inside): State<Arc<Inside>>) -> Response {
    inside.asked.fetch_add(1, Ordering::SeqCst);
    inside.was_asked.notify_one();
    let (status, set) = inside.answer.lock().unwrap().clone();
    let status = StatusCode::from_u16(status).unwrap();
    (status, [(header::LOCATION, "/elsewhere")], Json(set)).into_response()
}

async fn elsewhere(State(inside): State<Arc<Inside>>) -> Json<Value> {
    inside.followed.fetch_add(1, Ordering::SeqCst);
    Json(inside.answer.lock().unwrap().1.clone())
}
