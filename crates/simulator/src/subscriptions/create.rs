//! The beginning of a subscription: by the API, or by a completed checkout.

use serde_json::Value;

use super::{Cancellation, Item, Status, Subscription};
use crate::{
    calendar::Cadence,
    cards::{AUTHENTICATION_REQUIRED, Outcome, Presence},
    catalog::Recurring,
    clock::Due,
    customers,
    error::{Error, Result},
    invoices::{self, Collected, Invoice},
    params::{Metadata, Params},
    payment_methods,
    table::Object,
    world::{Request, World},
};

const DAY: i64 = 86_400;
const TRIAL_DAYS_MAX: i64 = 730;
const ITEMS_MAX: usize = 20;
/// An unpaid first invoice has this long: 23 hours.
const INCOMPLETE_SECONDS: i64 = 23 * 3600;
/// `trial_will_end` is told three days before.
const TRIAL_WARNING_SECONDS: i64 = 3 * DAY;

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

/// What a subscription is made of, checked.
pub struct SubscriptionDraft {
    pub customer: String,
    pub items: Vec<ItemDraft>,
    pub trial_end: Option<i64>,
    pub default_payment_method: Option<String>,
    pub description: Option<String>,
    pub metadata: Metadata,
}

pub struct ItemDraft {
    pub price: String,
    pub quantity: Option<i64>,
    pub metadata: Metadata,
}

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let customer = params.required_text("customer")?;
    world.customers.get(customer, "customer")?;
    let behavior = params.choice(
        "payment_behavior",
        &["allow_incomplete", "default_incomplete", "error_if_incomplete"],
    )?;
    refuse_unless(&params, "collection_method", "charge_automatically")?;
    if let Some(mode) = params.object("billing_mode")? {
        refuse_unless(&mode, "type", "flexible")?;
    }
    let mut new = SubscriptionDraft {
        customer: customer.to_owned(),
        items: read_items(world, &params)?,
        trial_end: trial_end(world.now, &params)?,
        default_payment_method: None,
        description: params.text("description")?.map(str::to_owned),
        metadata: Metadata::new(),
    };
    params.merge_metadata(&mut new.metadata)?;
    if let Some(method) = params.text("default_payment_method")? {
        payment_methods::of_customer(world, method, customer, "default_payment_method")?;
        new.default_payment_method = Some(method.to_owned());
    }
    if behavior == Some("error_if_incomplete") {
        check_payable(world, &new)?;
    }
    world.in_order(ORDER, |world| {
        let collects = behavior != Some("default_incomplete");
        let id = open(world, new, collects, Presence::Absent)?;
        Ok(world.subscriptions.get(&id, "id")?.render(world))
    })
}

/// # Errors
/// Another value than the one the simulator works by.
fn refuse_unless(params: &Params<'_>, field: &str, only: &str) -> Result<()> {
    match params.text(field)? {
        Some(value) if value != only => Err(Error::not_simulated(format!(
            "The simulator knows `{}={only}` only, not `{value}`.",
            params.name(field)
        ))
        .param(&params.name(field))),
        _ => Ok(()),
    }
}

fn read_items(world: &World, params: &Params<'_>) -> Result<Vec<ItemDraft>> {
    let mut items = Vec::new();
    for item in params.objects("items")? {
        item.only(
            &["metadata", "price", "quantity"],
            &[
                "billing_thresholds",
                "current_trial",
                "discounts",
                "price_data",
                "tax_rates",
                "trial",
            ],
        )?;
        let mut new = ItemDraft {
            price: item.required_text("price")?.to_owned(),
            quantity: item.integer("quantity")?,
            metadata: Metadata::new(),
        };
        item.merge_metadata(&mut new.metadata)?;
        items.push(new);
    }
    if items.is_empty() {
        return Err(Error::parameter_missing("items"));
    }
    check_items(world, &mut items, "items")?;
    Ok(items)
}

/// Fills in quantities and answers how long a period is and in what currency it is billed.
///
/// # Errors
/// A price that is missing, archived, not recurring, or does not go with the others.
pub fn check_items(
    world: &World,
    items: &mut [ItemDraft],
    param: &str,
) -> Result<(Cadence, String)> {
    if items.len() > ITEMS_MAX {
        let message = format!("A subscription can have at most {ITEMS_MAX} items.");
        return Err(Error::invalid(message).param(param));
    }
    let mut common: Option<(Cadence, String)> = None;
    for (index, item) in items.iter_mut().enumerate() {
        let name = |field: &str| format!("{param}[{index}][{field}]");
        let price = world.prices.get(&item.price, &name("price"))?;
        if !price.active {
            let message = format!(
                "The price specified is inactive. This field only accepts active prices: {}.",
                price.id
            );
            return Err(Error::invalid(message).param(&name("price")));
        }
        let Some(Recurring { cadence, .. }) = price.recurring else {
            return Err(Error::invalid(format!(
                "The price specified is set to `type=one_time` but this field only accepts prices \
                 with `type=recurring`: {}.",
                price.id
            ))
            .param(&name("price")));
        };
        if price.is_metered() && item.quantity.is_some() {
            return Err(Error::invalid("Quantity should not be specified where usage_type is `metered`. Remove quantity from the item.")
                .param(&name("quantity")));
        }
        if !price.is_metered() {
            let quantity = *item.quantity.get_or_insert(1);
            if quantity < 0 {
                let message = "Invalid non-negative integer";
                return Err(Error::invalid(message)
                    .code("parameter_invalid_integer")
                    .param(&name("quantity")));
            }
        }
        match &common {
            None => common = Some((cadence, price.currency.clone())),
            Some((_, currency)) if *currency != price.currency => {
                let message =
                    format!("All prices must have the same currency as the first, `{currency}`.");
                return Err(Error::invalid(message).param(&name("price")));
            }
            Some((common, _)) if *common != cadence => {
                return Err(Error::not_simulated(
                    "The simulator does not mix billing intervals in one subscription yet.",
                )
                .param(&name("price")));
            }
            Some(_) => {}
        }
    }
    common.ok_or_else(|| Error::parameter_missing(param))
}

/// `trial_period_days`, or `trial_end`, as a moment.
pub fn trial_end(now: i64, params: &Params<'_>) -> Result<Option<i64>> {
    if let Some(days) = params.integer("trial_period_days")? {
        if !(1..=TRIAL_DAYS_MAX).contains(&days) {
            let message = format!("A trial lasts from 1 to {TRIAL_DAYS_MAX} days.");
            return Err(params.wrong("trial_period_days", &message));
        }
        return Ok(Some(now + days * DAY));
    }
    let Some(end) = params.integer("trial_end")? else { return Ok(None) };
    if end <= now || end > now + TRIAL_DAYS_MAX * DAY {
        let message =
            format!("A trial ends in the future, at most {TRIAL_DAYS_MAX} days from now.");
        return Err(params.wrong("trial_end", &message));
    }
    Ok(Some(end))
}

/// # Errors
/// What the card would say, for calls that want nothing made when it says no.
fn check_payable(world: &World, new: &SubscriptionDraft) -> Result<()> {
    let amount: i64 = new
        .items
        .iter()
        .filter_map(|item| world.prices.find(&item.price).map(|p| (p, item.quantity)))
        .filter(|(price, _)| !price.is_metered())
        .map(|(price, quantity)| price.amount(quantity.unwrap_or_default()))
        .sum();
    if new.trial_end.is_some() || amount == 0 {
        return Ok(());
    }
    let default = world.customers.get(&new.customer, "customer")?.default_payment_method.clone();
    let Some(method) = new.default_payment_method.clone().or(default) else {
        return Err(invoices::no_payment_method());
    };
    let method = world.payment_methods.get(&method, "default_payment_method")?;
    match method.card.charge(method.authenticated, Presence::Absent) {
        Outcome::Paid => Ok(()),
        Outcome::Declined(decline) => Err(Error::card(decline)),
        Outcome::NeedsAction => Err(Error::card(&AUTHENTICATION_REQUIRED)),
    }
}

/// Makes the subscription and its first invoice, and collects that if wanted. Answers the id.
pub fn open(
    world: &mut World,
    mut new: SubscriptionDraft,
    collects: bool,
    presence: Presence,
) -> Result<String> {
    let (cadence, currency) = check_items(world, &mut new.items, "items")?;
    let id = world.ids.id("sub_");
    let items = new.items.into_iter().map(|item| Item {
        id: world.ids.id("si_"),
        created: world.now,
        price: item.price,
        quantity: item.quantity,
        metadata: item.metadata,
    });
    let mut subscription = Subscription {
        id: id.clone(),
        created: world.now,
        customer: new.customer,
        currency,
        status: Status::Incomplete,
        items: items.collect(),
        anchor: new.trial_end.unwrap_or(world.now),
        cadence,
        cycle: None,
        period_start: world.now,
        period_end: new.trial_end.unwrap_or(world.now),
        trial: new.trial_end.map(|end| (world.now, end)),
        cancel_at: None,
        cancel_at_period_end: false,
        canceled_at: None,
        ended_at: None,
        cancellation: Cancellation::default(),
        default_payment_method: new.default_payment_method,
        description: new.description,
        latest_invoice: None,
        metadata: new.metadata,
    };
    if new.trial_end.is_none() {
        subscription.begin_period(0);
    }
    customers::settle_currency(world, &subscription.customer, &subscription.currency);
    world.subscriptions.put(subscription.clone());
    let invoice = invoices::draft(world, &subscription, "subscription_create", None);
    world.subscriptions.change(&id, |stored| stored.latest_invoice = Some(invoice.clone()));
    invoices::finalize_now(world, &invoice);
    let collected = match world.invoices.find(&invoice).is_some_and(Invoice::is_paid) {
        true => Collected::Paid,
        false if collects => invoices::collect(world, &invoice, None, presence),
        false => Collected::Failed,
    };
    let status = match collected {
        Collected::Paid if subscription.trial.is_some() => Status::Trialing,
        Collected::Paid => Status::Active,
        Collected::Failed | Collected::NeedsAction => Status::Incomplete,
    };
    world.subscriptions.change(&id, |stored| stored.status = status);
    if let Some(shown) = world.subscriptions.find(&id).map(|stored| stored.render(world)) {
        world.emit("customer.subscription.created", &shown);
    }
    plan_ahead(world, &subscription, status);
    Ok(id)
}

/// Puts what time will do to it on the agenda.
fn plan_ahead(world: &mut World, subscription: &Subscription, status: Status) {
    let id = &subscription.id;
    world.agenda.add(subscription.period_end, Due::PeriodEnd(id.clone()));
    if status == Status::Incomplete {
        world.agenda.add(world.now + INCOMPLETE_SECONDS, Due::IncompleteExpiry(id.clone()));
    }
    if let Some((start, end)) = subscription.trial {
        let warning = (end - TRIAL_WARNING_SECONDS).max(start);
        world.agenda.add(warning, Due::TrialWarning(id.clone()));
    }
}
