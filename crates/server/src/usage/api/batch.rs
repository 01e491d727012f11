//! Many reports of any tenants: as one JSON document, or line by line (`lines`).

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tollhouse_domain::{actor::Permission, id::TenantId};
use utoipa::ToSchema;

use super::{
    lines,
    report::{CountedReport, RefusedReport, UsageReport},
};
use crate::{
    app::App,
    error::{Problem, Result, invalid, not_found},
    http::{
        Work,
        auth::Caller,
        extract::{read_body, read_json},
    },
    usage::{
        actions::{Outcome, Report},
        intake::Submission,
    },
};

const REPORTS_MAX: usize = 1000;

/// Reports of any tenants.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageBatch {
    /// 1 to 1000.
    #[schema(value_type = Vec<UsageReport>)]
    events: Vec<Box<RawValue>>,
}

/// What became of a batch.
#[derive(Default, Serialize, ToSchema)]
pub struct BatchResult {
    /// Counted now.
    counted: usize,
    /// Counted before, under the same key.
    duplicates: usize,
    refused: usize,
    /// One for each report, in their order.
    results: Vec<ReportResult>,
}

/// What became of one report of a batch: `id` and `duplicate`, or `code` and `message`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum ReportResult {
    Counted(CountedReport),
    Refused(RefusedReport),
}

/// Report usage of any tenants at once, up to 1,000 events
///
/// Each event is counted or refused on its own. As `application/x-ndjson`, one event a line, the body may be
/// of any length: it is counted while it is read. The answer is then lines, too: one for each line that was
/// refused, with its number, and a last one with the sums. With an `Idempotency-Key`, events without a key of
/// their own count once, too.
#[utoipa::path(post, path = "/api/v1/usage/batch", tag = "usage",
    request_body(content((UsageBatch = "application/json"), (String = "application/x-ndjson"))),
    responses((status = 200, content_type = "application/x-ndjson", body = String),
        (status = 202, body = BatchResult), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn record_batch(
    State(app): State<Arc<App>>,
    caller: Caller,
    work: Work,
    request: Request,
) -> Result<Response> {
    caller.require(Permission::RecordUsage)?;
    if is_lines(&request) {
        return lines::count(app, caller, work, request.into_body());
    }
    let body = read_body(request, &app).await?;
    let batch: UsageBatch = read_json(if body.is_empty() { b"{}" } else { &body })?;
    if !(1..=REPORTS_MAX).contains(&batch.events.len()) {
        return Err(invalid(
            "events",
            "must be 1 to 1000; send more in several batches, or line by line",
        ));
    }
    let mut read = Vec::with_capacity(batch.events.len());
    for (index, raw) in batch.events.iter().enumerate() {
        read.push(read_report(&app, &caller, raw.get().as_bytes(), || {
            format!("{}:{index}", work.0)
        }));
    }
    Ok((StatusCode::ACCEPTED, Json(submit(&app, &caller, read).await?)).into_response())
}

fn is_lines(request: &Request) -> bool {
    let named = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let name = named.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    ["application/x-ndjson", "application/ndjson", "application/jsonl"]
        .iter()
        .any(|lines| name.eq_ignore_ascii_case(lines))
}

/// One report of several, of a tenant that the caller may report for.
pub(super) fn read_report(
    app: &App,
    caller: &Caller,
    json: &[u8],
    key: impl FnOnce() -> String,
) -> Result<Report> {
    let report: UsageReport = read_json(json)?;
    let tenant = match report.tenant_id.as_deref() {
        None => caller.own_tenant(Permission::RecordUsage)?,
        Some(named) => {
            let tenant: TenantId = named.parse().map_err(|_| not_found("tenant", cut(named)))?;
            caller.tenant(tenant, Permission::RecordUsage)?
        }
    };
    report.check(app, tenant, key)
}

/// What is no id may be long; the beginning tells enough.
fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}

async fn submit(app: &App, caller: &Caller, read: Vec<Result<Report>>) -> Result<BatchResult> {
    let (mut reports, mut refused) = (Vec::with_capacity(read.len()), Vec::new());
    for report in read {
        match report {
            Ok(report) => {
                reports.push(report);
                refused.push(None);
            }
            Err(error) => refused.push(Some(error)),
        }
    }
    let outcomes = if reports.is_empty() {
        Vec::new()
    } else {
        app.usage.submit(Submission { origin: caller.origin(), reports }).await?
    };
    let mut outcomes = outcomes.into_iter();
    let mut answer = BatchResult::default();
    for refused in refused {
        let outcome = match refused {
            Some(error) => Err(error),
            None => outcomes.next().map_or_else(
                || Err(not_found("report", "(not answered for)")),
                |outcome: Outcome| CountedReport::of(outcome),
            ),
        };
        answer.add(outcome);
    }
    Ok(answer)
}

impl BatchResult {
    fn add(&mut self, outcome: Result<CountedReport>) {
        self.results.push(match outcome {
            Ok(counted) => {
                if counted.duplicate {
                    self.duplicates += 1;
                } else {
                    self.counted += 1;
                }
                ReportResult::Counted(counted)
            }
            Err(error) => {
                self.refused += 1;
                ReportResult::Refused(RefusedReport::of(&error))
            }
        });
    }
}
