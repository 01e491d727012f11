//! What a line of each file says: the columns, and the cells of a row in the same order.

use std::fmt::Display;

use tollhouse_domain::{money::Money, time::Timestamp};
use uuid::Uuid;

use super::{
    format::Cell,
    queries::{self, AuditLine, EventLine, Filter, InvoiceLine, SubscriptionLine, UsageLine},
};
use crate::{
    db::{Conn, DbResult, Json},
    error::Result,
};

/// What can be downloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    Invoices,
    Subscriptions,
    Usage,
    Audit,
    Events,
}

const INVOICES: &[&str] = &[
    "id",
    "tenant_id",
    "stripe_invoice_id",
    "stripe_subscription_id",
    "number",
    "status",
    "currency",
    "subtotal",
    "discount",
    "tax",
    "total",
    "balance_applied",
    "amount_due",
    "amount_paid",
    "amount_remaining",
    "credited",
    "refunded",
    "billing_reason",
    "period_start",
    "period_end",
    "created",
    "due_date",
    "finalized_at",
    "paid_at",
];

const SUBSCRIPTIONS: &[&str] = &[
    "id",
    "tenant_id",
    "stripe_subscription_id",
    "kind",
    "plan",
    "plan_version",
    "status",
    "seats",
    "currency",
    "amount",
    "mrr",
    "started_at",
    "current_period_start",
    "current_period_end",
    "trial_end",
    "cancel_at",
    "canceled_at",
    "ended_at",
];

const USAGE: &[&str] = &[
    "id",
    "tenant_id",
    "meter",
    "quantity",
    "value",
    "idempotency_key",
    "occurred_at",
    "received_at",
    "period_start",
    "properties",
];

const AUDIT: &[&str] = &[
    "id",
    "tenant_id",
    "action",
    "actor_kind",
    "actor",
    "request_id",
    "address",
    "subject_kind",
    "subject_id",
    "data",
    "occurred_at",
    "number",
    "hash",
];

const EVENTS: &[&str] = &[
    "id",
    "tenant_id",
    "sequence",
    "position",
    "type",
    "occurred_at",
    "summary",
    "subject_kind",
    "subject_id",
    "data",
];

/// A page of lines, and the id after which the next one begins; none after the last page.
pub struct Lines {
    pub cells: Vec<Vec<Cell>>,
    pub next: Option<Uuid>,
}

impl Table {
    /// By the name of its file.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "invoices" => Self::Invoices,
            "subscriptions" => Self::Subscriptions,
            "usage" => Self::Usage,
            "audit" => Self::Audit,
            "events" => Self::Events,
            _ => return None,
        })
    }

    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Invoices => INVOICES,
            Self::Subscriptions => SUBSCRIPTIONS,
            Self::Usage => USAGE,
            Self::Audit => AUDIT,
            Self::Events => EVENTS,
        }
    }

    /// The lines after `after`.
    ///
    /// # Errors
    /// What the database says.
    pub async fn read(
        self,
        conn: &mut Conn,
        filter: &Filter,
        after: Option<Uuid>,
    ) -> Result<Lines> {
        Ok(match self {
            Self::Invoices => lines(
                queries::invoices(conn, filter, after).await,
                |row| row.id.as_uuid(),
                invoice,
            )?,
            Self::Subscriptions => {
                let rows = queries::subscriptions(conn, filter, after).await;
                lines(rows, |row| row.id.as_uuid(), subscription)?
            }
            Self::Usage => {
                lines(queries::usage(conn, filter, after).await, |row| row.id.as_uuid(), usage)?
            }
            Self::Audit => {
                lines(queries::audit(conn, filter, after).await, |row| row.id.as_uuid(), audit)?
            }
            Self::Events => {
                lines(queries::events(conn, filter, after).await, |row| row.id.as_uuid(), event)?
            }
        })
    }
}

fn lines<Row>(
    rows: DbResult<Vec<Row>>,
    id: impl Fn(&Row) -> Uuid,
    cells: impl Fn(Row) -> Vec<Cell>,
) -> Result<Lines> {
    let rows = rows?;
    let is_full = i64::try_from(rows.len()).unwrap_or(i64::MAX) >= queries::PAGE;
    let next = rows.last().filter(|_| is_full).map(id);
    Ok(Lines { cells: rows.into_iter().map(cells).collect(), next })
}

fn text(value: impl Display) -> Cell {
    Cell::Text(value.to_string())
}

fn number(value: impl Display) -> Cell {
    Cell::Number(value.to_string())
}

fn maybe<T>(value: Option<T>, cell: impl Fn(T) -> Cell) -> Cell {
    value.map_or(Cell::Nothing, cell)
}

fn json(value: Json) -> Cell {
    Cell::Json(value.into())
}

fn invoice(row: InvoiceLine) -> Vec<Cell> {
    let money = |minor: i64| Cell::Number(Money::new(minor, row.currency).to_major());
    let time = |time: Option<Timestamp>| maybe(time, text);
    vec![
        text(row.id),
        text(row.tenant_id),
        text(&row.stripe_invoice_id),
        maybe(row.stripe_subscription_id.as_ref(), text),
        maybe(row.number.as_ref(), text),
        text(row.status),
        text(row.currency),
        money(row.subtotal),
        money(row.discount),
        money(row.tax),
        money(row.total),
        money(row.balance_applied),
        money(row.amount_due),
        money(row.amount_paid),
        money(row.amount_remaining),
        money(row.credited),
        money(row.refunded),
        maybe(row.billing_reason.as_ref(), text),
        time(row.period_start),
        time(row.period_end),
        text(row.created_at),
        time(row.due_date),
        time(row.finalized_at),
        time(row.paid_at),
    ]
}

fn subscription(row: SubscriptionLine) -> Vec<Cell> {
    let money = |minor: i64| Cell::Number(Money::new(minor, row.currency).to_major());
    vec![
        text(row.id),
        text(row.tenant_id),
        text(&row.stripe_subscription_id),
        text(row.kind),
        text(&row.plan_code),
        number(row.plan_version),
        text(row.status),
        number(row.quantity),
        text(row.currency),
        money(row.amount),
        maybe(row.mrr, money),
        text(row.started_at),
        text(row.period_start),
        text(row.period_end),
        maybe(row.trial_end, text),
        maybe(row.cancel_at, text),
        maybe(row.canceled_at, text),
        maybe(row.ended_at, text),
    ]
}

fn usage(row: UsageLine) -> Vec<Cell> {
    vec![
        text(row.id),
        text(row.tenant_id),
        text(&row.meter),
        number(row.quantity()),
        maybe(row.value.as_ref(), text),
        text(&row.idempotency_key),
        text(row.occurred_at),
        text(row.received_at),
        text(row.period_start),
        maybe(row.properties, json),
    ]
}

fn audit(row: AuditLine) -> Vec<Cell> {
    vec![
        text(row.id),
        maybe(row.tenant_id, text),
        text(row.action),
        text(row.actor_kind),
        text(row.actor),
        maybe(row.request_id, text),
        maybe(row.address, text),
        text(row.subject_kind),
        text(row.subject_id),
        json(row.data),
        text(row.occurred_at),
        maybe(row.number, number),
        maybe(row.hash, |hash| Cell::Text(hex::encode(hash))),
    ]
}

fn event(row: EventLine) -> Vec<Cell> {
    vec![
        text(row.id),
        text(row.tenant_id),
        number(row.sequence),
        maybe(row.position, number),
        text(row.r#type),
        text(row.occurred_at),
        text(row.summary),
        text(row.subject_kind),
        text(row.subject_id),
        json(row.data),
    ]
}
