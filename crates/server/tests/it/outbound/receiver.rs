//! An application that listens on a real socket, and answers as a test wants.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use tokio::{net::TcpListener, sync::Semaphore};

/// One message as it came.
#[derive(Clone, Debug)]
pub struct Message {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub json: Value,
    /// What it was answered.
    pub answer: u16,
}

type Answer = Box<dyn FnMut(&Message) -> u16 + Send>;

pub struct Receiver {
    address: SocketAddr,
    inside: Arc<Inside>,
}

struct Inside {
    messages: Mutex<Vec<Message>>,
    answer: Mutex<Answer>,
    /// Messages to `/slow` wait here for leave to be answered.
    leave: Semaphore,
}

impl Receiver {
    /// Takes everything until told otherwise.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let inside = Arc::new(Inside {
            messages: Mutex::default(),
            answer: Mutex::new(Box::new(|_| 200)),
            leave: Semaphore::new(0),
        });
        let router = Router::new().fallback(receive).with_state(Arc::clone(&inside));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, inside }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on each message is answered so.
    pub fn answer(&self, answer: impl FnMut(&Message) -> u16 + Send + 'static) {
        *self.inside.answer.lock().unwrap() = Box::new(answer);
    }

    /// Every message so far, whatever it was answered.
    pub fn messages(&self) -> Vec<Message> {
        self.inside.messages.lock().unwrap().clone()
    }

    /// The messages that were answered 200.
    pub fn taken(&self) -> Vec<Message> {
        self.messages().into_iter().filter(|message| message.answer == 200).collect()
    }

    pub fn forget(&self) {
        self.inside.messages.lock().unwrap().clear();
    }

    /// Lets one message that waits at `/slow` be answered.
    pub fn let_one_go(&self) {
        self.inside.leave.add_permits(1);
    }

    /// Lets what waits at `/slow` be answered, now and later.
    pub fn let_go(&self) {
        self.inside.leave.add_permits(10_000);
    }
}

async fn receive(
    State(inside): State<Arc<Inside>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let json = serde_json::from_slice(&body).unwrap();
    let mut message = Message { path: uri.path().to_owned(), headers, body, json, answer: 0 };
    message.answer = (inside.answer.lock().unwrap())(&message);
    let (status, is_slow) = (message.answer, message.path == "/slow");
    inside.messages.lock().unwrap().push(message);
    if is_slow {
        inside.leave.acquire().await.unwrap().forget();
    }
    let status = StatusCode::from_u16(status).unwrap();
    let elsewhere = [("location", "/elsewhere")];
    if status.is_redirection() {
        (status, elsewhere).into_response()
    } else if status == StatusCode::TOO_MANY_REQUESTS {
        (status, [("retry-after", "900")]).into_response()
    } else {
        status.into_response()
    }
}

impl Message {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    pub fn tenant(&self) -> &str {
        self.json["data"]["tenant_id"].as_str().unwrap()
    }

    pub fn sequence(&self) -> i64 {
        self.json["data"]["sequence"].as_i64().unwrap()
    }

    /// Whether Standard Webhooks' own library signs the message so with this secret.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let theirs = standardwebhooks::Webhook::new(secret).unwrap();
        let timestamp = self.header("webhook-timestamp").parse().unwrap();
        let signature = theirs.sign(self.id(), timestamp, &self.body).unwrap();
        self.header("webhook-signature").split(' ').any(|given| given == signature)
    }
}
