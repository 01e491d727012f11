//! Downloads over HTTP, for our staff.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;
use tollhouse_domain::{actor::Permission, id::TenantId};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    format::Format,
    queries::Filter,
    rows::Table,
    stream::{Download, body},
};
use crate::{
    app::App,
    error::{Error, Problem, Result, invalid, not_found},
    http::{
        auth::Caller,
        extract::{Query, moment},
    },
    record::{Done, Subject, record_platform},
};

pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(download))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct DownloadQuery {
    /// One tenant's alone
    tenant_id: Option<String>,
    /// What was made or happened at this moment or later
    from: Option<String>,
    /// What was made or happened before this moment
    to: Option<String>,
}

/// A table as a file, for spreadsheets or line by line for programs: `invoices.csv`, `subscriptions.csv`, `usage.csv`, `audit.csv`, `events.csv`, and the same with `.ndjson`
#[utoipa::path(get, path = "/api/v1/admin/export/{file}", tag = "analytics",
    params(("file" = String, Path, example = "invoices.csv"), DownloadQuery),
    responses((status = 200, description = "The file, streamed", body = String, content_type = "text/csv"),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem)))]
async fn download(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(file): Path<String>,
    Query(query): Query<DownloadQuery>,
) -> Result<Response> {
    caller.require(Permission::ReadAnyTenant)?;
    let (table, format) = read_name(&file).ok_or_else(|| not_found("file", &file))?;
    let tenant: Option<TenantId> = match &query.tenant_id {
        Some(id) => Some(id.parse().map_err(|_| not_found("tenant", id))?),
        None => None,
    };
    let from = moment("from", query.from.as_deref())?;
    let to = moment("to", query.to.as_deref())?;
    if from.zip(to).is_some_and(|(from, to)| to < from) {
        return Err(invalid("to", "must not be before `from`"));
    }
    let place = app.downloads.take().ok_or(Error::Limited { retry_after_seconds: 5 })?;
    let done = Done {
        action: "export.create",
        subject: &Subject::new("export", &file),
        data: &json!({ "tenant_id": tenant, "from": from, "to": to }),
        at: app.clock.now(),
    };
    let mut tx = app.db.begin().await?;
    record_platform(&mut tx, &app, &caller.origin(), done).await?;
    tx.commit().await?;
    let filter = Filter { tenant, from, to };
    let head = [
        (header::CONTENT_TYPE, format.content_type().to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{file}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let body = body(Arc::clone(&app), Download { table, format, filter }, place);
    Ok((head, body).into_response())
}

fn read_name(file: &str) -> Option<(Table, Format)> {
    let (name, ending) = file.rsplit_once('.')?;
    let format = match ending {
        "csv" => Format::Csv,
        "ndjson" => Format::Ndjson,
        _ => return None,
    };
    Table::named(name).map(|table| (table, format))
}
