//! The lines of an invoice, worked out from prices and from what waited.

use super::Line;
use crate::{
    catalog::{
        Price,
        amount::{Decimal, Scheme},
    },
    invoice_items::InvoiceItem,
    money,
    subscriptions::{Item, Status, Subscription, share},
    usage,
    world::World,
};

/// One line for each licensed item of the subscription whose period begins now.
pub fn of_period(world: &World, subscription: &Subscription) -> Vec<Line> {
    let is_billed =
        |(item, price): &(&Item, &Price)| subscription.begins(item) && !price.is_metered();
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

/// What was used and not billed yet, up to `until`: one line for each metered item.
pub fn usage(world: &World, subscription: &Subscription, until: i64) -> Vec<Line> {
    let items = subscription.prices(world).filter(|(_, price)| price.is_metered());
    let items = items.filter(|(item, _)| item.unbilled_from < until);
    items.map(|(item, price)| of_usage(world, subscription, (item, price), until)).collect()
}

/// The same of those items only whose own period has ended by `until`.
pub fn usage_of_ended(world: &World, subscription: &Subscription, until: i64) -> Vec<Line> {
    let mut lines = usage(world, subscription, until);
    let has_ended = |item: &Item| subscription.whole_item_period(item).1 <= until;
    lines.retain(|line| {
        let own = |item: &&Item| line.subscription_item.as_ref() == Some(&item.id);
        subscription.items.iter().find(own).is_some_and(has_ended)
    });
    lines
}

fn of_usage(
    world: &World,
    subscription: &Subscription,
    (item, price): (&Item, &Price),
    until: i64,
) -> Line {
    let in_trial = subscription.cycle.is_none();
    let period = (item.unbilled_from, until);
    // A trial's usage costs nothing, and neither does that of a pause.
    let is_free = in_trial || subscription.status == Status::Paused;
    let (quantity, amount) = if is_free {
        (Decimal::default(), 0)
    } else {
        let quantity = usage::billable(world, price, &subscription.customer, period);
        (quantity, price.amount_of_usage(quantity))
    };
    let name = world.products.find(&price.product).map_or("", |product| &product.name);
    Line {
        description: format!("{quantity} × {name} ({})", rate(price)),
        amount,
        quantity,
        period,
        ..blank(item, price)
    }
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
    let (amount, description) = if in_trial {
        (0, format!("Free trial for {quantity} × {name}"))
    } else {
        // A last period cut short by a planned end costs its part, and so does a first one before the
        // anchor.
        let whole = subscription.whole_item_period(item);
        let amount = share(price.amount(quantity), end - start, whole.1 - whole.0);
        (amount, format!("{quantity} × {name} ({})", rate(price)))
    };
    let unit = price.scheme.unit();
    Line {
        unit_amount_decimal: if in_trial {
            unit.map(|_| "0".to_owned())
        } else {
            unit.map(|unit| unit.to_string())
        },
        description,
        amount,
        quantity: Decimal::from_integer(quantity),
        period: (start, end),
        ..blank(item, price)
    }
}

/// A line of an item, over nothing yet.
fn blank(item: &Item, price: &Price) -> Line {
    Line {
        id: String::new(),
        subscription_item: Some(item.id.clone()),
        invoice_item: None,
        proration: false,
        discountable: true,
        price: Some(price.id.clone()),
        product: Some(price.product.clone()),
        unit_amount_decimal: price.scheme.unit().map(|unit| unit.to_string()),
        description: String::new(),
        amount: 0,
        quantity: Decimal::default(),
        period: (0, 0),
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
