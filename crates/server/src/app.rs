//! `App`: everything a request or a task may need, in one struct.

use std::sync::Arc;

use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tollhouse_stripe::{
    API_VERSION, Client, Gateway, http::HttpGateway, unconfigured::Unconfigured,
};

use crate::{
    clock::Clock,
    config::Config,
    db::Db,
    downloads,
    entitlements::Holds,
    events::Streams,
    http::key_set::KeySet,
    lago::Lago,
    metrics::{Measured, Metrics},
    nudge::Nudges,
    outbound::Sender,
    tasks::Runs,
    usage,
    webhooks::Intake,
};

/// One running service. Shared by every request and task.
pub struct App {
    pub config: Config,
    pub clock: Clock,
    pub db: Db,
    pub stripe: Client,
    pub nudges: Nudges,
    /// What is counted for Prometheus.
    pub metrics: Arc<Metrics>,
    /// Where webhook deliveries wait to be stored together.
    pub intake: Intake,
    /// Where reports of usage wait to be counted together.
    pub usage: usage::Intake,
    /// Where wishes to hold something wait to be decided together.
    pub holds: Holds,
    /// The live streams that are open.
    pub streams: Streams,
    /// The files that are being downloaded.
    pub downloads: downloads::Places,
    /// The keys of the identity provider, where there is one.
    pub key_set: Option<Arc<KeySet>>,
    /// Posts events to endpoints of the application.
    pub sender: Sender,
    /// Where usage is sent too, if anywhere.
    pub lago: Option<Lago>,
    /// When each task ran last in this process.
    pub runs: Runs,
    /// The requests under way; they are finished before the service stops.
    pub requests: TaskTracker,
    /// Cancelled when the service is to stop; whatever outlives a request listens to it.
    pub stop: CancellationToken,
}

impl App {
    /// Opens the database, brings its schema up to date, and connects the parts.
    ///
    /// `gateway` replaces the one the settings name; the simulator comes in this way.
    ///
    /// # Errors
    /// With a sentence that says what to do, where a part cannot be had.
    pub async fn start(
        config: Config,
        clock: Clock,
        gateway: Option<Arc<dyn Gateway>>,
    ) -> anyhow::Result<Arc<Self>> {
        let nudges = Nudges::default();
        let db =
            Db::open(config.database.url.expose(), config.database.connections_max, nudges.clone())
                .await
                .map_err(|error| anyhow::anyhow!("the database could not be opened: {error}"))?;
        db.migrate().await?;
        let db = db.with_wall(&config.database.tenant_role).await?;
        let metrics = Metrics::start(clock.now(), db.kind())?;
        let gateway = match gateway {
            Some(gateway) => gateway,
            None => configured_gateway(&config)?,
        };
        let gateway = Measured::new(gateway, Arc::clone(&metrics), clock.clone());
        let stripe = Client::new(Arc::new(gateway), clock.seed());
        let intake = Intake::start(db.clone(), Arc::clone(&metrics));
        let onward = usage::Onward::of(&config);
        let usage = usage::Intake::start(db.clone(), clock.clone(), Arc::clone(&metrics), onward);
        let grace_days = config.billing.grace_period_days;
        let holds = Holds::start(db.clone(), clock.clone(), Arc::clone(&metrics), grace_days);
        let streams = Streams::new(config.stream.connections_max);
        let key_set = KeySet::of(&config.auth)?;
        let sender = Sender::new(&config.outbound)?;
        let lago = Lago::configured(&config.lago)?;
        let (requests, stop) = (TaskTracker::new(), CancellationToken::new());
        Ok(Arc::new(Self {
            config,
            clock,
            db,
            stripe,
            nudges,
            metrics,
            intake,
            usage,
            holds,
            streams,
            downloads: downloads::Places::default(),
            key_set,
            sender,
            lago,
            runs: Runs::default(),
            requests,
            stop,
        }))
    }
}

impl App {
    /// The same service with another way to Stripe, such as a slower one.
    #[must_use]
    pub fn with_stripe(&self, stripe: Client) -> Arc<Self> {
        Arc::new(Self {
            config: self.config.clone(),
            clock: self.clock.clone(),
            db: self.db.clone(),
            stripe,
            nudges: self.nudges.clone(),
            metrics: Arc::clone(&self.metrics),
            intake: self.intake.clone(),
            usage: self.usage.clone(),
            holds: self.holds.clone(),
            streams: self.streams.clone(),
            downloads: self.downloads.clone(),
            key_set: self.key_set.clone(),
            sender: self.sender.clone(),
            lago: self.lago.clone(),
            runs: self.runs.clone(),
            requests: self.requests.clone(),
            stop: self.stop.clone(),
        })
    }
}

/// The way to Stripe that the settings name; none where there is no key.
///
/// # Errors
/// When TLS cannot be set up on this machine.
pub fn configured_gateway(config: &Config) -> anyhow::Result<Arc<dyn Gateway>> {
    let Some(key) = &config.stripe.secret_key else { return Ok(Arc::new(Unconfigured)) };
    let version = &config.stripe.api_version;
    if version != API_VERSION {
        tracing::warn!(
            configured = version.as_str(),
            tested = API_VERSION,
            "Stripe is asked for an API version that this release was not tested with"
        );
    }
    Ok(Arc::new(HttpGateway::new(&config.stripe.api_base, key.expose(), Some(version))?))
}
