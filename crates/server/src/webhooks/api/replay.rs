//! Having deliveries looked at again.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{actor::Permission, id::DeliveryId};
use utoipa::ToSchema;

use super::{
    super::{
        State as DeliveryState, actions,
        queries::{self, Filter},
    },
    ledger::{DeliveryView, delivery_id, state},
};
use crate::{
    app::App,
    error::{Problem, Result, not_found},
    http::{
        auth::Caller,
        extract::{JsonBody, cursor, moment},
    },
};

/// Which deliveries; each field narrows them down.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayRequest {
    /// received, done, ignored, failed or dead; failed and dead ones where absent
    state: Option<String>,
    /// Only of this type of Stripe's, such as `invoice.paid`
    r#type: Option<String>,
    /// Only about the object with this id, such as `sub_…`
    object: Option<String>,
    /// Received at this moment, or later
    from: Option<String>,
    /// Received before this moment
    to: Option<String>,
    /// The `next_cursor` of the answer before
    cursor: Option<String>,
}

/// What became of them.
#[derive(Serialize, ToSchema)]
pub struct ReplayedView {
    /// Handed to the workers.
    replayed: u64,
    /// Looked at again, and still nothing we can read or act on.
    passed_over: u64,
    /// Where there are more than a thousand: send it as `cursor` to go on.
    #[schema(value_type = Option<String>)]
    next_cursor: Option<DeliveryId>,
}

/// Have many deliveries looked at again, up to a thousand at once
///
/// Always safe: what is worked is fetched as it is now. Those that a worker has are left to it.
#[utoipa::path(post, path = "/api/v1/admin/deliveries/replay", tag = "webhooks",
    request_body = ReplayRequest,
    responses((status = 200, body = ReplayedView), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem)))]
pub async fn replay_many(
    State(app): State<Arc<App>>,
    caller: Caller,
    body: JsonBody,
) -> Result<Json<ReplayedView>> {
    caller.require(Permission::Operate)?;
    let request: ReplayRequest = body.read()?;
    let filter = Filter {
        states: match state(request.state.as_deref())? {
            Some(state) => vec![state],
            None => vec![DeliveryState::Failed, DeliveryState::Dead],
        },
        event_type: request.r#type,
        object_id: request.object,
        from: moment("from", request.from.as_deref())?,
        to: moment("to", request.to.as_deref())?,
    };
    let after = cursor(request.cursor.as_deref())?;
    let done = actions::replay_many(&app, &caller.origin(), &filter, after).await?;
    Ok(Json(ReplayedView {
        replayed: done.replayed,
        passed_over: done.passed_over,
        next_cursor: done.next,
    }))
}

/// Have one delivery looked at again, whatever became of it before
///
/// Always safe: what is worked is fetched as it is now. 409 while a worker has it.
#[utoipa::path(post, path = "/api/v1/admin/deliveries/{id}/replay", tag = "webhooks",
    params(("id" = String, Path)),
    responses((status = 200, body = DeliveryView), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn replay_one(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<DeliveryView>> {
    caller.require(Permission::Operate)?;
    let id = delivery_id(&id)?;
    actions::replay(&app, &caller.origin(), id).await?;
    let mut conn = app.db.read().await?;
    let row = queries::find(&mut conn, id).await?.ok_or_else(|| not_found("delivery", id))?;
    Ok(Json(DeliveryView::of(&app, row)))
}
