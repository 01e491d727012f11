//! A report as it comes: read strictly, each problem at its field.

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use tollhouse_domain::{
    id::{TenantId, UsageEventId},
    plan::is_code,
    time::Timestamp,
    usage::{Quantity, check_time},
};
use utoipa::ToSchema;

use crate::{
    app::App,
    error::{Error, FieldProblem, Result, invalid},
    http::extract::Digits,
    usage::actions::{Outcome, Report, unknown_meter},
};

const KEY_LENGTH_MAX: usize = 255;
const PROPERTIES_LENGTH_MAX: usize = 8192;

/// One report of usage.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageReport {
    /// Whose usage it is. Where the path names the tenant, that one or absent; in a batch, the
    /// credential's own where absent.
    pub tenant_id: Option<String>,
    /// The code of a meter in the catalog.
    pub meter: String,
    /// How much, with up to 12 decimals: a JSON number, or the same as text. Of meters that count reports
    /// or values, absent or 1.
    #[schema(value_type = Option<f64>, example = 1.5)]
    pub quantity: Option<Digits>,
    /// 1 to 255 bytes. However often the tenant reports under the same key, it counts once.
    pub idempotency_key: Option<String>,
    /// When it was used, from 35 days ago until 5 minutes ahead; now where absent.
    pub occurred_at: Option<String>,
    /// Anything worth keeping with it; up to 8192 bytes. A `unique` meter counts the values of one of them.
    #[schema(value_type = Option<Object>)]
    pub properties: Option<Box<RawValue>>,
}

impl UsageReport {
    /// The report, checked as far as one can without looking anything up. `key` stands in where it has
    /// none of its own.
    ///
    /// # Errors
    /// `Invalid`, with every problem at its field.
    pub fn check(
        self,
        app: &App,
        tenant: TenantId,
        key: impl FnOnce() -> String,
    ) -> Result<Report> {
        let mut problems = Vec::new();
        let mut refuse = |field: &str, message: String| {
            problems.push(FieldProblem { field: field.to_owned(), message });
        };
        let now = app.clock.now();
        let occurred_at = match self.occurred_at.as_deref().map(str::parse::<Timestamp>) {
            None => now,
            Some(Ok(moment)) => moment,
            Some(Err(_)) => {
                refuse("occurred_at", "must be a moment such as `2026-09-08T00:00:00Z`".to_owned());
                now
            }
        };
        if let Err(error) = check_time(occurred_at, now) {
            refuse("occurred_at", error.to_string());
        }
        if !is_code(&self.meter) {
            refuse("meter", "must be the code of a meter in the catalog".to_owned());
        }
        let quantity = self.quantity.map(|digits| Quantity::parse(&digits.0)).transpose();
        let quantity = quantity.unwrap_or_else(|error| {
            refuse("quantity", error.to_string());
            None
        });
        if self.idempotency_key.as_deref().is_some_and(|key| !is_key(key)) {
            let message = "must be 1 to 255 bytes without control characters";
            refuse("idempotency_key", message.to_owned());
        }
        if self.properties.as_deref().is_some_and(|raw| !is_small_object(raw)) {
            refuse("properties", "must be an object of up to 8192 bytes".to_owned());
        }
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        Ok(Report {
            id: UsageEventId::from_uuid(app.clock.new_id()),
            tenant,
            meter: self.meter,
            quantity,
            properties: self.properties,
            key: self.idempotency_key.unwrap_or_else(key),
            occurred_at,
            received_at: now,
        })
    }
}

fn is_key(text: &str) -> bool {
    (1..=KEY_LENGTH_MAX).contains(&text.len()) && !text.contains(char::is_control)
}

fn is_small_object(raw: &RawValue) -> bool {
    raw.get().len() <= PROPERTIES_LENGTH_MAX
        && serde_json::from_str::<Value>(raw.get()).is_ok_and(|value| value.is_object())
}

/// A report that was counted, now or before.
#[derive(Serialize, ToSchema)]
pub struct CountedReport {
    #[schema(value_type = String)]
    pub id: UsageEventId,
    /// Whether the key was known: the id is the first one's, and nothing was counted again.
    pub duplicate: bool,
}

impl CountedReport {
    /// # Errors
    /// Why the report was refused.
    pub fn of(outcome: Outcome) -> Result<Self> {
        match outcome {
            Outcome::Counted(id) => Ok(Self { id, duplicate: false }),
            Outcome::Duplicate(id) => Ok(Self { id, duplicate: true }),
            Outcome::Refused(refused) => Err(refused.into()),
        }
    }
}

/// Why one of several reports was refused.
#[derive(Serialize, ToSchema)]
pub struct RefusedReport {
    /// As in a problem document.
    pub code: &'static str,
    /// The field that is wrong, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    pub message: String,
}

impl RefusedReport {
    pub fn of(error: &Error) -> Self {
        let code = error.kind().1;
        match error {
            Error::Invalid(problems) => {
                let first = problems.first();
                Self {
                    code,
                    field: first
                        .map(|problem| problem.field.clone())
                        .filter(|name| !name.is_empty()),
                    message: first
                        .map_or_else(|| error.to_string(), |problem| problem.message.clone()),
                }
            }
            _ => Self { code, field: None, message: error.to_string() },
        }
    }
}

/// `unknown_meter`, at the field that named it.
pub fn no_such_meter(field: &str) -> FieldProblem {
    FieldProblem { field: field.to_owned(), message: unknown_meter(field) }
}

/// Where the path names the tenant, a body may repeat it and nothing else.
pub fn refuse_other_tenant(named: Option<&str>, tenant: TenantId) -> Result<()> {
    match named {
        Some(named) if named.parse() != Ok(tenant) => {
            Err(invalid("tenant_id", "must be the tenant of the path, or absent"))
        }
        _ => Ok(()),
    }
}
