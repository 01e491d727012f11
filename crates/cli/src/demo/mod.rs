//! Service and simulator together, with a sample catalog and tenants: something to click within a minute.

mod cards;
mod panel;
mod time_machine;

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context;
use clap::Args;
use serde::Serialize;
use tokio::net::TcpListener;
use tollhouse_domain::{
    actor::Role,
    id::{CheckoutId, TenantId},
    money::Currency,
    price::Interval,
};
use tollhouse_server::{
    App, Clock, Config, Settings,
    catalog::{actions::load, file, push::push},
    checkout::{
        actions::{Page, Purchase, Trial, open},
        sync,
    },
    clock::secret_bytes,
    config::Secret,
    record::Origin,
    serve_beside,
    subscriptions::offer::Wanted,
    tenants::{actions::create, queries::Tenant},
};
use tollhouse_simulator::Simulator;
use tollhouse_stripe::{
    API_VERSION, Client, IdempotencyKey, http::HttpGateway, params::CreateWebhookEndpoint,
};

use self::time_machine::TimeMachine;
use crate::{logging, output, simulator, stop, token};

const CATALOG: &str = include_str!("../../../../catalog.example.toml");
const TENANTS: [(&str, &str); 3] = [
    ("Acme Robotics", "billing@acme.example"),
    ("Birch & Sons", "office@birch.example"),
    ("Cosmo Labs", "money@cosmo.example"),
];
/// Tokens and sessions outlive any demo, however far its clock is moved: ten years.
const TOKEN_HOURS: i64 = 24 * 3653;

#[derive(Args)]
pub struct Demo {
    /// Port of the service; 0 takes free ones for both
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Port of the simulator
    #[arg(long, default_value_t = 12111)]
    simulator_port: u16,
    /// Database to use instead of a temporary SQLite file
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Print one JSON line when ready
    #[arg(long)]
    json: bool,
}

/// What the demo says when it is ready.
#[derive(Serialize)]
struct Ready {
    url: String,
    simulator_url: String,
    stripe_secret_key: String,
    webhook_secret: String,
    operator_token: String,
    /// Opens the operator's pages, signed in.
    operator_pages: String,
    tenants: Vec<ReadyTenant>,
}

#[derive(Serialize)]
struct ReadyTenant {
    id: TenantId,
    name: &'static str,
    subscribed: bool,
    /// Opens the pages of its billing owner, signed in.
    pages: String,
    tokens: Tokens,
}

#[derive(Serialize)]
struct Tokens {
    owner: String,
    admin: String,
    member: String,
    viewer: String,
}

impl Demo {
    pub async fn run(self) -> anyhow::Result<()> {
        let folder = tempfile::Builder::new().prefix("tollhouse-demo-").tempdir()?;
        let clock = Clock::movable();
        let simulator_port = if self.port == 0 { 0 } else { self.simulator_port };
        let (simulator, simulator_listener) =
            simulator::listen(simulator_port, clock.seed(), clock.clone()).await?;
        let moved = clock.clone();
        simulator.move_with_wall_clock(Box::new(move |seconds| moved.advance(seconds)));
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], self.port)))
            .await
            .with_context(|| format!("port {} is taken: name another with `--port`", self.port))?;
        let url = format!("http://{}", listener.local_addr()?);
        let simulator_url = format!("http://{}", simulator_listener.local_addr()?);
        let stopping = tokio_util::sync::CancellationToken::new();
        let simulator_runs =
            tokio::spawn(simulator::run(simulator.clone(), simulator_listener, stopping.clone()));

        let database = self.database.unwrap_or_else(|| {
            format!("sqlite:{}", folder.path().join("tollhouse.sqlite").display())
        });
        let webhook_secret = register_webhooks(&simulator_url, &url).await?;
        let config = settings(&database, &url, &simulator_url, &webhook_secret)?;
        logging::start(&config.log)?;
        let app = App::start(config, clock, None).await?;
        load(&app, &file::parse(CATALOG)?, &std::collections::BTreeMap::new()).await?;
        push(&app).await?;
        let tenants = create_tenants(&app, &simulator).await?;

        let operator_token = token::sign(
            &app.config,
            &app.clock,
            "demo-operator".into(),
            Role::Operator,
            None,
            TOKEN_HOURS,
        )?;
        let ready = Ready {
            operator_pages: format!("{url}/pages/enter?token={operator_token}"),
            operator_token,
            stripe_secret_key: simulator::SECRET_KEY.to_owned(),
            webhook_secret,
            url,
            simulator_url,
            tenants,
        };
        stop::on_signal(app.stop.clone())?;
        if self.json {
            output::json(&ready)?;
        } else {
            welcome(&ready)?;
        }

        let mut known: Vec<_> =
            ready.tenants.iter().map(|tenant| (tenant.id, tenant.name)).collect();
        // The one that has paid is what a newcomer plays with.
        known.rotate_right(1);
        let machine = TimeMachine::new(Arc::clone(&app), simulator, known);
        serve_beside(Arc::clone(&app), Some(listener), panel::beside(&machine)).await;
        stopping.cancel();
        simulator_runs.await?
    }
}

/// Tells the simulator where to send events; it answers with the secret it will sign them with.
async fn register_webhooks(simulator_url: &str, url: &str) -> anyhow::Result<String> {
    let gateway = HttpGateway::new(simulator_url, simulator::SECRET_KEY, None)?;
    let endpoint = CreateWebhookEndpoint {
        url: format!("{url}/webhook/stripe"),
        enabled_events: vec!["*".to_owned()],
        api_version: API_VERSION.to_owned(),
    };
    let key = IdempotencyKey::new("register-webhooks", url);
    let endpoint =
        Client::new(Arc::new(gateway), 1).create_webhook_endpoint(&endpoint, &key).await?;
    endpoint.secret.context("the simulator gave no signing secret")
}

fn settings(
    database: &str,
    url: &str,
    simulator_url: &str,
    webhook_secret: &str,
) -> anyhow::Result<Config> {
    let mut settings = Settings::defaults()?;
    for (name, value) in [
        ("database.url", database),
        ("server.frontend_url", url),
        ("server.redirect_hosts", "localhost,127.0.0.1"),
        ("outbound.private_targets", "localhost,127.0.0.1"),
        ("stripe.publishable_key", "pk_test_tollhouse_simulator"),
        ("stripe.api_base", simulator_url),
        ("log.level", "warn"),
    ] {
        settings.set(name, toml::Value::String(value.to_owned()), "demo")?;
    }
    let mut config = settings.config()?;
    config.stripe.secret_key = Some(Secret::new(simulator::SECRET_KEY));
    config.stripe.webhook_secret = vec![Secret::new(webhook_secret)];
    config.auth.jwt_secret = Some(random_secret()?);
    config.session.secure = false;
    config.session.life_seconds = TOKEN_HOURS * 3600;
    // By the clock it would come between a step of the time machine and its webhooks, and call these lost. The
    // button of its page compares nevertheless.
    config.reconcile.enabled = false;
    config.reconcile.calls_per_second = 0;
    config.export.calls_per_second = 0;
    Ok(config)
}

fn random_secret() -> anyhow::Result<Secret> {
    let bytes = secret_bytes::<32>()?;
    Ok(Secret::new(bytes.map(|byte| format!("{byte:02x}")).concat()))
}

/// Three tenants; the last one has paid already.
async fn create_tenants(app: &Arc<App>, simulator: &Simulator) -> anyhow::Result<Vec<ReadyTenant>> {
    let mut ready = Vec::new();
    for (index, (name, email)) in TENANTS.into_iter().enumerate() {
        let id = TenantId::from_uuid(app.clock.new_id());
        let tenant = Tenant::new(id, name, email, app.clock.now())?;
        let tenant = Tenant { sla_level: 1, ..tenant };
        let tenant = create(app, &Origin::system(), tenant).await?;
        let subscribed = index + 1 == TENANTS.len();
        if subscribed {
            subscribe(app, simulator, tenant.id).await?;
        }
        let sign = |role: Role| {
            let subject = format!("{role}@{}", email.split('@').nth(1).unwrap_or("example"));
            token::sign(
                &app.config,
                &app.clock,
                subject,
                role,
                Some(tenant.id.to_string()),
                TOKEN_HOURS,
            )
        };
        let owner = sign(Role::Owner)?;
        ready.push(ReadyTenant {
            id: tenant.id,
            name,
            subscribed,
            pages: format!("{}/pages/enter?token={owner}", app.config.server.frontend_url),
            tokens: Tokens {
                owner,
                admin: sign(Role::Admin)?,
                member: sign(Role::Member)?,
                viewer: sign(Role::Viewer)?,
            },
        });
    }
    Ok(ready)
}

/// Goes through checkout as a customer would, with a card that works.
async fn subscribe(app: &Arc<App>, simulator: &Simulator, tenant: TenantId) -> anyhow::Result<()> {
    let origin = Origin::system();
    let purchase = Purchase {
        id: CheckoutId::from_uuid(app.clock.new_id()),
        tenant,
        wanted: Wanted::Plan {
            code: "pro".to_owned(),
            interval: Some(Interval::Month),
            currency: Some(Currency::new("usd")?),
        },
        kind: None,
        quantity: 1,
        trial: Trial::None,
        addon_of: None,
        promotion_code: None,
    };
    let page = Page {
        success_url: format!("{}/", app.config.server.frontend_url),
        cancel_url: format!("{}/", app.config.server.frontend_url),
    };
    let checkout = open(app, &origin, purchase, page).await?;
    let session = checkout.stripe_session_id.context("the page to pay on has no session")?;
    simulator
        .complete_checkout(session.as_str(), "pm_card_visa")
        .map_err(|error| anyhow::anyhow!("the simulator refused a good card: {error}"))?;
    sync::sync(app, &origin, &session).await?;
    Ok(())
}

fn welcome(ready: &Ready) -> anyhow::Result<()> {
    let Ready { url, simulator_url, operator_pages, .. } = ready;
    let first = ready.tenants.first().context("the demo has no tenant")?;
    let (id, owner) = (&first.id, &first.tokens.owner);
    output::line(&format!(
        "\nTollhouse is running, with a simulator as its Stripe.\n\n  service     {url}"
    ))?;
    output::line(&format!("  API         {url}/docs"))?;
    output::line(&format!("  simulator   {simulator_url}/_sim"))?;
    output::line(&format!("  key         {}", ready.stripe_secret_key))?;
    output::line(&format!("\n  operator    {}", ready.operator_token))?;
    output::line(&format!("  its pages   {operator_pages}\n"))?;
    for tenant in &ready.tenants {
        let state = if tenant.subscribed { "has Pro" } else { "has nothing yet" };
        output::line(&format!("  {} ({state})\n    id        {}", tenant.name, tenant.id))?;
        output::line(&format!("    owner     {}", tenant.tokens.owner))?;
        output::line(&format!("    its pages {}\n", tenant.pages))?;
    }
    output::line(
        "Open a page to pay on, then open its `url` in a browser (4242 4242 4242 4242 pays):\n",
    )?;
    output::line(&format!(
        "curl -s {url}/api/v1/customer/billing/checkout-session -H 'Authorization: Bearer {owner}' -H 'Content-Type: application/json' \
         -d '{{\"plan\":\"pro\",\"interval\":\"month\",\"success_url\":\"{url}/docs\",\"cancel_url\":\"{url}/docs\"}}'\n"
    ))?;
    output::line("See what it has, and what happened:\n")?;
    output::line(&format!(
        "curl -s {url}/api/v1/customer/billing/status -H 'Authorization: Bearer {owner}'\n"
    ))?;
    output::line(&format!(
        "curl -s {url}/api/v1/billing/tenants/{id}/events -H 'Authorization: Bearer {owner}'\n"
    ))?;
    output::line(
        "Beside each page stands a time machine: break a card, go to the next renewal, and see what follows.",
    )?;
    output::line("Ctrl-C stops it; nothing is left behind.")?;
    Ok(())
}
