//! Settings as types.
//!
//! Owns: nothing.
//! Does not own: where a value comes from; that is `settings.rs`: defaults, then a file, then the environment. Which
//! values make no sense, alone or together, says `checks.rs`.
//! Invariant: `config.default.toml` is compiled in and is the documentation; a setting that is not in it does
//! not exist, and naming one is an error.

mod checks;
mod settings;

use std::{fmt, net::SocketAddr};

use serde::{Deserialize, Deserializer};

pub use settings::{Setting, Settings};

/// The default file, with every setting and its meaning.
pub const DEFAULT_FILE: &str = include_str!("../../../../config.default.toml");

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub limits: Limits,
    pub database: Database,
    pub redis: Redis,
    pub stripe: Stripe,
    pub catalog: Catalog,
    pub auth: Auth,
    pub session: Session,
    pub billing: Billing,
    pub stream: Stream,
    pub webhooks: Webhooks,
    pub reconcile: Reconcile,
    pub export: Export,
    pub lago: Lago,
    pub outbound: Outbound,
    pub retention: Retention,
    pub metrics: Metrics,
    pub log: Log,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub listen: SocketAddr,
    pub frontend_url: String,
    #[serde(deserialize_with = "comma_separated")]
    pub redirect_hosts: Vec<String>,
    pub body_bytes_max: usize,
    pub request_timeout_seconds: u64,
    pub requests_at_once_max: usize,
    pub connections_max: usize,
    pub header_timeout_seconds: u64,
    pub trusted_proxies: usize,
}

/// Of one caller; 0 is no limit.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub credential_per_second: u32,
    pub credential_burst: u32,
    pub application_per_second: u32,
    pub application_burst: u32,
    pub address_per_second: u32,
    pub address_burst: u32,
    pub address_at_once: usize,
    pub address_connections: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// May hold a password.
    pub url: Secret,
    pub connections_max: u32,
    pub tenant_role: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// May hold a password.
    #[serde(deserialize_with = "none_if_empty")]
    pub url: Option<Secret>,
    /// May hold a password.
    #[serde(deserialize_with = "none_if_empty")]
    pub events_url: Option<Secret>,
    pub events_key: String,
    pub events_kept: i64,
    pub events_replay: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stripe {
    #[serde(deserialize_with = "none_if_empty")]
    pub secret_key: Option<Secret>,
    #[serde(deserialize_with = "none_if_empty")]
    pub publishable_key: Option<String>,
    #[serde(deserialize_with = "comma_separated")]
    pub webhook_secret: Vec<Secret>,
    pub api_version: String,
    pub api_base: String,
    pub product_price_map: String,
    #[serde(deserialize_with = "none_if_empty")]
    pub portal_return_url: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    #[serde(deserialize_with = "none_if_empty")]
    pub file: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    #[serde(deserialize_with = "none_if_empty")]
    pub jwt_secret: Option<Secret>,
    #[serde(deserialize_with = "none_if_empty")]
    pub jwt_jwks_url: Option<String>,
    pub jwks_refresh_seconds: u64,
    pub jwks_outage_seconds: i64,
    pub jwks_plain_http: bool,
    #[serde(deserialize_with = "none_if_empty")]
    pub jwt_issuer: Option<String>,
    #[serde(deserialize_with = "none_if_empty")]
    pub jwt_audience: Option<String>,
    pub claim_subject: String,
    pub claim_role: String,
    pub claim_tenant: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    pub life_seconds: i64,
    pub secure: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Billing {
    pub default_trial_days: u32,
    pub grace_period_days: u32,
    pub trial_end_without_card: TrialEnd,
    pub automatic_tax: bool,
    #[serde(deserialize_with = "comma_separated")]
    pub tax_rates: Vec<String>,
}

/// What becomes of a subscription whose trial ends without a card, in Stripe's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialEnd {
    /// It ends.
    Cancel,
    /// It is invoiced, and past due.
    CreateInvoice,
    /// It is halted until there is a card and someone resumes it.
    Pause,
}

impl TrialEnd {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::CreateInvoice => "create_invoice",
            Self::Pause => "pause",
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    pub enabled: bool,
    pub life_seconds: u64,
    pub heartbeat_seconds: u64,
    pub connections_max: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    pub worker: bool,
    pub mode: WorkerMode,
    pub attempts_max: i64,
    pub claim_seconds: i64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reconcile {
    pub enabled: bool,
    pub interval_seconds: u32,
    pub full_interval_seconds: u32,
    pub calls_per_second: u32,
    pub invoice_days: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    pub delay_seconds: i64,
    pub calls_per_second: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lago {
    #[serde(deserialize_with = "none_if_empty")]
    pub api_url: Option<String>,
    #[serde(deserialize_with = "none_if_empty")]
    pub api_key: Option<Secret>,
}

/// Who works the deliveries that were received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkerMode {
    Inline,
    Dedicated,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbound {
    #[serde(deserialize_with = "comma_separated")]
    pub private_targets: Vec<String>,
}

/// Days; 0 is for ever.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    pub delivery_payload_days: u32,
    pub event_days: u32,
    pub usage_event_days: u32,
    pub outbound_delivery_days: u32,
    pub audit_days: u32,
    pub personal_data_days: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    #[serde(deserialize_with = "address_or_none")]
    pub listen: Option<SocketAddr>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub level: String,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// A value that is used but never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value)
    }
}

fn none_if_empty<'de, D: Deserializer<'de>, T: From<String>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok((!text.is_empty()).then(|| T::from(text)))
}

fn address_or_none<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let address = (!text.is_empty()).then(|| text.parse()).transpose();
    address.map_err(|_| serde::de::Error::custom(format!("`{text}` is not an address and a port")))
}

fn comma_separated<'de, D: Deserializer<'de>, T: From<String>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| T::from(part.to_owned()))
        .collect())
}
