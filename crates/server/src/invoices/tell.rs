//! What happened to an invoice, as an event for programs and a sentence for people.

use serde_json::{Value, json};
use tollhouse_domain::event::EventType;

use super::{
    parts::{CreditNote, Dispute, Refund},
    queries::Invoice,
};
use crate::{
    app::App,
    db::Tx,
    error::Result,
    record::{Happened, Origin, Subject, record},
};

/// What changed: the invoice itself, or something that belongs to it.
#[derive(Clone, Copy)]
pub enum Cause<'a> {
    Invoice,
    CreditNote(&'a CreditNote),
    Refund(&'a Refund),
    Dispute(&'a Dispute),
}

/// Records one event of an invoice, as it is `after` the change.
pub async fn tell(
    app: &App,
    origin: &Origin,
    tx: &mut Tx,
    event: EventType,
    after: &Invoice,
    cause: Cause<'_>,
) -> Result<()> {
    let happened = Happened {
        tenant: after.tenant_id,
        event,
        audit: match event {
            EventType::InvoicePaid => Some("invoice.payment_succeeded"),
            _ => None,
        },
        subject: &Subject::new("invoice", after.id),
        summary: sentence(event, after, cause),
        data: &data(after, cause),
        at: app.clock.now(),
    };
    record(tx, app, origin, happened).await
}

/// Amounts are whole minor units.
fn data(invoice: &Invoice, cause: Cause<'_>) -> Value {
    let mut data = json!({
        "number": invoice.number,
        "status": invoice.status,
        "amount_due_minor": invoice.amount_due,
        "amount_paid_minor": invoice.amount_paid,
        "currency": invoice.currency,
        "attempt_count": invoice.attempt_count,
        "stripe_invoice_id": invoice.stripe_invoice_id,
    });
    match cause {
        Cause::Invoice => {}
        Cause::CreditNote(note) => {
            data["amount_minor"] = json!(note.total);
            data["credited_minor"] = json!(invoice.credited);
            data["credit_note_number"] = json!(note.number);
            data["stripe_credit_note_id"] = json!(note.stripe_credit_note_id);
        }
        Cause::Refund(refund) => {
            data["amount_minor"] = json!(refund.amount);
            data["refunded_minor"] = json!(invoice.refunded);
            data["stripe_refund_id"] = json!(refund.stripe_refund_id);
        }
        Cause::Dispute(dispute) => {
            data["amount_minor"] = json!(dispute.amount);
            data["dispute_status"] = json!(dispute.status);
            data["reason"] = json!(dispute.reason);
            data["withdrawn"] = json!(dispute.withdrawn);
            data["evidence_due"] = json!(dispute.evidence_due);
            data["stripe_dispute_id"] = json!(dispute.stripe_dispute_id);
        }
    }
    data
}

fn sentence(event: EventType, invoice: &Invoice, cause: Cause<'_>) -> String {
    let name = invoice.number.as_deref().unwrap_or("without a number");
    let shown = |minor: i64| {
        let money = invoice.money(minor);
        format!("{} {}", money.to_major(), money.currency().code().to_uppercase())
    };
    match (event, cause) {
        (EventType::InvoiceCreated, _) => {
            format!("An invoice over {} was written", shown(invoice.total))
        }
        (EventType::InvoiceFinalized, _) => {
            format!("Invoice {name} asks for {}", shown(invoice.amount_due))
        }
        (EventType::InvoicePaid, _) => {
            format!("Invoice {name} was paid: {}", shown(invoice.amount_paid))
        }
        (EventType::InvoicePaymentFailed, _) => {
            format!("A payment of {} for invoice {name} failed", shown(invoice.amount_due))
        }
        (EventType::InvoiceVoided, _) => format!("Invoice {name} was taken back"),
        (EventType::InvoiceUncollectible, _) => format!("Invoice {name} was given up"),
        (EventType::InvoiceDeleted, _) => {
            format!("A draft of an invoice over {} was deleted", shown(invoice.total))
        }
        (EventType::InvoiceCredited, Cause::CreditNote(note)) => {
            format!("Credit note {} takes {} off invoice {name}", note.number, shown(note.total))
        }
        (EventType::InvoiceCreditVoided, Cause::CreditNote(note)) => {
            format!("Credit note {} on invoice {name} was withdrawn", note.number)
        }
        (EventType::InvoiceRefunded, Cause::Refund(refund)) => {
            format!("{} of invoice {name} was given back", shown(refund.amount))
        }
        (EventType::InvoiceRefundFailed, Cause::Refund(refund)) => {
            format!("{} of invoice {name} could not be given back", shown(refund.amount))
        }
        (EventType::DisputeOpened, Cause::Dispute(dispute)) => {
            format!("The payment of {} for invoice {name} is disputed", shown(dispute.amount))
        }
        (EventType::DisputeClosed, Cause::Dispute(dispute)) => {
            format!("The dispute about invoice {name} is over: {}", dispute.status)
        }
        (EventType::DisputeUpdated, Cause::Dispute(dispute)) => {
            format!("The dispute about invoice {name} went on: {}", dispute.status)
        }
        (other, _) => other.sentence().to_owned(),
    }
}
