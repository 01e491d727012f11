//! Changing a subscription: its items, its end, its method, its metadata.

use serde_json::Value;

use super::{Plan, Status, Subscription, announce_change, create, pause, payable, pending};
use crate::{
    clock::Due,
    discounts,
    error::{Error, Result},
    invoice_items,
    invoices::{self, Invoice},
    params::Params,
    payment_methods,
    table::Object,
    world::{Request, World},
};

/// The order in which Stripe tells of a change that is invoiced at once.
const ORDER: &[&str] = &[
    "invoice.created",
    "invoice.finalized",
    "payment_intent.created",
    "charge.failed",
    "charge.succeeded",
    "payment_intent.succeeded",
    "payment_intent.requires_action",
    "payment_intent.payment_failed",
    "invoice.sent",
    "invoice.updated",
    "invoice.paid",
    "invoice.payment_succeeded",
    "invoice.payment_action_required",
    "invoice.payment_failed",
    "invoice_payment.paid",
    "customer.subscription.updated",
    "invoiceitem.created",
    "customer.updated",
];

pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    apply(world, &request.id, &request.params())?;
    super::retrieve(world, request)
}

/// Changes the subscription `id` as `params` say.
pub fn apply(world: &mut World, id: &str, params: &Params<'_>) -> Result<()> {
    let mut before = world.subscriptions.get(id, "id")?.clone();
    if before.status.is_ended() && !only_after_the_end(params) {
        return Err(Error::invalid(
            "A canceled subscription can only update its cancellation_details and metadata.",
        )
        .code("invalid_canceled_subscription_fields"));
    }
    let behavior = params.choice(
        "payment_behavior",
        &["allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"],
    )?;
    if behavior == Some("pending_if_incomplete") {
        pending::check(params)?;
    }
    let wanted = discounts::read(world, params, Some(&before.customer))?;
    let mut plan = Plan::read(world, &before, params, wanted)?;
    read_settings(world, params, &mut plan.after)?;
    if behavior == Some("error_if_incomplete") && plan.invoices_now {
        let occasion = plan.occasion_now(world);
        let amount = invoices::draw(world, &plan.after, &occasion, world.now).amount_due();
        payable::check(world, &plan.after, amount, true)?;
    }
    if ["billing_cycle_anchor", "items", "trial_end"].iter().any(|field| params.has(field)) {
        pending::replace(world, &before);
        (before.pending_update, plan.after.pending_update) = (None, None);
    }
    let is_sent = plan.after.billing.is_sent();
    let collects = is_sent || behavior != Some("default_incomplete");
    match (plan.invoices_now, behavior) {
        (false, _) => perform(world, &before, plan, collects),
        (true, Some("pending_if_incomplete")) if !is_sent => {
            world.in_order(ORDER, |world| pending::perform(world, &before, plan));
        }
        (true, _) => world.in_order(ORDER, |world| perform(world, &before, plan, collects)),
    }
    Ok(())
}

/// What is not worked out together with what it costs.
fn read_settings(world: &World, params: &Params<'_>, after: &mut Subscription) -> Result<()> {
    params.merge_metadata(&mut after.metadata)?;
    params.set_text("description", &mut after.description)?;
    after.billing.read(params)?;
    pause::read_collection(world.now, params, after)?;
    super::cancel::read_details(params, &mut after.cancellation)?;
    if let Some(method) = params.text("default_payment_method")? {
        payment_methods::of_customer(world, method, &after.customer, "default_payment_method")?;
    }
    params.set_text("default_payment_method", &mut after.default_payment_method)
}

/// Does what was planned: keeps the prorations, and invoices them where they are due now. An invoice
/// that is not collected waits for its intent to be confirmed.
pub fn perform(world: &mut World, before: &Subscription, plan: Plan, collects: bool) {
    let id = before.id.clone();
    for item in plan.items(world) {
        invoice_items::add(world, item);
    }
    let mut after = plan.after;
    discounts::settle(world, &mut after);
    let mut invoice = None;
    if plan.invoices_now {
        let mut occasion = invoices::Occasion::of_items(world, &after);
        occasion.bills_period = plan.restarts;
        invoice = Some(invoices::draft(world, &mut after, occasion, None));
    }
    plan_ahead(world, before, &after);
    let shown_before = before.render(world);
    world.subscriptions.put(after);
    let Some(invoice) = invoice else {
        announce_change(world, &id, &shown_before);
        return;
    };
    if before.status == Status::Unpaid {
        invoices::stop_collecting(world, &invoice);
        announce_change(world, &id, &shown_before);
        return;
    }
    invoices::finalize_now(world, &invoice);
    announce_change(world, &id, &shown_before);
    if world.invoices.find(&invoice).is_some_and(Invoice::is_paid) {
        return;
    }
    if collects {
        let collected = invoices::collect_or_send(world, &invoice);
        invoices::after_attempt(world, &invoice, collected);
    } else {
        create::propose_method(world, &id, &invoice);
        super::change(world, &id, |stored| stored.status = Status::PastDue);
    }
}

pub fn plan_ahead(world: &mut World, before: &Subscription, after: &Subscription) {
    if after.period_end != before.period_end {
        super::plan_period(world, after);
    }
    // An end after the running period is kept even where no period follows.
    if let Some(end) = after.cancel_at {
        world.agenda.add(end, Due::PeriodEnd(after.id.clone()));
    }
    if let Some(resumes_at) = after.pause_collection.and_then(|pause| pause.resumes_at) {
        world.agenda.add(resumes_at, Due::CollectionResumption(after.id.clone()));
    }
    if after.trial != before.trial
        && let Some((_, end)) = after.trial
    {
        let warning = (end - super::TRIAL_WARNING_SECONDS).max(world.now);
        world.agenda.add(warning, Due::TrialWarning(after.id.clone()));
    }
}

fn only_after_the_end(params: &Params<'_>) -> bool {
    params.fields().all(|field| ["cancellation_details", "expand", "metadata"].contains(&field))
}
