//! Alerts over HTTP, and the list of tenants that exceed limits.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tollhouse_domain::{
    actor::Permission,
    id::{TenantId, UsageAlertId},
    plan::LimitPeriod,
    time::Timestamp,
    usage::Quantity,
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    exceeding::{Exceeding, exceeding},
    queries::{self, UsageAlert},
};
use crate::{
    app::App,
    catalog::queries as catalog,
    db::{Page, Tx},
    error::{Conflict, Error, FieldProblem, Problem, Result, not_found},
    http::{
        Work,
        auth::Caller,
        extract::{Digits, JsonBody, Query, TenantPath, bounded, cursor},
    },
    record::{Done, Often, Origin, Subject, record_often},
    tenants::actions as tenants,
};

/// Alerts of one tenant.
const ALERTS_MAX: i64 = 100;
const PERCENT_MAX: i64 = 1000;

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(delete))
        .routes(routes!(list_exceeding))
}

/// Something to be told of when so much is used.
#[derive(Serialize, ToSchema)]
pub struct UsageAlertView {
    #[schema(value_type = String)]
    id: UsageAlertId,
    meter: String,
    /// `day`, `month`, `period` or `gauge`
    per: &'static str,
    /// Of the tenant's limit of that meter and time.
    percent: Option<i64>,
    #[schema(value_type = Option<f64>)]
    quantity: Option<Quantity>,
    created_by: String,
    #[schema(value_type = String)]
    created_at: Timestamp,
    /// The newest window in which it was told, by its start; of a gauge, when it was told, until it is below
    /// again.
    #[schema(value_type = Option<String>)]
    told: Option<Timestamp>,
}

impl From<UsageAlert> for UsageAlertView {
    fn from(alert: UsageAlert) -> Self {
        Self {
            id: alert.id,
            quantity: alert.quantity(),
            meter: alert.meter,
            per: alert.per.as_str(),
            percent: alert.percent,
            created_by: alert.created_by,
            created_at: alert.created_at,
            told: alert.told,
        }
    }
}

/// A tenant's alerts; a hundred at most.
#[derive(Serialize, ToSchema)]
pub struct UsageAlerts {
    data: Vec<UsageAlertView>,
}

/// A tenant's usage alerts
#[utoipa::path(get, path = "/api/v1/billing/tenants/{tenant_id}/usage-alerts", tag = "usage",
    params(("tenant_id" = String, Path)),
    responses((status = 200, body = UsageAlerts), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
) -> Result<Json<UsageAlerts>> {
    let tenant = tenants::get(&app, caller.tenant(tenant, Permission::Read)?).await?;
    let mut conn = app.db.read().await?;
    let alerts = queries::list(&mut conn, tenant.id, ALERTS_MAX).await?;
    Ok(Json(UsageAlerts { data: alerts.into_iter().map(UsageAlertView::from).collect() }))
}

/// When somebody wants to be told.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateUsageAlert {
    /// The code of a meter.
    meter: String,
    /// `day`, `month`, `period` or `gauge`; `period` where absent.
    per: Option<String>,
    /// Of the tenant's limit of that meter and time: 1 to 1000. Either this or `quantity`.
    percent: Option<i64>,
    /// So much of the meter.
    #[schema(value_type = Option<f64>)]
    quantity: Option<Digits>,
}

/// Have it told when so much is used
///
/// The event `usage.alert` comes once in each day, month or billing period in which it is reached; of a gauge,
/// each time it is reached from below.
#[utoipa::path(post, path = "/api/v1/billing/tenants/{tenant_id}/usage-alerts", tag = "usage",
    params(("tenant_id" = String, Path)), request_body = CreateUsageAlert,
    responses((status = 201, body = UsageAlertView), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    work: Work,
    body: JsonBody,
) -> Result<(StatusCode, Json<UsageAlertView>)> {
    let tenant = tenants::get(&app, caller.tenant(tenant, Permission::ManageBilling)?).await?;
    let request: CreateUsageAlert = body.read()?;
    let mut tx = app.db.begin().await?;
    let known = catalog::meters(&mut tx).await?;
    let is_meter = known.iter().any(|row| row.code == request.meter);
    let (per, quantity) = checked(&request, is_meter)?;
    let origin = caller.origin();
    let parts = quantity.and_then(Quantity::parts);
    let alert = UsageAlert {
        id: UsageAlertId::from_uuid(work.0),
        tenant_id: tenant.id,
        meter: request.meter,
        per,
        percent: request.percent,
        whole: parts.map(|parts| parts.0),
        trillionths: parts.map(|parts| parts.1),
        created_by: origin.actor.name(),
        created_at: app.clock.now(),
        watched: None,
        told: None,
    };
    if queries::insert(&mut tx, &alert).await? {
        let all = queries::list(&mut tx, tenant.id, ALERTS_MAX + 1).await?;
        if i64::try_from(all.len()).is_ok_and(|count| count > ALERTS_MAX) {
            let sentence = "A tenant has at most 100 usage alerts: remove one first.".to_owned();
            return Err(Error::Conflict(Conflict::UsageAlertsUsedUp, sentence));
        }
        audit(&app, &mut tx, &origin, &alert, "usage_alert.create").await?;
        tx.commit().await?;
    }
    Ok((StatusCode::CREATED, Json(alert.into())))
}

/// The time it is about, and the quantity where it is one; or every problem at once.
fn checked(request: &CreateUsageAlert, is_meter: bool) -> Result<(LimitPeriod, Option<Quantity>)> {
    let mut problems = Vec::new();
    let mut refuse = |field: &str, message: String| {
        problems.push(FieldProblem { field: field.to_owned(), message });
    };
    if !is_meter {
        refuse("meter", "must be the code of a meter in the catalog".to_owned());
    }
    let per = match request.per.as_deref() {
        None | Some("period") => LimitPeriod::Period,
        Some("day") => LimitPeriod::Day,
        Some("month") => LimitPeriod::Month,
        Some("gauge") => LimitPeriod::Gauge,
        Some(_) => {
            refuse("per", "must be one of `day`, `month`, `period`, `gauge`".to_owned());
            LimitPeriod::Period
        }
    };
    let quantity = request.quantity.as_ref().map(|digits| Quantity::parse(&digits.0));
    let quantity = quantity.transpose().unwrap_or_else(|error| {
        refuse("quantity", error.to_string());
        None
    });
    match (request.percent, &request.quantity) {
        (None, None) => {
            refuse("percent", "is missing: give a `percent` or a `quantity`".to_owned());
        }
        (Some(_), Some(_)) => {
            refuse("percent", "must be absent beside a `quantity`".to_owned());
        }
        (Some(percent), None) if !(1..=PERCENT_MAX).contains(&percent) => {
            refuse("percent", "must be from 1 to 1000".to_owned());
        }
        _ => {}
    }
    if problems.is_empty() { Ok((per, quantity)) } else { Err(Error::Invalid(problems)) }
}

/// Remove a usage alert
#[utoipa::path(delete, path = "/api/v1/billing/tenants/{tenant_id}/usage-alerts/{id}", tag = "usage",
    params(("tenant_id" = String, Path), ("id" = String, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<StatusCode> {
    let Path((tenant, id)) = path.map_err(|_| not_found("usage alert", "(not readable)"))?;
    let tenant: TenantId = tenant.parse().map_err(|_| not_found("tenant", &tenant))?;
    let tenant = caller.tenant(tenant, Permission::ManageBilling)?;
    let alert: UsageAlertId = id.parse().map_err(|_| not_found("usage alert", &id))?;
    let mut tx = app.db.begin().await?;
    let deleted = queries::delete(&mut tx, tenant, alert).await?;
    let deleted = deleted.ok_or_else(|| not_found("usage alert", alert))?;
    audit(&app, &mut tx, &caller.origin(), &deleted, "usage_alert.delete").await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn audit(
    app: &App,
    tx: &mut Tx,
    origin: &Origin,
    alert: &UsageAlert,
    action: &'static str,
) -> Result<()> {
    let subject = Subject::new("usage_alert", alert.id);
    let data = json!({
        "meter": alert.meter, "per": alert.per, "percent": alert.percent, "quantity": alert.quantity(),
    });
    let done = Done { action, subject: &subject, data: &data, at: app.clock.now() };
    let row = Often { origin: origin.clone(), tenant: Some(alert.tenant_id), done };
    Ok(record_often(tx, &app.clock, &[row]).await?)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ExceedingQuery {
    cursor: Option<String>,
    /// Tenants on a page: 1 to 100; 20 where absent
    limit: Option<i64>,
}

/// A tenant that uses more than a limit of its plans.
#[derive(Serialize, ToSchema)]
pub struct ExceedingTenant {
    #[schema(value_type = String)]
    tenant_id: TenantId,
    name: String,
    meter: String,
    /// `day`, `month`, `period` or `gauge`
    per: &'static str,
    limit: u64,
    hard: bool,
    #[schema(value_type = f64)]
    used: Quantity,
    /// The hour in which the limit was passed; null where totals by the hour do not tell.
    #[schema(value_type = Option<String>)]
    since: Option<Timestamp>,
    /// When `used` begins anew; null for a present value.
    #[schema(value_type = Option<String>)]
    resets_at: Option<Timestamp>,
}

impl ExceedingTenant {
    fn of(found: Exceeding) -> Option<Self> {
        let limit = found.tally.limit?;
        Some(Self {
            tenant_id: found.tenant.id,
            name: found.tenant.name,
            meter: found.meter,
            per: limit.per.as_str(),
            limit: limit.max,
            hard: limit.hard,
            used: found.tally.used,
            since: found.since,
            resets_at: found.tally.resets_at,
        })
    }
}

/// Tenants that use more than they may
///
/// A line for each limit that is passed. A page may be empty and not be the last one: two thousand tenants are
/// looked at for each.
#[utoipa::path(get, path = "/api/v1/stripe/tenants/exceeding-limits", tag = "usage", params(ExceedingQuery),
    responses((status = 200, body = Page<ExceedingTenant>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn list_exceeding(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ExceedingQuery>,
) -> Result<Json<Page<ExceedingTenant>>> {
    caller.require(Permission::ReadAnyTenant)?;
    let limit = usize::try_from(bounded(query.limit, 20)?).unwrap_or(1);
    let after = cursor(query.cursor.as_deref())?;
    let (found, next) = exceeding(&app, after, limit).await?;
    let data = found.into_iter().filter_map(ExceedingTenant::of).collect();
    Ok(Json(Page { data, next_cursor: next.map(|next| next.to_string()) }))
}
