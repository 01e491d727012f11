//! Renewals that need somebody, for the operator.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use tollhouse_domain::{
    actor::Permission,
    id::{SubscriptionId, TenantId},
    money::{Amount, Money},
    time::Timestamp,
};
use tollhouse_stripe::objects;
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::App,
    db::Page,
    error::{Problem, Result, invalid},
    http::{
        auth::Caller,
        extract::{Query, bounded, cursor},
    },
    platform::queries::{Renewal, list_in_need},
    subscriptions::api::{CardBrief, card_of},
};

const DAYS_DEFAULT: i64 = 7;
const DAYS_MAX: i64 = 366;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct RenewalQuery {
    /// What ends or renews within so many days, 1 to 366; 7 where absent
    within_days: Option<i64>,
    /// 1 to 100; 20 where absent
    limit: Option<i64>,
    cursor: Option<String>,
}

/// A subscription that ends, or renews with nothing that could be charged.
#[derive(Serialize, ToSchema)]
pub(super) struct RenewalView {
    #[schema(value_type = String)]
    tenant_id: TenantId,
    tenant_name: String,
    #[schema(value_type = String)]
    subscription_id: SubscriptionId,
    stripe_subscription_id: String,
    /// `base` or `addon`
    kind: String,
    plan: String,
    /// Stripe's word.
    status: String,
    /// `ends` (it will not renew), `no_payment_method`, or `card_expires` (before the renewal)
    reason: &'static str,
    /// When it ends or renews.
    #[schema(value_type = String)]
    at: Timestamp,
    #[schema(value_type = f64, example = 29.00)]
    amount: Amount,
    currency: String,
    /// What it is charged to, where that is a card.
    card: Option<CardBrief>,
}

/// Subscriptions that end soon and do not renew, or renew with no usable card; soonest first
#[utoipa::path(get, path = "/api/v1/stripe/subscriptions/renewal-needed", tag = "tenants",
    params(RenewalQuery),
    responses((status = 200, body = Page<RenewalView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn renewal_needed(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<RenewalQuery>,
) -> Result<Json<Page<RenewalView>>> {
    caller.require(Permission::ReadAnyTenant)?;
    let limit = bounded(query.limit, 20)?;
    let days = query.within_days.unwrap_or(DAYS_DEFAULT);
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(invalid("within_days", format!("must be from 1 to {DAYS_MAX}")));
    }
    let after: Option<SubscriptionId> = cursor(query.cursor.as_deref())?;
    let until = app.clock.now().plus_days(days);
    let mut conn = app.db.read().await?;
    let rows = list_in_need(&mut conn, until, after, limit).await?;
    Ok(Json(Page::of(rows, limit, |row| row.id.to_string(), RenewalView::of).transpose()?))
}

impl RenewalView {
    fn of(row: Renewal) -> Result<Self> {
        let stripe: objects::Subscription = row.stripe_object.to()?;
        let reason = match row.payment_good_until {
            _ if row.ends => "ends",
            Some(_) => "card_expires",
            None => "no_payment_method",
        };
        Ok(Self {
            card: card_of(&stripe),
            reason,
            tenant_id: row.tenant_id,
            tenant_name: row.tenant_name,
            subscription_id: row.id,
            stripe_subscription_id: row.stripe_subscription_id.to_string(),
            kind: row.kind.as_str().to_owned(),
            plan: row.plan_code,
            status: row.status.as_str().to_owned(),
            at: row.next_at,
            amount: Amount(Money::new(row.amount, row.currency)),
            currency: row.currency.code().to_owned(),
        })
    }
}
