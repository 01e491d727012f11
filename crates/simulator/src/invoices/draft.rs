//! Drawing up an invoice for a subscription's period.

use super::{Invoice, Line, Status, announce};
use crate::{
    calendar,
    catalog::{Price, amount::Scheme},
    money,
    subscriptions::{Item, Subscription},
    world::World,
};

/// A draft for the period the subscription is in, announced. Answers its id.
///
/// Licensed prices are billed for the period that begins, metered ones for the one that ended; a
/// trial costs nothing. `finalizes_at` is when it becomes an open invoice by itself.
pub fn draft(
    world: &mut World,
    subscription: &Subscription,
    billing_reason: &'static str,
    finalizes_at: Option<i64>,
) -> String {
    let first = billing_reason == "subscription_create";
    let mut lines = Vec::new();
    for (item, price) in subscription.prices(world) {
        // There is no usage yet when a subscription begins, and no line to say so.
        if !(price.is_metered() && first) {
            lines.push(line(world, subscription, item, price));
        }
    }
    for line in &mut lines {
        line.id = world.ids.id("il_");
    }
    let id = world.ids.id("in_");
    let invoice = Invoice {
        id: id.clone(),
        created: world.now,
        customer: subscription.customer.clone(),
        currency: subscription.currency.clone(),
        subscription: subscription.id.clone(),
        status: Status::Draft,
        billing_reason,
        lines,
        period_start: if first { world.now } else { previous_start(subscription) },
        period_end: world.now,
        number: None,
        payment_intent: None,
        auto_advance: true,
        attempt_count: 0,
        next_step_at: finalizes_at,
        finalized_at: None,
        paid_at: None,
        voided_at: None,
        subscription_metadata: subscription.metadata.clone(),
    };
    world.invoices.put(invoice);
    announce(world, "invoice.created", &id);
    id
}

/// Where the period before the running one began.
fn previous_start(subscription: &Subscription) -> i64 {
    match (subscription.cycle, subscription.trial) {
        (Some(cycle), _) if cycle > 0 => {
            calendar::period_start(subscription.anchor, subscription.cadence, cycle - 1)
        }
        (_, Some((trial_start, _))) => trial_start,
        _ => subscription.period_start,
    }
}

fn line(world: &World, subscription: &Subscription, item: &Item, price: &Price) -> Line {
    let in_trial = subscription.cycle.is_none();
    let quantity = item.quantity.unwrap_or_default();
    let name = world.products.find(&price.product).map_or("", |product| &product.name);
    let (period_start, period_end) = if price.is_metered() {
        (previous_start(subscription), subscription.period_start)
    } else {
        (subscription.period_start, subscription.period_end)
    };
    let (amount, description) = if in_trial {
        (0, format!("Free trial for {quantity} × {name}"))
    } else {
        let amount = shortened(subscription, price.amount(quantity));
        (amount, format!("{quantity} × {name} ({})", rate(price)))
    };
    Line {
        id: String::new(),
        subscription_item: item.id.clone(),
        price: price.id.clone(),
        product: price.product.clone(),
        unit_amount_decimal: match &price.scheme {
            Scheme::PerUnit(_) if in_trial => Some("0".to_owned()),
            Scheme::PerUnit(unit) => Some(unit.to_string()),
            Scheme::Volume(_) | Scheme::Graduated(_) => None,
        },
        description,
        amount,
        quantity,
        period_start,
        period_end,
    }
}

/// The part of `amount` that falls into a last period cut short by a planned end; all of it otherwise.
/// To the second, half away from zero.
fn shortened(subscription: &Subscription, amount: i64) -> i64 {
    let whole = i128::from(subscription.whole_period_end() - subscription.period_start);
    let billed = i128::from(subscription.period_end - subscription.period_start);
    if billed >= whole || whole <= 0 {
        return amount;
    }
    let rounded = (2 * i128::from(amount) * billed + whole) / (2 * whole);
    i64::try_from(rounded).unwrap_or(amount)
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
