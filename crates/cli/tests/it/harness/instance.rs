//! An instance of the service that works for real tenants of the simulator, and what must be true of it
//! whatever was done to it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::sync::watch;
use tollhouse_domain::{actor::Role, time::Timestamp};
use tollhouse_server::{
    Clock, Settings,
    http::tokens::{self, Claims},
};

use super::{Http, PATIENCE, Running, Stripe, Tollhouse, sending::pass};

const CATALOG: &str = include_str!("../../../../../catalog.example.toml");
const JWT_SECRET: &str = "a secret of a test of the program, long enough";
pub const WEBHOOK_SECRET: &str = "whsec_of_a_test_of_the_program";
/// A worker that stopped is waited for this long, instead of five minutes.
const SETTINGS: &str = "[webhooks]\nclaim_seconds = 3\n";

/// What the instances of one installation share.
pub struct Installation<'a> {
    pub database: &'a str,
    /// The URL of a Redis, or nothing.
    pub redis: &'a str,
    pub stripe: &'a Stripe,
}

impl Installation<'_> {
    /// Brings the catalog to Stripe, once.
    pub async fn push_catalog(&self) {
        self.tollhouse().run(&["catalog", "push"]).await.succeeded();
    }

    pub async fn start_instance(&self) -> Instance {
        let mut running = self.tollhouse().start(&["serve"]);
        let url = running.ready().await["url"].as_str().unwrap().to_owned();
        Instance { running, url: watch::Sender::new(url), http: Arc::new(Http::new()) }
    }

    fn tollhouse(&self) -> Tollhouse {
        Tollhouse::new()
            .with("DATABASE_URL", self.database)
            .with("REDIS_URL", self.redis)
            .with("STRIPE_API_BASE", &self.stripe.url)
            .with("STRIPE_SECRET_KEY", &self.stripe.key)
            .with("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET)
            .with("JWT_SECRET", JWT_SECRET)
            .with("TOLLHOUSE_CATALOG", "catalog.toml")
            .with("TOLLHOUSE_LISTEN", "127.0.0.1:0")
            .with("TOLLHOUSE_LOG", "off,tollhouse::serve=info")
            .with("TOLLHOUSE_LOG_FORMAT", "json")
            .with_file("catalog.toml", CATALOG)
            .with_file("tollhouse.toml", SETTINGS)
    }
}

/// The service, and where it answers now.
pub struct Instance {
    pub running: Running,
    /// Told anew when it was started again.
    pub url: watch::Sender<String>,
    http: Arc<Http>,
}

impl Instance {
    /// Without any warning, as when the power goes.
    pub async fn kill_and_start_again(self) -> Self {
        let Self { running, url, http } = self;
        let mut running = running.kill().await.start(&["serve"]);
        url.send_replace(running.ready().await["url"].as_str().unwrap().to_owned());
        Self { running, url, http }
    }

    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", *self.url.borrow())
    }

    pub async fn get(&self, path: &str) -> Value {
        self.http.get(&self.at(path), &token(Role::Operator, None)).await.json()
    }

    /// A tenant that has paid for Pro by the month; Stripe's webhooks of it are yet to come.
    pub async fn subscribe(&self, stripe: &Stripe, name: &str) {
        let tenant = json!({"name": name, "email": "someone@example.com"});
        let operator = token(Role::Operator, None);
        let path = self.at("/api/v1/stripe/tenants");
        let tenant = self.http.post(&path, &operator, &tenant).await.created();
        let order = json!({"plan": "pro", "interval": "month", "success_url": "http://localhost:3000/",
            "cancel_url": "http://localhost:3000/"});
        let owner = token(Role::Owner, Some(tenant["id"].as_str().unwrap().to_owned()));
        let path = self.at("/api/v1/customer/billing/checkout-session");
        let page = self.http.post(&path, &owner, &order).await.json();
        let card = "card_number=4242424242424242&expiry=12%2F34&cvc=123";
        stripe.http.submit(page["url"].as_str().unwrap(), card).await;
    }

    /// Waits until nothing is left to do.
    pub async fn settled(&self) {
        let wait = async {
            loop {
                let counts = self.get("/api/v1/admin/deliveries/counts").await;
                let counts = counts["data"].as_array().unwrap();
                let settled =
                    |count: &Value| count["state"] == "done" || count["state"] == "ignored";
                if counts.iter().all(settled) {
                    return;
                }
                pass(Duration::from_millis(100)).await;
            }
        };
        let ended = tokio::time::timeout(PATIENCE, wait).await;
        assert!(ended.is_ok(), "{:#}", self.get("/api/v1/admin/deliveries/counts").await);
    }

    /// What was acknowledged is in the ledger, each once, and nothing else is.
    pub async fn has_kept(&self, acknowledged: &BTreeSet<String>) {
        let (mut kept, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("/api/v1/admin/deliveries?limit=100{cursor}")).await;
            let rows = page["data"].as_array().unwrap().iter();
            kept.extend(rows.map(|row| row["stripe_event_id"].as_str().unwrap().to_owned()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(kept.len(), acknowledged.len());
        assert_eq!(BTreeSet::from_iter(kept), *acknowledged);
    }

    /// Every subscription and every invoice is with us what it is with Stripe, and there are as many.
    pub async fn says_what_stripe_says(&self, stripe: &Stripe, tenants: usize) {
        let (mut ours, mut theirs) = (BTreeSet::new(), BTreeSet::new());
        for subscription in stripe.all("/v1/subscriptions").await {
            let end = subscription["items"]["data"][0]["current_period_end"].as_i64().unwrap();
            let end = Timestamp::from_second(end).unwrap().to_string();
            theirs.insert(format!("{} {} {end}", subscription["id"], subscription["status"]));
        }
        for invoice in stripe.all("/v1/invoices").await {
            theirs.insert(format!("{} {}", invoice["id"], invoice["status"]));
        }
        for tenant in self.get("/api/v1/stripe/tenants?limit=100").await["data"].as_array().unwrap()
        {
            let path = format!("/api/v1/billing/tenants/{}", tenant["id"].as_str().unwrap());
            let subscription = self.get(&format!("{path}/subscription")).await;
            let (id, status) = (&subscription["stripe_subscription_id"], &subscription["status"]);
            let end = subscription["current_period_end"].as_str().unwrap();
            ours.insert(format!("{id} {status} {end}"));
            let invoices = self.get(&format!("{path}/invoices?limit=100")).await;
            for invoice in invoices["data"].as_array().unwrap() {
                ours.insert(format!("{} {}", invoice["stripe_invoice_id"], invoice["status"]));
            }
        }
        assert!(ours.len() >= 2 * tenants, "{ours:#?}");
        assert_eq!(ours, theirs);
    }

    /// Every event of all tenants, in the order of their positions, once this one is among them as often.
    async fn told(&self, event_type: &str, times: usize) -> Vec<Value> {
        let (mut told, mut after) = (Vec::<Value>::new(), "0".to_owned());
        let wait = async {
            while told.iter().filter(|event| event["type"] == event_type).count() < times {
                let page = self.get(&format!("/api/v1/admin/events?limit=100&after={after}")).await;
                let page = page["data"].as_array().unwrap();
                if let Some(last) = page.last() {
                    after = last["position"].to_string();
                }
                told.extend(page.iter().cloned());
                pass(Duration::from_millis(20)).await;
            }
        };
        let ended = tokio::time::timeout(PATIENCE, wait).await;
        assert!(ended.is_ok(), "{event_type} is not told {times} times: {told:#?}");
        told
    }

    /// Every event has its place, no thing is told twice, and what Stripe has is what was told.
    pub async fn has_told_once(&self, stripe: &Stripe, tenants: usize) {
        let paid = stripe.all("/v1/invoices").await;
        let paid = paid.iter().filter(|invoice| invoice["status"] == "paid").count();
        let told = self.told("invoice.paid", paid).await;
        let mut numbers = std::collections::BTreeMap::new();
        for (event, position) in told.iter().zip(1..) {
            assert_eq!(event["position"], position, "{event}");
            let number: &mut i64 = numbers.entry(event["tenant_id"].to_string()).or_default();
            *number += 1;
            assert_eq!(event["sequence"], *number, "{event}");
        }
        let of = |event_type: &str| {
            let events = told.iter().filter(|event| event["type"] == event_type);
            events.map(|event| event["subject"]["id"].to_string()).collect::<Vec<_>>()
        };
        for (event_type, expected) in [
            ("tenant.created", tenants),
            ("tenant.customer_linked", tenants),
            ("checkout.started", tenants),
            ("checkout.completed", tenants),
            ("subscription.created", tenants),
            ("subscription.activated", tenants),
            ("invoice.created", paid),
            ("invoice.finalized", paid),
            ("invoice.paid", paid),
        ] {
            let subjects = of(event_type);
            assert_eq!(subjects.len(), expected, "{event_type}");
            assert_eq!(BTreeSet::from_iter(subjects).len(), expected, "{event_type}");
        }
    }
}

fn token(role: Role, tenant_id: Option<String>) -> String {
    let exp = Clock::real().now().plus_days(1).as_second();
    let claims =
        Claims { sub: "test".to_owned(), role, tenant_id, exp, nbf: None, iss: None, aud: None };
    let mut settings = Settings::defaults().unwrap();
    settings.set("auth.jwt_secret", JWT_SECRET.into(), "the test").unwrap();
    tokens::sign(&claims, &settings.config().unwrap().auth).unwrap()
}
