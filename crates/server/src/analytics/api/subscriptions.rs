//! The subscriptions of all tenants, newest first.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    actor::Permission,
    id::{SubscriptionId, TenantId},
    money::{Amount, Money},
    subscription::{Status, UnknownStatus},
    time::Timestamp,
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    analytics::queries::{self, Sold, SoldFilter},
    app::App,
    db::Page,
    error::{Problem, Result, invalid},
    http::{
        auth::Caller,
        extract::{Query, bounded, cursor},
    },
};

/// Whatever the status.
const ALL: &str = "all";

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct SubscriptionsQuery {
    /// One of Stripe's eight words, or `all`; `active` where absent
    status: Option<String>,
    /// 1 to 100; 100 where absent
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct SubscriptionList {
    subscriptions: Vec<SoldView>,
    /// How many there are of this status.
    total: i64,
    /// Give it as `cursor` to get the next page; `null` on the last one.
    next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct SoldView {
    /// Stripe's.
    id: String,
    /// Stripe's; null where the tenant's customer is gone.
    customer: Option<String>,
    tier: String,
    status: String,
    /// What one period costs, before discounts and tax.
    #[schema(value_type = f64, example = 29.00)]
    amount: Amount,
    currency: String,
    /// `day`, `week`, `month` or `year`
    interval: String,
    interval_count: i64,
    #[schema(value_type = String)]
    current_period_end: Timestamp,
    cancel_at_period_end: bool,
    #[schema(value_type = String)]
    tenant_id: TenantId,
    #[schema(value_type = String)]
    subscription_id: SubscriptionId,
    plan: String,
    /// `base` or `addon`
    kind: String,
}

/// The subscriptions of all tenants, newest first
#[utoipa::path(get, path = "/api/v1/admin/billing/subscriptions", tag = "analytics",
    params(SubscriptionsQuery),
    responses((status = 200, body = SubscriptionList), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn subscriptions(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<SubscriptionsQuery>,
) -> Result<Json<SubscriptionList>> {
    caller.require(Permission::ReadAnyTenant)?;
    let limit = bounded(query.limit, 100)?;
    let after: Option<SubscriptionId> = cursor(query.cursor.as_deref())?;
    let status = match query.status.as_deref() {
        None => Some(Status::Active),
        Some(ALL) => None,
        Some(word) => {
            let unknown = |error: UnknownStatus| invalid("status", format!("{error}, or `{ALL}`"));
            Some(word.parse().map_err(unknown)?)
        }
    };
    let filter = SoldFilter { status, ..SoldFilter::default() };
    let mut snapshot = app.db.snapshot().await?;
    let total = queries::count_sold(&mut snapshot, status).await?;
    let rows = queries::list_sold(&mut snapshot, &filter, after, limit).await?;
    let page = Page::of(rows, limit, |row| row.id.to_string(), SoldView::from);
    Ok(Json(SubscriptionList { subscriptions: page.data, total, next_cursor: page.next_cursor }))
}

impl From<Sold> for SoldView {
    fn from(row: Sold) -> Self {
        Self {
            id: row.stripe_subscription_id.to_string(),
            customer: row.stripe_customer_id.map(|id| id.to_string()),
            tier: row.tier,
            status: row.status.as_str().to_owned(),
            amount: Amount(Money::new(row.amount, row.currency)),
            currency: row.currency.code().to_owned(),
            interval: row.interval.as_str().to_owned(),
            interval_count: row.interval_count,
            current_period_end: row.period_end,
            cancel_at_period_end: row.cancel_at.is_some_and(|end| end <= row.period_end),
            tenant_id: row.tenant_id,
            subscription_id: row.id,
            plan: row.plan_code,
            kind: row.kind.as_str().to_owned(),
        }
    }
}
