//! Several meters of a tenant at once, answered with its usage beside its limits.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State};
use serde::Serialize;
use tollhouse_domain::{actor::Permission, id::TenantId, time::Timestamp, usage::Quantity};
use utoipa::ToSchema;

use super::report::{UsageReport, no_such_meter};
use crate::{
    app::App,
    catalog::queries as catalog,
    error::{Error, Problem, Result, invalid},
    http::{
        Work,
        auth::Caller,
        extract::{Digits, JsonBody, TenantPath},
    },
    tenants::actions as tenants,
    usage::{
        actions::{Limited, Report, beside_limits},
        api::report::CountedReport,
        intake::Submission,
    },
};

const METRICS_MAX: usize = 100;

/// A tenant's usage beside its limits.
#[derive(Serialize, ToSchema)]
pub struct TrackedUsage {
    #[schema(value_type = String)]
    tenant_id: TenantId,
    /// A line for each limit of the tenant's plans, but for those per minute.
    usage: Vec<UsageBesideLimit>,
}

/// Usage beside one limit.
#[derive(Serialize, ToSchema)]
pub struct UsageBesideLimit {
    meter: String,
    /// `day`, `month` or `period`, in which `used` is counted; `gauge` for a present value.
    per: &'static str,
    #[schema(value_type = f64)]
    used: Quantity,
    limit: u64,
    #[schema(value_type = f64)]
    remaining: Quantity,
    exceeded: bool,
    /// Whether more is refused, where it is asked for first; otherwise it is allowed, and said.
    hard: bool,
    /// When `used` begins anew; null for a present value.
    #[schema(value_type = Option<String>)]
    resets_at: Option<Timestamp>,
}

impl From<Limited> for UsageBesideLimit {
    fn from(limited: Limited) -> Self {
        let limit = Quantity::from_whole(limited.limit.max);
        Self {
            meter: limited.limit.meter,
            per: limited.limit.per.as_str(),
            used: limited.used,
            limit: limited.limit.max,
            remaining: limit.minus(limited.used).or_zero(),
            exceeded: limited.used > limit,
            hard: limited.limit.hard,
            resets_at: limited.resets_at,
        }
    }
}

/// Report several meters of a tenant at once
///
/// The body is a quantity for each meter's code: counters add, gauges replace. All of them count or none.
/// Usage is counted also beyond a limit: what was used, was used.
#[utoipa::path(post, path = "/api/v1/stripe/tenants/{tenant_id}/usage/track", tag = "usage",
    params(("tenant_id" = String, Path)),
    request_body(content = BTreeMap<String, f64>, example = json!({"api_calls": 120, "storage_gb": 3.5})),
    responses((status = 200, body = TrackedUsage), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn track(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    work: Work,
    body: JsonBody,
) -> Result<Json<TrackedUsage>> {
    let tenant = tenants::get(&app, caller.tenant(tenant, Permission::Operate)?).await?;
    let metrics: BTreeMap<String, Digits> = body.read()?;
    if !(1..=METRICS_MAX).contains(&metrics.len()) {
        return Err(invalid("", "must name 1 to 100 meters, each with its quantity"));
    }
    let reports = reports(&app, tenant.id, work, metrics).await?;
    let submission = Submission { origin: caller.origin(), reports };
    for outcome in app.usage.submit(submission).await? {
        CountedReport::of(outcome)?;
    }
    let mut conn = app.db.read().await?;
    let limited = beside_limits(&app, &mut conn, &tenant).await?;
    let usage = limited.into_iter().map(UsageBesideLimit::from).collect();
    Ok(Json(TrackedUsage { tenant_id: tenant.id, usage }))
}

/// A report for each metric, or every problem at once.
async fn reports(
    app: &App,
    tenant: TenantId,
    work: Work,
    metrics: BTreeMap<String, Digits>,
) -> Result<Vec<Report>> {
    let mut conn = app.db.read().await?;
    let known = catalog::meters(&mut conn).await?;
    drop(conn);
    let (mut reports, mut problems) = (Vec::new(), Vec::new());
    for (metric, quantity) in metrics {
        let Some(row) = known.iter().find(|row| row.code == metric) else {
            problems.push(no_such_meter(&metric));
            continue;
        };
        let meter: tollhouse_domain::plan::Meter = row.definition.to()?;
        let report = UsageReport {
            tenant_id: None,
            meter: metric.clone(),
            quantity: Some(quantity),
            idempotency_key: None,
            occurred_at: None,
            properties: None,
        };
        let checked = report.check(app, tenant, || format!("{}:{metric}", work.0));
        let checked = checked.and_then(|report| {
            let read = meter.read(report.quantity, &BTreeMap::new());
            read.map(|_| report).map_err(|error| invalid(&metric, error.to_string()))
        });
        match checked {
            Ok(report) => reports.push(report),
            // The field is the meter's code here.
            Err(Error::Invalid(of_metric)) => problems.extend(
                of_metric
                    .into_iter()
                    .map(|problem| crate::error::FieldProblem { field: metric.clone(), ..problem }),
            ),
            Err(error) => return Err(error),
        }
    }
    if problems.is_empty() { Ok(reports) } else { Err(Error::Invalid(problems)) }
}
