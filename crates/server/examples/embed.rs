//! Tollhouse inside another axum application: its routes beside the host's own, its verbs called in process.
//!
//! `cargo run -p tollhouse-server --example embed` needs nothing: the database is a temporary file, and the
//! simulator is Stripe. In production leave the gateway to the settings (`None`) and the paying to people.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::{sync::Arc, time::Duration};

use anyhow::{Context, anyhow, ensure};
use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{Request, StatusCode},
    routing::get,
};
use tokio::net::TcpListener;
use tollhouse_domain::{
    access::{Access, access},
    id::{CheckoutId, TenantId},
    money::Currency,
    price::Interval,
};
use tollhouse_server::{
    App, Clock, Config, Settings,
    catalog::{actions::load, file, push::push},
    checkout::actions::{Page, Purchase, Trial, open},
    config::Secret,
    nudge::Nudge,
    record::Origin,
    router, serve,
    subscriptions::{actions::live_base, offer::Wanted},
    tenants::{actions as tenants, queries::Tenant},
};
use tollhouse_simulator::{Options, Simulator};
use tollhouse_stripe::{
    API_VERSION, Client, Gateway, IdempotencyKey, params::CreateWebhookEndpoint,
};
use tower::ServiceExt;

const CATALOG: &str = include_str!("../../../catalog.example.toml");
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(20);

#[tokio::main]
pub async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let database = format!("sqlite:{}", folder.path().join("host.sqlite").display());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);

    // One service for the whole process. The simulator stands where Stripe would.
    let clock = Clock::real();
    let simulator = simulated_stripe(&clock);
    let gateway: Arc<dyn Gateway> = Arc::new(simulator.gateway());
    let config = settings(&database, &url, Arc::clone(&gateway)).await?;
    let app = App::start(config, clock, Some(gateway)).await?;
    load(&app, &file::parse(CATALOG)?, &[].into()).await?;
    push(&app).await?;

    // The host's own route, and all of Tollhouse beside it on the same port.
    let host = Router::new()
        .route("/reports/{tenant}", get(reports))
        .with_state(Arc::clone(&app))
        .merge(router(&app));
    let stopped = app.stop.clone().cancelled_owned();
    let serving = axum::serve(listener, host.clone()).with_graceful_shutdown(stopped);
    let serving = tokio::spawn(serving.into_future());
    // Without a listener `serve` runs the tasks that work webhooks; it closes the database at the end.
    let working = tokio::spawn(serve(Arc::clone(&app), None));
    let delivering = tokio::spawn(simulator.clone().deliver(app.stop.clone()));

    let tenant = create_tenant(&app).await?;
    println!("before paying, /reports answers {}", ask(&host, tenant).await?);
    let page = open_checkout(&app, tenant, &url).await?;
    println!("a page to pay on is open: {page}");
    let mut nudges = app.nudges.listen();
    simulator.complete_checkout(&page, "pm_card_visa").map_err(|error| anyhow!("{error}"))?;

    // The webhook brings the news; a nudge says when to look.
    let told = async {
        while live_base(&app, tenant).await.is_err() {
            while nudges.recv().await? != Nudge::Events(tenant) {}
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(WEBHOOK_TIMEOUT, told).await.context("no webhook came")??;
    let subscription = live_base(&app, tenant).await?;
    println!("the subscription of `{}` is {}", subscription.plan_code, subscription.status);
    let answer = ask(&host, tenant).await?;
    println!("after paying, /reports answers {answer}");
    ensure!(answer == StatusCode::OK, "whoever has paid may read");

    app.stop.cancel();
    serving.await??;
    delivering.await?;
    working.await?;
    Ok(())
}

/// The host's own route: it asks Tollhouse in process whether the tenant may.
async fn reports(State(app): State<Arc<App>>, Path(tenant): Path<String>) -> StatusCode {
    let Ok(tenant) = tenant.parse::<TenantId>() else { return StatusCode::NOT_FOUND };
    match live_base(&app, tenant).await {
        Ok(row) => {
            let days = app.config.billing.grace_period_days;
            match access(row.status, row.grace_started_at, days, true, app.clock.now()) {
                Access::Full | Access::Grace { .. } => StatusCode::OK,
                Access::None => StatusCode::PAYMENT_REQUIRED,
            }
        }
        Err(_) => StatusCode::PAYMENT_REQUIRED,
    }
}

async fn ask(host: &Router, tenant: TenantId) -> anyhow::Result<StatusCode> {
    let request = Request::get(format!("/reports/{tenant}")).body(Body::empty())?;
    Ok(host.clone().oneshot(request).await?.status())
}

/// The same verb as behind `POST /api/v1/customer/billing/checkout-session`; the session's id.
async fn open_checkout(app: &App, tenant: TenantId, url: &str) -> anyhow::Result<String> {
    let wanted = Wanted::Plan {
        code: "pro".to_owned(),
        interval: Some(Interval::Month),
        currency: Some(Currency::new("usd")?),
    };
    let purchase = Purchase {
        // Make it once per press of the button: the same id gets the same page.
        id: CheckoutId::from_uuid(app.clock.new_id()),
        tenant,
        wanted,
        kind: None,
        quantity: 1,
        trial: Trial::None,
        addon_of: None,
        promotion_code: None,
    };
    let page = Page { success_url: format!("{url}/thanks"), cancel_url: format!("{url}/pricing") };
    let checkout = open(app, &Origin::system(), purchase, page).await?;
    let session = checkout.stripe_session_id.context("the page to pay on has no session")?;
    Ok(session.to_string())
}

async fn create_tenant(app: &App) -> anyhow::Result<TenantId> {
    let id = TenantId::from_uuid(app.clock.new_id());
    let tenant = Tenant::new(id, "Acme", "billing@acme.example", app.clock.now())?;
    Ok(tenants::create(app, &Origin::system(), tenant).await?.id)
}

fn simulated_stripe(clock: &Clock) -> Simulator {
    let wall_clock = clock.clone();
    Simulator::new(Options {
        seed: clock.seed(),
        secret_key: "sk_test_embedded".to_owned(),
        base_url: "http://simulator.invalid".to_owned(),
        wall_clock: Arc::new(move || wall_clock.now().as_second()),
    })
}

/// The defaults, and what this process knows; an application would read them with `Settings::load`.
async fn settings(database: &str, url: &str, gateway: Arc<dyn Gateway>) -> anyhow::Result<Config> {
    let endpoint = CreateWebhookEndpoint {
        url: format!("{url}/webhook/stripe"),
        enabled_events: vec!["*".to_owned()],
        api_version: API_VERSION.to_owned(),
    };
    let key = IdempotencyKey::new("register-webhooks", url);
    let endpoint = Client::new(gateway, 1).create_webhook_endpoint(&endpoint, &key).await?;
    let secret = endpoint.secret.context("the simulator gave no signing secret")?;
    let mut config = Settings::defaults()?.config()?;
    config.database.url = Secret::new(database);
    config.stripe.webhook_secret = vec![Secret::new(secret)];
    Ok(config)
}
