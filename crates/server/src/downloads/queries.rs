//! What a page of each file is read from, in the order of our ids.

use tollhouse_domain::{
    event::EventType,
    id::{AuditId, EventId, InvoiceId, SubscriptionId, TenantId, UsageEventId},
    invoice::InvoiceStatus,
    money::Currency,
    plan::PlanKind,
    subscription::Status,
    time::Timestamp,
    usage::Quantity,
};
use tollhouse_sql::Record;
use tollhouse_stripe::{InvoiceId as StripeInvoiceId, SubscriptionId as StripeSubscriptionId};
use uuid::Uuid;

use crate::db::{Conn, DbResult, Json, Record as RecordTrait};

/// Rows read at once.
pub const PAGE: i64 = 500;

/// What of a table is asked for; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub tenant: Option<TenantId>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

/// Amounts are minor units.
#[derive(Clone, Debug, Record)]
pub struct InvoiceLine {
    pub id: InvoiceId,
    pub tenant_id: TenantId,
    pub stripe_invoice_id: StripeInvoiceId,
    pub stripe_subscription_id: Option<StripeSubscriptionId>,
    pub number: Option<String>,
    pub status: InvoiceStatus,
    pub currency: Currency,
    pub subtotal: i64,
    pub discount: i64,
    pub tax: i64,
    pub total: i64,
    pub balance_applied: i64,
    pub amount_due: i64,
    pub amount_paid: i64,
    pub amount_remaining: i64,
    pub credited: i64,
    pub refunded: i64,
    pub billing_reason: Option<String>,
    pub period_start: Option<Timestamp>,
    pub period_end: Option<Timestamp>,
    pub created_at: Timestamp,
    pub due_date: Option<Timestamp>,
    pub finalized_at: Option<Timestamp>,
    pub paid_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Record)]
pub struct SubscriptionLine {
    pub id: SubscriptionId,
    pub tenant_id: TenantId,
    pub stripe_subscription_id: StripeSubscriptionId,
    pub kind: PlanKind,
    pub plan_code: String,
    pub plan_version: i64,
    pub status: Status,
    pub quantity: i64,
    /// Minor units.
    pub amount: i64,
    /// Minor units; none where it was not worked out yet.
    pub mrr: Option<i64>,
    pub currency: Currency,
    pub started_at: Timestamp,
    pub period_start: Timestamp,
    pub period_end: Timestamp,
    pub trial_end: Option<Timestamp>,
    pub cancel_at: Option<Timestamp>,
    pub canceled_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Record)]
pub struct UsageLine {
    pub id: UsageEventId,
    pub tenant_id: TenantId,
    pub meter: String,
    whole: i64,
    trillionths: i64,
    pub value: Option<String>,
    pub idempotency_key: String,
    pub occurred_at: Timestamp,
    pub received_at: Timestamp,
    pub period_start: Timestamp,
    pub properties: Option<Json>,
}

impl UsageLine {
    pub fn quantity(&self) -> Quantity {
        Quantity::from_parts(self.whole, self.trillionths)
    }
}

#[derive(Clone, Debug, Record)]
pub struct AuditLine {
    pub id: AuditId,
    pub tenant_id: Option<TenantId>,
    pub action: String,
    pub actor_kind: String,
    pub actor: String,
    pub request_id: Option<String>,
    pub address: Option<String>,
    pub subject_kind: String,
    pub subject_id: String,
    pub data: Json,
    pub occurred_at: Timestamp,
    pub number: Option<i64>,
    pub hash: Option<Vec<u8>>,
}

#[derive(Clone, Debug, Record)]
pub struct EventLine {
    pub id: EventId,
    pub tenant_id: TenantId,
    pub sequence: i64,
    pub position: Option<i64>,
    pub r#type: EventType,
    pub occurred_at: Timestamp,
    pub summary: String,
    pub subject_kind: String,
    pub subject_id: String,
    pub data: Json,
}

pub async fn invoices(
    conn: &mut Conn,
    filter: &Filter,
    after: Option<Uuid>,
) -> DbResult<Vec<InvoiceLine>> {
    let select = "SELECT id, tenant_id, stripe_invoice_id, stripe_subscription_id, number, status, currency,
            subtotal, discount, tax, total, balance_applied, amount_due, amount_paid, amount_remaining,
            credited, refunded, billing_reason, period_start, period_end, created_at, due_date,
            finalized_at, paid_at
        FROM (SELECT invoices.*, created_at AS moment FROM invoices WHERE deleted_at IS NULL) AS lines";
    page(conn, select, filter, after).await
}

pub async fn subscriptions(
    conn: &mut Conn,
    filter: &Filter,
    after: Option<Uuid>,
) -> DbResult<Vec<SubscriptionLine>> {
    let select = "SELECT id, tenant_id, stripe_subscription_id, kind, plan_code, plan_version, status,
            quantity, amount, mrr, currency, started_at, period_start, period_end, trial_end, cancel_at,
            canceled_at, ended_at
        FROM (SELECT subscriptions.*, started_at AS moment, recurring_revenue.mrr FROM subscriptions
            LEFT JOIN recurring_revenue ON recurring_revenue.subscription_id = subscriptions.id) AS lines";
    page(conn, select, filter, after).await
}

pub async fn usage(
    conn: &mut Conn,
    filter: &Filter,
    after: Option<Uuid>,
) -> DbResult<Vec<UsageLine>> {
    let select =
        "SELECT id, tenant_id, meter, whole, trillionths, value, idempotency_key, occurred_at,
            received_at, period_start, properties
        FROM (SELECT usage_events.*, occurred_at AS moment FROM usage_events) AS lines";
    page(conn, select, filter, after).await
}

pub async fn audit(
    conn: &mut Conn,
    filter: &Filter,
    after: Option<Uuid>,
) -> DbResult<Vec<AuditLine>> {
    let select =
        "SELECT id, tenant_id, action, actor_kind, actor, request_id, address, subject_kind,
            subject_id, data, occurred_at, number, hash
        FROM (SELECT audit_entries.*, occurred_at AS moment FROM audit_entries) AS lines";
    page(conn, select, filter, after).await
}

pub async fn events(
    conn: &mut Conn,
    filter: &Filter,
    after: Option<Uuid>,
) -> DbResult<Vec<EventLine>> {
    let select =
        "SELECT id, tenant_id, sequence, position, type, occurred_at, summary, subject_kind,
            subject_id, data
        FROM (SELECT events.*, occurred_at AS moment FROM events) AS lines";
    page(conn, select, filter, after).await
}

/// One page of such lines, each with its `id`, `tenant_id` and `moment`.
async fn page<T: RecordTrait>(
    conn: &mut Conn,
    select: &'static str,
    filter: &Filter,
    after: Option<Uuid>,
) -> DbResult<Vec<T>> {
    conn.query(select)
        .push(" WHERE 1 = 1")
        .filter(" AND id > ?", after)
        .filter(" AND tenant_id = ?", filter.tenant)
        .filter(" AND moment >= ?", filter.from)
        .filter(" AND moment < ?", filter.to)
        .filter(" ORDER BY id LIMIT ?", Some(PAGE))
        .all()
        .await
}
