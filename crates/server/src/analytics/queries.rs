//! What is shown of customers, subscriptions and charges; each list newest first, each count from an index.

use tollhouse_domain::{
    id::{InvoiceId, SubscriptionId, TenantId},
    invoice::InvoiceStatus,
    money::Currency,
    plan::PlanKind,
    price::Interval,
    subscription::Status,
    time::Timestamp,
    usage::{Quantity, Window},
};
use tollhouse_sql::{Record, sql};
use tollhouse_stripe::{CustomerId, SubscriptionId as StripeSubscriptionId};

use crate::{
    db::{Conn, DbResult, Json},
    tenants::queries::search_pattern,
};

const TRILLION: i64 = 1_000_000_000_000;

/// The subscriptions of one currency and tier; MRR in minor units.
#[derive(Clone, Debug, Record)]
pub struct TierSums {
    pub currency: Currency,
    pub tier: String,
    pub active: i64,
    pub trialing: i64,
    pub mrr: i64,
}

pub async fn sum_tiers(conn: &mut Conn) -> DbResult<Vec<TierSums>> {
    sql!(
        conn,
        "SELECT currency, tier,
             CAST(SUM(CASE WHEN status = 'active' THEN 1 ELSE 0 END) AS bigint) AS active,
             CAST(SUM(CASE WHEN status = 'trialing' THEN 1 ELSE 0 END) AS bigint) AS trialing,
             CAST(SUM(mrr) AS bigint) AS mrr
         FROM recurring_revenue WHERE status NOT IN ('canceled', 'incomplete_expired')
         GROUP BY currency, tier ORDER BY currency, tier"
    )
    .all()
    .await
}

#[derive(Record)]
struct Count {
    count: i64,
}

pub async fn count_customers(conn: &mut Conn) -> DbResult<i64> {
    let count: Count =
        sql!(conn, "SELECT COUNT(*) AS count FROM tenants WHERE stripe_customer_id IS NOT NULL")
            .one()
            .await?;
    Ok(count.count)
}

/// A tenant that is a customer at Stripe.
#[derive(Clone, Debug, Record)]
pub struct Customer {
    pub tenant_id: TenantId,
    pub stripe_customer_id: CustomerId,
    pub name: String,
    pub contact_email: String,
    pub billing_email: Option<String>,
    pub metadata: Json,
    pub created_at: Timestamp,
}

/// One more than `limit` when there are more.
pub async fn list_customers(
    conn: &mut Conn,
    after: Option<TenantId>,
    limit: i64,
) -> DbResult<Vec<Customer>> {
    conn.query(
        "SELECT id AS tenant_id, stripe_customer_id, name, contact_email, billing_email, metadata, created_at
         FROM tenants WHERE stripe_customer_id IS NOT NULL",
    )
    .filter(
        " AND (created_at, id) < (SELECT last.created_at, last.id FROM tenants AS last WHERE last.id = ?)",
        after,
    )
    .filter(" ORDER BY created_at DESC, id DESC LIMIT ?", Some(limit + 1))
    .all()
    .await
}

/// A subscription, and whose and what it is.
#[derive(Clone, Debug, Record)]
pub struct Sold {
    pub id: SubscriptionId,
    pub tenant_id: TenantId,
    pub tenant_name: String,
    pub stripe_subscription_id: StripeSubscriptionId,
    pub stripe_customer_id: Option<CustomerId>,
    pub kind: PlanKind,
    pub plan_code: String,
    pub tier: String,
    pub status: Status,
    /// Minor units.
    pub amount: i64,
    pub currency: Currency,
    pub interval: Interval,
    pub interval_count: i64,
    pub period_end: Timestamp,
    pub cancel_at: Option<Timestamp>,
}

pub async fn count_sold(conn: &mut Conn, status: Option<Status>) -> DbResult<i64> {
    let count: Count = conn
        .query("SELECT COUNT(*) AS count FROM subscriptions WHERE 1 = 1")
        .filter(" AND status = ?", status)
        .one()
        .await?;
    Ok(count.count)
}

/// Which subscriptions are looked for; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct SoldFilter {
    pub status: Option<Status>,
    /// A plan's code.
    pub plan: Option<String>,
    /// In the name or the addresses of its tenant, in whatever case.
    pub text: Option<String>,
}

/// One more than `limit` when there are more.
pub async fn list_sold(
    conn: &mut Conn,
    filter: &SoldFilter,
    after: Option<SubscriptionId>,
    limit: i64,
) -> DbResult<Vec<Sold>> {
    conn.query(
        "SELECT subscriptions.id, subscriptions.tenant_id, tenants.name AS tenant_name, stripe_subscription_id,
             stripe_customer_id, subscriptions.kind, subscriptions.plan_code, plans.tier, subscriptions.status, amount,
             subscriptions.currency, prices.interval, prices.interval_count, period_end, cancel_at
         FROM subscriptions
         JOIN tenants ON tenants.id = subscriptions.tenant_id
         JOIN plans ON plans.code = subscriptions.plan_code AND plans.version = subscriptions.plan_version
         JOIN prices ON prices.lookup_key = subscriptions.price_lookup_key
         WHERE 1 = 1",
    )
    .filter(" AND subscriptions.status = ?", filter.status)
    .filter(" AND subscriptions.plan_code = ?", filter.plan.as_deref())
    .filter(
        r" AND tenants.search_text LIKE ? ESCAPE '\'",
        filter.text.as_deref().map(search_pattern),
    )
    .filter(
        " AND (subscriptions.started_at, subscriptions.id)
              < (SELECT last.started_at, last.id FROM subscriptions AS last WHERE last.id = ?)",
        after,
    )
    .filter(
        " ORDER BY subscriptions.started_at DESC, subscriptions.id DESC LIMIT ?",
        Some(limit + 1),
    )
    .all()
    .await
}

/// Which invoices are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Billed {
    All,
    In(InvoiceStatus),
    /// Still owed after a payment failed.
    Failed,
}

/// An invoice, and whose it is. Amounts are minor units.
#[derive(Clone, Debug, Record)]
pub struct BilledInvoice {
    pub id: InvoiceId,
    pub tenant_id: TenantId,
    pub tenant_name: String,
    pub number: Option<String>,
    pub status: InvoiceStatus,
    pub currency: Currency,
    pub total: i64,
    pub amount_remaining: i64,
    pub refunded: i64,
    pub attempt_count: i64,
    pub created_at: Timestamp,
    pub next_payment_attempt: Option<Timestamp>,
    pub hosted_invoice_url: Option<String>,
    pub invoice_pdf: Option<String>,
}

/// Those we learnt of last are the first, without deleted ones; one more than `limit` when there are more.
pub async fn list_billed(
    conn: &mut Conn,
    wanted: Billed,
    before: Option<InvoiceId>,
    limit: i64,
) -> DbResult<Vec<BilledInvoice>> {
    let (status, attempts) = match wanted {
        Billed::All => (None, None),
        Billed::In(status) => (Some(status), None),
        Billed::Failed => (Some(InvoiceStatus::Open), Some(1_i64)),
    };
    conn.query(
        "SELECT invoices.id, tenant_id, tenants.name AS tenant_name, number, invoices.status, currency, total,
             amount_remaining, refunded, attempt_count, invoices.created_at, next_payment_attempt,
             hosted_invoice_url, invoice_pdf
         FROM invoices JOIN tenants ON tenants.id = invoices.tenant_id
         WHERE deleted_at IS NULL",
    )
    .filter(" AND invoices.status = ?", status)
    .filter(" AND attempt_count >= ?", attempts)
    .filter(" AND invoices.id < ?", before)
    .filter(" ORDER BY invoices.id DESC LIMIT ?", Some(limit + 1))
    .all()
    .await
}

/// What all tenants together used of a meter in one window.
#[derive(Clone, Debug, Record)]
pub struct Used {
    pub meter: String,
    pub tenants: i64,
    pub events: i64,
    whole: i64,
    trillionths: i64,
}

impl Used {
    pub fn quantity(&self) -> Quantity {
        let carried = self.trillionths / TRILLION;
        Quantity::from_parts(self.whole + carried, self.trillionths % TRILLION)
    }
}

/// What the newest `tenants` used in the window that begins then, meter by meter. Each tenant is one look into
/// the index of the roll-ups: what was counted before costs nothing.
pub async fn sum_used(
    conn: &mut Conn,
    per: Window,
    starts_at: Timestamp,
    tenants: i64,
) -> DbResult<Vec<Used>> {
    sql!(
        conn,
        "SELECT meter, COUNT(*) AS tenants, CAST(SUM(events) AS bigint) AS events,
             CAST(SUM(whole) AS bigint) AS whole, CAST(SUM(trillionths) AS bigint) AS trillionths
         FROM (SELECT id FROM tenants ORDER BY id DESC LIMIT {tenants}) AS newest CROSS JOIN usage_rollups
         WHERE tenant_id = newest.id AND per = {per} AND starts_at = {starts_at}
         GROUP BY meter ORDER BY meter LIMIT 1000"
    )
    .all()
    .await
}

/// A payment of an invoice, made or only tried. Amounts are minor units.
#[derive(Clone, Debug, Record)]
pub struct Charge {
    /// Stripe's.
    pub id: String,
    pub invoice_id: InvoiceId,
    pub tenant_id: TenantId,
    pub stripe_customer_id: Option<CustomerId>,
    /// `open`, `paid` or `canceled`
    pub status: String,
    pub amount_requested: i64,
    pub amount_paid: i64,
    pub created_at: Timestamp,
    pub currency: Currency,
    pub number: Option<String>,
    pub attempt_count: i64,
    /// Of the whole invoice.
    pub refunded: i64,
}

pub async fn count_charges(conn: &mut Conn, since: Timestamp) -> DbResult<i64> {
    let count: Count =
        sql!(conn, "SELECT COUNT(*) AS count FROM invoice_payments WHERE created_at >= {since}")
            .one()
            .await?;
    Ok(count.count)
}

/// One more than `limit` when there are more.
pub async fn list_charges(
    conn: &mut Conn,
    since: Timestamp,
    after: Option<(Timestamp, String)>,
    limit: i64,
) -> DbResult<Vec<Charge>> {
    let (created_at, id) = after.unzip();
    conn.query(
        "SELECT stripe_payment_id AS id, invoice_id, invoices.tenant_id, stripe_customer_id,
             invoice_payments.status, amount_requested, invoice_payments.amount_paid,
             invoice_payments.created_at, invoices.currency, number, attempt_count, refunded
         FROM invoice_payments
         JOIN invoices ON invoices.id = invoice_payments.invoice_id
         JOIN tenants ON tenants.id = invoices.tenant_id
         WHERE 1 = 1",
    )
    .filter(" AND invoice_payments.created_at >= ?", Some(since))
    .filter(" AND (invoice_payments.created_at, stripe_payment_id) < (?,", created_at)
    .filter(" ?)", id)
    .filter(
        " ORDER BY invoice_payments.created_at DESC, stripe_payment_id DESC LIMIT ?",
        Some(limit + 1),
    )
    .all()
    .await
}
