//! Drawing up an invoice: what waits for it, and a subscription's period.

use super::{Invoice, Line, Status, announce, lines};
use crate::{
    automatic_tax::{self, AutomaticTax},
    calendar, customers, discounts,
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
        Self { billing_reason, items, bills_period: true }
    }

    /// An invoice over what waits, inside a period.
    pub fn of_items(world: &World, subscription: &Subscription) -> Self {
        let period = Self::of_period(world, subscription, "subscription_update");
        Self { bills_period: false, ..period }
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
    for item in occasion.items {
        world.invoice_items.change(&item.id, |item| item.invoice = Some(id.clone()));
    }
    if occasion.bills_period {
        subscription.remember_debits(&invoice.lines);
    }
    subscription.spend_discounts(world, &invoice);
    subscription.latest_invoice = Some(id.clone());
    world.invoices.put(invoice);
    announce(world, "invoice.created", &id);
    id
}

/// The invoice as it would be, without ids and not kept. `at` is when it would be made.
///
/// Licensed prices are billed for the period that begins, metered ones for the one that ended; a
/// trial costs nothing.
pub fn draw(world: &World, subscription: &Subscription, occasion: &Occasion, at: i64) -> Invoice {
    let first = subscription.is_in_first_period();
    let mut drawn: Vec<Line> =
        occasion.items.iter().map(|item| lines::waiting(world, item)).collect();
    if occasion.bills_period {
        drawn.extend(lines::of_period(world, subscription, first));
    }
    discounts::apply(world, &subscription.discounts, at, &mut drawn);
    if subscription.automatic_tax.enabled {
        automatic_tax::apply(world, customers::country(world, &subscription.customer), &mut drawn);
    } else {
        tax_rates::apply(world, &subscription.default_tax_rates, &mut drawn);
    }
    let balance = world.customers.find(&subscription.customer).map_or(0, |c| c.balance);
    Invoice {
        id: String::new(),
        created: at,
        customer: subscription.customer.clone(),
        currency: subscription.currency.clone(),
        subscription: subscription.id.clone(),
        status: Status::Draft,
        billing_reason: occasion.billing_reason,
        lines: drawn,
        period_start: if occasion.bills_period && !first {
            previous_start(subscription, 1)
        } else {
            at
        },
        period_end: at,
        number: None,
        payment_intent: None,
        auto_advance: true,
        days_until_due: subscription.billing.days_until_due,
        due_date: None,
        paid_off_stripe: 0,
        attempt_count: 0,
        next_step_at: None,
        starting_balance: balance,
        ending_balance: None,
        pre_payment_credit: 0,
        post_payment_credit: 0,
        tax_rates: subscription.default_tax_rates.clone(),
        automatic_tax: AutomaticTax::on(subscription.automatic_tax.enabled),
        proration_date: None,
        finalized_at: None,
        paid_at: None,
        marked_uncollectible_at: None,
        voided_at: None,
        subscription_metadata: subscription.metadata.clone(),
    }
}

/// What each licensed item costs for the whole running period, after discounts.
pub fn period_amounts(world: &World, subscription: &Subscription) -> Vec<(String, i64)> {
    let mut drawn = lines::of_whole_periods(world, subscription);
    discounts::apply(world, &subscription.discounts, world.now, &mut drawn);
    let amounts = drawn.into_iter().map(|line| (line.net(), line.subscription_item));
    amounts.filter_map(|(amount, item)| Some((item?, amount))).collect()
}

/// Where the period before the running one began; `intervals` is how many of the subscription's make
/// one of them.
pub fn previous_start(subscription: &Subscription, intervals: i64) -> i64 {
    match (subscription.cycle, subscription.trial) {
        (Some(cycle), _) if cycle >= intervals => {
            let before = cycle - cycle.rem_euclid(intervals) - intervals;
            calendar::period_start(subscription.anchor, subscription.cadence, before)
        }
        (_, Some((trial_start, _))) => trial_start,
        _ => subscription.period_start,
    }
}
