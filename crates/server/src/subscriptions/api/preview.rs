//! What a change, or the next period, would cost.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{actor::Permission, money::Amount, time::Timestamp};
use utoipa::ToSchema;

use super::change::wanted_change;
use crate::{
    app::App,
    error::{Problem, Result},
    http::{
        auth::Caller,
        extract::{JsonBody, TenantPath},
    },
    subscriptions::actions::{self, Change, Preview, PreviewDiscount, PreviewLine},
    tenants::actions as tenants,
};

/// What is to be previewed; nothing, for the next period.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewRequest {
    plan: Option<String>,
    /// `month` or `year`
    interval: Option<String>,
    seats: Option<u64>,
    /// As it would be, were this code redeemed.
    promotion_code: Option<String>,
}

/// What would be charged: `subtotal` less `discount`, and `tax`, are `total`.
#[derive(Serialize, ToSchema)]
pub struct UpcomingInvoice {
    lines: Vec<UpcomingLine>,
    /// Major units.
    #[schema(value_type = f64, example = 20.00)]
    subtotal: Amount,
    discounts: Vec<UpcomingDiscount>,
    /// All `discounts` together.
    #[schema(value_type = f64, example = 0.00)]
    discount: Amount,
    #[schema(value_type = f64, example = 0.00)]
    tax: Amount,
    #[schema(value_type = f64, example = 20.00)]
    total: Amount,
    /// `total`, less the credit the customer has: what the card is asked for.
    #[schema(value_type = f64, example = 20.00)]
    amount_due: Amount,
    currency: String,
    /// As of when the rest of the period is computed; null for the next period.
    #[schema(value_type = Option<String>)]
    proration_date: Option<Timestamp>,
    /// Give it with the change within an hour: exactly `total` is charged. Null for the next period.
    preview_token: Option<String>,
}

/// What one discount takes off.
#[derive(Serialize, ToSchema)]
pub struct UpcomingDiscount {
    /// The coupon's name, or its id.
    name: String,
    #[schema(value_type = f64, example = 5.00)]
    amount: Amount,
}

/// One line of it.
#[derive(Serialize, ToSchema)]
pub struct UpcomingLine {
    description: String,
    /// The plan's name in our catalog.
    plan: Option<String>,
    #[schema(value_type = f64, example = -14.50)]
    amount: Amount,
    quantity: Option<i64>,
    #[schema(value_type = String)]
    period_start: Timestamp,
    #[schema(value_type = String)]
    period_end: Timestamp,
    /// Whether it makes up for a part of a period.
    proration: bool,
}

impl From<Preview> for UpcomingInvoice {
    fn from(preview: Preview) -> Self {
        let line = |line: PreviewLine| UpcomingLine {
            description: line.description,
            plan: line.plan,
            amount: Amount(line.amount),
            quantity: line.quantity,
            period_start: line.period.start,
            period_end: line.period.end,
            proration: line.proration,
        };
        let discount =
            |off: PreviewDiscount| UpcomingDiscount { name: off.name, amount: Amount(off.amount) };
        Self {
            lines: preview.lines.into_iter().map(line).collect(),
            subtotal: Amount(preview.subtotal),
            discounts: preview.discounts.into_iter().map(discount).collect(),
            discount: Amount(preview.discount),
            tax: Amount(preview.tax),
            total: Amount(preview.total),
            amount_due: Amount(preview.amount_due),
            currency: preview.total.currency().code().to_owned(),
            proration_date: preview.proration_date,
            preview_token: preview.token,
        }
    }
}

/// What a change, or the next period, would cost
#[utoipa::path(post, path = "/api/v1/billing/tenants/{tenant_id}/upcoming-invoice", tag = "subscriptions",
    params(("tenant_id" = String, Path)), request_body = PreviewRequest,
    responses((status = 200, body = UpcomingInvoice), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 502, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn preview(
    State(app): State<Arc<App>>,
    caller: Caller,
    TenantPath(tenant): TenantPath,
    body: JsonBody,
) -> Result<Json<UpcomingInvoice>> {
    let tenant = tenants::get(&app, caller.tenant(tenant, Permission::Read)?).await?;
    let request: PreviewRequest = body.read()?;
    let wanted = wanted_change(request.plan, request.interval.as_deref(), request.seats)?;
    let wanted = Change { promotion_code: request.promotion_code, ..wanted };
    Ok(Json(actions::preview(&app, &tenant, &wanted).await?.into()))
}
