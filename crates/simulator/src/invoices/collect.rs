//! Finalising, charging, trying again, giving up.

use super::{Invoice, InvoicePayment, Status, announce, change};
use crate::{
    automatic_tax::{self, AutomaticTax},
    cards::{Outcome, Presence},
    clock::Due,
    customers,
    error::Error,
    payments::{self, Order},
    subscriptions,
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
}

/// Draft to open, with a number and an intent; an invoice over nothing is paid at once.
pub fn finalize_now(world: &mut World, id: &str) {
    let Some(invoice) = world.invoices.find(id).cloned() else { return };
    if invoice.status != Status::Draft {
        return;
    }
    if invoice.automatic_tax.enabled {
        settle_tax(world, &invoice);
    }
    let Some(invoice) = world.invoices.find(id).cloned() else { return };
    let number = next_number(world, &invoice.customer);
    let metadata = world.subscriptions.find(&invoice.subscription).map(|s| s.metadata.clone());
    let now = world.now;
    let balance = customers::balance(world, &invoice.customer);
    let amount = Invoice { starting_balance: balance, ..invoice.clone() }.amount_due();
    let left = balance + invoice.total() - amount;
    customers::set_balance(world, &invoice.customer, left);
    change(world, id, |invoice| {
        invoice.starting_balance = balance;
        invoice.ending_balance = Some(left);
        invoice.status = Status::Open;
        invoice.number = number;
        invoice.finalized_at = Some(now);
        invoice.next_step_at = None;
        if let Some(metadata) = metadata {
            invoice.subscription_metadata = metadata;
        }
    });
    announce(world, "invoice.finalized", id);
    if amount == 0 {
        settle(world, id);
        return;
    }
    let description = match invoice.billing_reason {
        "subscription_create" => "Subscription creation",
        _ => "Subscription update",
    };
    let intent = payments::open(
        world,
        &Order {
            customer: Some(&invoice.customer),
            amount,
            currency: &invoice.currency,
            description,
        },
    );
    change(world, id, |invoice| invoice.payment_intent = Some(intent.clone()));
    let payment = InvoicePayment {
        id: world.ids.id("inpay_"),
        created: now,
        invoice: id.to_owned(),
        payment_intent: intent,
        amount,
        currency: invoice.currency,
        status: "open",
        settled_at: None,
    };
    world.invoice_payments.put(payment);
}

/// Tax is worked out anew when an invoice is finalised. Where the country is gone, tax is switched off,
/// so that the payments go on.
fn settle_tax(world: &mut World, invoice: &Invoice) {
    let country = customers::country(world, &invoice.customer).map(str::to_owned);
    let mut lines = invoice.lines.clone();
    automatic_tax::apply(world, country.as_deref(), &mut lines);
    let lost = AutomaticTax { enabled: false, lost_location: true };
    change(world, &invoice.id, |invoice| {
        invoice.lines = lines;
        if country.is_none() {
            invoice.automatic_tax = lost;
        }
    });
    if country.is_none() {
        subscriptions::change(world, &invoice.subscription, |stored| stored.automatic_tax = lost);
    }
}

/// `ABCDEFGH-0001`: the customer's prefix and their next number.
fn next_number(world: &mut World, customer: &str) -> Option<String> {
    let mut number = None;
    world.customers.change(customer, |customer| {
        number = Some(format!("{}-{:04}", customer.invoice_prefix, customer.next_invoice));
        customer.next_invoice += 1;
    });
    number
}

/// Charges an open invoice: `method`, or else what the subscription or its customer has.
pub fn collect(
    world: &mut World,
    id: &str,
    method: Option<String>,
    presence: Presence,
) -> Collected {
    let Some(invoice) = world.invoices.find(id).cloned() else { return Collected::Failed };
    let method = method.or_else(|| {
        world.subscriptions.find(&invoice.subscription).and_then(|s| s.payment_method(world))
    });
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
    if before.billing_reason == "subscription_create" || !before.auto_advance {
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
        let collected = collect(world, id, None, Presence::Absent);
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
    use subscriptions::Status::{Active, Incomplete, PastDue, Paused};

    let Some(invoice) = world.invoices.find(id).cloned() else { return };
    let Some(subscription) = world.subscriptions.find(&invoice.subscription) else { return };
    if subscription.pending_update.as_ref().is_some_and(|pending| pending.invoice == id) {
        if collected == Collected::Paid {
            subscriptions::apply_pending(world, &invoice.subscription);
        }
        return;
    }
    let is_latest = subscription.latest_invoice.as_deref() == Some(id);
    let next = match (collected, subscription.status) {
        (Collected::Paid, Paused) if is_latest => {
            subscriptions::resumed_by_payment(world, &invoice.subscription);
            Active
        }
        (Collected::Paid, PastDue | Incomplete) if is_latest => Active,
        (Collected::Failed | Collected::NeedsAction, Active) => PastDue,
        (_, status) => status,
    };
    subscriptions::change(world, &invoice.subscription, |subscription| subscription.status = next);
    if collected == Collected::Paid {
        if next == Active {
            customers::set_delinquent(world, &invoice.customer, false);
        }
        return;
    }
    if next == PastDue {
        customers::set_delinquent(world, &invoice.customer, true);
        if invoice.auto_advance && invoice.next_step_at.is_none() {
            subscriptions::end(world, &invoice.subscription, Some("payment_failed"));
        }
    }
}

/// Left open, and nobody asks again.
pub fn stop_collecting(world: &mut World, id: &str) {
    change(world, id, |invoice| {
        if matches!(invoice.status, Status::Draft | Status::Open) {
            invoice.auto_advance = false;
            invoice.next_step_at = None;
        }
    });
}

pub fn void_now(world: &mut World, id: &str) {
    let now = world.now;
    change(world, id, |invoice| {
        invoice.status = Status::Void;
        invoice.voided_at = Some(now);
        invoice.auto_advance = false;
        invoice.next_step_at = None;
    });
    announce(world, "invoice.voided", id);
    super::payments::settle(world, id, "canceled");
    let intent = world.invoices.find(id).and_then(|invoice| invoice.payment_intent.clone());
    if let Some(intent) = intent {
        payments::cancel(world, &intent);
    }
}

/// Nobody expects it to be paid; the subscription is not late because of it any more.
pub fn mark_uncollectible_now(world: &mut World, id: &str) {
    let now = world.now;
    change(world, id, |invoice| {
        invoice.status = Status::Uncollectible;
        invoice.marked_uncollectible_at = Some(now);
        invoice.auto_advance = false;
        invoice.next_step_at = None;
    });
    announce(world, "invoice.marked_uncollectible", id);
    forgive(world, id);
}

/// A subscription that is late only with this invoice is so no longer.
pub fn forgive(world: &mut World, id: &str) {
    let Some(invoice) = world.invoices.find(id).cloned() else { return };
    let is_late = world.subscriptions.find(&invoice.subscription).is_some_and(|subscription| {
        subscription.status == subscriptions::Status::PastDue
            && subscription.latest_invoice.as_deref() == Some(id)
    });
    if is_late {
        let active = subscriptions::Status::Active;
        subscriptions::change(world, &invoice.subscription, |stored| stored.status = active);
        customers::set_delinquent(world, &invoice.customer, false);
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
