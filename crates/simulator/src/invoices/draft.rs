//! Drawing up an invoice: what waits for it, and a subscription's period.

use super::{Invoice, Line, announce, lines};
use crate::{
    automatic_tax::{self, AutomaticTax},
    calendar,
    catalog::amount::Decimal,
    customers, discounts,
    invoice_items::{self, InvoiceItem},
    subscriptions::Subscription,
    tax_rates,
    world::World,
};

/// What an invoice is made of.
pub struct Occasion {
    pub billing_reason: &'static str,
    /// Amounts that waited, newest first.
    pub items: Vec<InvoiceItem>,
    /// What was used until now, where that is billed now.
    pub usage: Vec<Line>,
    /// Whether the period the subscription is in is billed too.
    pub bills_period: bool,
}

impl Occasion {
    /// The beginning of a period, with what waited for it.
    pub fn of_period(
        world: &World,
        subscription: &Subscription,
        billing_reason: &'static str,
    ) -> Self {
        let items = invoice_items::pending(world, &subscription.customer, &subscription.id);
        Self { billing_reason, items, usage: Vec::new(), bills_period: true }
    }

    /// An invoice over what waits, inside a period.
    pub fn of_items(world: &World, subscription: &Subscription) -> Self {
        let period = Self::of_period(world, subscription, "subscription_update");
        Self { bills_period: false, ..period }
    }

    /// The last invoice: what waits, and what was used.
    pub fn at_end(world: &World, subscription: &Subscription) -> Self {
        let mut usage = lines::usage(world, subscription, world.now);
        usage.retain(|line| line.quantity != Decimal::default());
        Self { usage, ..Self::of_items(world, subscription) }
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.usage.is_empty() && !self.bills_period
    }
}

/// A draft, kept and announced; the subscription remembers what its items were debited with. Answers
/// the invoice's id.
///
/// `finalizes_at` is when it becomes an open invoice by itself.
pub fn draft(
    world: &mut World,
    subscription: &mut Subscription,
    occasion: Occasion,
    finalizes_at: Option<i64>,
) -> String {
    let mut invoice = draw(world, subscription, &occasion, world.now);
    for line in &mut invoice.lines {
        line.id = world.ids.id("il_");
    }
    invoice.id = world.ids.id("in_");
    invoice.next_step_at = finalizes_at;
    let id = invoice.id.clone();
    for item in &occasion.items {
        world.invoice_items.change(&item.id, |item| item.invoice = Some(id.clone()));
    }
    if occasion.bills_period {
        subscription.remember_debits(&invoice.lines);
    }
    subscription.remember_usage(&occasion.usage);
    subscription.spend_discounts(world, &invoice);
    subscription.latest_invoice = Some(id.clone());
    world.invoices.put(invoice);
    announce(world, "invoice.created", &id);
    id
}

/// The invoice as it would be, without ids and not kept. `at` is when it would be made.
///
/// Licensed prices are billed for the period that begins, metered ones for what was used before; a
/// trial costs nothing.
pub fn draw(world: &World, subscription: &Subscription, occasion: &Occasion, at: i64) -> Invoice {
    let first = subscription.is_in_first_period();
    let mut drawn: Vec<Line> =
        occasion.items.iter().map(|item| lines::waiting(world, item)).collect();
    if occasion.bills_period {
        drawn.extend(lines::of_period(world, subscription));
    }
    drawn.extend(occasion.usage.iter().cloned());
    discounts::apply(world, &subscription.discounts, at, &mut drawn);
    if subscription.automatic_tax.enabled {
        automatic_tax::apply(world, customers::country(world, &subscription.customer), &mut drawn);
    } else {
        tax_rates::apply(world, &subscription.default_tax_rates, &mut drawn);
    }
    let period_start =
        if occasion.bills_period && !first { previous_start(subscription) } else { at };
    Invoice {
        subscription: subscription.id.clone(),
        billing_reason: occasion.billing_reason,
        lines: drawn,
        period_start,
        auto_advance: true,
        days_until_due: subscription.billing.days_until_due,
        starting_balance: customers::balance(world, &subscription.customer),
        tax_rates: subscription.default_tax_rates.clone(),
        automatic_tax: AutomaticTax::on(subscription.automatic_tax.enabled),
        subscription_metadata: subscription.metadata.clone(),
        ..Invoice::blank(&subscription.customer, &subscription.currency, at)
    }
}

/// What each licensed item costs for the whole running period, after discounts.
pub fn period_amounts(world: &World, subscription: &Subscription) -> Vec<(String, i64)> {
    let mut drawn = lines::of_whole_periods(world, subscription);
    discounts::apply(world, &subscription.discounts, world.now, &mut drawn);
    let amounts = drawn.into_iter().map(|line| (line.net(), line.subscription_item));
    amounts.filter_map(|(amount, item)| Some((item?, amount))).collect()
}

/// Where the period before the running one began.
fn previous_start(subscription: &Subscription) -> i64 {
    match (subscription.cycle, subscription.trial) {
        (Some(cycle), _) if cycle >= 1 => {
            calendar::period_start(subscription.anchor, subscription.cadence, cycle - 1)
        }
        (_, Some((trial_start, _))) => trial_start,
        _ => subscription.period_start,
    }
}
