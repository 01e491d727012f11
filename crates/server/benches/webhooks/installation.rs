//! A whole installation in this process: the service, a simulator as its Stripe, tenants that pay.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context, ensure};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::Value;
use tollhouse_domain::{id::TenantId, time::Timestamp};
use tollhouse_server::{
    App, Clock, Settings,
    catalog::{actions::load, file, push::push},
    record::Origin,
    router, tenants,
    webhooks::{State, queries, tasks::work_deliveries},
};
use tollhouse_simulator::{Options, Simulator};
use tollhouse_stripe::{
    API_VERSION, Answer, BoxFuture, Call, Client, Failure, Gateway, IdempotencyKey, Method,
    params::CreateWebhookEndpoint,
};
use tower::ServiceExt;

const SECRET_KEY: &str = "sk_test_of_the_benchmark";
const CATALOG: &str = include_str!("../../../../catalog.example.toml");
/// 2026-11-20T12:00:00Z
const START: i64 = 1_795_176_000;

/// Counts the calls that are made of Stripe.
struct Counted {
    stripe: Arc<dyn Gateway>,
    calls: Arc<AtomicUsize>,
}

impl Gateway for Counted {
    fn send<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Answer, Failure>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.stripe.send(call)
    }
}

pub struct Installation {
    pub app: Arc<App>,
    pub simulator: Simulator,
    calls: Arc<AtomicUsize>,
    router: Router,
}

impl Installation {
    /// On an empty database; its clock stands until it is moved.
    pub async fn start(database_url: &str) -> anyhow::Result<Self> {
        let start = Timestamp::from_second(START).context("a moment")?;
        let clock = Clock::settable(start, 7);
        let wall_clock = clock.clone();
        let simulator = Simulator::new(Options {
            seed: 7,
            secret_key: SECRET_KEY.to_owned(),
            base_url: "http://simulator.test".to_owned(),
            wall_clock: Arc::new(move || wall_clock.now().as_second()),
        });
        let calls = Arc::new(AtomicUsize::new(0));
        let stripe: Arc<dyn Gateway> = Arc::new(simulator.gateway());
        let secret = register_webhooks(Arc::clone(&stripe)).await?;
        let mut settings = Settings::defaults()?;
        settings.set("database.url", database_url.into(), "the benchmark")?;
        settings.set("stripe.webhook_secret", secret.into(), "the benchmark")?;
        let gateway = Counted { stripe, calls: Arc::clone(&calls) };
        let app = App::start(settings.config()?, clock, Some(Arc::new(gateway))).await?;
        load(&app, &file::parse(CATALOG)?, &[].into()).await?;
        push(&app).await?;
        Ok(Self { router: router(&app), app, simulator, calls })
    }

    /// How often Stripe was asked since this was last said.
    pub fn calls(&self) -> usize {
        self.calls.swap(0, Ordering::Relaxed)
    }

    /// A tenant with a customer at Stripe, who has paid for Pro by the month.
    pub async fn subscribe(&self, name: &str) -> anyhow::Result<()> {
        let tenant = tenant(&self.app, name).await?;
        let tenant = tenant.to_string();
        let customer = [("name", name), ("metadata[tenant_id]", &tenant)];
        let customer = self.stripe("/v1/customers", &customer).await?;
        let customer = customer["id"].as_str().context("a customer has an id")?;
        let prices = self.simulator.objects("price");
        let price = prices.iter().find(|price| price["lookup_key"] == "pro_v1_month_usd");
        let price = price.and_then(|price| price["id"].as_str()).context("Pro has a price")?;
        let card = "/v1/payment_methods/pm_card_visa/attach";
        let card = self.stripe(card, &[("customer", customer)]).await?;
        let subscription = [
            ("customer", customer),
            ("items[0][price]", price),
            ("default_payment_method", card["id"].as_str().context("a card has an id")?),
        ];
        self.stripe("/v1/subscriptions", &subscription).await?;
        Ok(())
    }

    async fn stripe(&self, path: &str, params: &[(&str, &str)]) -> anyhow::Result<Value> {
        let call = Call {
            method: Method::Post,
            path: path.to_owned(),
            params: params.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            idempotency_key: None,
        };
        let answer = self.simulator.gateway().send(&call).await?;
        let body: Value = serde_json::from_slice(&answer.body)?;
        ensure!(answer.status == 200, "the simulator refused {path}: {body}");
        Ok(body)
    }

    /// Hands over what Stripe has to tell, and works it to its end. How many deliveries there were.
    pub async fn settle(&self) -> anyhow::Result<usize> {
        let mut count = 0;
        loop {
            let due = self.simulator.due_deliveries();
            if due.is_empty() {
                return Ok(count);
            }
            count += due.len();
            for delivery in due {
                let mut request = Request::post("/webhook/stripe");
                for (name, value) in &delivery.headers {
                    request = request.header(name, value);
                }
                let request = request.body(Body::from(delivery.body))?;
                let status = self.router.clone().oneshot(request).await?.status();
                ensure!(status == StatusCode::OK, "a webhook was answered {status}");
                self.simulator.delivery_answered(&delivery.id, Some(200));
            }
            work_deliveries(Arc::clone(&self.app)).await?;
        }
    }
}

/// A tenant that has bought nothing.
pub async fn tenant(app: &App, name: &str) -> anyhow::Result<TenantId> {
    let now = app.clock.now();
    let id = TenantId::from_uuid(app.clock.new_id());
    let tenant = tenants::queries::Tenant::new(id, name, "someone@example.com", now)?;
    Ok(tenants::actions::create(app, &Origin::system(), tenant).await?.id)
}

/// Whether nothing waits; one row of each state is looked for, as counting them all would be work of its own.
pub async fn is_all_worked(app: &App) -> anyhow::Result<bool> {
    let mut conn = app.db.read().await?;
    for state in [State::Received, State::Working, State::Failed] {
        let filter = queries::Filter { states: vec![state], ..Default::default() };
        if !queries::list(&mut conn, &filter, None, 1).await?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How many deliveries are settled; an error where one waits for a person.
pub async fn settled(app: &App) -> anyhow::Result<i64> {
    let mut conn = app.db.read().await?;
    let mut settled = 0;
    for count in queries::counts(&mut conn, &queries::Filter::default()).await? {
        ensure!(count.state != State::Dead, "deliveries of `{}` are dead", count.event_type);
        if matches!(count.state, State::Done | State::Ignored) {
            settled += count.deliveries;
        }
    }
    Ok(settled)
}

async fn register_webhooks(gateway: Arc<dyn Gateway>) -> anyhow::Result<String> {
    let endpoint = CreateWebhookEndpoint {
        url: "http://tollhouse.test/webhook/stripe".to_owned(),
        enabled_events: vec!["*".to_owned()],
        api_version: API_VERSION.to_owned(),
    };
    let key = IdempotencyKey::new("register", "benchmark");
    let endpoint = Client::new(gateway, 1).create_webhook_endpoint(&endpoint, &key).await?;
    endpoint.secret.context("an endpoint has a secret")
}
