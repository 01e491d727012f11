//! What the API does with invoices.

use serde_json::Value;

use super::{
    Collected, Invoice, Status,
    close::{forgive, mark_uncollectible_now, void_now},
    collect::{after_attempt, collect, no_payment_method},
    finalize::finalize_now,
    render::render_line,
    send::pay_elsewhere,
};
use crate::{
    cards::{AUTHENTICATION_REQUIRED, GENERIC, Presence},
    clock::Due,
    error::{Error, Result},
    lists, params, payment_methods, subscriptions,
    table::Object,
    test_clocks::clock_of,
    world::{Request, World},
};

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.invoices.get(&request.id, "invoice")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let (customer, subscription) = (params.text("customer")?, params.text("subscription")?);
    let status = params.choice("status", &["draft", "open", "paid", "uncollectible", "void"])?;
    let method = params.choice("collection_method", &["charge_automatically", "send_invoice"])?;
    lists::list::<Invoice>(world, request, |invoice| {
        let is_named = customer.is_some() || subscription.is_some();
        (is_named || clock_of(world, &invoice.customer).is_none())
            && customer.is_none_or(|customer| invoice.customer == customer)
            && subscription.is_none_or(|subscription| invoice.subscription == subscription)
            && status.is_none_or(|status| invoice.status.word() == status)
            && method.is_none_or(|method| invoice.is_sent() == (method == "send_invoice"))
    })
}

pub fn lines(world: &mut World, request: &Request) -> Result<Value> {
    let invoice = world.invoices.get(&request.id, "invoice")?;
    let lines: Vec<Value> = invoice.lines.iter().map(|line| render_line(invoice, line)).collect();
    lists::list_parts(&lines, "line item", request)
}

pub fn finalize(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let invoice = world.invoices.get(&request.id, "invoice")?;
    if invoice.status != Status::Draft {
        return Err(Error::invalid(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
        )
        .code("invoice_not_editable"));
    }
    let charged_at = invoice.next_step_at;
    finalize_now(world, &request.id);
    if let Some(auto_advance) = params.boolean("auto_advance")? {
        world.invoices.change(&request.id, |invoice| invoice.auto_advance = auto_advance);
    }
    // It is charged when it would have been.
    let waits = |invoice: &Invoice| invoice.status == Status::Open && invoice.auto_advance;
    if let Some(at) = charged_at
        && world.invoices.find(&request.id).is_some_and(waits)
    {
        world.invoices.change(&request.id, |invoice| invoice.next_step_at = Some(at));
        world.agenda.add(at, Due::InvoiceStep(request.id.clone()));
    }
    retrieve(world, request)
}

pub fn pay(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    if params.boolean("forgive")? == Some(true) {
        return Err(params::not_simulated("forgive"));
    }
    let invoice = world.invoices.get(&request.id, "invoice")?.clone();
    match invoice.status {
        Status::Paid => return Err(Error::invalid("Invoice is already paid")),
        Status::Void => {
            return Err(
                Error::invalid("Invoice is void, so it can't be paid").code("invoice_not_editable")
            );
        }
        Status::Draft | Status::Open | Status::Uncollectible => {}
    }
    if params.boolean("paid_out_of_band")? == Some(true) {
        pay_elsewhere(world, &request.id);
        return retrieve(world, request);
    }
    let method = match params.text("payment_method")? {
        Some(method) => {
            let found =
                payment_methods::of_customer(world, method, &invoice.customer, "payment_method")?;
            Some(found.id.clone())
        }
        None => invoice.payment_method(world),
    };
    let method = method.ok_or_else(no_payment_method)?;
    finalize_now(world, &request.id);
    if world.invoices.find(&request.id).is_some_and(Invoice::is_paid) {
        return retrieve(world, request);
    }
    let collected = collect(world, &request.id, Some(method), Presence::Absent);
    after_attempt(world, &request.id, collected);
    match collected {
        Collected::Paid | Collected::Sent => retrieve(world, request),
        Collected::NeedsAction => {
            Err(Error::card(&AUTHENTICATION_REQUIRED)
                .code("invoice_payment_intent_requires_action"))
        }
        Collected::Failed => {
            let intent = invoice.payment_intent.and_then(|id| world.payment_intents.find(&id));
            let decline = intent.and_then(|intent| intent.last_decline.as_ref());
            Err(Error::card(decline.map_or(&GENERIC, |(decline, _)| *decline)))
        }
    }
}

pub fn void(world: &mut World, request: &Request) -> Result<Value> {
    let invoice = world.invoices.get(&request.id, "invoice")?.clone();
    if !matches!(invoice.status, Status::Open | Status::Uncollectible) {
        return Err(not_open(&invoice));
    }
    void_now(world, &request.id);
    subscriptions::forget_pending(world, &request.id);
    forgive(world, &request.id);
    // A voided first invoice leaves nothing to wait for.
    let subscription = world.subscriptions.find(&invoice.subscription);
    if subscription.is_some_and(|s| s.status == subscriptions::Status::Incomplete) {
        crate::renewals::expire_incomplete(world, &invoice.subscription);
    }
    retrieve(world, request)
}

pub fn mark_uncollectible(world: &mut World, request: &Request) -> Result<Value> {
    let invoice = world.invoices.get(&request.id, "invoice")?;
    if invoice.status != Status::Open {
        return Err(not_open(invoice));
    }
    mark_uncollectible_now(world, &request.id);
    retrieve(world, request)
}

fn not_open(invoice: &Invoice) -> Error {
    Error::invalid(format!(
        "You can only pass in open invoices. This invoice isn't open, it is {}.",
        invoice.status.word()
    ))
    .code("status_transition_invalid")
}
