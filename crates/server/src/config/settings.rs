//! Where each setting comes from: defaults, then a file, then the environment.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, bail};
use toml::{Table, Value};

use super::{Config, DEFAULT_FILE, checks::check};

/// Names that users already have in their environment, and the setting each one is.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("TOLLHOUSE_LISTEN", "server.listen"),
    ("TOLLHOUSE_TRUSTED_PROXIES", "server.trusted_proxies"),
    ("FRONTEND_URL", "server.frontend_url"),
    ("TOLLHOUSE_REDIRECT_HOSTS", "server.redirect_hosts"),
    ("DATABASE_URL", "database.url"),
    ("REDIS_URL", "redis.url"),
    ("BILLING_EVENTS_REDIS_URL", "redis.events_url"),
    ("ENABLE_BILLING_STREAM_REPLAY", "redis.events_replay"),
    ("STRIPE_SECRET_KEY", "stripe.secret_key"),
    ("STRIPE_PUBLISHABLE_KEY", "stripe.publishable_key"),
    ("STRIPE_WEBHOOK_SECRET", "stripe.webhook_secret"),
    ("STRIPE_API_VERSION", "stripe.api_version"),
    ("STRIPE_API_BASE", "stripe.api_base"),
    ("STRIPE_PRODUCT_PRICE_MAP", "stripe.product_price_map"),
    ("STRIPE_PORTAL_RETURN_URL", "stripe.portal_return_url"),
    ("TOLLHOUSE_CATALOG", "catalog.file"),
    ("JWT_SECRET", "auth.jwt_secret"),
    ("JWT_JWKS_URL", "auth.jwt_jwks_url"),
    ("JWT_ISSUER", "auth.jwt_issuer"),
    ("JWT_AUDIENCE", "auth.jwt_audience"),
    ("TOLLHOUSE_SESSION_SECURE", "session.secure"),
    ("DEFAULT_TRIAL_DAYS", "billing.default_trial_days"),
    ("BILLING_GRACE_PERIOD_DAYS", "billing.grace_period_days"),
    ("ENABLE_BILLING_STREAM", "stream.enabled"),
    ("ENABLE_BILLING_RETRY_WORKER", "webhooks.worker"),
    ("BILLING_RETRY_DEPLOYMENT_MODE", "webhooks.mode"),
    ("LAGO_API_URL", "lago.api_url"),
    ("LAGO_API_KEY", "lago.api_key"),
    ("TOLLHOUSE_OUTBOUND_PRIVATE_TARGETS", "outbound.private_targets"),
    ("TOLLHOUSE_METRICS_LISTEN", "metrics.listen"),
    ("TOLLHOUSE_LOG", "log.level"),
    ("TOLLHOUSE_LOG_FORMAT", "log.format"),
];

/// Settings that are never printed.
const SECRETS: &[&str] = &[
    "stripe.secret_key",
    "stripe.webhook_secret",
    "auth.jwt_secret",
    "database.url",
    "redis.url",
    "redis.events_url",
    "lago.api_key",
];

/// One setting as `tollhouse config` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// `section.name`
    pub name: String,
    /// Hidden where it is a secret.
    pub value: String,
    /// `default`, the file's path, or the variable's name.
    pub source: String,
}

/// Settings before they are types, each with where it came from.
pub struct Settings {
    values: Table,
    sources: BTreeMap<String, String>,
}

impl Settings {
    /// Defaults, then `file`, then the variables of the process.
    ///
    /// # Errors
    /// With the name of what is unknown or unreadable.
    pub fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let mut settings = Self::defaults()?;
        if let Some(path) = file {
            let text = std::fs::read_to_string(path).with_context(|| {
                format!("the settings file `{}` could not be read", path.display())
            })?;
            settings.merge_file(&text, &path.display().to_string())?;
        }
        settings.merge_environment(environment)?;
        Ok(settings)
    }

    /// Nothing but the defaults.
    ///
    /// # Errors
    /// Never in a released binary: a test reads the default file.
    pub fn defaults() -> anyhow::Result<Self> {
        let values = DEFAULT_FILE.parse().context("the default settings are not TOML")?;
        Ok(Self { values, sources: BTreeMap::new() })
    }

    /// Takes over what a file says.
    ///
    /// # Errors
    /// When it is not TOML, or names a setting that does not exist.
    pub fn merge_file(&mut self, text: &str, source: &str) -> anyhow::Result<()> {
        let table: Table =
            text.parse().with_context(|| format!("`{source}` is not a TOML file"))?;
        for (section, values) in table {
            let Value::Table(values) = values else {
                bail!("`{source}`: `{section}` stands outside of a section such as `[server]`");
            };
            for (name, value) in values {
                self.set(&format!("{section}.{name}"), value, source)?;
            }
        }
        Ok(())
    }

    /// Takes over the variables that `lookup` knows.
    ///
    /// # Errors
    /// When a number or a switch is neither.
    pub fn merge_environment(
        &mut self,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> anyhow::Result<()> {
        for (variable, name) in ENVIRONMENT {
            let Some(text) = lookup(variable) else { continue };
            let value = match self.get(name) {
                Some(Value::Integer(_)) => Value::Integer(
                    text.parse().with_context(|| format!("`{variable}` must be a whole number"))?,
                ),
                Some(Value::Boolean(_)) => Value::Boolean(
                    switch(&text)
                        .with_context(|| format!("`{variable}` must be `true` or `false`"))?,
                ),
                _ => Value::String(text),
            };
            self.set(name, value, variable)?;
        }
        Ok(())
    }

    /// Sets one value, as the command line does.
    ///
    /// # Errors
    /// When there is no such setting.
    pub fn set(&mut self, name: &str, value: Value, source: &str) -> anyhow::Result<()> {
        let place = name
            .split_once('.')
            .and_then(|(section, key)| self.values.get_mut(section)?.as_table_mut()?.get_mut(key));
        let Some(place) = place else {
            bail!("`{source}` sets `{name}`, which is not a setting: see `config.default.toml`");
        };
        *place = value;
        self.sources.insert(name.to_owned(), source.to_owned());
        Ok(())
    }

    fn get(&self, name: &str) -> Option<&Value> {
        let (section, key) = name.split_once('.')?;
        self.values.get(section)?.get(key)
    }

    /// The settings as types.
    ///
    /// # Errors
    /// With the setting whose value makes no sense.
    pub fn config(&self) -> anyhow::Result<Config> {
        let config: Config = self.values.clone().try_into().context("a setting makes no sense")?;
        check(&config)?;
        Ok(config)
    }

    /// Every setting in force, for people.
    pub fn shown(&self) -> Vec<Setting> {
        let mut shown = Vec::new();
        for (section, values) in &self.values {
            for (key, value) in values.as_table().into_iter().flatten() {
                let name = format!("{section}.{key}");
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let hidden = SECRETS.contains(&name.as_str()) && !text.is_empty();
                let source = self.sources.get(&name).map_or("default", String::as_str).to_owned();
                shown.push(Setting {
                    value: if hidden { "•••".to_owned() } else { text },
                    source,
                    name,
                });
            }
        }
        shown
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one door through which the environment comes in"
)]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_complete_and_valid() {
        let config = Settings::defaults().unwrap().config().unwrap();
        assert_eq!(config.stripe.api_version, tollhouse_stripe::API_VERSION);
        assert!(config.stripe.secret_key.is_none());
        for (variable, name) in ENVIRONMENT {
            assert!(Settings::defaults().unwrap().get(name).is_some(), "{variable} sets {name}");
            assert!(DEFAULT_FILE.contains(&format!("[{variable}]")), "{variable} is documented");
        }
    }

    #[test]
    fn the_environment_goes_before_the_file() {
        let mut settings = Settings::defaults().unwrap();
        settings.merge_file("[billing]\ngrace_period_days = 5\n", "tollhouse.toml").unwrap();
        let lookup = |name: &str| (name == "BILLING_GRACE_PERIOD_DAYS").then(|| "7".to_owned());
        settings.merge_environment(lookup).unwrap();
        assert_eq!(settings.config().unwrap().billing.grace_period_days, 7);
        let shown = settings.shown();
        let grace = shown.iter().find(|s| s.name == "billing.grace_period_days").unwrap();
        assert_eq!(grace.source, "BILLING_GRACE_PERIOD_DAYS");
    }

    #[test]
    fn a_typo_is_an_error_that_names_it() {
        let mut settings = Settings::defaults().unwrap();
        let error =
            settings.merge_file("[billing]\ngrace_days = 5\n", "tollhouse.toml").unwrap_err();
        assert!(error.to_string().contains("billing.grace_days"), "{error}");
    }

    #[test]
    fn secrets_are_never_shown() {
        let mut settings = Settings::defaults().unwrap();
        let lookup =
            |name: &str| (name == "STRIPE_SECRET_KEY").then(|| "sk_test_very_secret".to_owned());
        settings.merge_environment(lookup).unwrap();
        assert!(!format!("{:?}", settings.shown()).contains("very_secret"));
        assert!(!format!("{:?}", settings.config().unwrap()).contains("very_secret"));
    }

    #[test]
    fn lago_needs_an_address_and_a_key() {
        let lago = |variables: &[(&str, &str)]| {
            let mut settings = Settings::defaults().unwrap();
            let lookup = |name: &str| {
                let found = variables.iter().find(|(variable, _)| *variable == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            settings.merge_environment(lookup).unwrap();
            let shown = format!("{:?}", settings.shown());
            assert!(!shown.contains("very_secret"), "{shown}");
            settings.config()
        };
        let (url, key) =
            (("LAGO_API_URL", "https://lago.example"), ("LAGO_API_KEY", "very_secret"));
        assert!(lago(&[url, key]).unwrap().lago.api_key.is_some());
        assert!(!format!("{:?}", lago(&[url, key]).unwrap()).contains("very_secret"));
        for half in [url, key] {
            assert!(lago(&[half]).unwrap_err().to_string().contains("belong together"));
        }
    }

    #[test]
    fn several_webhook_secrets_while_one_is_rolled() {
        let mut settings = Settings::defaults().unwrap();
        settings
            .merge_environment(|name| {
                (name == "STRIPE_WEBHOOK_SECRET").then(|| "whsec_a, whsec_b".into())
            })
            .unwrap();
        assert_eq!(settings.config().unwrap().stripe.webhook_secret.len(), 2);
    }
}
