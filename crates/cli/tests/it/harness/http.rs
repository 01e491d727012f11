//! A client: requests, and the live stream.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, redirect::Policy};
use serde_json::Value;
use tokio::time::timeout;

use super::PATIENCE;

/// Longer than a webhook waits for its answer, however busy the machine.
const WEBHOOK_PATIENCE: Duration = Duration::from_secs(10);
/// A stream lives on between its events; each of them has the usual patience.
const STREAM_PATIENCE: Duration = Duration::from_mins(10);

pub struct Http(Client);

impl Http {
    pub fn new() -> Self {
        // The library wants it chosen even where nothing is encrypted; another test may have done it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self(
            Client::builder()
                .no_proxy()
                .redirect(Policy::none())
                .timeout(PATIENCE)
                .build()
                .unwrap(),
        )
    }

    /// What a path answers to a credential; `""` for none.
    pub async fn get(&self, url: &str, bearer: &str) -> Answer {
        Answer::of(self.0.get(url), bearer).await
    }

    pub async fn post(&self, url: &str, bearer: &str, body: &Value) -> Answer {
        let request = self.0.post(url).header("content-type", "application/json");
        Answer::of(request.body(body.to_string()), bearer).await
    }

    /// As Stripe is asked.
    pub async fn post_form(&self, url: &str, bearer: &str, form: &str) -> Answer {
        let request = self.0.post(url).header("content-type", "application/x-www-form-urlencoded");
        Answer::of(request.body(form.to_owned()), bearer).await
    }

    /// Submits a form, as a browser does.
    pub async fn submit(&self, url: &str, form: &str) {
        let request = self.0.post(url).header("content-type", "application/x-www-form-urlencoded");
        let response = request.body(form.to_owned()).send().await.unwrap();
        assert!(!response.status().is_client_error(), "{}", response.text().await.unwrap());
    }

    /// Hands a webhook over as Stripe does. The status it was answered with, if it was.
    pub async fn webhook(&self, url: &str, signature: &str, body: &str) -> Option<u16> {
        let request =
            self.0.post(url).header("stripe-signature", signature).timeout(WEBHOOK_PATIENCE);
        let answer = request.body(body.to_owned()).send().await.ok()?;
        Some(answer.status().as_u16())
    }

    /// Listens to a live stream from now on.
    pub async fn listen(&self, url: &str, bearer: &str) -> Live {
        let request = self.0.get(url).bearer_auth(bearer).timeout(STREAM_PATIENCE);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let mut live = Live { response, text: String::new() };
        let hello = live.block().await;
        assert!(hello.contains("connected"), "{hello}");
        live
    }
}

pub struct Answer {
    status: u16,
    text: String,
}

impl Answer {
    async fn of(request: RequestBuilder, bearer: &str) -> Self {
        let request = if bearer.is_empty() { request } else { request.bearer_auth(bearer) };
        let response = request.send().await.unwrap();
        Self { status: response.status().as_u16(), text: response.text().await.unwrap() }
    }

    /// The body as text, where the status is 200.
    #[track_caller]
    pub fn text(self) -> String {
        assert_eq!(self.status, 200, "{}", self.text);
        self.text
    }

    /// The body as JSON, where the status is 201.
    #[track_caller]
    pub fn created(self) -> Value {
        assert_eq!(self.status, 201, "{}", self.text);
        serde_json::from_str(&self.text).unwrap()
    }

    /// The body as JSON, where the status is 404.
    #[track_caller]
    pub fn not_found(self) -> Value {
        assert_eq!(self.status, 404, "{}", self.text);
        serde_json::from_str(&self.text).unwrap()
    }

    /// The body as JSON, where the status is 200.
    #[track_caller]
    pub fn json(self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }
}

/// A live stream of events that is open.
pub struct Live {
    response: Response,
    text: String,
}

impl Live {
    /// The types of the events that come, up to this one.
    pub async fn until(&mut self, last: &str) -> Vec<String> {
        let mut types = Vec::new();
        while types.last().is_none_or(|known| known != last) {
            let block = self.block().await;
            types.extend(
                block.lines().find_map(|line| line.strip_prefix("event: ")).map(str::to_owned),
            );
        }
        types
    }

    /// The next block, up to its empty line.
    async fn block(&mut self) -> String {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return block;
            }
            let chunk = timeout(PATIENCE, self.response.chunk()).await.expect("an event in time");
            let chunk = chunk.unwrap().expect("the stream goes on");
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}
