//! What a subscription is made of, read from a request and checked.

use super::{Anchor, Billing, anchor, read_anchor};
use crate::{
    automatic_tax,
    calendar::Cadence,
    catalog::{Price, Recurring},
    discounts::{self, Redemption},
    error::{Error, Result},
    params::{Metadata, Params},
    payment_methods, tax_rates,
    world::World,
};

const DAY: i64 = 86_400;
const TRIAL_DAYS_MAX: i64 = 730;
const ITEMS_MAX: usize = 20;

/// What a subscription is made of, checked.
#[derive(Clone)]
pub struct SubscriptionDraft {
    pub customer: String,
    pub items: Vec<ItemDraft>,
    pub trial_end: Option<i64>,
    pub anchor: Option<Anchor>,
    /// Whether a first period that is only a part is paid for; it is free otherwise.
    pub prorates: bool,
    /// An end that is set from the beginning.
    pub ends: Option<End>,
    pub default_payment_method: Option<String>,
    pub billing: Billing,
    pub discounts: Vec<Redemption>,
    pub default_tax_rates: Vec<String>,
    pub automatic_tax: bool,
    pub description: Option<String>,
    pub metadata: Metadata,
    /// The schedule whose first phase it is.
    pub schedule: Option<String>,
    /// The first invoice stays a draft for an hour, as that of a schedule or a quote does.
    pub bills_later: bool,
}

/// When a subscription is to end.
#[derive(Clone, Copy)]
pub enum End {
    /// With its first period.
    OfPeriod,
    At(i64),
}

#[derive(Clone)]
pub struct ItemDraft {
    pub price: String,
    pub quantity: Option<i64>,
    /// How many of the subscription's intervals make one of its own; settled by [`check_items`].
    pub intervals: i64,
    pub tax_rates: Vec<String>,
    pub metadata: Metadata,
}

/// A subscription as `POST /v1/subscriptions` describes it.
pub fn read(world: &World, params: &Params<'_>) -> Result<SubscriptionDraft> {
    let customer = params.required_text("customer")?;
    world.customers.get(customer, "customer")?;
    if let Some(mode) = params.object("billing_mode")? {
        refuse_unless(&mode, "type", "flexible")?;
    }
    let mut new = SubscriptionDraft {
        customer: customer.to_owned(),
        items: read_items(world, params)?,
        trial_end: trial_end(world.now, params)?,
        anchor: read_anchor(world.now, params)?,
        prorates: read_prorates(params)?,
        ends: read_end(world.now, params)?,
        default_payment_method: None,
        billing: Billing::default(),
        discounts: discounts::read(world, params, Some(customer))?.unwrap_or_default(),
        automatic_tax: automatic_tax::read_enabled(params)?.unwrap_or_default(),
        default_tax_rates: tax_rates::read(world, params, "default_tax_rates")?.unwrap_or_default(),
        description: params.text("description")?.map(str::to_owned),
        metadata: Metadata::new(),
        schedule: None,
        bills_later: false,
    };
    new.billing.read(params)?;
    params.merge_metadata(&mut new.metadata)?;
    if let Some(method) = params.text("default_payment_method")? {
        payment_methods::of_customer(world, method, customer, "default_payment_method")?;
        new.default_payment_method = Some(method.to_owned());
    }
    Ok(new)
}

/// `proration_behavior` of a subscription that begins.
pub fn read_prorates(params: &Params<'_>) -> Result<bool> {
    let behaviors = ["always_invoice", "create_prorations", "none"];
    Ok(params.choice("proration_behavior", &behaviors)? != Some("none"))
}

/// `cancel_at` and `cancel_at_period_end` of a subscription that begins.
fn read_end(now: i64, params: &Params<'_>) -> Result<Option<End>> {
    if params.boolean("cancel_at_period_end")? == Some(true) {
        return Ok(Some(End::OfPeriod));
    }
    match params.integer("cancel_at")? {
        None => Ok(None),
        Some(moment) if moment > now => Ok(Some(End::At(moment))),
        Some(_) => {
            let message = "The subscription cannot be set to cancel in the past.";
            Err(params.wrong("cancel_at", message))
        }
    }
}

/// A subscription as the `subscription_details` of a preview describe it.
pub fn read_preview(
    world: &World,
    customer: &str,
    details: &Params<'_>,
    discounts: Vec<Redemption>,
) -> Result<SubscriptionDraft> {
    for field in ["cancel_now", "proration_date"] {
        if details.has(field) {
            let message = "A subscription that does not exist yet can neither end nor be prorated.";
            return Err(details.wrong(field, message));
        }
    }
    let items = read_items(world, details)?;
    let rates = tax_rates::read(world, details, "default_tax_rates")?;
    Ok(SubscriptionDraft {
        trial_end: trial_end(world.now, details)?,
        anchor: anchor::read_preview(world.now, details)?,
        prorates: read_prorates(details)?,
        ends: read_end(world.now, details)?,
        default_tax_rates: rates.unwrap_or_default(),
        ..SubscriptionDraft::of_items(customer, items, discounts)
    })
}

impl SubscriptionDraft {
    /// The part before the anchor costs nothing, and there is no invoice to say so.
    pub fn is_free_at_first(&self) -> bool {
        self.anchor.is_some() && !self.prorates
    }

    /// One that says nothing but what it sells to whom.
    pub fn of_items(customer: &str, items: Vec<ItemDraft>, discounts: Vec<Redemption>) -> Self {
        Self {
            customer: customer.to_owned(),
            items,
            trial_end: None,
            anchor: None,
            prorates: true,
            ends: None,
            default_payment_method: None,
            billing: Billing::default(),
            discounts,
            default_tax_rates: Vec::new(),
            automatic_tax: false,
            description: None,
            metadata: Metadata::new(),
            schedule: None,
            bills_later: false,
        }
    }
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
            &["metadata", "price", "quantity", "tax_rates"],
            &["billing_thresholds", "current_trial", "discounts", "price_data", "trial"],
        )?;
        let mut new = ItemDraft {
            price: item.required_text("price")?.to_owned(),
            quantity: item.integer("quantity")?,
            intervals: 1,
            tax_rates: tax_rates::read(world, &item, "tax_rates")?.unwrap_or_default(),
            metadata: Metadata::new(),
        };
        check_for_sale(world, &new.price, &item.name("price"))?;
        item.merge_metadata(&mut new.metadata)?;
        items.push(new);
    }
    if items.is_empty() {
        return Err(Error::parameter_missing(&params.name("items")));
    }
    check_items(world, &mut items, &params.name("items"))?;
    Ok(items)
}

/// # Errors
/// The price is missing or archived.
pub fn check_for_sale(world: &World, price: &str, param: &str) -> Result<()> {
    let price = world.prices.get(price, param)?;
    if price.active {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "The price specified is inactive. This field only accepts active prices: {}.",
        price.id
    ))
    .param(param))
}

/// Fills in quantities and how the intervals go together; answers the shortest interval, and in what
/// currency all is billed.
///
/// # Errors
/// A price that is missing, not recurring, or does not go with the others.
pub fn check_items(
    world: &World,
    items: &mut [ItemDraft],
    param: &str,
) -> Result<(Cadence, String)> {
    if items.len() > ITEMS_MAX {
        let message = format!("A subscription can have at most {ITEMS_MAX} items.");
        return Err(Error::invalid(message).param(param));
    }
    let mut common: Option<String> = None;
    let mut cadences = Vec::new();
    for (index, item) in items.iter_mut().enumerate() {
        let name = |field: &str| format!("{param}[{index}][{field}]");
        let price = world.prices.get(&item.price, &name("price"))?;
        let Some(Recurring { cadence, .. }) = price.recurring else {
            return Err(Error::invalid(format!(
                "The price specified is set to `type=one_time` but this field only accepts prices \
                 with `type=recurring`: {}.",
                price.id
            ))
            .param(&name("price")));
        };
        cadences.push(cadence);
        check_quantity(price, item, &name("quantity"))?;
        let currency = common.get_or_insert_with(|| price.currency.clone());
        if *currency != price.currency {
            let message =
                format!("All prices must have the same currency as the first, `{currency}`.");
            return Err(Error::invalid(message).param(&name("price")));
        }
    }
    let shortest = settle_intervals(items, &cadences, param)?;
    Ok((shortest, common.unwrap_or_default()))
}

fn check_quantity(price: &Price, item: &mut ItemDraft, name: &str) -> Result<()> {
    if price.is_metered() {
        return match item.quantity {
            None => Ok(()),
            Some(_) => Err(Error::invalid(
                "Quantity should not be specified where usage_type is `metered`. Remove quantity \
                 from the item.",
            )
            .param(name)),
        };
    }
    if *item.quantity.get_or_insert(1) >= 0 {
        return Ok(());
    }
    let message = "Invalid non-negative integer";
    Err(Error::invalid(message).code("parameter_invalid_integer").param(name))
}

/// Each interval must be a whole number of the shortest one, which is answered.
fn settle_intervals(items: &mut [ItemDraft], cadences: &[Cadence], param: &str) -> Result<Cadence> {
    let divides_all =
        |unit: &&Cadence| cadences.iter().all(|cadence| cadence.in_units_of(**unit).is_some());
    if cadences.is_empty() {
        return Err(Error::parameter_missing(param));
    }
    let shortest = cadences.iter().find(divides_all).ok_or_else(|| {
        Error::not_simulated(
            "The simulator mixes billing intervals only where each is a whole number of the \
             shortest, as a year is of months.",
        )
        .param(param)
    })?;
    for (item, cadence) in items.iter_mut().zip(cadences) {
        item.intervals = cadence.in_units_of(*shortest).unwrap_or(1);
    }
    Ok(*shortest)
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
