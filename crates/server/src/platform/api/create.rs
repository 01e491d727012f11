//! Creating a tenant with its customer and its plan.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use tollhouse_domain::{
    actor::Permission, id::TenantId, money::Currency, price::Interval, tenant::looks_like_email,
    time::Timestamp,
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::{TenantDetail, detail};
use crate::{
    app::App,
    db::Json as Stored,
    error::{Error, FieldProblem, Problem, Result},
    http::{Work, auth::Caller, extract::JsonBody},
    platform::actions,
    tenants::{Opening, Overrides, Retention, actions as tenants, queries::Tenant, sso::Sso},
};

const NAME_LENGTH_MAX: usize = 200;
const PHONE_LENGTH_MAX: usize = 40;
const SUPPORT_TIER_LENGTH_MAX: usize = 50;
const SLA_LEVEL_MAX: i64 = 1000;
/// As Stripe has it.
const METADATA_KEYS_MAX: usize = 50;
const METADATA_KEY_LENGTH_MAX: usize = 40;
const METADATA_VALUE_LENGTH_MAX: usize = 500;
const OVERRIDES_MAX: usize = 100;

/// A new tenant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTenant {
    /// The application's own id for it, a UUID; made where absent.
    #[schema(value_type = Option<String>)]
    id: Option<String>,
    name: String,
    /// The contact's address.
    email: String,
    /// Where invoices go; the contact's address where absent.
    billing_email: Option<String>,
    phone: Option<String>,
    /// The plan to begin with; none where absent. With its trial, else by a page to pay on: see `checkout` in the
    /// answer.
    plan: Option<String>,
    /// `month` or `year`, where the plan has a price.
    interval: Option<String>,
    /// `usd` where absent.
    currency: Option<String>,
    /// `standard` where absent.
    support_tier: Option<String>,
    /// 0 where absent.
    sla_level: Option<i64>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    sso: Option<Sso>,
    overrides: Option<Overrides>,
    retention: Option<Retention>,
}

/// Create a tenant with its customer and its plan
#[utoipa::path(post, path = "/api/v1/stripe/tenants", tag = "tenants", request_body = CreateTenant,
    responses((status = 201, body = TenantDetail), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    work: Work,
    body: JsonBody,
) -> Result<(StatusCode, Json<TenantDetail>)> {
    caller.require(Permission::ManageTenants)?;
    let new = checked(&app, body.read()?, work.0).await?;
    let origin = caller.origin();
    let tenant = actions::create(&app, &origin, new).await?;
    actions::settle(&app, &origin, tenant.id).await?;
    let tenant = tenants::get(&app, tenant.id).await?;
    Ok((StatusCode::CREATED, Json(detail(&app, tenant).await?)))
}

/// The tenant as it is to be written down; every problem at once, each at its field.
pub(super) async fn checked(app: &App, request: CreateTenant, work: Uuid) -> Result<Tenant> {
    let now = app.clock.now();
    let (interval, currency, mut problems) = read_words(&request);
    let id = request.id.as_deref().map_or(Ok(TenantId::from_uuid(work)), str::parse);
    if id.is_err() {
        refuse(&mut problems, "id", "must be a UUID");
    }
    let said = Said {
        name: Some(&request.name),
        email: Some(&request.email),
        billing_email: request.billing_email.as_deref(),
        phone: request.phone.as_deref(),
        support_tier: request.support_tier.as_deref(),
        sla_level: request.sla_level,
        metadata: Some(&request.metadata),
        sso: request.sso.as_ref(),
        overrides: request.overrides.as_ref(),
        retention: request.retention.as_ref(),
    };
    problems.extend(said.problems(now));
    let Some(id) = id.ok().filter(|_| problems.is_empty()) else {
        return Err(Error::Invalid(problems));
    };
    let purchase = TenantId::as_uuid(id);
    let opening = request.plan.map(|plan| Opening { purchase, plan, interval, currency });
    if let Some(opening) = &opening {
        actions::check_opening(app, opening).await?;
    }
    Ok(Tenant {
        billing_email: request.billing_email,
        phone: request.phone,
        support_tier: request.support_tier.unwrap_or_else(|| "standard".to_owned()),
        sla_level: request.sla_level.unwrap_or(0),
        metadata: Stored::of(&request.metadata)?,
        sso: request.sso.as_ref().map(Stored::of).transpose()?,
        overrides: request.overrides.as_ref().map(Stored::of).transpose()?,
        retention: request.retention.as_ref().map(Stored::of).transpose()?,
        opening: opening.as_ref().map(Stored::of).transpose()?,
        ..Tenant::new(id, &request.name, &request.email, now)?
    })
}

fn read_words(request: &CreateTenant) -> (Option<Interval>, Option<Currency>, Vec<FieldProblem>) {
    let mut problems = Vec::new();
    let interval = request.interval.as_deref().map(str::parse::<Interval>).transpose();
    let currency = request.currency.as_deref().map(str::parse::<Currency>).transpose();
    if interval.is_err() {
        refuse(&mut problems, "interval", "must be `month` or `year`");
    }
    if currency.is_err() {
        refuse(&mut problems, "currency", "must be a currency of three letters");
    }
    if request.plan.is_none() && (request.interval.is_some() || request.currency.is_some()) {
        refuse(&mut problems, "plan", "must be named where `interval` or `currency` is");
    }
    (interval.ok().flatten(), currency.ok().flatten(), problems)
}

fn refuse(problems: &mut Vec<FieldProblem>, field: &str, message: &str) {
    problems.push(FieldProblem { field: field.to_owned(), message: message.to_owned() });
}

/// What is said of a tenant, when it is created or changed.
#[derive(Default)]
pub(super) struct Said<'a> {
    pub name: Option<&'a str>,
    pub email: Option<&'a str>,
    pub billing_email: Option<&'a str>,
    pub phone: Option<&'a str>,
    pub support_tier: Option<&'a str>,
    pub sla_level: Option<i64>,
    pub metadata: Option<&'a BTreeMap<String, String>>,
    pub sso: Option<&'a Sso>,
    pub overrides: Option<&'a Overrides>,
    pub retention: Option<&'a Retention>,
}

impl Said<'_> {
    /// Every problem at once, each at its field.
    pub(super) fn problems(&self, now: Timestamp) -> Vec<FieldProblem> {
        let mut problems = self.sso.map(|sso| sso.problems(now)).unwrap_or_default();
        let mut refuse = |field: &str, message: &str| refuse(&mut problems, field, message);
        if self.name.is_some_and(|name| name.trim().is_empty() || name.len() > NAME_LENGTH_MAX) {
            refuse("name", "must be 1 to 200 bytes");
        }
        for (field, email) in [("email", self.email), ("billing_email", self.billing_email)] {
            if email.is_some_and(|email| !looks_like_email(email)) {
                refuse(field, "must be an e-mail address");
            }
        }
        if self.phone.is_some_and(|phone| !looks_like_phone(phone)) {
            refuse("phone", "must be a telephone number of at most 40 bytes");
        }
        let is_word = |tier: &str| {
            (1..=SUPPORT_TIER_LENGTH_MAX).contains(&tier.len()) && !tier.contains(char::is_control)
        };
        if self.support_tier.is_some_and(|tier| !is_word(tier)) {
            refuse("support_tier", "must be 1 to 50 bytes");
        }
        if self.sla_level.is_some_and(|level| !(0..=SLA_LEVEL_MAX).contains(&level)) {
            refuse("sla_level", "must be from 0 to 1000");
        }
        if self.metadata.is_some_and(|metadata| !is_small(metadata)) {
            refuse("metadata", "must have at most 50 keys of 40 bytes, each of 500 bytes at most");
        }
        if self.overrides.is_some_and(|own| own.features.len() + own.limits.len() > OVERRIDES_MAX) {
            refuse("overrides", "must be at most 100 features and limits");
        }
        for (field, must) in self.retention.into_iter().flat_map(Retention::problems) {
            refuse(field, &must);
        }
        problems
    }
}

fn looks_like_phone(text: &str) -> bool {
    text.len() <= PHONE_LENGTH_MAX
        && text.contains(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || "+-() ./x".contains(c))
}

fn is_small(metadata: &BTreeMap<String, String>) -> bool {
    metadata.len() <= METADATA_KEYS_MAX
        && metadata.iter().all(|(key, value)| {
            (1..=METADATA_KEY_LENGTH_MAX).contains(&key.len())
                && value.len() <= METADATA_VALUE_LENGTH_MAX
        })
}
