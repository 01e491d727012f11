//! Working out a change of a subscription before anything is done: an update does it, a preview shows it.

use super::{
    Item, ItemDraft, Proration, Subscription, TrialChange, check_for_sale, check_items, prorate,
    trial,
};
use crate::{
    automatic_tax,
    calendar::Cadence,
    catalog::amount::Decimal,
    discounts::{self, Redemption},
    error::{Error, Result},
    invoice_items::{self, InvoiceItem},
    invoices::{self, Line, Occasion},
    params::{Metadata, Params},
    tax_rates,
    world::World,
};

/// A change, ready to be done.
pub struct Plan {
    pub after: Subscription,
    pub prorations: Vec<Proration>,
    /// What was used at prices that go, or in a period that ends early.
    pub usage: Vec<Line>,
    /// A new period begins now, and is billed.
    pub restarts: bool,
    /// What it costs is invoiced now, not with the next period.
    pub invoices_now: bool,
    /// The moment prorations are counted from.
    pub proration_date: i64,
}

impl Plan {
    /// Reads items, anchor, trial, end and proration from `params`, the same for an update and for
    /// the `subscription_details` of a preview.
    /// `discounts` are those the subscription is to have, where they change.
    pub fn read(
        world: &mut World,
        before: &Subscription,
        params: &Params<'_>,
        discounts: Option<Vec<Redemption>>,
    ) -> Result<Self> {
        let mut after = before.clone();
        if let Some(wanted) = discounts {
            after.discounts =
                wanted.iter().map(|wanted| discounts::redeem(world, wanted, before)).collect();
        }
        let behavior = params
            .choice("proration_behavior", &["always_invoice", "create_prorations", "none"])?
            .unwrap_or("create_prorations");
        if let Some(rates) = tax_rates::read(world, params, "default_tax_rates")? {
            after.default_tax_rates = rates;
        }
        let changes_interval = params.has("items") && change_items(world, params, &mut after)?;
        automatic_tax::read(world, params, &mut after)?;
        let moves_anchor = change_anchor(params)?;
        let trial = trial::change(world.now, params, &mut after)?;
        let is_in_period = before.cycle.is_some();
        let restarts = match trial {
            TrialChange::Begins => true,
            TrialChange::Ends => {
                restart(world.now, true, &mut after);
                true
            }
            _ if is_in_period && (changes_interval || moves_anchor) => {
                restart(world.now, moves_anchor, &mut after);
                true
            }
            TrialChange::None | TrialChange::Moves => false,
        };
        change_end(world.now, params, &mut after)?;
        let proration_date = proration_date(world.now, before, params)?;
        let prorates = behavior != "none" && is_in_period && before.status.is_billed();
        let prorations = if prorates {
            prorate(world, before, &mut after, proration_date, restarts)
        } else {
            Vec::new()
        };
        let usage = settled_usage(world, before, &mut after, restarts);
        let owes = !prorations.is_empty() || !usage.is_empty();
        let invoices_now = restarts || (behavior == "always_invoice" && owes);
        Ok(Self { after, prorations, usage, restarts, invoices_now, proration_date })
    }

    /// What the prorations become.
    pub fn items(&self, world: &World) -> Vec<InvoiceItem> {
        let id = &self.after.id;
        let usage = self.usage.iter().cloned();
        let usage = usage.map(|line| InvoiceItem::of_usage(&self.after, line, world.now));
        let prorations = self.prorations.iter().map(|p| InvoiceItem::of_proration(world, id, p));
        usage.chain(prorations).collect()
    }

    /// The invoice that is made now, with prorations that are not kept yet.
    pub fn occasion_now(&self, world: &World) -> Occasion {
        let mut items = self.items(world);
        items.reverse();
        items.extend(invoice_items::pending(world, &self.after.customer, &self.after.id));
        Occasion {
            billing_reason: "subscription_update",
            items,
            usage: Vec::new(),
            bills_period: self.restarts,
        }
    }
}

/// What was used up to now of items that go or change their price, and of all where the period ends
/// early: billed at the prices it was used at. `after` remembers it.
pub fn settled_usage(
    world: &World,
    before: &Subscription,
    after: &mut Subscription,
    restarts: bool,
) -> Vec<Line> {
    let mut lines = invoices::usage(world, before, world.now);
    lines.retain(|line| {
        let own = |item: &&Item| line.subscription_item.as_ref() == Some(&item.id);
        let kept =
            after.items.iter().find(own).filter(|kept| line.price == Some(kept.price.clone()));
        line.quantity != Decimal::default() && (restarts || kept.is_none())
    });
    if restarts {
        after.items.iter_mut().for_each(|item| item.unbilled_from = world.now);
    }
    lines
}

fn proration_date(now: i64, before: &Subscription, params: &Params<'_>) -> Result<i64> {
    let Some(date) = params.integer("proration_date")? else { return Ok(now) };
    if before.cycle.is_some() && (before.period_start..=before.period_end).contains(&date) {
        return Ok(date);
    }
    let message = "The proration date must lie within the current period.";
    Err(params.wrong("proration_date", message))
}

/// Answers whether the anchor moves to now.
fn change_anchor(params: &Params<'_>) -> Result<bool> {
    let Some(anchor) = params.object("billing_cycle_anchor")? else { return Ok(false) };
    anchor.only(&["type"], &["timestamp"])?;
    Ok(anchor.choice("type", &["now", "unchanged"])? == Some("now"))
}

/// A new period begins now. The anchor that is shown stays where only the interval changed.
fn restart(now: i64, moves_anchor: bool, after: &mut Subscription) {
    after.anchor = now;
    if moves_anchor {
        after.billing_cycle_anchor = now;
    }
    after.begin_period(0);
    if after.cancel_at_period_end {
        after.cancel_at = Some(after.whole_period_end());
        after.period_end = after.whole_period_end();
    }
}

/// The end of one period, where there are several.
pub fn which_period() -> Error {
    Error::not_simulated(
        "The simulator does not know which period `cancel_at_period_end` means where intervals \
         differ. Use `cancel_at` with `min_period_end` or `max_period_end`.",
    )
    .param("cancel_at_period_end")
}

/// `cancel_at` and `cancel_at_period_end`, set and unset.
fn change_end(now: i64, params: &Params<'_>, after: &mut Subscription) -> Result<()> {
    if params.has("cancel_at") && params.has("cancel_at_period_end") {
        return Err(Error::invalid(
            "You may only specify one of these parameters: cancel_at, cancel_at_period_end.",
        )
        .code("parameters_exclusive"));
    }
    let end = after.whole_period_end();
    let latest = after.items.iter().map(|item| after.whole_item_period(item).1).max();
    let planned = match params.boolean("cancel_at_period_end")? {
        Some(true) if after.is_mixed() => {
            return Err(which_period());
        }
        Some(true) => Some((end, true)),
        Some(false) => None,
        None if params.is_unset("cancel_at") => None,
        None => match params.text("cancel_at")? {
            None => return Ok(()),
            Some("min_period_end") => Some((end, false)),
            Some("max_period_end") => Some((latest.unwrap_or(end), false)),
            Some(_) => params.integer("cancel_at")?.map(|moment| (moment, false)),
        },
    };
    after.cancel_at = planned.map(|(moment, _)| moment);
    after.cancel_at_period_end = planned.is_some_and(|(_, at_period_end)| at_period_end);
    after.period_end = end;
    let Some((moment, _)) = planned else {
        after.canceled_at = None;
        after.cancellation.reason = None;
        return Ok(());
    };
    if moment <= now {
        let message = "The subscription cannot be set to cancel in the past.";
        return Err(params.wrong("cancel_at", message));
    }
    after.period_end = end.min(moment);
    after.canceled_at = Some(now);
    after.cancellation.reason = Some("cancellation_requested");
    Ok(())
}

/// Answers whether the billing interval changed.
fn change_items(world: &mut World, params: &Params<'_>, after: &mut Subscription) -> Result<bool> {
    for item in params.objects("items")? {
        item.only(
            &["clear_usage", "deleted", "id", "metadata", "price", "quantity", "tax_rates"],
            &["billing_thresholds", "current_trial", "discounts", "price_data"],
        )?;
        // Has no effect where usage is counted by meters (Stripe's API reference).
        item.boolean("clear_usage")?;
        let Some(id) = item.text("id")? else {
            let mut added = Item {
                id: world.ids.id("si_"),
                created: world.now,
                price: for_sale(world, &item, item.required_text("price")?)?,
                quantity: item.integer("quantity")?,
                // Settled together with the others.
                intervals: 0,
                metadata: Metadata::new(),
                tax_rates: tax_rates::read(world, &item, "tax_rates")?.unwrap_or_default(),
                unbilled_from: world.now,
                debit: None,
            };
            item.merge_metadata(&mut added.metadata)?;
            after.items.push(added);
            continue;
        };
        let found = after.items.iter().position(|stored| stored.id == id);
        let place =
            found.ok_or_else(|| Error::no_such("subscription item", id, &item.name("id")))?;
        if item.boolean("deleted")? == Some(true) {
            after.items.remove(place);
        } else {
            change_item(world, &item, &mut after.items[place])?;
        }
    }
    if after.items.is_empty() {
        return Err(Error::invalid("A subscription must have at least one active item.")
            .param(&params.name("items")));
    }
    settle_items(world, &params.name("items"), after)
}

/// Checks the items against each other. Answers whether the billing interval changed.
fn settle_items(world: &World, param: &str, after: &mut Subscription) -> Result<bool> {
    let drafts = after.items.iter().map(|item| ItemDraft {
        price: item.price.clone(),
        quantity: item.quantity,
        intervals: 1,
        tax_rates: Vec::new(),
        metadata: Metadata::new(),
    });
    let mut checked: Vec<ItemDraft> = drafts.collect();
    let (cadence, currency): (Cadence, String) = check_items(world, &mut checked, param)?;
    if currency != after.currency {
        let message = format!(
            "You cannot change the currency of a subscription. It is billed in `{}`.",
            after.currency
        );
        return Err(Error::invalid(message).param(param));
    }
    let was_mixed = after.is_mixed();
    let changed = cadence != after.cadence;
    let mut keeps_intervals = !changed;
    for (item, checked) in after.items.iter_mut().zip(checked) {
        item.quantity = checked.quantity;
        let is_new = item.intervals == 0;
        keeps_intervals &= is_new || item.intervals == checked.intervals;
        item.intervals = checked.intervals;
    }
    if (was_mixed || after.is_mixed()) && !(keeps_intervals && was_mixed) {
        return Err(Error::not_simulated(
            "The simulator mixes billing intervals from the beginning of a subscription only, and \
             keeps them.",
        )
        .param(param));
    }
    after.cadence = cadence;
    Ok(changed)
}

fn for_sale(world: &World, item: &Params<'_>, price: &str) -> Result<String> {
    check_for_sale(world, price, &item.name("price"))?;
    Ok(price.to_owned())
}

fn change_item(world: &World, params: &Params<'_>, item: &mut Item) -> Result<()> {
    if let Some(price) = params.text("price")?
        && price != item.price
    {
        item.price = for_sale(world, params, price)?;
        item.unbilled_from = world.now;
        // Another price starts at a quantity of one, unless one is given.
        item.quantity = None;
    }
    if let Some(quantity) = params.integer("quantity")? {
        item.quantity = Some(quantity);
    }
    if let Some(rates) = tax_rates::read(world, params, "tax_rates")? {
        item.tax_rates = rates;
    }
    params.merge_metadata(&mut item.metadata)
}
