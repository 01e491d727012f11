//! One world: a service that dies and rises, a simulator, and an application that repeats what was not answered.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::IntoFuture,
    sync::Arc,
};

use serde_json::Value;
use tollhouse_domain::{id::TenantId, time::Timestamp};
use tollhouse_server::{error::Error, tasks};
use tollhouse_simulator::Trouble;
use tollhouse_stripe::{Gateway, Method};

use super::{process::Process, script::TENANTS};
use crate::harness::{Answer, Database, Kind, TestApp};

pub const HOUR: i64 = 3600;
pub const DAY: i64 = 24 * HOUR;
/// A request whose process died holds its key for ten minutes.
const UNTIL_A_KEY_IS_FREE: i64 = 601;
/// An application gives up after so many attempts.
const ATTEMPTS: usize = 4;
/// Time moves so far at most before the service does what fell due.
const HOP: i64 = 3 * DAY;
const ERRORS: &str = include_str!("../../../../../docs/reference/errors.md");

/// What was granted to somebody and is not settled yet.
pub struct Held {
    pub id: String,
    pub quantity: u32,
    pub until: Timestamp,
}

/// What the application knows of a tenant, because it was told so.
#[derive(Default)]
pub struct Told {
    /// How much of each meter was acknowledged, under which keys.
    pub used: BTreeMap<(&'static str, String), u64>,
    pub held: Vec<Held>,
    /// Settled reservations by their day.
    pub settled: BTreeMap<String, u64>,
    /// The devices that were given a slot.
    pub devices: BTreeSet<String>,
    /// What operators granted, in credits.
    pub granted: u64,
    /// Whether it is `active`, `suspended` or `terminated`.
    pub standing: &'static str,
    /// The hard limit a day of what is reserved, where there is one.
    pub limit: Option<u32>,
}

pub struct World {
    pub app: TestApp,
    pub tenants: Vec<TenantId>,
    pub told: Vec<Told>,
    /// Every answer, for telling two runs of a story apart.
    pub answers: Vec<String>,
    /// Whether something may fail because somebody ordered it.
    pub is_troubled: bool,
    pub process: Arc<Process>,
    pub deaths: usize,
    asked: usize,
}

impl World {
    pub async fn new(kind: Kind) -> Self {
        let database = Database::create(kind).await;
        let app = TestApp::start_with(database, |config| {
            // One connection: everything happens in one order, the same each time.
            config.database.connections_max = 1;
            // However slow the machine is.
            config.server.request_timeout_seconds = 3600;
        })
        .await;
        for (id, percent, duration) in [("TENTH", "10", "forever"), ("ONCE", "50", "once")] {
            let coupon = [("id", id), ("percent_off", percent), ("duration", duration)];
            app.stripe("POST", "/v1/coupons", &coupon).await;
        }
        let mut tenants = Vec::new();
        for number in 0..TENANTS {
            tenants.push(app.tenant(&format!("T{number}")).await);
        }
        let process = Process::new(&app.simulator);
        let told = (0..TENANTS).map(|_| Told { standing: "active", ..Told::default() }).collect();
        let mut world = Self {
            app,
            tenants,
            told,
            answers: Vec::new(),
            is_troubled: false,
            process,
            deaths: 0,
            asked: 0,
        };
        world.rise().await;
        world
    }

    /// A new process takes the place of the one that is dead, or is to be.
    pub async fn rise(&mut self) {
        self.process = Process::new(&self.app.simulator);
        let gateway: Arc<dyn Gateway> = Arc::clone(&self.process) as _;
        self.app.restart_through(gateway, |_| {}).await;
    }

    pub fn now(&self) -> Timestamp {
        self.app.app.clock.now()
    }

    /// Asks as whoever bears the token, and again under the same key while nobody answers. Nothing where it
    /// was given up.
    pub async fn ask(
        &mut self,
        token: &str,
        method: &'static str,
        path: &str,
        body: &Value,
    ) -> Option<Answer> {
        self.asked += 1;
        let key = format!("ask-{}", self.asked);
        for _ in 0..ATTEMPTS {
            let request = self.app.call(method, path).bearer(token);
            let request = request.header("idempotency-key", &key);
            let request = if body.is_null() { request } else { request.json(body) };
            let answer = self.process.live(&self.app.app, request.into_future()).await;
            let Some(answer) = answer else {
                self.after_death().await;
                self.app.app.clock.advance(UNTIL_A_KEY_IS_FREE);
                continue;
            };
            let code = self.judge(&answer, method, path);
            self.answers.push(format!("{method} {} {code}", answer.status));
            if answer.status < 500 {
                return Some(answer);
            }
            self.app.app.clock.advance(5);
        }
        None
    }

    /// The code of a refusal, which must be one that we document; a failure must have been ordered.
    fn judge(&self, answer: &Answer, method: &str, path: &str) -> String {
        if answer.status < 400 {
            return String::new();
        }
        let problem = answer.json();
        let code = problem["code"].as_str().unwrap_or_default().to_owned();
        let row = format!("| {} | `{code}` |", answer.status);
        assert!(ERRORS.contains(&row), "undocumented: {method} {path}: {problem}");
        let is_ordered = answer.status < 500
            || (self.is_troubled
                && ["stripe_failed", "stripe_unavailable"].contains(&code.as_str()));
        assert!(is_ordered, "nobody ordered this: {method} {path}: {problem}");
        code
    }

    async fn after_death(&mut self) {
        self.deaths += 1;
        self.rise().await;
    }

    /// Hands over what webhooks are due, and lets the tasks run, a few times.
    pub async fn turn(&mut self) {
        for _ in 0..3 {
            let due = self.app.simulator.due_deliveries();
            for delivery in &due {
                let answer = self.process.live(&self.app.app, self.app.deliver(delivery)).await;
                let status = answer.map(|answer| answer.expect_status(200));
                self.app.simulator.delivery_answered(&delivery.id, status);
                if status.is_none() {
                    self.after_death().await;
                }
            }
            let done = self.process.live(&self.app.app, tasks::run_once(&self.app.app)).await;
            match done {
                None => self.after_death().await,
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    let is_ordered = self.is_troubled && !matches!(error, Error::Internal(_));
                    assert!(is_ordered, "a task failed: {error}: {cause:?}");
                }
            }
            if due.is_empty() {
                return;
            }
        }
    }

    /// Lets time pass, on both sides.
    pub async fn wait(&mut self, seconds: i64) {
        let mut left = seconds;
        while left > 0 {
            self.app.app.clock.advance(left.min(HOP));
            left -= HOP;
            self.turn().await;
        }
    }

    /// From now on nothing is ordered to fail.
    pub async fn stop_trouble(&mut self) {
        self.app.simulator.add_trouble(Trouble { seed: 0, percent: 0 });
        self.process.dies_at_call(0, false);
        self.process.dies_at_commit(0);
        // What was ordered for so many calls is used up by calls of no meaning.
        let mut in_peace = 0;
        while in_peace < 3 {
            let answer = self.at_stripe(Method::Get, "/v1/balance", &[]).await;
            in_peace = if answer.is_some() { in_peace + 1 } else { 0 };
        }
    }

    /// Something done at Stripe by somebody else; nothing where Stripe refuses or fails.
    pub async fn at_stripe(
        &self,
        method: Method,
        path: &str,
        params: &[(&str, &str)],
    ) -> Option<Value> {
        let params = params.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let path = path.to_owned();
        let call = tollhouse_stripe::Call { method, path, params, idempotency_key: None };
        let answer = self.app.simulator.gateway().send(&call).await.ok()?;
        (answer.status == 200).then(|| serde_json::from_slice(&answer.body).unwrap())
    }

    /// The tenant's customer, where it has one.
    pub fn customer(&self, tenant: usize) -> Option<String> {
        let id = self.tenants[tenant].to_string();
        let customers = self.app.simulator.objects("customer");
        let own = customers.iter().find(|customer| customer["metadata"]["tenant_id"] == id)?;
        Some(own["id"].as_str().unwrap().to_owned())
    }

    /// What Stripe has of the tenant, oldest first.
    pub fn objects_of(&self, tenant: usize, kind: &str) -> Vec<Value> {
        let Some(customer) = self.customer(tenant) else { return Vec::new() };
        let mut objects = self.app.simulator.objects(kind);
        objects.retain(|object| object["customer"] == customer.as_str());
        objects
    }

    /// Stripe's subscriptions of the tenant that are not over.
    pub fn live_subscriptions(&self, tenant: usize) -> Vec<Value> {
        let mut live = self.objects_of(tenant, "subscription");
        live.retain(|it| it["status"] != "canceled" && it["status"] != "incomplete_expired");
        live
    }

    pub fn path(&self, tenant: usize, rest: &str) -> String {
        format!("/api/v1/billing/tenants/{}/{rest}", self.tenants[tenant])
    }

    pub fn drop_reservations(&mut self, tenant: usize) {
        let now = self.now();
        self.told[tenant].held.retain(|held| held.until > now);
    }
}
