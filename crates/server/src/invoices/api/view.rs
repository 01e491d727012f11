//! How an invoice and its parts are shown. Amounts are in major units, beside the invoice's currency.

use serde::Serialize;
use tollhouse_domain::{
    dispute::DisputeStatus,
    id::{InvoiceId, TenantId},
    money::{Amount, Currency, Money},
    money_back::{CreditNoteStatus, RefundStatus},
    time::Timestamp,
};
use utoipa::ToSchema;

use crate::invoices::{
    parts::{CreditNote, Dispute, Payment, Refund},
    queries::Invoice,
};

/// An invoice with all its amounts and times.
///
/// `total` is `subtotal` less `discount` and with the tax that comes on top. Once it is final, `amount_due` is
/// `total` less `balance_applied` and less what credit notes took off before it was paid.
#[derive(Serialize, ToSchema)]
pub struct InvoiceView {
    #[schema(value_type = String)]
    id: InvoiceId,
    #[schema(value_type = String)]
    tenant_id: TenantId,
    stripe_invoice_id: String,
    stripe_subscription_id: Option<String>,
    /// Null until it is final.
    number: Option<String>,
    /// `draft`, `open`, `paid`, `uncollectible` or `void`
    status: String,
    /// `subscription_create`, `subscription_cycle`, `subscription_update`, `manual` …
    billing_reason: Option<String>,
    currency: String,
    #[schema(value_type = f64, example = 29.00)]
    subtotal: Amount,
    #[schema(value_type = f64, example = 0.00)]
    discount: Amount,
    #[schema(value_type = f64, example = 0.00)]
    tax: Amount,
    /// The part of `tax` that is within `subtotal`.
    #[schema(value_type = f64, example = 0.00)]
    tax_included: Amount,
    #[schema(value_type = f64, example = 29.00)]
    total: Amount,
    /// Taken from the customer's balance; below zero where it was added to it.
    #[schema(value_type = f64, example = 0.00)]
    balance_applied: Amount,
    #[schema(value_type = f64, example = 29.00)]
    amount_due: Amount,
    #[schema(value_type = f64, example = 29.00)]
    amount_paid: Amount,
    #[schema(value_type = f64, example = 0.00)]
    amount_remaining: Amount,
    /// By credit notes, those included that refund what was paid.
    #[schema(value_type = f64, example = 0.00)]
    credited: Amount,
    /// Given back of what was paid, with a credit note or without.
    #[schema(value_type = f64, example = 0.00)]
    refunded: Amount,
    attempt_count: i64,
    #[schema(value_type = Option<String>)]
    period_start: Option<Timestamp>,
    #[schema(value_type = Option<String>)]
    period_end: Option<Timestamp>,
    #[schema(value_type = String)]
    created: Timestamp,
    #[schema(value_type = Option<String>)]
    due_date: Option<Timestamp>,
    #[schema(value_type = Option<String>)]
    finalized_at: Option<Timestamp>,
    #[schema(value_type = Option<String>)]
    paid_at: Option<Timestamp>,
    #[schema(value_type = Option<String>)]
    voided_at: Option<Timestamp>,
    #[schema(value_type = Option<String>)]
    uncollectible_at: Option<Timestamp>,
    /// When Stripe finalizes or charges it by itself.
    #[schema(value_type = Option<String>)]
    next_payment_attempt: Option<Timestamp>,
    /// Where it can be downloaded.
    invoice_pdf: Option<String>,
    /// Where it can be seen and paid.
    hosted_invoice_url: Option<String>,
}

impl From<Invoice> for InvoiceView {
    fn from(row: Invoice) -> Self {
        let amount = |minor: i64| Amount(row.money(minor));
        Self {
            subtotal: amount(row.subtotal),
            discount: amount(row.discount),
            tax: amount(row.tax),
            tax_included: amount(row.tax_included),
            total: amount(row.total),
            balance_applied: amount(row.balance_applied),
            amount_due: amount(row.amount_due),
            amount_paid: amount(row.amount_paid),
            amount_remaining: amount(row.amount_remaining),
            credited: amount(row.credited),
            refunded: amount(row.refunded),
            id: row.id,
            tenant_id: row.tenant_id,
            stripe_invoice_id: row.stripe_invoice_id.to_string(),
            stripe_subscription_id: row.stripe_subscription_id.map(|id| id.to_string()),
            number: row.number,
            status: row.status.as_str().to_owned(),
            billing_reason: row.billing_reason,
            currency: row.currency.code().to_owned(),
            attempt_count: row.attempt_count,
            period_start: row.period_start,
            period_end: row.period_end,
            created: row.created_at,
            due_date: row.due_date,
            finalized_at: row.finalized_at,
            paid_at: row.paid_at,
            voided_at: row.voided_at,
            uncollectible_at: row.uncollectible_at,
            next_payment_attempt: row.next_payment_attempt,
            invoice_pdf: row.invoice_pdf,
            hosted_invoice_url: row.hosted_invoice_url,
        }
    }
}

/// A payment towards an invoice, made or only tried.
#[derive(Serialize, ToSchema)]
pub struct PaymentView {
    stripe_payment_id: String,
    /// `open`, `paid` or `canceled`
    status: String,
    /// `payment_intent`, `charge`, or `payment_record` for what was paid outside of Stripe
    kind: String,
    #[schema(value_type = f64, example = 29.00)]
    amount_requested: Amount,
    #[schema(value_type = f64, example = 29.00)]
    amount_paid: Amount,
    #[schema(value_type = String)]
    created: Timestamp,
    /// When it was paid or canceled.
    #[schema(value_type = Option<String>)]
    settled_at: Option<Timestamp>,
}

impl PaymentView {
    pub fn of(row: Payment, currency: Currency) -> Self {
        Self {
            amount_requested: Amount(Money::new(row.amount_requested, currency)),
            amount_paid: Amount(Money::new(row.amount_paid, currency)),
            stripe_payment_id: row.stripe_payment_id.to_string(),
            status: row.status,
            kind: row.kind,
            created: row.created_at,
            settled_at: row.settled_at,
        }
    }
}

/// Money that was given back.
#[derive(Serialize, ToSchema)]
pub struct RefundView {
    stripe_refund_id: String,
    /// `pending`, `requires_action`, `succeeded`, `failed` or `canceled`
    #[schema(value_type = String)]
    status: RefundStatus,
    #[schema(value_type = f64, example = 10.00)]
    amount: Amount,
    /// `duplicate`, `fraudulent`, `requested_by_customer` …
    reason: Option<String>,
    #[schema(value_type = String)]
    created: Timestamp,
}

impl RefundView {
    pub fn of(row: Refund, currency: Currency) -> Self {
        Self {
            stripe_refund_id: row.stripe_refund_id.to_string(),
            status: row.status,
            amount: Amount(Money::new(row.amount, currency)),
            reason: row.reason,
            created: row.created_at,
        }
    }
}

/// A payment that the customer's bank takes back, or asks about first.
#[derive(Serialize, ToSchema)]
pub struct DisputeView {
    stripe_dispute_id: String,
    /// `needs_response`, `under_review`, `won`, `lost`, `prevented`; of a mere question `warning_needs_response`,
    /// `warning_under_review` or `warning_closed`
    #[schema(value_type = String)]
    status: DisputeStatus,
    #[schema(value_type = f64, example = 29.00)]
    amount: Amount,
    /// `fraudulent`, `product_not_received` …
    reason: String,
    /// Whether the money is with the bank.
    withdrawn: bool,
    /// Until when evidence can be given.
    #[schema(value_type = Option<String>)]
    evidence_due: Option<Timestamp>,
    #[schema(value_type = String)]
    created: Timestamp,
}

impl DisputeView {
    pub fn of(row: Dispute, currency: Currency) -> Self {
        Self {
            stripe_dispute_id: row.stripe_dispute_id.to_string(),
            status: row.status,
            amount: Amount(Money::new(row.amount, currency)),
            reason: row.reason,
            withdrawn: row.withdrawn,
            evidence_due: row.evidence_due,
            created: row.created_at,
        }
    }
}

/// What was taken off an invoice after it was final.
#[derive(Serialize, ToSchema)]
pub struct CreditNoteView {
    stripe_credit_note_id: String,
    number: String,
    /// `issued` or `void`
    #[schema(value_type = String)]
    status: CreditNoteStatus,
    #[schema(value_type = f64, example = 10.00)]
    total: Amount,
    /// The part that the invoice asks for no more.
    #[schema(value_type = f64, example = 0.00)]
    before_payment: Amount,
    /// The part that was paid: refunded, kept as the customer's balance, or settled elsewhere.
    #[schema(value_type = f64, example = 10.00)]
    after_payment: Amount,
    /// `duplicate`, `fraudulent`, `order_change` or `product_unsatisfactory`
    reason: Option<String>,
    memo: Option<String>,
    /// Where it can be downloaded.
    pdf: Option<String>,
    #[schema(value_type = String)]
    created: Timestamp,
    #[schema(value_type = Option<String>)]
    voided_at: Option<Timestamp>,
}

impl CreditNoteView {
    pub fn of(row: CreditNote, currency: Currency) -> Self {
        let amount = |minor: i64| Amount(Money::new(minor, currency));
        Self {
            total: amount(row.total),
            before_payment: amount(row.before_payment),
            after_payment: amount(row.after_payment),
            stripe_credit_note_id: row.stripe_credit_note_id.to_string(),
            number: row.number,
            status: row.status,
            reason: row.reason,
            memo: row.memo,
            pdf: row.pdf,
            created: row.created_at,
            voided_at: row.voided_at,
        }
    }
}
