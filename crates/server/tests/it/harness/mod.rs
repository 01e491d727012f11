//! `TestApp`: the whole service on a database of its own, a settable clock, a simulator inside.
//!
//! No sockets and no waiting: requests go through the router, webhooks are handed over by [`TestApp::settle`],
//! tasks run when told to.

mod database;
mod request;
mod samples;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{Router, body::Body, http::Request};
use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId, time::Timestamp};
use tollhouse_server::{
    App, Clock, Config, Settings,
    catalog::{actions::load, file, push::push},
    config::Secret,
    http::tokens::{self, Claims},
    record::Origin,
    router, tasks,
    tenants::{actions::create, queries::Tenant},
    webhooks::{State, queries},
};
use tollhouse_simulator::{Options, Outgoing, Simulator};
use tollhouse_stripe::{
    API_VERSION, Client, Gateway, IdempotencyKey, Method, params::CreateWebhookEndpoint,
};

pub use database::{Database, Kind, redis_url, run_on_server};
pub use request::{Answer, Call};
pub use samples::summary_of_a_test;

/// 2026-11-20T12:00:00Z
pub const START: i64 = 1_795_176_000;
pub const CATALOG: &str = include_str!("../../../../../catalog.example.toml");
const SECRET_KEY: &str = "sk_test_harness";

pub struct TestApp {
    pub app: Arc<App>,
    pub simulator: Simulator,
    pub webhook_secret: String,
    /// Set by a test that leaves a delivery dead on purpose.
    pub dead_is_expected: AtomicBool,
    router: Router,
    database: Database,
}

/// Defines one test that runs on SQLite and on Postgres.
macro_rules! on_both_databases {
    ($($(#[$meta:meta])* async fn $name:ident($app:ident: &TestApp) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn scenario($app: &TestApp) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                crate::harness::run(crate::harness::Kind::Sqlite, |app| Box::pin(scenario(app))).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                crate::harness::run(crate::harness::Kind::Postgres, |app| Box::pin(scenario(app))).await;
            }
        }
    )+};
}
pub(crate) use on_both_databases;

type Scenario<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Runs a scenario on a fresh service, then looks whether work was left undone.
pub async fn run(kind: Kind, scenario: impl for<'a> FnOnce(&'a TestApp) -> Scenario<'a>) {
    let app = TestApp::start(kind).await;
    scenario(&app).await;
    app.finish().await;
}

impl TestApp {
    /// With the example catalog pushed into the simulator, and webhooks registered.
    pub async fn start(kind: Kind) -> Self {
        Self::start_with(Database::create(kind).await, |_| {}).await
    }

    /// As [`TestApp::start`], on this database, with settings of its own.
    pub async fn start_with(database: Database, change: impl FnOnce(&mut Config)) -> Self {
        let clock = Clock::settable(Timestamp::from_second(START).unwrap(), 7);
        let wall_clock = clock.clone();
        let simulator = Simulator::new(Options {
            seed: 7,
            secret_key: SECRET_KEY.to_owned(),
            base_url: "http://simulator.test".to_owned(),
            wall_clock: Arc::new(move || wall_clock.now().as_second()),
        });
        let gateway: Arc<dyn Gateway> = Arc::new(simulator.gateway());
        let webhook_secret = register_webhooks(Arc::clone(&gateway)).await;
        let mut config = config(&database.url, &webhook_secret);
        change(&mut config);
        let app = App::start(config, clock, Some(gateway)).await.unwrap();
        load(&app, &file::parse(CATALOG).unwrap(), &[].into()).await.unwrap();
        push(&app).await.unwrap();
        let router = router(&app);
        let dead_is_expected = AtomicBool::new(false);
        let app = Self { app, simulator, webhook_secret, dead_is_expected, router, database };
        app.settle().await;
        app
    }

    /// Stops the service and starts it again with other settings, on the same database and simulator.
    pub async fn restart(&mut self, change: impl FnOnce(&mut Config)) {
        let gateway = Arc::new(self.simulator.gateway());
        self.restart_through(gateway, change).await;
    }

    /// As [`TestApp::restart`], with another way to the simulator.
    pub async fn restart_through(
        &mut self,
        gateway: Arc<dyn Gateway>,
        change: impl FnOnce(&mut Config),
    ) {
        let (mut config, clock) = (self.app.config.clone(), self.app.clock.clone());
        change(&mut config);
        self.app.stop.cancel();
        self.app.db.close().await;
        self.app = App::start(config, clock, Some(gateway)).await.unwrap();
        self.router = router(&self.app);
    }

    /// Every delivery must be settled, so that a test cannot forget its work; and events be as documented.
    pub async fn finish(self) {
        let mut conn = self.app.db.read().await.unwrap();
        let counts = queries::counts(&mut conn, &queries::Filter::default()).await.unwrap();
        drop(conn);
        for count in counts {
            let dead = count.state == State::Dead && self.dead_is_expected.load(Ordering::Relaxed);
            let settled = dead || matches!(count.state, State::Done | State::Ignored);
            assert!(settled, "{} deliveries are left as `{}`", count.deliveries, count.state);
        }
        self.events_are_as_documented().await;
        self.app.stop.cancel();
        self.app.db.close().await;
        self.database.drop().await;
    }

    /// Hands over due webhooks and runs the tasks until nothing is left to do.
    pub async fn settle(&self) {
        let mut was_idle = false;
        for _ in 0..100 {
            let due = self.simulator.due_deliveries();
            for delivery in &due {
                let status = self.deliver(delivery).await.status;
                self.simulator.delivery_answered(&delivery.id, Some(status));
            }
            tasks::run_once(&self.app).await.unwrap();
            // The tasks may have asked Stripe for something, which is told next.
            if due.is_empty() && was_idle {
                return;
            }
            was_idle = due.is_empty();
        }
        panic!("webhooks never come to an end");
    }

    /// Posts one delivery as the simulator made it.
    pub async fn deliver(&self, delivery: &Outgoing) -> Answer {
        let mut request = Request::post("/webhook/stripe");
        for (name, value) in &delivery.headers {
            request = request.header(name, value);
        }
        self.send(request.body(Body::from(delivery.body.clone())).unwrap()).await
    }

    /// Does something at Stripe behind our back, as its dashboard would.
    pub async fn stripe(&self, method: &str, path: &str, params: &[(&str, &str)]) -> Value {
        let call = tollhouse_stripe::Call {
            method: if method == "DELETE" { Method::Delete } else { Method::Post },
            path: path.to_owned(),
            params: params.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            idempotency_key: None,
        };
        let answer = self.simulator.gateway().send(&call).await.unwrap();
        let body = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer.status, 200, "{body}");
        body
    }

    /// From now on every charge of the only subscription fails.
    pub async fn break_the_card(&self) {
        let subscription = self.simulator.objects("subscription")[0].clone();
        let customer = subscription["customer"].as_str().unwrap();
        let path = "/v1/payment_methods/pm_card_chargeCustomerFail/attach";
        let card = self.stripe("POST", path, &[("customer", customer)]).await;
        let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
        let card = card["id"].as_str().unwrap();
        self.stripe("POST", &path, &[("default_payment_method", card)]).await;
    }

    /// Moves every clock.
    pub async fn advance(&self, seconds: i64) {
        self.app.clock.advance(seconds);
        self.settle().await;
    }

    pub fn get(&self, path: &str) -> Call<'_> {
        Call::new(self, "GET", path)
    }

    pub fn post(&self, path: &str) -> Call<'_> {
        Call::new(self, "POST", path)
    }

    pub fn call(&self, method: &'static str, path: &str) -> Call<'_> {
        Call::new(self, method, path)
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(self.router.clone(), request).await
    }

    /// A token of this service for someone of a tenant.
    pub fn token(&self, role: Role, tenant: TenantId) -> String {
        self.sign(role, Some(tenant.to_string()))
    }

    pub fn operator(&self) -> String {
        self.sign(Role::Operator, None)
    }

    pub fn sign(&self, role: Role, tenant_id: Option<String>) -> String {
        self.signed(role, tenant_id, 400 * 86_400)
    }

    /// A token that expires so many seconds from now.
    pub fn sign_until(&self, role: Role, tenant: TenantId, seconds: i64) -> String {
        self.signed(role, Some(tenant.to_string()), seconds)
    }

    fn signed(&self, role: Role, tenant_id: Option<String>, seconds: i64) -> String {
        let claims = Claims {
            sub: format!("{role}@test"),
            role,
            tenant_id,
            exp: self.app.clock.now().as_second() + seconds,
            nbf: None,
            iss: None,
            aud: None,
        };
        tokens::sign(&claims, &self.app.config.auth).unwrap()
    }

    /// A tenant that has bought nothing yet.
    pub async fn tenant(&self, name: &str) -> TenantId {
        let id = TenantId::from_uuid(self.app.clock.new_id());
        let email = format!("{}@example.com", name.to_lowercase());
        let tenant = Tenant::new(id, name, &email, self.app.clock.now()).unwrap();
        let tenant = Tenant { sla_level: 1, ..tenant };
        create(&self.app, &Origin::system(), tenant).await.unwrap().id
    }

    /// Opens a page to pay for a plan by the month; its session's id.
    pub async fn checkout(&self, tenant: TenantId, plan: &str) -> String {
        let owner = self.token(Role::Owner, tenant);
        let answer = self.post(CHECKOUT).bearer(&owner).json(&order(plan)).await.expect(200);
        answer["session_id"].as_str().unwrap().to_owned()
    }

    /// A tenant that has paid for a plan by the month.
    pub async fn subscriber(&self, name: &str, plan: &str) -> TenantId {
        let tenant = self.tenant(name).await;
        self.subscribe(tenant, plan).await;
        tenant
    }

    /// Pays for a plan by the month.
    pub async fn subscribe(&self, tenant: TenantId, plan: &str) {
        let session = self.checkout(tenant, plan).await;
        self.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
        self.settle().await;
    }

    /// What `GET …/status` says.
    pub async fn status(&self, tenant: TenantId) -> Value {
        let viewer = self.token(Role::Viewer, tenant);
        self.get("/api/v1/customer/billing/status").bearer(&viewer).await.expect(200)
    }

    /// Gives a tenant a customer and a card on file, without buying anything.
    pub async fn card_on_file(&self, tenant: TenantId, card: &str) -> String {
        let owner = self.token(Role::Owner, tenant);
        let path = format!("/api/v1/billing/tenants/{tenant}/payment-methods");
        self.post(&format!("{path}/setup-intent")).bearer(&owner).await.expect(200);
        let customers = self.simulator.objects("customer");
        let is_own = |customer: &&Value| customer["metadata"]["tenant_id"] == tenant.to_string();
        let customer = customers.iter().find(is_own).unwrap()["id"].as_str().unwrap();
        let attach = format!("/v1/payment_methods/{card}/attach");
        let attached = self.stripe("POST", &attach, &[("customer", customer)]).await;
        let card = attached["id"].as_str().unwrap().to_owned();
        self.post(&format!("{path}/{card}/default")).bearer(&owner).await.expect(204);
        card
    }

    /// What a tenant's subscription is, in full.
    pub async fn subscription(&self, tenant: TenantId) -> Value {
        let viewer = self.token(Role::Viewer, tenant);
        let path = format!("/api/v1/billing/tenants/{tenant}/subscription");
        self.get(&path).bearer(&viewer).await.expect(200)
    }

    /// Asks for something of a tenant's as its admin.
    pub async fn ask(&self, tenant: TenantId, what: &str, body: &Value) -> Answer {
        let admin = self.token(Role::Admin, tenant);
        self.post(&format!("/api/v1/billing/tenants/{tenant}/{what}"))
            .bearer(&admin)
            .json(body)
            .await
    }

    /// The types of a tenant's events, oldest first.
    pub async fn history(&self, tenant: TenantId) -> Vec<String> {
        let viewer = self.token(Role::Viewer, tenant);
        let path = format!("/api/v1/billing/tenants/{tenant}/events?limit=100");
        let page = self.get(&path).bearer(&viewer).await.expect(200);
        let events = page["data"].as_array().unwrap();
        for (index, event) in events.iter().rev().enumerate() {
            assert_eq!(event["sequence"], index + 1, "numbers have no gaps");
        }
        events.iter().rev().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }
}

pub const CHECKOUT: &str = "/api/v1/customer/billing/checkout-session";

/// A good request to pay for a plan by the month.
pub fn order(plan: &str) -> Value {
    json!({
        "plan": plan,
        "interval": "month",
        "success_url": "http://localhost:3000/done?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://localhost:3000/pricing",
    })
}

/// Settings as a test wants them; `database` and the rest of the world given.
pub fn config(database: &str, webhook_secret: &str) -> Config {
    let mut config = Settings::defaults().unwrap().config().unwrap();
    config.database.url = Secret::new(database);
    config.database.connections_max = 6;
    config.stripe.secret_key = Some(Secret::new(SECRET_KEY));
    config.stripe.publishable_key = Some("pk_test_harness".to_owned());
    config.stripe.webhook_secret = vec![Secret::new(webhook_secret)];
    // Told by hand: a test wants to know when Stripe is asked.
    config.reconcile.enabled = false;
    config.reconcile.calls_per_second = 0;
    // The clock stands still while a test asks many times.
    config.limits.credential_per_second = 0;
    config.limits.application_per_second = 0;
    config.limits.address_per_second = 0;
    // Where the receivers of the tests listen.
    config.outbound.private_targets = vec!["127.0.0.1".to_owned()];
    config.auth.jwt_secret = Some(Secret::new("a secret of the harness, long enough"));
    config
}

async fn register_webhooks(gateway: Arc<dyn Gateway>) -> String {
    let endpoint = CreateWebhookEndpoint {
        url: "http://tollhouse.test/webhook/stripe".to_owned(),
        enabled_events: vec!["*".to_owned()],
        api_version: API_VERSION.to_owned(),
    };
    let key = IdempotencyKey::new("register", "harness");
    let endpoint = Client::new(gateway, 1).create_webhook_endpoint(&endpoint, &key).await.unwrap();
    endpoint.secret.unwrap()
}
