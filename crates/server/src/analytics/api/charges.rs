//! What was charged of late, and whether it came.

use std::{fmt, str::FromStr, sync::Arc};

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    actor::Permission,
    id::{InvoiceId, TenantId},
    money::{Amount, Money},
    time::Timestamp,
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    analytics::queries::{self, Charge},
    app::App,
    db::Page,
    error::{Problem, Result},
    http::{
        auth::Caller,
        extract::{Query, bounded, cursor},
    },
};

/// What is older is in the invoices.
const DAYS: i64 = 30;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ChargesQuery {
    /// 1 to 100; 20 where absent
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct RecentCharges {
    charges: Vec<ChargeView>,
    /// How many there were in thirty days.
    total: i64,
    /// Give it as `cursor` to get the next page; `null` on the last one.
    next_cursor: Option<String>,
}

/// A payment of an invoice, made or only tried.
#[derive(Serialize, ToSchema)]
struct ChargeView {
    /// Stripe's id of the invoice payment.
    id: String,
    /// What was paid, or asked for.
    #[schema(value_type = f64, example = 29.00)]
    amount: Amount,
    currency: String,
    /// `succeeded`, `pending` (not tried yet, or under way) or `failed`
    status: &'static str,
    /// Stripe's.
    customer: Option<String>,
    description: String,
    #[schema(value_type = String)]
    created: Timestamp,
    paid: bool,
    /// Whether all of it was given back.
    refunded: bool,
    #[schema(value_type = String)]
    tenant_id: TenantId,
    #[schema(value_type = String)]
    invoice_id: InvoiceId,
}

/// What was charged in the last thirty days, newest first
#[utoipa::path(get, path = "/api/v1/admin/billing/recent-charges", tag = "analytics", params(ChargesQuery),
    responses((status = 200, body = RecentCharges), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn recent_charges(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ChargesQuery>,
) -> Result<Json<RecentCharges>> {
    caller.require(Permission::ReadAnyTenant)?;
    let limit = bounded(query.limit, 20)?;
    let after: Option<Place> = cursor(query.cursor.as_deref())?;
    let since = app.clock.now().plus_days(-DAYS);
    let mut snapshot = app.db.snapshot().await?;
    let total = queries::count_charges(&mut snapshot, since).await?;
    let after = after.map(|place| (place.created_at, place.id));
    let rows = queries::list_charges(&mut snapshot, since, after, limit).await?;
    let place = |row: &Charge| Place { created_at: row.created_at, id: row.id.clone() }.to_string();
    let page = Page::of(rows, limit, place, ChargeView::from);
    Ok(Json(RecentCharges { charges: page.data, total, next_cursor: page.next_cursor }))
}

/// Where a page ends: payments have no id of ours.
struct Place {
    created_at: Timestamp,
    id: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.created_at.as_microsecond(), self.id)
    }
}

/// The text is none of our cursors.
struct NoPlace;

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let (created_at, id) = text.split_once('.').ok_or(NoPlace)?;
        let created_at = created_at.parse().ok().and_then(Timestamp::from_microsecond);
        Ok(Self { created_at: created_at.ok_or(NoPlace)?, id: id.to_owned() })
    }
}

impl From<Charge> for ChargeView {
    fn from(row: Charge) -> Self {
        let paid = row.status == "paid";
        let status = match row.status.as_str() {
            "paid" => "succeeded",
            "open" if row.attempt_count == 0 => "pending",
            _ => "failed",
        };
        let minor = if paid { row.amount_paid } else { row.amount_requested };
        Self {
            id: row.id,
            amount: Amount(Money::new(minor, row.currency)),
            currency: row.currency.code().to_owned(),
            status,
            customer: row.stripe_customer_id.map(|id| id.to_string()),
            description: row.number.map_or_else(
                || "An invoice without a number".to_owned(),
                |number| format!("Invoice {number}"),
            ),
            created: row.created_at,
            paid,
            refunded: paid && minor > 0 && row.refunded >= minor,
            tenant_id: row.tenant_id,
            invoice_id: row.invoice_id,
        }
    }
}
