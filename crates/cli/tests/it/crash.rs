//! Killed at any moment, and started again: what was acknowledged is there, is done, and is told once.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
};
use tollhouse_domain::actor::Role;
use tollhouse_server::{
    Clock,
    config::Secret,
    http::tokens::{self, Claims},
};
use tollhouse_stripe::signature::sign;

use crate::harness::{Database, Http, Running, Tollhouse};

const CATALOG: &str = include_str!("../../../../catalog.example.toml");
const JWT_SECRET: &str = "a secret of the crash test, long enough";
const WEBHOOK_SECRET: &str = "whsec_of_the_crash_test";
/// A worker that was killed is waited for this long, instead of five minutes.
const SETTINGS: &str = "[webhooks]\nclaim_seconds = 3\n";
const TENANTS: usize = 6;
const KILLS: usize = 5;
const SENDERS: usize = 4;
const MONTH: i64 = 32 * 86_400;
/// Long after everything should be settled.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_webhooks_come_it_loses_nothing_on_sqlite() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let database = format!("sqlite:{}", folder.path().join("crash.sqlite").display());
    killed_while_webhooks_come(&database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_webhooks_come_it_loses_nothing_on_postgres() {
    let database = Database::create().await;
    killed_while_webhooks_come(&database.url).await;
    database.drop().await;
}

async fn killed_while_webhooks_come(database: &str) {
    let stripe = Stripe::start().await;
    let mut instance = Instance::start(database, &stripe).await;
    for index in 0..TENANTS {
        instance.subscribe(&stripe, &format!("Tenant {index}")).await;
    }
    let rng = Arc::new(Mutex::new(Numbers(Clock::real().seed() | 1)));
    let mut acknowledged = BTreeSet::new();
    for kill in 0..KILLS {
        if kill > 0 {
            stripe.advance(MONTH).await;
        }
        let events = stripe.events_besides(&acknowledged).await;
        assert!(events.len() > TENANTS, "{}", events.len());
        acknowledged.extend(events.iter().map(|event| event["id"].as_str().unwrap().to_owned()));
        let sending = instance.send(events, &rng).await;
        let moment = rng.lock().await.below(250);
        pass(Duration::from_millis(moment)).await;
        instance = instance.kill_and_start_again().await;
        sending.join_all().await;
    }
    instance.settled().await;
    instance.has_kept(&acknowledged).await;
    instance.has_told_once(&stripe).await;
    instance.running.stop().await;
    stripe.running.stop().await;
}

/// A small generator of numbers, enough to choose moments and orders.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = usize::try_from(self.below(last as u64 + 1)).unwrap();
            items.swap(last, other);
        }
    }
}

/// The simulator, a process of its own: it outlives every crash of the instance.
struct Stripe {
    running: Running,
    url: String,
    key: String,
    http: Http,
}

impl Stripe {
    async fn start() -> Self {
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
    async fn all(&self, path: &str) -> Vec<Value> {
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

    async fn events_besides(&self, known: &BTreeSet<String>) -> Vec<Value> {
        let mut events = self.all("/v1/events").await;
        events.retain(|event| !known.contains(event["id"].as_str().unwrap()));
        events
    }

    async fn advance(&self, seconds: i64) {
        let url = format!("{}/_sim/clock", self.url);
        self.http.post(&url, "", &json!({"advance_seconds": seconds})).await.text();
    }
}

/// The service, and where it answers now.
struct Instance {
    running: Running,
    url: watch::Sender<String>,
    http: Arc<Http>,
}

impl Instance {
    async fn start(database: &str, stripe: &Stripe) -> Self {
        let tollhouse = Tollhouse::new()
            .with("DATABASE_URL", database)
            .with("STRIPE_API_BASE", &stripe.url)
            .with("STRIPE_SECRET_KEY", &stripe.key)
            .with("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET)
            .with("JWT_SECRET", JWT_SECRET)
            .with("TOLLHOUSE_CATALOG", "catalog.toml")
            .with("TOLLHOUSE_LISTEN", "127.0.0.1:0")
            .with("TOLLHOUSE_LOG", "off,tollhouse::serve=info")
            .with("TOLLHOUSE_LOG_FORMAT", "json")
            .with_file("catalog.toml", CATALOG)
            .with_file("tollhouse.toml", SETTINGS);
        tollhouse.run(&["catalog", "push"]).await.succeeded();
        let mut running = tollhouse.start(&["serve"]);
        let url = running.ready().await["url"].as_str().unwrap().to_owned();
        Self { running, url: watch::Sender::new(url), http: Arc::new(Http::new()) }
    }

    /// Without any warning, as when the power goes.
    async fn kill_and_start_again(self) -> Self {
        let Self { running, url, http } = self;
        let mut running = running.kill().await.start(&["serve"]);
        url.send_replace(running.ready().await["url"].as_str().unwrap().to_owned());
        Self { running, url, http }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", *self.url.borrow())
    }

    async fn get(&self, path: &str) -> Value {
        self.http.get(&self.at(path), &token(Role::Operator, None)).await.json()
    }

    /// A tenant that has paid for Pro by the month; Stripe's webhooks of it are yet to come.
    async fn subscribe(&self, stripe: &Stripe, name: &str) {
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

    /// Sends each event twice, in any order, again and again until it is acknowledged.
    async fn send(&self, events: Vec<Value>, numbers: &Mutex<Numbers>) -> JoinSet<()> {
        let mut bodies: Vec<String> = events.iter().map(Value::to_string).collect();
        bodies.extend(bodies.clone());
        numbers.lock().await.shuffle(&mut bodies);
        let mut sending = JoinSet::new();
        for share in bodies.chunks(bodies.len().div_ceil(SENDERS)) {
            let (share, url, http) = (share.to_vec(), self.url.subscribe(), Arc::clone(&self.http));
            sending.spawn(async move {
                for body in share {
                    loop {
                        let now = Clock::real().now().as_second();
                        let signature = sign(WEBHOOK_SECRET, now, body.as_bytes());
                        let to = format!("{}/webhook/stripe", *url.borrow());
                        if http.webhook(&to, &signature, &body).await == Some(200) {
                            break;
                        }
                        pass(Duration::from_millis(20)).await;
                    }
                }
            });
        }
        sending
    }

    /// Waits until nothing is left to do.
    async fn settled(&self) {
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
    async fn has_kept(&self, acknowledged: &BTreeSet<String>) {
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

    /// Every event has its place, no thing is told twice, and what Stripe has is what was told.
    async fn has_told_once(&self, stripe: &Stripe) {
        let (mut told, mut after) = (Vec::new(), "0".to_owned());
        loop {
            let page = self.get(&format!("/api/v1/admin/events?limit=100&after={after}")).await;
            told.extend(page["data"].as_array().unwrap().iter().cloned());
            let Some(next) = page["next_cursor"].as_str() else { break };
            next.clone_into(&mut after);
        }
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
        let paid = stripe.all("/v1/invoices").await;
        let paid = paid.iter().filter(|invoice| invoice["status"] == "paid").count();
        for (event_type, expected) in [
            ("tenant.created", TENANTS),
            ("tenant.customer_linked", TENANTS),
            ("checkout.started", TENANTS),
            ("checkout.completed", TENANTS),
            ("subscription.created", TENANTS),
            ("subscription.activated", TENANTS),
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
        Claims { sub: "crash".to_owned(), role, tenant_id, exp, nbf: None, iss: None, aud: None };
    tokens::sign(&claims, &Secret::new(JWT_SECRET)).unwrap()
}

/// Lets time pass for another process, which tells nothing that could be waited for.
#[expect(clippy::disallowed_methods, reason = "the killed process is not ours to hear")]
async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}
