//! Pending updates: a change that is made only once its invoice is paid (`pending_if_incomplete`).

use serde_json::{Value, json};

use super::{Plan, Subscription, announce_change, render::render_item, update};
use crate::{
    clock::Due,
    discounts,
    error::{Error, Result},
    invoice_items,
    invoices::{self, Collected, Occasion},
    params::{Params, not_simulated},
    table::Object,
    world::World,
};

/// The invoice has this long to be paid: 23 hours, and never longer than the running period.
const PENDING_SECONDS: i64 = 23 * 3600;

/// A change that waits for its invoice.
#[derive(Clone)]
pub struct PendingUpdate {
    pub invoice: String,
    pub expires_at: i64,
    /// The subscription as it is to be.
    after: Box<Subscription>,
}

const READS: [&str; 8] = [
    "billing_cycle_anchor",
    "expand",
    "items",
    "off_session",
    "payment_behavior",
    "proration_behavior",
    "proration_date",
    "trial_end",
];

const KNOWS: [&str; 5] =
    ["add_invoice_items", "cancel_at_period_end", "discounts", "metadata", "trial_from_plan"];

/// # Errors
/// A parameter that cannot wait.
pub fn check(params: &Params<'_>) -> Result<()> {
    match params.fields().find(|field| !READS.contains(field)) {
        None => Ok(()),
        Some(field) if KNOWS.contains(&field) => Err(not_simulated(field)),
        Some(field) => Err(Error::invalid(format!(
            "When `payment_behavior` is set to `pending_if_incomplete`, you can only pass \
             supported params. {field} is not supported."
        ))
        .param(field)),
    }
}

/// Invoices the change, and makes it if that is paid; keeps it for later otherwise.
pub fn perform(world: &mut World, before: &Subscription, plan: Plan) {
    for item in plan.items(world) {
        invoice_items::add(world, item);
    }
    let mut after = plan.after;
    discounts::settle(world, &mut after);
    let mut occasion = Occasion::of_items(world, &after);
    occasion.bills_period = plan.restarts;
    let invoice = invoices::draft(world, &mut after, occasion, None);
    invoices::finalize_now(world, &invoice);
    let is_paid = world.invoices.find(&invoice).is_some_and(invoices::Invoice::is_paid);
    let collected =
        if is_paid { Collected::Paid } else { invoices::collect_or_send(world, &invoice) };
    let shown = before.render(world);
    if collected == Collected::Paid {
        update::plan_ahead(world, before, &after);
        world.subscriptions.put(after);
    } else {
        let expires_at = (world.now + PENDING_SECONDS).min(before.period_end);
        world.agenda.add(expires_at, Due::PendingUpdateExpiry(before.id.clone()));
        let pending =
            PendingUpdate { invoice: invoice.clone(), expires_at, after: Box::new(after) };
        world.subscriptions.change(&before.id, |stored| {
            stored.latest_invoice = Some(invoice);
            stored.pending_update = Some(pending);
        });
    }
    announce_change(world, &before.id, &shown);
}

/// The invoice was paid: what waited for it is made.
pub fn apply(world: &mut World, id: &str) {
    let Some(before) = world.subscriptions.find(id).cloned() else { return };
    let Some(pending) = before.pending_update.clone() else { return };
    let wanted = *pending.after;
    let after = Subscription {
        pending_update: None,
        status: wanted.status,
        items: wanted.items,
        anchor: wanted.anchor,
        billing_cycle_anchor: wanted.billing_cycle_anchor,
        cadence: wanted.cadence,
        cycle: wanted.cycle,
        period_start: wanted.period_start,
        period_end: wanted.period_end,
        trial: wanted.trial,
        ..before.clone()
    };
    update::plan_ahead(world, &before, &after);
    let shown = before.render(world);
    world.subscriptions.put(after);
    announce_change(world, id, &shown);
    announce(world, "customer.subscription.pending_update_applied", id);
}

/// Its time is over: the invoice is voided and the change forgotten.
pub fn expire(world: &mut World, id: &str) {
    let pending = world.subscriptions.find(id).and_then(|stored| stored.pending_update.clone());
    if let Some(pending) = pending.filter(|pending| pending.expires_at <= world.now) {
        invoices::void_now(world, &pending.invoice);
        forget(world, &pending.invoice);
    }
}

/// Drops the change that waits for an invoice which nobody is to pay any more.
pub fn forget(world: &mut World, invoice: &str) {
    let waits = |stored: &&Subscription| {
        stored.pending_update.as_ref().is_some_and(|pending| pending.invoice == invoice)
    };
    let Some(before) = world.subscriptions.rows().iter().find(waits).cloned() else { return };
    let shown = before.render(world);
    world.subscriptions.change(&before.id, |stored| stored.pending_update = None);
    announce_change(world, &before.id, &shown);
    announce(world, "customer.subscription.pending_update_expired", &before.id);
}

/// Another change takes the place of the one that waits.
pub fn replace(world: &mut World, before: &Subscription) {
    if let Some(pending) = &before.pending_update {
        invoices::void_now(world, &pending.invoice);
        forget(world, &pending.invoice);
    }
}

fn announce(world: &mut World, kind: &'static str, id: &str) {
    if let Some(shown) = world.subscriptions.find(id).map(|stored| stored.render(world)) {
        world.emit(kind, &shown);
    }
}

impl PendingUpdate {
    /// The items as they are to be.
    pub fn after(&self) -> &Subscription {
        &self.after
    }

    pub fn show(&self, stored: &Subscription, world: &World) -> Value {
        let after = &self.after;
        let items = after.items.iter().map(|item| render_item(after, item, world));
        let moves_anchor = after.billing_cycle_anchor != stored.billing_cycle_anchor;
        let trial_end = after.trial.filter(|trial| Some(*trial) != stored.trial);
        json!({
            "billing_cycle_anchor": moves_anchor.then_some(after.billing_cycle_anchor),
            "cancel_at_period_end": null,
            "discount": null,
            "discounts": null,
            "expires_at": self.expires_at,
            "metadata": null,
            "subscription_items": items.collect::<Vec<_>>(),
            "trial_end": trial_end.map(|(_, end)| end),
            "trial_from_plan": null,
        })
    }
}
