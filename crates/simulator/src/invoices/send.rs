//! Invoices that are sent and paid by hand (`collection_method=send_invoice`), and those paid elsewhere.

use serde_json::Value;

use super::{
    Invoice, Status, announce, change,
    collect::{Collected, after_attempt, announce_update, collect, settle_silently},
    finalize::finalize_now,
};
use crate::{
    cards::Presence,
    customers,
    error::{Error, Result},
    payments, subscriptions,
    table::Object,
    world::{Request, World},
};

/// Charges an open invoice, or sends it where it is paid by hand.
pub fn collect_or_send(world: &mut World, id: &str) -> Collected {
    if world.invoices.find(id).is_some_and(Invoice::is_sent) {
        announce(world, "invoice.sent", id);
        return Collected::Sent;
    }
    collect(world, id, None, Presence::Absent)
}

/// `POST /v1/invoices/{id}/send`: nobody gets an email, but the event says so.
pub fn send(world: &mut World, request: &Request) -> Result<Value> {
    let invoice = world.invoices.get(&request.id, "invoice")?;
    if !invoice.is_sent() || !matches!(invoice.status, Status::Draft | Status::Open) {
        return Err(Error::invalid(
            "You can only manually send an invoice if its collection method is `send_invoice` and \
             it is a draft or open.",
        ));
    }
    finalize_now(world, &request.id);
    announce(world, "invoice.sent", &request.id);
    Ok(world.invoices.get(&request.id, "invoice")?.render(world))
}

/// The day by which it was to be paid has come.
pub fn fall_due(world: &mut World, id: &str) {
    use subscriptions::Status::{Active, PastDue};

    let Some(invoice) = world.invoices.find(id).cloned() else { return };
    let subscription = world.subscriptions.find(&invoice.subscription);
    let was_active = subscription.is_some_and(|subscription| subscription.status == Active);
    if invoice.status != Status::Open || !was_active {
        return;
    }
    subscriptions::change(world, &invoice.subscription, |stored| stored.status = PastDue);
    customers::set_delinquent(world, &invoice.customer, true);
}

/// Paid outside of Stripe: there is no charge, and no `invoice.payment_succeeded`.
pub fn pay_elsewhere(world: &mut World, id: &str) {
    finalize_now(world, id);
    let Some(invoice) = world.invoices.find(id).filter(|invoice| !invoice.is_paid()).cloned()
    else {
        return;
    };
    let before = invoice.render(world);
    super::payments::settle(world, id, "canceled");
    if let Some(intent) = &invoice.payment_intent {
        payments::cancel(world, intent);
    }
    let amount = invoice.amount_due();
    change(world, id, |invoice| invoice.paid_off_stripe = amount);
    settle_silently(world, id);
    announce_update(world, id, Some(before));
    announce(world, "invoice.paid", id);
    after_attempt(world, id, Collected::Paid);
}
