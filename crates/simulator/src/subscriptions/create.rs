//! The beginning of a subscription: by the API, or by a completed checkout.

use serde_json::Value;

use super::{
    Cancellation, End, Item, Status, Subscription, SubscriptionDraft, TRIAL_WARNING_SECONDS,
    check_items, draft, payable, plan,
};
use crate::{
    automatic_tax::{self, AutomaticTax},
    calendar::Cadence,
    cards::{Outcome, Presence},
    clock::Due,
    customers, discounts,
    error::{Error, Result},
    invoices::{self, Collected, Occasion},
    payments, setup_intents,
    table::Object,
    test_clocks,
    world::{Request, World},
};

/// An unpaid first invoice has this long: 23 hours.
const INCOMPLETE_SECONDS: i64 = 23 * 3600;

/// The order in which Stripe tells of a subscription made and paid by one call.
const ORDER: &[&str] = &[
    "charge.failed",
    "charge.succeeded",
    "customer.updated",
    "customer.subscription.created",
    "payment_intent.succeeded",
    "payment_intent.created",
    "payment_intent.requires_action",
    "payment_intent.payment_failed",
    "invoice.created",
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_succeeded",
    "invoice.payment_action_required",
    "invoice.payment_failed",
    "invoice_payment.paid",
];

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let behavior = params.choice(
        "payment_behavior",
        &["allow_incomplete", "default_incomplete", "error_if_incomplete"],
    )?;
    let new = draft::read(world, &params)?;
    automatic_tax::read(world, &params, &mut preview(world, new.clone())?)?;
    let collects = behavior != Some("default_incomplete");
    if collects {
        check_payable(world, &new, behavior == Some("error_if_incomplete"))?;
    }
    world.in_order(ORDER, |world| {
        let id = open(world, new, collects, Presence::Absent)?;
        Ok(world.subscriptions.get(&id, "id")?.render(world))
    })
}

/// Makes the subscription and its first invoice, and collects that if wanted. Answers the id.
pub fn open(
    world: &mut World,
    mut new: SubscriptionDraft,
    collects: bool,
    presence: Presence,
) -> Result<String> {
    test_clocks::check_subscription(world, &new.customer)?;
    let (cadence, currency) = check_items(world, &mut new.items, "items")?;
    let id = world.ids.id("sub_");
    let (is_free, bills_later) = (new.is_free_at_first(), new.bills_later);
    let mut subscription = begin(world, new, cadence, currency)?;
    subscription.id.clone_from(&id);
    for item in &mut subscription.items {
        item.id = world.ids.id("si_");
    }
    discounts::settle(world, &mut subscription);
    customers::settle_currency(world, &subscription.customer, &subscription.currency);
    world.subscriptions.put(subscription.clone());
    let collected = if is_free {
        Collected::Paid
    } else {
        let waits = (bills_later || subscription.billing.is_sent()) && subscription.trial.is_none();
        match waits.then_some(world.now + invoices::DRAFT_SECONDS) {
            Some(at) => bill_first_later(world, &mut subscription, at),
            None => bill_first(world, &mut subscription, collects, presence),
        }
    };
    let status = match collected {
        Collected::Paid if subscription.trial.is_some() => Status::Trialing,
        Collected::Paid | Collected::Sent => Status::Active,
        Collected::Failed | Collected::NeedsAction => Status::Incomplete,
    };
    world.subscriptions.change(&id, |stored| stored.status = status);
    if status == Status::Trialing {
        ask_for_card(world, &subscription, collects);
    }
    if let Some(shown) = world.subscriptions.find(&id).map(|stored| stored.render(world)) {
        world.emit("customer.subscription.created", &shown);
    }
    plan_ahead(world, &subscription, status);
    Ok(id)
}

/// Makes the first invoice, which is finalised `at` that time: one that is sent, or somebody may still
/// add to.
fn bill_first_later(world: &mut World, subscription: &mut Subscription, at: i64) -> Collected {
    let occasion = Occasion::of_period(world, subscription, "subscription_create");
    let invoice = invoices::draft(world, subscription, occasion, Some(at));
    world.subscriptions.put(subscription.clone());
    world.agenda.add(at, Due::InvoiceStep(invoice));
    Collected::Sent
}

/// Makes the first invoice, and finalises it.
fn bill_first(
    world: &mut World,
    subscription: &mut Subscription,
    collects: bool,
    presence: Presence,
) -> Collected {
    let occasion = Occasion::of_period(world, subscription, "subscription_create");
    let invoice = invoices::draft(world, subscription, occasion, None);
    world.subscriptions.put(subscription.clone());
    collect_first(world, &invoice, collects, presence)
}

fn collect_first(
    world: &mut World,
    invoice: &str,
    collects: bool,
    presence: Presence,
) -> Collected {
    invoices::finalize_now(world, invoice);
    let Some(made) = world.invoices.find(invoice) else { return Collected::Failed };
    if made.is_paid() {
        return Collected::Paid;
    }
    if collects {
        return invoices::collect(world, invoice, None, presence);
    }
    let subscription = made.subscription.clone();
    propose_method(world, &subscription, invoice);
    Collected::Failed
}

/// The subscription as it begins, without ids.
fn begin(
    world: &World,
    new: SubscriptionDraft,
    cadence: Cadence,
    currency: String,
) -> Result<Subscription> {
    let now = world.now;
    let wanted = new.discounts;
    let items = new.items.into_iter().map(|item| Item {
        id: String::new(),
        created: now,
        price: item.price,
        quantity: item.quantity,
        intervals: item.intervals,
        metadata: item.metadata,
        tax_rates: item.tax_rates,
        unbilled_from: now,
        debit: None,
    });
    let mut subscription = Subscription {
        id: String::new(),
        created: now,
        customer: new.customer,
        currency,
        status: Status::Incomplete,
        items: items.collect(),
        anchor: new.trial_end.unwrap_or(now),
        billing_cycle_anchor: new.trial_end.unwrap_or(now),
        cadence,
        cycle: None,
        period_start: now,
        period_end: new.trial_end.unwrap_or(now),
        trial: new.trial_end.map(|end| (now, end)),
        cancel_at: None,
        cancel_at_period_end: false,
        canceled_at: None,
        ended_at: None,
        cancellation: Cancellation::default(),
        default_payment_method: new.default_payment_method,
        billing: new.billing,
        pending_setup_intent: None,
        description: new.description,
        latest_invoice: None,
        metadata: new.metadata,
        discounts: Vec::new(),
        default_tax_rates: new.default_tax_rates,
        automatic_tax: AutomaticTax::on(new.automatic_tax),
        pause_collection: None,
        schedule: new.schedule,
        pending_update: None,
        upcoming_told: None,
    };
    match (new.anchor, new.trial_end) {
        (Some(_), Some(_)) => return Err(trial_and_anchor()),
        (None, Some(_)) => {}
        (Some(anchor), None) => subscription.begin_on(anchor, now)?,
        (None, None) => subscription.begin_period(0),
    }
    if let Some(end) = new.ends {
        let whole = subscription.whole_period_end();
        let end = match end {
            End::OfPeriod if subscription.is_mixed() => return Err(plan::which_period()),
            End::OfPeriod => whole,
            End::At(moment) => moment,
        };
        subscription.cancel_at = Some(end);
        subscription.cancel_at_period_end = matches!(new.ends, Some(End::OfPeriod));
        subscription.canceled_at = Some(now);
        subscription.cancellation.reason = Some("cancellation_requested");
        subscription.period_end = whole.min(end);
    }
    subscription.discounts =
        wanted.iter().map(|wanted| discounts::redeem(world, wanted, &subscription)).collect();
    Ok(subscription)
}

pub fn trial_and_anchor() -> Error {
    Error::not_simulated(
        "The simulator begins a subscription with a trial or on an anchor, not with both.",
    )
    .param("billing_cycle_anchor")
}

/// # Errors
/// There is no card; or what the card would say, for calls that want nothing made when it says no.
fn check_payable(world: &World, new: &SubscriptionDraft, asks_card: bool) -> Result<()> {
    if new.is_free_at_first() {
        return Ok(());
    }
    let subscription = preview(world, new.clone())?;
    let occasion = Occasion::of_period(world, &subscription, "subscription_create");
    let amount = invoices::draw(world, &subscription, &occasion, world.now).amount_due();
    payable::check(world, &subscription, amount, asks_card)
}

/// The subscription as it would begin, not kept and without ids.
pub fn preview(world: &World, mut new: SubscriptionDraft) -> Result<Subscription> {
    let (cadence, currency) = check_items(world, &mut new.items, "items")?;
    begin(world, new, cadence, currency)
}

/// The intent of an invoice that is not charged at once only waits for the customer's word.
pub fn propose_method(world: &mut World, subscription: &str, invoice: &str) {
    let intent = world.invoices.find(invoice).and_then(|invoice| invoice.payment_intent.clone());
    let method = world.subscriptions.find(subscription).and_then(|s| s.payment_method(world));
    if let (Some(intent), Some(method)) = (intent, method) {
        payments::propose(world, &intent, method);
    }
}

/// A trial begins without a payment: where its card is missing or wants 3-D Secure, an intent asks for it.
fn ask_for_card(world: &mut World, subscription: &Subscription, collects: bool) {
    let method = subscription.payment_method(world);
    let found = method.as_ref().and_then(|method| world.payment_methods.find(method));
    let asks = match found {
        None => !collects,
        Some(method) => {
            method.card.charge(method.authenticated, Presence::Absent) == Outcome::NeedsAction
        }
    };
    if asks {
        let intent = setup_intents::open(world, &subscription.customer, method.as_deref());
        world
            .subscriptions
            .change(&subscription.id, |stored| stored.pending_setup_intent = Some(intent));
    }
}

/// Puts what time will do to it on the agenda.
fn plan_ahead(world: &mut World, subscription: &Subscription, status: Status) {
    let id = &subscription.id;
    super::plan_period(world, subscription);
    if let Some(end) = subscription.cancel_at {
        world.agenda.add(end, Due::PeriodEnd(id.clone()));
    }
    if status == Status::Incomplete {
        world.agenda.add(world.now + INCOMPLETE_SECONDS, Due::IncompleteExpiry(id.clone()));
    }
    if let Some((start, end)) = subscription.trial {
        let warning = (end - TRIAL_WARNING_SECONDS).max(start);
        world.agenda.add(warning, Due::TrialWarning(id.clone()));
    }
}
