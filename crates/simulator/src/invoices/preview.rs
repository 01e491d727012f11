//! `POST /v1/invoices/create_preview`: the invoice that would come, after a change that is not made.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::{DRAFT_SECONDS, Invoice, Occasion, draft::draw};
use crate::{
    automatic_tax::{self, AutomaticTax},
    discounts,
    error::{Error, Result},
    invoice_items::{self, InvoiceItem},
    params::Params,
    schedules::{self, Next, Schedule},
    subscriptions::{self, ItemDraft, Plan, Subscription, SubscriptionDraft},
    table::Object,
    world::{Request, World},
};

static NO_CHANGE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

pub fn create_preview(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    if params.choice("preview_mode", &["next", "recurring"])? == Some("recurring") {
        return Err(Error::not_simulated("The simulator previews the next invoice only.")
            .param("preview_mode"));
    }
    let mut invoice = if params.has("schedule") || params.has("schedule_details") {
        check_exclusive(&params)?;
        of_schedule(world, &params)?
    } else {
        of_subscription_details(world, &params)?
    };
    invoice.name_as_preview(world);
    Ok(invoice.render(world))
}

const READS: &[&str] = &[
    "billing_cycle_anchor",
    "cancel_at",
    "cancel_at_period_end",
    "cancel_now",
    "default_tax_rates",
    "items",
    "proration_behavior",
    "proration_date",
    "trial_end",
];
const KNOWS: &[&str] =
    &["billing_mode", "billing_schedules", "metadata", "pause", "resume_at", "start_date"];

/// A subscription is previewed by itself or by its schedule.
fn check_exclusive(params: &Params<'_>) -> Result<()> {
    match ["subscription", "subscription_details"].iter().find(|field| params.has(field)) {
        None => Ok(()),
        Some(field) => Err(Error::invalid(format!(
            "You may only specify one of these parameters: schedule, {field}."
        ))
        .code("parameters_exclusive")),
    }
}

fn of_subscription_details(world: &mut World, params: &Params<'_>) -> Result<Invoice> {
    let details = params.object("subscription_details")?;
    if let Some(details) = &details {
        details.only(READS, KNOWS)?;
    }
    let details = details.unwrap_or_else(|| Params::new(&NO_CHANGE, params.is_strict()));
    let next = match params.text("subscription")? {
        None if !details.has("items") => Some(next_of_customer(world, params)?),
        named => named.map(str::to_owned),
    };
    match next {
        Some(id) => of_subscription(world, params, &id, &details),
        None => of_new(world, params, &details),
    }
}

/// The subscription of a customer that is billed next.
fn next_of_customer(world: &World, params: &Params<'_>) -> Result<String> {
    let customer = params.required_text("customer")?;
    world.customers.get(customer, "customer")?;
    let runs = |subscription: &&Subscription| {
        subscription.customer == customer && !subscription.status.is_ended()
    };
    let running = world.subscriptions.rows().iter().filter(runs);
    let next = running.min_by_key(|subscription| subscription.period_end);
    next.map(|subscription| subscription.id.clone()).ok_or_else(nothing_upcoming)
}

const KNOWS_OF_SCHEDULE: &[&str] = &["billing_mode", "pause_schedules"];

fn of_subscription(
    world: &mut World,
    params: &Params<'_>,
    id: &str,
    details: &Params<'_>,
) -> Result<Invoice> {
    let before = world.subscriptions.get(id, "subscription")?.clone();
    if params.text("customer")?.is_some_and(|customer| customer != before.customer) {
        let message = "The subscription does not belong to this customer.";
        return Err(params.wrong("subscription", message));
    }
    if before.status.is_ended() {
        return Err(nothing_upcoming());
    }
    if details.boolean("cancel_now")? == Some(true) {
        return of_end(world, &before, details);
    }
    let wanted = discounts::read(world, params, Some(&before.customer))?;
    let mut plan = Plan::read(world, &before, details, wanted)?;
    set_tax(params, &mut plan.after)?;
    let mut occasion = plan.occasion_now(world);
    occasion.billing_reason = "upcoming";
    name_items(world, &mut occasion.items);
    let now = world.now;
    let mut invoice = if plan.invoices_now {
        Invoice { next_step_at: Some(now), ..draw(world, &plan.after, &occasion, now) }
    } else {
        {
            let schedule =
                plan.after.schedule.as_ref().and_then(|id| world.schedules.find(id)).cloned();
            next(world, &plan.after, occasion, schedule.as_ref())?
        }
    };
    invoice.proration_date = Some(plan.proration_date);
    Ok(invoice)
}

/// The renewal, or what a phase of the schedule invoices before it; where the subscription ends first,
/// what waits for its last invoice.
pub fn next(
    world: &mut World,
    after: &Subscription,
    mut occasion: Occasion,
    schedule: Option<&Schedule>,
) -> Result<Invoice> {
    let mut renewed = after.clone();
    let mut phase = None;
    let mut ends = false;
    if let Some(schedule) = schedule {
        let mut ahead = schedules::look_ahead(world, schedule, after);
        name_items(world, &mut ahead.items);
        ahead.items.append(&mut occasion.items);
        (occasion.items, renewed) = (ahead.items, ahead.subscription);
        match ahead.next {
            Next::Phase { at, restarts } => {
                occasion.bills_period = restarts;
                let invoice = draw(world, &renewed, &occasion, at);
                return Ok(Invoice { next_step_at: Some(at), ..invoice });
            }
            Next::Renewal(next) => phase = next,
            Next::End => ends = true,
        }
    }
    let end = renewed.period_end;
    ends |= renewed.cancel_at.is_some_and(|moment| moment <= end);
    if ends && occasion.items.is_empty() {
        return Err(nothing_upcoming());
    }
    occasion.bills_period = !ends;
    if let Some(phase) = phase {
        schedules::enter(world, &mut renewed, &phase);
    }
    if !ends {
        renewed.begin_period(renewed.cycle.map_or(0, |cycle| cycle + 1));
    }
    let invoice = draw(world, &renewed, &occasion, end);
    Ok(Invoice { next_step_at: Some(end + DRAFT_SECONDS), ..invoice })
}

/// The next invoice of a schedule, changed as its details say; or the first of one that does not exist.
fn of_schedule(world: &mut World, params: &Params<'_>) -> Result<Invoice> {
    let details = params.object("schedule_details")?;
    if let Some(details) = &details {
        details.only(&["end_behavior", "phases", "proration_behavior"], KNOWS_OF_SCHEDULE)?;
    }
    let Some(id) = params.text("schedule")? else {
        return of_new_schedule(world, params, details);
    };
    let mut schedule = world.schedules.get(id, "schedule")?.clone();
    let subscription = schedule.subscription.as_ref().and_then(|id| world.subscriptions.find(id));
    let before = subscription.cloned().ok_or_else(nothing_upcoming)?;
    if let Some(details) = details {
        schedule.read(world, &details)?;
    }
    let wanted = discounts::read(world, params, Some(&before.customer))?;
    let no_change = Params::new(&NO_CHANGE, params.is_strict());
    let mut plan = Plan::read(world, &before, &no_change, wanted)?;
    set_tax(params, &mut plan.after)?;
    let occasion = Occasion { billing_reason: "upcoming", ..plan.occasion_now(world) };
    next(world, &plan.after, occasion, Some(&schedule))
}

fn of_new_schedule(
    world: &World,
    params: &Params<'_>,
    details: Option<Params<'_>>,
) -> Result<Invoice> {
    let details = details.ok_or_else(|| Error::parameter_missing("schedule_details"))?;
    let customer = params.required_text("customer")?;
    world.customers.get(customer, "customer")?;
    let wanted = discounts::read(world, params, Some(customer))?.unwrap_or_default();
    let first = schedules::read_new(world, &details)?.swap_remove(0);
    let items = first.items.into_iter().map(|item| ItemDraft {
        price: item.price,
        quantity: item.quantity,
        intervals: 1,
        tax_rates: Vec::new(),
        metadata: item.metadata,
    });
    let new = SubscriptionDraft::of_items(customer, items.collect(), wanted);
    first_invoice(world, params, new)
}

/// The last invoice, if the subscription were canceled now.
fn of_end(world: &mut World, before: &Subscription, details: &Params<'_>) -> Result<Invoice> {
    let behavior =
        details.choice("proration_behavior", &["always_invoice", "create_prorations", "none"])?;
    let date = details.integer("proration_date")?.unwrap_or(world.now);
    let mut items = Vec::new();
    if behavior != Some("none") {
        items = subscriptions::credits_at_end(world, before, date);
    }
    items.extend(invoice_items::pending(world, &before.customer, &before.id));
    if items.is_empty() {
        return Err(nothing_upcoming());
    }
    name_items(world, &mut items);
    let occasion = Occasion { billing_reason: "upcoming", items, bills_period: false };
    let invoice = draw(world, before, &occasion, world.now);
    Ok(Invoice { proration_date: Some(date), ..invoice })
}

/// The first invoice of a subscription that does not exist.
fn of_new(world: &World, params: &Params<'_>, details: &Params<'_>) -> Result<Invoice> {
    let customer = params.required_text("customer")?;
    world.customers.get(customer, "customer")?;
    let wanted = discounts::read(world, params, Some(customer))?.unwrap_or_default();
    let new = subscriptions::read_preview(world, customer, details, wanted)?;
    first_invoice(world, params, new)
}

fn first_invoice(world: &World, params: &Params<'_>, new: SubscriptionDraft) -> Result<Invoice> {
    let is_free = new.is_free_at_first();
    let mut subscription = subscriptions::preview(world, new)?;
    set_tax(params, &mut subscription)?;
    let (mut at, mut charged_at) = (world.now, world.now);
    if is_free {
        (at, charged_at) = (subscription.period_end, subscription.period_end + DRAFT_SECONDS);
        subscription.begin_period(subscription.cycle.map_or(0, |cycle| cycle + 1));
    }
    let occasion = Occasion::of_period(world, &subscription, "upcoming");
    let invoice = draw(world, &subscription, &occasion, at);
    Ok(Invoice { next_step_at: Some(charged_at), ..invoice })
}

/// Previewed with automatic tax, or without it. Where the customer's country is missing, the preview says
/// so.
fn set_tax(params: &Params<'_>, subscription: &mut Subscription) -> Result<()> {
    if let Some(enabled) = automatic_tax::read_enabled(params)? {
        subscription.automatic_tax = AutomaticTax::on(enabled);
    }
    automatic_tax::check_exclusive(subscription)
}

/// What is not kept has no id; a preview shows one all the same.
fn name_items(world: &mut World, items: &mut [InvoiceItem]) {
    for item in items.iter_mut().filter(|item| item.id.is_empty()) {
        item.id = world.ids.id("ii_");
    }
}

fn nothing_upcoming() -> Error {
    Error::not_found("No upcoming invoices for customer").code("invoice_upcoming_none")
}
