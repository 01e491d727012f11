//! Changing a subscription: its end, its method, its metadata, its items (without proration).

use serde_json::Value;

use super::{Item, ItemDraft, Subscription, check_items};
use crate::{
    clock::Due,
    error::{Error, Result},
    params::{Metadata, Params},
    payment_methods,
    world::{Request, World},
};

pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut subscription = world.subscriptions.get(&request.id, "id")?.clone();
    if subscription.status.is_ended() && !only_after_the_end(&params) {
        return Err(Error::invalid(
            "A canceled subscription can only update its cancellation_details and metadata.",
        )
        .code("invalid_canceled_subscription_fields"));
    }
    params.merge_metadata(&mut subscription.metadata)?;
    params.set_text("description", &mut subscription.description)?;
    super::cancel::read_details(&params, &mut subscription.cancellation)?;
    if let Some(method) = params.text("default_payment_method")? {
        payment_methods::of_customer(
            world,
            method,
            &subscription.customer,
            "default_payment_method",
        )?;
    }
    params.set_text("default_payment_method", &mut subscription.default_payment_method)?;
    let prorates = params
        .choice("proration_behavior", &["always_invoice", "create_prorations", "none"])?
        != Some("none");
    if params.has("items") {
        if prorates {
            return Err(Error::not_simulated(
                "The simulator does not prorate yet. Change items with `proration_behavior=none`.",
            )
            .param("proration_behavior"));
        }
        change_items(world, &params, &mut subscription)?;
    }
    change_end(world, &params, prorates, &mut subscription)?;
    if world
        .subscriptions
        .find(&request.id)
        .is_some_and(|s| s.period_end != subscription.period_end)
    {
        world.agenda.add(subscription.period_end, Due::PeriodEnd(subscription.id.clone()));
    }
    super::change(world, &request.id, |stored| *stored = subscription);
    super::retrieve(world, request)
}

fn only_after_the_end(params: &Params<'_>) -> bool {
    params.fields().all(|field| ["cancellation_details", "expand", "metadata"].contains(&field))
}

/// `cancel_at` and `cancel_at_period_end`, set and unset.
fn change_end(
    world: &World,
    params: &Params<'_>,
    prorates: bool,
    subscription: &mut Subscription,
) -> Result<()> {
    if params.has("cancel_at") && params.has("cancel_at_period_end") {
        return Err(Error::invalid(
            "You may only specify one of these parameters: cancel_at, cancel_at_period_end.",
        )
        .code("parameters_exclusive"));
    }
    let end = subscription.whole_period_end();
    let planned = match params.boolean("cancel_at_period_end")? {
        Some(true) => Some((end, true)),
        Some(false) => None,
        None if params.is_unset("cancel_at") => None,
        None => match params.text("cancel_at")? {
            None => return Ok(()),
            Some("min_period_end" | "max_period_end") => Some((end, false)),
            Some(_) => params.integer("cancel_at")?.map(|moment| (moment, false)),
        },
    };
    subscription.cancel_at = planned.map(|(moment, _)| moment);
    subscription.cancel_at_period_end = planned.is_some_and(|(_, at_period_end)| at_period_end);
    subscription.period_end = end;
    let Some((moment, _)) = planned else {
        subscription.canceled_at = None;
        subscription.cancellation.reason = None;
        return Ok(());
    };
    if moment <= world.now {
        let message = "The subscription cannot be set to cancel in the past.";
        return Err(params.wrong("cancel_at", message));
    }
    if moment < end && prorates {
        return Err(Error::not_simulated(
            "The simulator does not prorate yet. To end inside the running period, use \
             `proration_behavior=none`.",
        )
        .param("cancel_at"));
    }
    subscription.period_end = end.min(moment);
    subscription.canceled_at = Some(world.now);
    subscription.cancellation.reason = Some("cancellation_requested");
    Ok(())
}

fn change_items(
    world: &mut World,
    params: &Params<'_>,
    subscription: &mut Subscription,
) -> Result<()> {
    for item in params.objects("items")? {
        item.only(
            &["id", "metadata", "price", "quantity"],
            &[
                "billing_thresholds",
                "clear_usage",
                "current_trial",
                "deleted",
                "discounts",
                "price_data",
                "tax_rates",
            ],
        )?;
        if let Some(id) = item.text("id")? {
            let found = subscription.items.iter_mut().find(|stored| stored.id == id);
            let stored =
                found.ok_or_else(|| Error::no_such("subscription item", id, &item.name("id")))?;
            change_item(&item, stored)?;
        } else {
            let mut added = Item {
                id: world.ids.id("si_"),
                created: world.now,
                price: item.required_text("price")?.to_owned(),
                quantity: item.integer("quantity")?,
                metadata: Metadata::new(),
            };
            item.merge_metadata(&mut added.metadata)?;
            subscription.items.push(added);
        }
    }
    let mut checked: Vec<ItemDraft> = subscription
        .items
        .iter()
        .map(|item| ItemDraft {
            price: item.price.clone(),
            quantity: item.quantity,
            metadata: Metadata::new(),
        })
        .collect();
    let (cadence, currency) = check_items(world, &mut checked, "items")?;
    if cadence != subscription.cadence || currency != subscription.currency {
        return Err(Error::not_simulated(
            "The simulator does not change a subscription's billing interval or currency yet.",
        )
        .param("items"));
    }
    for (item, checked) in subscription.items.iter_mut().zip(checked) {
        item.quantity = checked.quantity;
    }
    Ok(())
}

fn change_item(params: &Params<'_>, item: &mut Item) -> Result<()> {
    if let Some(price) = params.text("price")?
        && price != item.price
    {
        price.clone_into(&mut item.price);
        // Another price starts at a quantity of one, unless one is given.
        item.quantity = None;
    }
    if let Some(quantity) = params.integer("quantity")? {
        item.quantity = Some(quantity);
    }
    params.merge_metadata(&mut item.metadata)
}
