//! Usage by the id of a subscription's item: the item names the tenant and the meter.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use tollhouse_domain::{actor::Permission, time::Timestamp};
use utoipa::ToSchema;

use super::{
    report::{CountedReport, UsageReport},
    single::submit_one,
};
use crate::{
    app::App,
    error::{Problem, Result, invalid, not_found},
    http::{
        Work,
        auth::Caller,
        extract::{Digits, JsonBody},
    },
    subscriptions::queries as subscriptions,
};

/// Usage of what an item of a subscription counts.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemUsage {
    /// Stripe's id: `si_…`
    subscription_item_id: String,
    #[schema(value_type = f64, example = 1.5)]
    quantity: Digits,
    /// Unix seconds, or RFC 3339; now where absent.
    #[schema(value_type = Option<String>)]
    timestamp: Option<Moment>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub enum Moment {
    Second(i64),
    Text(String),
}

/// Report usage by the id of a subscription's item
///
/// With an `Idempotency-Key` the report counts once, however often it is sent.
#[utoipa::path(post, path = "/api/v1/stripe/usage/record", tag = "usage", request_body = ItemUsage,
    responses((status = 202, body = CountedReport), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn record_by_item(
    State(app): State<Arc<App>>,
    caller: Caller,
    work: Work,
    body: JsonBody,
) -> Result<(StatusCode, Json<CountedReport>)> {
    caller.require(Permission::Operate)?;
    let request: ItemUsage = body.read()?;
    let occurred_at = match request.timestamp {
        None => None,
        Some(Moment::Text(text)) => Some(text),
        Some(Moment::Second(second)) => {
            let moment = Timestamp::from_second(second);
            let moment =
                moment.ok_or_else(|| invalid("timestamp", "is outside of the calendar"))?;
            Some(moment.to_string())
        }
    };
    let item = {
        let mut conn = app.db.read().await?;
        subscriptions::find_item(&mut conn, &request.subscription_item_id).await?
    };
    let item = item.ok_or_else(|| not_found("subscription item", &request.subscription_item_id))?;
    let meter = item.meter.ok_or_else(|| {
        invalid("subscription_item_id", "must be of an item whose price counts a meter")
    })?;
    let report = UsageReport {
        tenant_id: None,
        meter,
        quantity: Some(request.quantity),
        idempotency_key: None,
        occurred_at,
        properties: None,
    };
    let report = report.check(&app, item.tenant_id, || work.0.to_string())?;
    Ok((StatusCode::ACCEPTED, Json(submit_one(&app, &caller, report).await?)))
}
