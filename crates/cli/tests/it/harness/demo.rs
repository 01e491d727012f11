//! A demo that runs, seen through what it announces.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Http, Running, Tollhouse, http::Live};

/// `tollhouse demo --json`, ready.
pub struct Demo {
    pub ready: Ready,
    pub http: Http,
    pub running: Running,
}

/// The line it prints when it is ready.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ready {
    pub url: String,
    pub simulator_url: String,
    pub stripe_secret_key: String,
    pub webhook_secret: String,
    pub operator_token: String,
    pub operator_pages: String,
    pub tenants: Vec<Tenant>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    pub id: String,
    pub name: String,
    pub subscribed: bool,
    pub pages: String,
    pub tokens: Tokens,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    pub owner: String,
    pub admin: String,
    pub member: String,
    pub viewer: String,
}

/// A page to pay on.
#[derive(Deserialize)]
pub struct Checkout {
    pub url: String,
    pub session_id: String,
}

impl Demo {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub async fn start_with(words: &[&str]) -> Self {
        let words = [&["demo", "--port", "0", "--json"], words].concat();
        // A proxy that is not there: nothing of a demo may leave this machine.
        let tollhouse = Tollhouse::new().with("HTTP_PROXY", "http://127.0.0.1:9");
        let mut running = tollhouse.start(&words);
        let ready = serde_json::from_str(&running.line().await).unwrap();
        Self { ready, http: Http::new(), running }
    }

    /// A tenant that has bought nothing yet, or one that has.
    pub fn tenant(&self, subscribed: bool) -> Tenant {
        self.ready.tenants.iter().find(|tenant| tenant.subscribed == subscribed).unwrap().clone()
    }

    pub async fn get(&self, path: &str, bearer: &str) -> Value {
        serde_json::from_str(&self.text(path, bearer).await).unwrap()
    }

    pub async fn text(&self, path: &str, bearer: &str) -> String {
        self.http.get(&format!("{}{path}", self.ready.url), bearer).await.text()
    }

    /// Opens a page to pay for Pro by the month.
    pub async fn checkout(&self, tenant: &Tenant) -> Checkout {
        let url = &self.ready.url;
        let path = format!("{url}/api/v1/customer/billing/checkout-session");
        let order = json!({
            "plan": "pro",
            "interval": "month",
            "success_url": format!("{url}/docs/?paid={{CHECKOUT_SESSION_ID}}"),
            "cancel_url": format!("{url}/docs/?changed-my-mind"),
        });
        let page = self.http.post(&path, &tenant.tokens.owner, &order).await.json();
        serde_json::from_value(page).unwrap()
    }

    /// Listens to what happens to a tenant from now on.
    pub async fn listen(&self, tenant: &Tenant) -> Live {
        let url = format!("{}/api/v1/billing/stream", self.ready.url);
        self.http.listen(&url, &tenant.tokens.viewer).await
    }

    /// The subscriptions that grant a tenant something.
    pub async fn granted(&self, tenant: &Tenant) -> Value {
        let status = self.get("/api/v1/customer/billing/status", &tenant.tokens.viewer).await;
        status["subscriptions"].clone()
    }

    /// The types of a tenant's events, oldest first.
    pub async fn history(&self, tenant: &Tenant) -> Vec<String> {
        let path = format!("/api/v1/billing/tenants/{}/events?limit=100", tenant.id);
        let page = self.get(&path, &tenant.tokens.viewer).await;
        let events = page["data"].as_array().unwrap().iter().rev();
        events.map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }

    /// Stops it; it has had nothing to complain about.
    pub async fn stop(self) {
        let log = self.running.stop().await;
        assert!(log.is_empty(), "{log:#?}");
    }
}
