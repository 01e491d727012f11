//! What Stripe told us, and what became of it.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tollhouse_domain::{actor::Permission, id::DeliveryId, time::Timestamp};
use utoipa::{IntoParams, ToSchema};

use super::super::{
    State as DeliveryState, UnknownState,
    queries::{self, Count, Delivery, Filter},
};
use crate::{
    app::App,
    db::Page,
    error::{Problem, Result, invalid, not_found},
    http::{
        auth::Caller,
        extract::{Query, bounded, cursor, moment},
    },
};

/// One webhook of Stripe's, and what became of it.
#[derive(Serialize, ToSchema)]
pub struct DeliveryView {
    #[schema(value_type = String)]
    id: DeliveryId,
    /// Stripe's `evt_…`; `unreadable-…` for what is no event.
    stripe_event_id: String,
    /// `customer.subscription.updated` …
    r#type: String,
    /// received, working, done, ignored, failed or dead
    state: &'static str,
    /// Why it is where it is; of a failed one, why the last attempt failed.
    reason: Option<String>,
    attempts: i64,
    /// What is fetched for it.
    object_id: Option<String>,
    customer_id: Option<String>,
    /// When it happened, by Stripe's clock.
    #[schema(value_type = String)]
    occurred_at: Timestamp,
    /// When Stripe signed it.
    #[schema(value_type = Option<String>)]
    signed_at: Option<Timestamp>,
    /// The version its object is written in. What we fetch is in ours, so another does no harm.
    api_version: Option<String>,
    /// Whether that is another version than the one this service asks for.
    other_api_version: bool,
    user_agent: Option<String>,
    #[schema(value_type = String)]
    received_at: Timestamp,
    /// When it is due, or when its worker's claim runs out; null once it is settled.
    #[schema(value_type = Option<String>)]
    due_at: Option<Timestamp>,
    #[schema(value_type = Option<String>)]
    settled_at: Option<Timestamp>,
    /// From its coming to its end, in milliseconds.
    settled_after_ms: Option<i64>,
    /// What all attempts took together, in milliseconds.
    worked_ms: i64,
    /// When its body and headers were kept long enough, and went.
    #[schema(value_type = Option<String>)]
    emptied_at: Option<Timestamp>,
}

impl DeliveryView {
    /// A row as this service shows it.
    pub fn of(app: &App, row: Delivery) -> Self {
        let settled_after = |at: Timestamp| at.as_millisecond() - row.received_at.as_millisecond();
        Self {
            id: row.id,
            stripe_event_id: row.stripe_event_id.to_string(),
            state: row.state.as_str(),
            reason: row.reason,
            attempts: row.attempts,
            object_id: row.object_id,
            customer_id: row.customer_id,
            occurred_at: Timestamp::from_second(row.event_created).unwrap_or(row.received_at),
            signed_at: row.signed_at,
            other_api_version: row
                .api_version
                .as_ref()
                .is_some_and(|version| *version != app.config.stripe.api_version),
            api_version: row.api_version,
            user_agent: row.user_agent,
            received_at: row.received_at,
            due_at: row.settled_at.is_none().then_some(row.due_at),
            settled_at: row.settled_at,
            settled_after_ms: row.settled_at.map(settled_after),
            worked_ms: row.worked_ms,
            emptied_at: row.emptied_at,
            r#type: row.event_type,
        }
    }
}

/// A delivery with what it brought.
#[derive(Serialize, ToSchema)]
pub struct FullDelivery {
    #[serde(flatten)]
    delivery: DeliveryView,
    /// The body as it came; a text where it is no JSON, `null` where it is no longer kept.
    #[schema(value_type = Object)]
    payload: Box<RawValue>,
}

impl FullDelivery {
    /// # Errors
    /// `NotFound`, where there is none with this id.
    pub async fn read(app: &App, id: DeliveryId) -> Result<Self> {
        let mut conn = app.db.read().await?;
        let row = queries::find(&mut conn, id).await?.ok_or_else(|| not_found("delivery", id))?;
        let body = queries::find_payload(&mut conn, id).await?.unwrap_or_default();
        let is_kept = row.emptied_at.is_none();
        let payload = payload(if is_kept { &body } else { b"null" })?;
        Ok(Self { delivery: DeliveryView::of(app, row), payload })
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// received, working, done, ignored, failed or dead
    state: Option<String>,
    /// Only of this type of Stripe's, such as `invoice.paid`
    r#type: Option<String>,
    /// Only about the object with this id, such as `sub_…`
    object: Option<String>,
    /// Received at this moment, or later
    from: Option<String>,
    /// Received before this moment
    to: Option<String>,
    cursor: Option<String>,
    /// 1 to 100; 20 where absent
    limit: Option<i64>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct CountsQuery {
    /// Received at this moment, or later
    from: Option<String>,
    /// Received before this moment
    to: Option<String>,
}

/// How many deliveries of a type stand where.
#[derive(Serialize, ToSchema)]
pub struct CountView {
    r#type: String,
    /// received, working, done, ignored, failed or dead
    state: &'static str,
    deliveries: i64,
}

impl From<Count> for CountView {
    fn from(count: Count) -> Self {
        Self { r#type: count.event_type, state: count.state.as_str(), deliveries: count.deliveries }
    }
}

#[derive(Serialize, ToSchema)]
pub struct Counts {
    data: Vec<CountView>,
}

/// What Stripe told us, newest first
#[utoipa::path(get, path = "/api/v1/admin/deliveries", tag = "webhooks", params(ListQuery),
    responses((status = 200, body = Page<DeliveryView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<DeliveryView>>> {
    caller.require(Permission::ReadAnyTenant)?;
    let limit = bounded(query.limit, 20)?;
    let before = cursor(query.cursor.as_deref())?;
    let filter = Filter {
        states: state(query.state.as_deref())?.into_iter().collect(),
        event_type: query.r#type,
        object_id: query.object,
        from: moment("from", query.from.as_deref())?,
        to: moment("to", query.to.as_deref())?,
    };
    let mut conn = app.db.read().await?;
    let rows = queries::list(&mut conn, &filter, before, limit).await?;
    let view = |row| DeliveryView::of(&app, row);
    Ok(Json(Page::of(rows, limit, |row| row.id.to_string(), view)))
}

/// How many deliveries stand where, by type; types we do not act on are among them, as `ignored`
#[utoipa::path(get, path = "/api/v1/admin/deliveries/counts", tag = "webhooks", params(CountsQuery),
    responses((status = 200, body = Counts), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem)))]
pub async fn counts(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<CountsQuery>,
) -> Result<Json<Counts>> {
    caller.require(Permission::ReadAnyTenant)?;
    let filter = Filter {
        from: moment("from", query.from.as_deref())?,
        to: moment("to", query.to.as_deref())?,
        ..Filter::default()
    };
    let mut conn = app.db.read().await?;
    let rows = queries::counts(&mut conn, &filter).await?;
    Ok(Json(Counts { data: rows.into_iter().map(CountView::from).collect() }))
}

/// One delivery, with its body
#[utoipa::path(get, path = "/api/v1/admin/deliveries/{id}", tag = "webhooks",
    params(("id" = String, Path)),
    responses((status = 200, body = FullDelivery), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<FullDelivery>> {
    caller.require(Permission::ReadAnyTenant)?;
    Ok(Json(FullDelivery::read(&app, delivery_id(&id)?).await?))
}

/// A body as JSON, digit for digit; as a text that holds it where readers could not read it as JSON.
fn payload(body: &[u8]) -> Result<Box<RawValue>> {
    // Reading it as a value finds what is nested too deep, which copying it would not.
    let readable = serde_json::from_slice::<serde_json::Value>(body).is_ok();
    match serde_json::from_slice(body) {
        Ok(json) if readable => Ok(json),
        _ => Ok(serde_json::value::to_raw_value(&String::from_utf8_lossy(body))?),
    }
}

/// What is not a UUID is a delivery that does not exist.
pub fn delivery_id(text: &str) -> Result<DeliveryId> {
    text.parse().map_err(|_| not_found("delivery", text))
}

pub fn state(word: Option<&str>) -> Result<Option<DeliveryState>> {
    let unknown = |error: UnknownState| invalid("state", error.to_string());
    word.map(|word| word.parse().map_err(unknown)).transpose()
}
