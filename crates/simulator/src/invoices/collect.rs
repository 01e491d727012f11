//! Charging, trying again, giving up.

use super::{
    Invoice, Status, announce, change,
    close::{mark_uncollectible_now, void_now},
    finalize::finalize_now,
    send::collect_or_send,
};
use crate::{
    cards::{Outcome, Presence},
    clock::Due,
    customers,
    error::Error,
    payments,
    settings::AfterRetries,
    subscriptions::{self, Subscription},
    table::Object,
    world::World,
};

const DAY: i64 = 86_400;
/// After a first failure, counted from finalisation. Stripe's «smart» retries choose their own times.
const RETRY_DAYS: [i64; 4] = [1, 3, 5, 7];

/// What became of an attempt to collect an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collected {
    Paid,
    Failed,
    NeedsAction,
    /// Nobody was charged: it is to be paid by hand.
    Sent,
}

/// Charges an open invoice: `method`, or else what the subscription or its customer has.
pub fn collect(
    world: &mut World,
    id: &str,
    method: Option<String>,
    presence: Presence,
) -> Collected {
    let Some(invoice) = world.invoices.find(id).cloned() else { return Collected::Failed };
    let method = method.or_else(|| invoice.payment_method(world));
    let outcome = match (&invoice.payment_intent, method) {
        (Some(intent), Some(method)) => Some(payments::attempt(world, intent, &method, presence)),
        _ => None,
    };
    change(world, id, |invoice| {
        invoice.attempt_count += 1;
        invoice.next_step_at = None;
    });
    // A renewal's attempt is told as a change; the first invoice of a subscription is told once, whole.
    let tells_change = invoice.billing_reason != "subscription_create";
    if outcome == Some(Outcome::Paid) {
        let before = world.invoices.find(id).map(|invoice| invoice.render(world));
        settle_silently(world, id);
        if tells_change {
            announce_update(world, id, before);
        }
        announce_paid(world, id);
        return Collected::Paid;
    }
    plan_retry(world, &invoice);
    if tells_change {
        announce_update(world, id, Some(invoice.render(world)));
    }
    if outcome == Some(Outcome::NeedsAction) {
        announce(world, "invoice.payment_action_required", id);
    }
    announce(world, "invoice.payment_failed", id);
    match outcome {
        Some(Outcome::NeedsAction) => Collected::NeedsAction,
        _ => Collected::Failed,
    }
}

pub fn announce_update(world: &mut World, id: &str, before: Option<serde_json::Value>) {
    let after = world.invoices.find(id).map(|invoice| invoice.render(world));
    if let (Some(before), Some(after)) = (before, after) {
        world.emit_update("invoice.updated", &before, &after);
    }
}

fn plan_retry(world: &mut World, before: &Invoice) {
    // The first invoice is not tried again by itself: the subscription waits, and expires.
    if before.billing_reason == "subscription_create" || !before.auto_advance || before.is_sent() {
        return;
    }
    let finalized_at = before.finalized_at.unwrap_or(world.now);
    let days = RETRY_DAYS.get(before.attempt_count);
    let next = days.map(|days| (finalized_at + days * DAY).max(world.now + 1));
    change(world, &before.id, |invoice| invoice.next_step_at = next);
    if let Some(next) = next {
        world.agenda.add(next, Due::InvoiceStep(before.id.clone()));
    }
}

pub fn settle(world: &mut World, id: &str) {
    settle_silently(world, id);
    announce_paid(world, id);
}

pub fn settle_silently(world: &mut World, id: &str) {
    let now = world.now;
    change(world, id, |invoice| {
        invoice.status = Status::Paid;
        invoice.paid_at = Some(now);
        invoice.next_step_at = None;
        invoice.auto_advance = false;
    });
}

fn announce_paid(world: &mut World, id: &str) {
    announce(world, "invoice.paid", id);
    announce(world, "invoice.payment_succeeded", id);
    if let Some(payment) = super::payments::settle(world, id, "paid") {
        world.emit("invoice_payment.paid", &payment);
    }
}

/// What time does to an invoice: finalise the draft, charge it, charge it again.
pub fn advance(world: &mut World, id: &str) {
    let Some(invoice) = world.invoices.find(id) else { return };
    let is_due = invoice.next_step_at == Some(world.now) && invoice.auto_advance;
    let is_settled = matches!(invoice.status, Status::Paid | Status::Uncollectible | Status::Void);
    let paused = world.subscriptions.find(&invoice.subscription).and_then(|s| s.pause_collection);
    if !is_due || is_settled {
        return;
    }
    finalize_now(world, id);
    if let Some(pause) = paused
        && world.invoices.find(id).is_some_and(|invoice| invoice.status == Status::Open)
    {
        match pause.behavior {
            "void" => void_now(world, id),
            _ => mark_uncollectible_now(world, id),
        }
        return;
    }
    if world.invoices.find(id).is_some_and(|invoice| invoice.status == Status::Open) {
        let collected = collect_or_send(world, id);
        after_attempt(world, id, collected);
    }
}

/// Pays an invoice by confirming its intent. Where the subscription keeps the card that pays, it is kept.
pub fn pay_by_intent(world: &mut World, id: &str, method: &str, presence: Presence) {
    let collected = collect(world, id, Some(method.to_owned()), presence);
    let subscription = world.invoices.find(id).map(|invoice| invoice.subscription.clone());
    if let Some(subscription) = subscription.filter(|_| collected == Collected::Paid) {
        subscriptions::keep_method(world, &subscription, method);
    }
    after_attempt(world, id, collected);
}

/// What an attempt means for the subscription: past due, saved, or lost.
pub fn after_attempt(world: &mut World, id: &str, collected: Collected) {
    use subscriptions::Status::{Active, Incomplete, PastDue, Paused, Unpaid};

    let Some(invoice) = world.invoices.find(id).cloned() else { return };
    let Some(subscription) = world.subscriptions.find(&invoice.subscription) else { return };
    if subscription.pending_update.as_ref().is_some_and(|pending| pending.invoice == id) {
        if collected == Collected::Paid {
            subscriptions::apply_pending(world, &invoice.subscription);
        }
        return;
    }
    let collects = !invoice.is_sent();
    let is_latest = is_latest(world, subscription, id);
    let next = match (collected, subscription.status) {
        (Collected::Paid, Paused) if is_latest => {
            subscriptions::resumed_by_payment(world, &invoice.subscription);
            Active
        }
        (Collected::Paid, PastDue | Incomplete | Unpaid) if is_latest => Active,
        (Collected::Failed | Collected::NeedsAction, Active) if collects => PastDue,
        (_, status) => status,
    };
    subscriptions::change(world, &invoice.subscription, |subscription| subscription.status = next);
    if collected == Collected::Paid {
        if next == Active {
            customers::set_delinquent(world, &invoice.customer, false);
        }
        return;
    }
    if next == PastDue && collects {
        customers::set_delinquent(world, &invoice.customer, true);
        if invoice.auto_advance && invoice.next_step_at.is_none() {
            give_up(world, &invoice.subscription);
        }
    }
}

/// Whether a subscription's standing depends on this invoice: voided ones do not count.
fn is_latest(world: &World, subscription: &Subscription, id: &str) -> bool {
    let Some(latest) = &subscription.latest_invoice else { return false };
    if world.invoices.find(latest).is_none_or(|invoice| invoice.status != Status::Void) {
        return latest == id;
    }
    let counts = |invoice: &&Invoice| {
        invoice.subscription == subscription.id && invoice.status != Status::Void
    };
    world.invoices.rows().iter().rev().find(counts).is_some_and(|invoice| invoice.id == id)
}

/// The last retry has failed.
fn give_up(world: &mut World, subscription: &str) {
    match world.settings.after_retries {
        AfterRetries::Cancel => subscriptions::end(world, subscription, Some("payment_failed")),
        AfterRetries::MarkUnpaid => subscriptions::change(world, subscription, |stored| {
            stored.status = subscriptions::Status::Unpaid;
        }),
        AfterRetries::LeavePastDue => {}
    }
}

pub fn no_payment_method() -> Error {
    Error::invalid(
        "This customer has no attached payment source or default payment method. Please consider \
         adding a default payment method. For more information, visit \
         https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.",
    )
    .code("resource_missing")
}
