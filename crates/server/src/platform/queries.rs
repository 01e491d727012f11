//! What an operator looks for across tenants and subscriptions.

use tollhouse_domain::{
    id::{SubscriptionId, TenantId},
    money::Currency,
    plan::PlanKind,
    subscription::Status,
    tenant::TenantStatus,
    time::Timestamp,
};
use tollhouse_sql::Record;
use tollhouse_stripe::SubscriptionId as StripeSubscriptionId;

use crate::{
    db::{Conn, DbResult, Json},
    tenants::queries::{Tenant, search_pattern},
};

/// Which tenants are looked for; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub status: Option<TenantStatus>,
    /// The code of the base plan it has.
    pub plan: Option<String>,
    /// In its name or addresses, in whatever case.
    pub text: Option<String>,
}

/// Newest first, one more than `limit` when there are more.
pub async fn list(
    conn: &mut Conn,
    filter: &Filter,
    before: Option<TenantId>,
    limit: i64,
) -> DbResult<Vec<Tenant>> {
    let text = filter.text.as_deref().map(search_pattern);
    conn.query("SELECT * FROM tenants WHERE 1 = 1")
        .filter(" AND id < ?", before)
        .filter(" AND status = ?", filter.status)
        .filter(r" AND search_text LIKE ? ESCAPE '\'", text)
        .filter(
            " AND EXISTS (SELECT 1 FROM subscriptions
                  WHERE subscriptions.tenant_id = tenants.id AND subscriptions.kind = 'base'
                      AND subscriptions.status NOT IN ('canceled', 'incomplete_expired')
                      AND subscriptions.plan_code = ?)",
            filter.plan.as_deref(),
        )
        .filter(" ORDER BY id DESC LIMIT ?", Some(limit + 1))
        .all()
        .await
}

/// One that ends, or that will not be paid as it stands.
#[derive(Clone, Debug, Record)]
pub struct Renewal {
    pub id: SubscriptionId,
    pub tenant_id: TenantId,
    pub tenant_name: String,
    pub stripe_subscription_id: StripeSubscriptionId,
    pub kind: PlanKind,
    pub plan_code: String,
    pub status: Status,
    /// Minor units.
    pub amount: i64,
    pub currency: Currency,
    /// When it ends or renews.
    pub next_at: Timestamp,
    /// Whether it ends then.
    pub ends: bool,
    /// None where there is nothing to charge.
    pub payment_good_until: Option<Timestamp>,
    pub stripe_object: Json,
}

/// Those whose next moment is before `until`, soonest first; one more than `limit` when there are more. An
/// add-on is listed beside its base.
pub async fn list_in_need(
    conn: &mut Conn,
    until: Timestamp,
    after: Option<SubscriptionId>,
    limit: i64,
) -> DbResult<Vec<Renewal>> {
    conn.query(
        "SELECT subscriptions.*, tenants.name AS tenant_name FROM (
             SELECT id, tenant_id, stripe_subscription_id, kind, plan_code, status, amount, currency,
                 CASE WHEN cancel_at <= period_end THEN cancel_at ELSE period_end END AS next_at,
                 COALESCE(cancel_at <= period_end, FALSE) AS ends, payment_good_until, stripe_object
             FROM subscriptions WHERE status IN ('trialing', 'active', 'past_due')
         ) AS subscriptions
         JOIN tenants ON tenants.id = subscriptions.tenant_id
         WHERE (ends OR payment_good_until IS NULL OR payment_good_until <= next_at)",
    )
    .filter(" AND next_at < ?", Some(until))
    .filter(
        " AND (next_at, subscriptions.id) > (
             SELECT CASE WHEN cancel_at <= period_end THEN cancel_at ELSE period_end END, id
             FROM subscriptions AS last WHERE last.id = ?)",
        after,
    )
    .filter(" ORDER BY next_at, subscriptions.id LIMIT ?", Some(limit + 1))
    .all()
    .await
}
