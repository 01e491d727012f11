//! Pausing a subscription and resuming it, and pausing only the collection of its invoices.

use serde_json::{Value, json};

use super::{Debit, Status, Subscription, change, credits_at_end, plan_period, prorate};
use crate::{
    clock::Due,
    error::{Error, Result},
    invoice_items::{self, InvoiceItem},
    invoices::{self, Collected, Occasion},
    params::Params,
    table::Object,
    world::{Request, World},
};

/// An unpaid resumption invoice has this long: 23 hours.
const RESUMPTION_SECONDS: i64 = 23 * 3600;

/// What becomes of invoices while collection is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PausedCollection {
    /// `keep_as_draft`, `mark_uncollectible` or `void`.
    pub behavior: &'static str,
    pub resumes_at: Option<i64>,
}

impl PausedCollection {
    pub fn show(self) -> Value {
        json!({ "behavior": self.behavior, "resumes_at": self.resumes_at })
    }
}

/// `pause_collection` of an update: set, or unset by the empty string.
pub fn read_collection(now: i64, params: &Params<'_>, after: &mut Subscription) -> Result<()> {
    if params.is_unset("pause_collection") {
        after.pause_collection = None;
    }
    let Some(pause) = params.object("pause_collection")? else { return Ok(()) };
    pause.only(&["behavior", "resumes_at"], &[])?;
    let behavior = pause
        .choice("behavior", &["keep_as_draft", "mark_uncollectible", "void"])?
        .ok_or_else(|| Error::parameter_missing(&pause.name("behavior")))?;
    let resumes_at = pause.integer("resumes_at")?;
    if resumes_at.is_some_and(|moment| moment <= now) {
        return Err(pause.wrong("resumes_at", "Collection can only resume in the future."));
    }
    after.pause_collection = Some(PausedCollection { behavior, resumes_at });
    Ok(())
}

/// The moment named by `resumes_at` has come.
pub fn resume_collection(world: &mut World, id: &str) {
    let now = world.now;
    change(world, id, |stored| {
        stored.pause_collection.take_if(|pause| pause.resumes_at == Some(now));
    });
}

/// `POST /v1/subscriptions/{id}/pause`.
pub fn pause(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    params.choice("type", &["subscription"])?;
    let invoices_now = params.choice("invoicing_behavior", &["invoice", "pending_invoice_item"])?
        == Some("invoice");
    let subscription = world.subscriptions.get(&request.id, "id")?.clone();
    if !matches!(subscription.status, Status::Active | Status::Trialing | Status::PastDue) {
        return Err(Error::invalid(format!(
            "This subscription cannot be paused because it is {}.",
            subscription.status.word()
        )));
    }
    if subscription.schedule.is_some() {
        return Err(Error::invalid(
            "This subscription cannot be paused because a schedule manages it.",
        ));
    }
    let from = match unused_time_from(&params)? {
        "none" => None,
        "item_current_period_start" => Some(subscription.period_start),
        _ => Some(world.now),
    };
    let mut credits = from.map_or_else(Vec::new, |from| credits_at_end(world, &subscription, from));
    while let Some(credit) = credits.pop() {
        invoice_items::add(world, credit);
    }
    enter_pause(world, &request.id);
    if invoices_now {
        invoice_pending(world, &request.id);
    }
    super::retrieve(world, request)
}

fn unused_time_from(params: &Params<'_>) -> Result<&'static str> {
    let Some(bill_for) = params.object("bill_for")? else { return Ok("now") };
    bill_for.only(&["unused_time_from"], &["outstanding_usage_through"])?;
    let Some(from) = bill_for.object("unused_time_from")? else { return Ok("now") };
    from.only(&["type"], &[])?;
    let chosen = from.choice("type", &["item_current_period_start", "none", "now"])?;
    chosen.ok_or_else(|| Error::parameter_missing(&from.name("type")))
}

/// Nothing is billed from now on until it is resumed; what was used before waits for an invoice.
pub fn enter_pause(world: &mut World, id: &str) {
    let used = world.subscriptions.find(id).cloned();
    if let Some(used) = used {
        for line in Occasion::at_end(world, &used).usage {
            invoice_items::add(world, InvoiceItem::of_usage(&used, line, world.now));
        }
    }
    change(world, id, |stored| {
        stored.status = Status::Paused;
        for item in &mut stored.items {
            item.debit = None;
        }
    });
    announce(world, "customer.subscription.paused", id);
}

/// Invoices what waits, where anything does.
pub fn invoice_pending(world: &mut World, id: &str) {
    let Some(mut subscription) = world.subscriptions.find(id).cloned() else { return };
    let occasion = if subscription.status.is_ended() {
        Occasion::at_end(world, &subscription)
    } else {
        Occasion::of_items(world, &subscription)
    };
    if occasion.is_empty() {
        return;
    }
    let invoice = invoices::draft(world, &mut subscription, occasion, None);
    if subscription.status.is_ended() {
        // Its end was the last that is told of it.
        world.subscriptions.put(subscription);
    } else {
        change(world, id, |stored| *stored = subscription);
    }
    invoices::finalize_now(world, &invoice);
    if world.invoices.find(&invoice).is_some_and(|invoice| !invoice.is_paid()) {
        let collected = invoices::collect_or_send(world, &invoice);
        invoices::after_attempt(world, &invoice, collected);
    }
}

/// `POST /v1/subscriptions/{id}/resume`.
pub fn resume(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let before = world.subscriptions.get(&request.id, "id")?.clone();
    if before.status != Status::Paused {
        return Err(Error::invalid(format!(
            "You can only resume a subscription that is paused; this one is {}.",
            before.status.word()
        )));
    }
    let keeps_anchor = match params.object("billing_cycle_anchor")? {
        Some(anchor) => anchor.choice("type", &["now", "unchanged"])? == Some("unchanged"),
        None => false,
    };
    let waits_for_payment = params
        .choice("payment_behavior", &["resume_on_payment_attempt", "resume_on_payment_success"])?
        == Some("resume_on_payment_success");
    let behavior =
        params.choice("proration_behavior", &["always_invoice", "create_prorations", "none"])?;
    if keeps_anchor {
        resume_in_cycle(world, &before, behavior.unwrap_or("create_prorations"));
    } else {
        resume_with_new_cycle(world, &before, waits_for_payment);
    }
    super::retrieve(world, request)
}

/// The old periods go on, as if it had not been paused; the rest of the running one is debited.
fn resume_in_cycle(world: &mut World, before: &Subscription, behavior: &str) {
    let mut after = before.clone();
    after.status = Status::Active;
    after.items.iter_mut().for_each(|item| item.unbilled_from = world.now);
    while after.cycle.is_none() || after.whole_period_end() <= world.now {
        after.begin_period(after.cycle.map_or(0, |cycle| cycle + 1));
    }
    let mut unbilled = after.clone();
    let starts = after.items.iter().map(|item| after.item_period(item).0);
    for (item, start) in unbilled.items.iter_mut().zip(starts) {
        // Billed from nothing: what was paid for the time of the pause was credited when it began.
        item.debit = item.quantity.map(|quantity| Debit {
            amount: 0,
            start,
            end: world.now,
            price: item.price.clone(),
            quantity,
        });
    }
    after.items.clone_from(&unbilled.items);
    if behavior != "none" {
        for debit in prorate(world, &unbilled, &mut after, world.now, false) {
            invoice_items::add(world, InvoiceItem::of_proration(world, &before.id, &debit));
        }
    }
    plan_period(world, &after);
    keep(world, before, after);
    announce(world, "customer.subscription.resumed", &before.id);
    if behavior == "always_invoice" {
        invoice_pending(world, &before.id);
    }
}

/// A new period begins now and is billed; whether it is paid may decide whether it is resumed.
fn resume_with_new_cycle(world: &mut World, before: &Subscription, waits_for_payment: bool) {
    let id = &before.id;
    let mut after = before.clone();
    (after.anchor, after.billing_cycle_anchor) = (world.now, world.now);
    after.begin_period(0);
    after.items.iter_mut().for_each(|item| item.unbilled_from = world.now);
    let occasion = Occasion::of_period(world, &after, "subscription_update");
    let invoice = invoices::draft(world, &mut after, occasion, None);
    plan_period(world, &after);
    if !waits_for_payment {
        after.status = Status::Active;
    }
    keep(world, before, after);
    invoices::finalize_now(world, &invoice);
    let is_paid = world.invoices.find(&invoice).is_some_and(invoices::Invoice::is_paid);
    let collected =
        if is_paid { Collected::Paid } else { invoices::collect_or_send(world, &invoice) };
    if waits_for_payment && collected != Collected::Paid {
        world.agenda.add(world.now + RESUMPTION_SECONDS, Due::ResumptionExpiry(invoice));
        return;
    }
    if !waits_for_payment {
        announce(world, "customer.subscription.resumed", id);
    }
    invoices::after_attempt(world, &invoice, collected);
}

/// The resumption invoice was not paid in time; the subscription stays paused.
pub fn expire_resumption(world: &mut World, invoice: &str) {
    if world.invoices.find(invoice).is_some_and(|i| i.status == invoices::Status::Open) {
        invoices::void_now(world, invoice);
    }
}

/// The resumption invoice was paid after all.
pub fn resumed_by_payment(world: &mut World, id: &str) {
    change(world, id, |stored| stored.status = Status::Active);
    announce(world, "customer.subscription.resumed", id);
}

fn keep(world: &mut World, before: &Subscription, after: Subscription) {
    let (shown_before, shown) = (before.render(world), after.render(world));
    world.subscriptions.put(after);
    world.emit_update("customer.subscription.updated", &shown_before, &shown);
}

fn announce(world: &mut World, kind: &'static str, id: &str) {
    if let Some(shown) = world.subscriptions.find(id).map(|stored| stored.render(world)) {
        world.emit(kind, &shown);
    }
}
