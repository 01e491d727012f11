//! The lines of an invoice, worked out from prices and from what waited.

use super::{Line, draft::previous_start};
use crate::{
    catalog::{Price, amount::Scheme},
    invoice_items::InvoiceItem,
    money,
    subscriptions::{Item, Subscription, share},
    world::World,
};

/// One line for each item of the subscription whose period begins now.
pub fn of_period(world: &World, subscription: &Subscription, first: bool) -> Vec<Line> {
    // There is no usage yet when a subscription begins, and no line to say so.
    let is_billed = |(item, price): &(&Item, &Price)| {
        subscription.begins(item) && !(price.is_metered() && first)
    };
    let items = subscription.prices(world).filter(is_billed);
    items
        .map(|(item, price)| {
            line(world, subscription, (item, price), subscription.item_period(item))
        })
        .collect()
}

/// One line for each licensed item, for all of the period it is in.
pub fn of_whole_periods(world: &World, subscription: &Subscription) -> Vec<Line> {
    let items = subscription.prices(world).filter(|(_, price)| !price.is_metered());
    items
        .map(|(item, price)| {
            line(world, subscription, (item, price), subscription.whole_item_period(item))
        })
        .collect()
}

/// The line of an item for the part of its period from `start` to `end`.
fn line(
    world: &World,
    subscription: &Subscription,
    (item, price): (&Item, &Price),
    (start, end): (i64, i64),
) -> Line {
    let in_trial = subscription.cycle.is_none();
    let quantity = item.quantity.unwrap_or_default();
    let name = world.products.find(&price.product).map_or("", |product| &product.name);
    let period = if price.is_metered() {
        (previous_start(subscription, item.intervals), start)
    } else {
        (start, end)
    };
    let (amount, description) = if in_trial {
        (0, format!("Free trial for {quantity} × {name}"))
    } else {
        // A last period cut short by a planned end costs its part, and so does a first one before the
        // anchor.
        let whole = subscription.whole_item_period(item);
        let amount = share(price.amount(quantity), end - start, whole.1 - whole.0);
        (amount, format!("{quantity} × {name} ({})", rate(price)))
    };
    Line {
        id: String::new(),
        subscription_item: Some(item.id.clone()),
        invoice_item: None,
        proration: false,
        discountable: true,
        price: Some(price.id.clone()),
        product: Some(price.product.clone()),
        unit_amount_decimal: match price.scheme.unit() {
            Some(_) if in_trial => Some("0".to_owned()),
            unit => unit.map(|unit| unit.to_string()),
        },
        description,
        amount,
        quantity,
        period,
        discounts: Vec::new(),
        tax_rates: item.tax_rates.clone(),
        taxes: Vec::new(),
    }
}

/// The line of an amount that waited for the invoice.
pub fn waiting(world: &World, item: &InvoiceItem) -> Line {
    let price = item.price.as_ref().and_then(|id| world.prices.find(id));
    Line {
        id: String::new(),
        subscription_item: item.subscription_item.clone(),
        invoice_item: Some(item.id.clone()),
        proration: item.proration,
        discountable: item.discountable,
        price: item.price.clone(),
        product: price.map(|price| price.product.clone()),
        unit_amount_decimal: item.unit_amount_decimal.clone(),
        description: item.description.clone().unwrap_or_default(),
        amount: item.amount,
        quantity: item.quantity,
        period: item.period,
        discounts: Vec::new(),
        tax_rates: item.tax_rates.clone(),
        taxes: Vec::new(),
    }
}

/// `at $29.00 / month`, in Stripe's manner.
fn rate(price: &Price) -> String {
    let every = price.recurring.as_ref().map_or_else(String::new, |recurring| {
        let word = recurring.cadence.interval.word();
        match recurring.cadence.count {
            1 => format!(" / {word}"),
            count => format!(" every {count} {word}s"),
        }
    });
    match &price.scheme {
        Scheme::PerUnit(unit) => format!("at {}{every}", money::show_unit(*unit, &price.currency)),
        Scheme::Volume(_) | Scheme::Graduated(_) => format!("tiered{every}"),
    }
}
