//! Prorations: what a change inside a period credits and debits, to the second.
//!
//! Flexible billing mode: a credit returns what was really debited for the item, not what its price
//! says; each line is rounded by itself, half away from zero (Stripe docs: prorations, billing modes).

use super::{Item, Subscription};
use crate::{calendar, invoice_items::InvoiceItem, invoices, world::World};

/// What an item was debited with for the running period, or the rest of it.
#[derive(Clone)]
pub struct Debit {
    /// After discounts.
    pub amount: i64,
    pub start: i64,
    pub end: i64,
    pub price: String,
    pub quantity: i64,
}

/// One credit (below zero) or debit.
pub struct Proration {
    pub item: String,
    pub price: String,
    pub quantity: i64,
    pub amount: i64,
    /// Start and end.
    pub period: (i64, i64),
    pub tax_rates: Vec<String>,
}

impl Proration {
    /// In Stripe's words: `Unused time on 3 × Pro after 16 Jan 2027`.
    pub fn description(&self, world: &World) -> String {
        let product = world.prices.find(&self.price).map(|price| &price.product);
        let name = product.and_then(|id| world.products.find(id)).map_or("", |p| &p.name);
        let what = match self.quantity {
            1 => name.to_owned(),
            quantity => format!("{quantity} × {name}"),
        };
        let time = if self.amount < 0 { "Unused time" } else { "Remaining time" };
        format!("{time} on {what} after {}", calendar::day(self.period.0))
    }
}

/// The part of `amount` that falls on `part` of `whole` seconds: half away from zero.
pub fn share(amount: i64, part: i64, whole: i64) -> i64 {
    if whole <= 0 || part >= whole {
        return amount;
    }
    let (doubled, whole) = (2 * i128::from(amount) * i128::from(part.max(0)), i128::from(whole));
    let half = if amount < 0 { -whole } else { whole };
    i64::try_from((doubled + half) / (2 * whole)).unwrap_or(amount)
}

/// What the change from `before` to `after` credits and debits at the moment `at`; `after`'s items
/// remember it. Where a new period begins (`restarts`), that is billed whole and not here.
pub fn prorate(
    world: &World,
    before: &Subscription,
    after: &mut Subscription,
    at: i64,
    restarts: bool,
) -> Vec<Proration> {
    let amounts = invoices::period_amounts(world, after);
    let mut prorations = Vec::new();
    for old in &before.items {
        let kept = after.items.iter().find(|item| item.id == old.id);
        let is_same = kept.is_some_and(|item| item.sells_same(old)) && !restarts;
        let from = match kept.filter(|_| is_same) {
            Some(item) => after.item_period(item).1,
            None => at,
        };
        prorations.extend(credit(old, from));
    }
    if restarts {
        return prorations;
    }
    let mut debits = Vec::new();
    let periods: Vec<_> = after
        .items
        .iter()
        .map(|item| (after.item_period(item).1, after.whole_item_period(item)))
        .collect();
    for (item, (end, whole)) in after.items.iter_mut().zip(periods) {
        let old = before.items.iter().find(|old| old.id == item.id);
        let same = old.filter(|old| item.sells_same(old)).map(|old| old.debit.clone());
        let from = match &same {
            // Nothing was debited for it, and nothing is owed.
            Some(None) => continue,
            Some(Some(debit)) if debit.end >= end => {
                item.debit = Some(debit.until(end));
                continue;
            }
            Some(Some(debit)) => debit.end,
            None => at,
        };
        let Some((_, amount)) = amounts.iter().find(|(id, _)| *id == item.id) else { continue };
        let debit = Debit {
            amount: share(*amount, end - from, whole.1 - whole.0),
            start: from,
            end,
            price: item.price.clone(),
            quantity: item.quantity.unwrap_or_default(),
        };
        debits.push(debit.as_proration(item));
        item.debit = Some(match same.flatten() {
            Some(earlier) => {
                Debit { amount: earlier.amount + debit.amount, start: earlier.start, ..debit }
            }
            None => debit,
        });
    }
    prorations.extend(debits);
    prorations
}

/// What is returned when the subscription ends at `at`, newest first and not kept.
pub fn credits_at_end(world: &World, subscription: &Subscription, at: i64) -> Vec<InvoiceItem> {
    let credits = subscription.items.iter().rev().filter_map(|item| credit(item, at));
    credits.map(|credit| InvoiceItem::of_proration(world, &subscription.id, &credit)).collect()
}

/// What is returned of an item's debit for the time after `from`; none where there is none.
fn credit(item: &Item, from: i64) -> Option<Proration> {
    let debit = item.debit.as_ref().filter(|debit| debit.end > from)?;
    let from = from.max(debit.start);
    Some(Proration {
        amount: -share(debit.amount, debit.end - from, debit.end - debit.start),
        period: (from, debit.end),
        ..debit.as_proration(item)
    })
}

impl Debit {
    fn as_proration(&self, item: &Item) -> Proration {
        Proration {
            item: item.id.clone(),
            tax_rates: item.tax_rates.clone(),
            price: self.price.clone(),
            quantity: self.quantity,
            amount: self.amount,
            period: (self.start, self.end),
        }
    }

    /// What is left of it when the period is cut short and the rest was credited.
    fn until(&self, end: i64) -> Self {
        let credited = share(self.amount, self.end - end, self.end - self.start);
        Self { amount: self.amount - credited, end, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::share;

    #[test]
    fn shares_are_those_of_stripes_documentation() {
        let (part, whole) = (445_540, 2_678_400);
        for (amount, part, whole, expected) in [
            (1000, part, whole, 166),
            (3252, part, whole, 541),
            (2000, 1, 3, 667),
            (1000, 1, 3, 333),
            (834, 1, 2, 417),
            (5000, 16, 31, 2581),
            (10_000, 16, 31, 5161),
            (5, 1, 2, 3),
            (-5, 1, 2, -3),
        ] {
            assert_eq!(share(amount, part, whole), expected, "{amount} × {part}/{whole}");
        }
    }

    proptest! {
        #[test]
        fn a_share_is_within_half_a_unit_and_never_more_than_all(
            amount in -1_000_000_000_i64..1_000_000_000,
            whole in 1_i64..40_000_000,
            part in 0_i64..40_000_000,
        ) {
            let part = part.min(whole);
            let found = share(amount, part, whole);
            let twice_off = 2 * (i128::from(found) * i128::from(whole) - i128::from(amount) * i128::from(part));
            prop_assert!(twice_off.abs() <= i128::from(whole));
            prop_assert!(found.abs() <= amount.abs());
            prop_assert_eq!(share(-amount, part, whole), -found);
        }
    }
}
