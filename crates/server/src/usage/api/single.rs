//! One report of a tenant.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use tollhouse_domain::actor::Permission;

use super::report::{CountedReport, UsageReport, refuse_other_tenant};
use crate::{
    app::App,
    error::{Error, Problem, Result},
    http::{
        Work,
        auth::Caller,
        extract::{JsonBody, TenantPath},
    },
    usage::{actions::Report, intake::Submission},
};

/// Report usage of a tenant
///
/// 202 means that it is durable and counted. The same `idempotency_key` counts once, and is answered with the
/// id of the first report.
#[utoipa::path(post, path = "/api/v1/billing/tenants/{tenant_id}/usage", tag = "usage",
    params(("tenant_id" = String, Path)), request_body = UsageReport,
    responses((status = 202, body = CountedReport), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn record(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    work: Work,
    body: JsonBody,
) -> Result<(StatusCode, Json<CountedReport>)> {
    let tenant = caller.tenant(tenant, Permission::RecordUsage)?;
    let report: UsageReport = body.read()?;
    refuse_other_tenant(report.tenant_id.as_deref(), tenant)?;
    let report = report.check(&app, tenant, || work.0.to_string())?;
    Ok((StatusCode::ACCEPTED, Json(submit_one(&app, &caller, report).await?)))
}

/// Counts one report.
///
/// # Errors
/// Why it was refused, or `Unavailable`.
pub(super) async fn submit_one(
    app: &App,
    caller: &Caller,
    report: Report,
) -> Result<CountedReport> {
    let submission = Submission { origin: caller.origin(), reports: vec![report] };
    let outcome = app.usage.submit(submission).await?.pop();
    CountedReport::of(outcome.ok_or(Error::Unavailable("the usage was not answered for"))?)
}
