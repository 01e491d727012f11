//! `POST /v1/invoices/create_preview`: the invoice that would come, after a change that is not made.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::{Invoice, Occasion, draft::draw};
use crate::{
    discounts,
    error::{Error, Result},
    invoice_items::{self, InvoiceItem},
    params::Params,
    schedules,
    subscriptions::{self, Plan, Subscription},
    table::Object,
    world::{Request, World},
};

/// A renewal is charged an hour after its period began.
const DRAFT_SECONDS: i64 = 3600;

static NO_CHANGE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

pub fn create_preview(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    if params.choice("preview_mode", &["next", "recurring"])? == Some("recurring") {
        return Err(Error::not_simulated("The simulator previews the next invoice only.")
            .param("preview_mode"));
    }
    let details = params.object("subscription_details")?;
    if let Some(details) = &details {
        details.only(READS, KNOWS)?;
    }
    let details = details.unwrap_or_else(|| Params::new(&NO_CHANGE, params.is_strict()));
    let mut invoice = match params.text("subscription")? {
        Some(id) => of_subscription(world, &params, id, &details)?,
        None => of_new(world, &params, &details)?,
    };
    invoice.id = world.ids.id("upcoming_in_");
    for line in &mut invoice.lines {
        line.id = world.ids.id("il_tmp_");
    }
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
    let plan = Plan::read(world, &before, details, wanted)?;
    let mut occasion = plan.occasion_now(world);
    occasion.billing_reason = "upcoming";
    name_items(world, &mut occasion.items);
    let now = world.now;
    let mut invoice = if plan.invoices_now {
        Invoice { next_step_at: Some(now), ..draw(world, &plan.after, &occasion, now) }
    } else {
        next(world, &plan.after, occasion)?
    };
    invoice.proration_date = Some(plan.proration_date);
    Ok(invoice)
}

/// The renewal; or, where the subscription ends first, what waits for its last invoice.
fn next(world: &mut World, after: &Subscription, mut occasion: Occasion) -> Result<Invoice> {
    let end = after.period_end;
    let ends = after.cancel_at.is_some_and(|moment| moment <= end);
    if ends && occasion.items.is_empty() {
        return Err(nothing_upcoming());
    }
    occasion.bills_period = !ends;
    let mut renewed = after.clone();
    if let Some(phase) = schedules::due_phase(world, &renewed, end) {
        schedules::enter(world, &mut renewed, &phase);
    }
    if !ends {
        renewed.begin_period(renewed.cycle.map_or(0, |cycle| cycle + 1));
    }
    let invoice = draw(world, &renewed, &occasion, end);
    Ok(Invoice { next_step_at: Some(end + DRAFT_SECONDS), ..invoice })
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
    let subscription = subscriptions::preview(world, new)?;
    let occasion = Occasion::of_period(world, &subscription, "upcoming");
    let invoice = draw(world, &subscription, &occasion, world.now);
    Ok(Invoice { next_step_at: Some(world.now), ..invoice })
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
