//! The simulator, run as a program of its own.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Http, Running, Tollhouse};

/// The simulator, a process of its own: it outlives every crash of the instance.
pub struct Stripe {
    pub running: Running,
    pub url: String,
    pub key: String,
    pub http: Http,
}

impl Stripe {
    pub async fn start() -> Self {
        let mut running = Tollhouse::new().start(&["simulator", "--port", "0", "--json"]);
        let ready: Value = serde_json::from_str(&running.line().await).unwrap();
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        Self {
            url: text("simulator_url"),
            key: text("stripe_secret_key"),
            http: Http::new(),
            running,
        }
    }

    /// Everything that a list has.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let (mut all, mut after): (Vec<Value>, String) = (Vec::new(), String::new());
        loop {
            let url = format!("{}{path}?limit=100{after}", self.url);
            let page = self.http.get(&url, &self.key).await.json();
            all.extend(page["data"].as_array().unwrap().iter().cloned());
            if page["has_more"] != true {
                return all;
            }
            after = format!("&starting_after={}", all.last().unwrap()["id"].as_str().unwrap());
        }
    }

    pub async fn events_besides(&self, known: &BTreeSet<String>) -> Vec<Value> {
        let mut events = self.all("/v1/events").await;
        events.retain(|event| !known.contains(event["id"].as_str().unwrap()));
        events
    }

    pub async fn advance(&self, seconds: i64) {
        let url = format!("{}/_sim/clock", self.url);
        self.http.post(&url, "", &json!({"advance_seconds": seconds})).await.text();
    }
}
