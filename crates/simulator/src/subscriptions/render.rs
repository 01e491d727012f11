//! How a subscription and its items are shown.

use serde_json::{Value, json};

use super::{Item, PausedCollection, Subscription};
use crate::{
    catalog, lists,
    table::Object,
    tax_rates,
    test_clocks::clock_of,
    world::{World, with_nulls},
};

pub fn render(subscription: &Subscription, world: &World) -> Value {
    let items = subscription.items.iter().map(|item| render_item(subscription, item, world));
    let items_url = format!("/v1/subscription_items?subscription={}", subscription.id);
    let shown = json!({
        "id": subscription.id,
        "object": "subscription",
        "automatic_tax": subscription.automatic_tax.show(),
        "billing_cycle_anchor": subscription.billing_cycle_anchor,
        "billing_mode": {
            "flexible": { "proration_discounts": "included" },
            "type": "flexible",
        },
        "billing_schedules": [],
        "cancel_at": subscription.cancel_at,
        "cancel_at_period_end": subscription.cancel_at_period_end,
        "canceled_at": subscription.canceled_at,
        "cancellation_details": {
            "comment": subscription.cancellation.comment,
            "feedback": subscription.cancellation.feedback,
            "feedback_option": null,
            "reason": subscription.cancellation.reason,
        },
        "collection_method": subscription.billing.collection_method(),
        "created": subscription.created,
        "currency": subscription.currency,
        "customer": subscription.customer,
        "days_until_due": subscription.billing.days_until_due,
        "default_payment_method": subscription.default_payment_method,
        "default_tax_rates": tax_rates::show(world, &subscription.default_tax_rates),
        "description": subscription.description,
        "discounts": subscription.discounts.iter().map(|d| &d.id).collect::<Vec<_>>(),
        "ended_at": subscription.ended_at,
        "invoice_settings": {
            "account_tax_ids": null,
            "custom_fields": null,
            "description": null,
            "footer": null,
            "issuer": { "type": "self" },
        },
        "items": lists::whole(items.collect(), &items_url),
        "latest_invoice": subscription.latest_invoice,
        "livemode": false,
        "metadata": subscription.metadata,
        "payment_settings": subscription.billing.show_payment_settings(),
        "pause_collection": subscription.pause_collection.map(PausedCollection::show),
        "pending_update":
            subscription.pending_update.as_ref().map(|pending| pending.show(subscription, world)),
        "pending_setup_intent": subscription.pending_setup_intent,
        "schedule": subscription.schedule,
        "start_date": subscription.created,
        "status": subscription.status.word(),
        "test_clock": clock_of(world, &subscription.customer),
        "trial_end": subscription.trial.map(|(_, end)| end),
        "trial_settings": subscription.trial.map(|_| subscription.billing.show_trial_settings()),
        "trial_start": subscription.trial.map(|(start, _)| start),
    });
    with_nulls(shown, NULLS)
}

pub fn render_item(subscription: &Subscription, item: &Item, world: &World) -> Value {
    let price = world.prices.find(&item.price);
    let (start, end) = subscription.item_period(item);
    let mut shown = json!({
        "id": item.id,
        "object": "subscription_item",
        "billing_thresholds": null,
        "created": item.created,
        "current_period_end": end,
        "current_period_start": start,
        "current_trial": null,
        "discounts": [],
        "metadata": item.metadata,
        "plan": price.map(catalog::as_plan),
        "price": price.map(|price| price.render(world)),
        "subscription": subscription.id,
        "tax_rates": tax_rates::show(world, &item.tax_rates),
    });
    if let Some(quantity) = item.quantity {
        shown["quantity"] = json!(quantity);
    }
    shown
}

const NULLS: &[&str] = &[
    "application",
    "application_fee_percent",
    "billing_cycle_anchor_config",
    "billing_thresholds",
    "customer_account",
    "default_source",
    "managed_payments",
    "next_pending_invoice_item_invoice",
    "on_behalf_of",
    "pending_invoice_item_interval",
    "transfer_data",
];
