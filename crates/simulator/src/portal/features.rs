//! What a portal lets a customer do, as requested and with Stripe's defaults.

use serde_json::{Value, json};

use crate::{
    error::{Error, Result},
    params::Params,
    world::World,
};

/// Of a new configuration: nothing.
pub fn none() -> Value {
    json!({
        "customer_update": { "allowed_updates": [], "enabled": false },
        "invoice_history": { "enabled": false },
        "payment_method_update": { "enabled": false, "payment_method_configuration": null },
        "subscription_cancel": {
            "cancellation_reason": { "enabled": false, "feedback_options": null, "options": [] },
            "enabled": false,
            "mode": "at_period_end",
            "proration_behavior": "none",
        },
        "subscription_pause": {
            "duration": { "interval_options": [], "type": "indefinite" },
            "enabled": false,
        },
        "subscription_update": {
            "billing_cycle_anchor": "unchanged",
            "default_allowed_updates": [],
            "enabled": false,
            "products": [],
            "proration_behavior": "none",
            "schedule_at_period_end": { "conditions": [] },
            "trial_update_behavior": "end_trial",
        },
    })
}

/// Takes over what a request says of the features; the others stay as they are.
pub fn read(world: &World, params: &Params<'_>, features: &mut Value) -> Result<()> {
    let Some(given) = params.object("features")? else { return Ok(()) };
    given.only(
        &[
            "customer_update",
            "invoice_history",
            "payment_method_update",
            "subscription_cancel",
            "subscription_update",
        ],
        &["subscription_pause"],
    )?;
    for name in ["customer_update", "invoice_history", "payment_method_update"] {
        if let Some(feature) = given.object(name)? {
            feature.only(&["allowed_updates", "enabled"], &["payment_method_configuration"])?;
            enable(&feature, &mut features[name])?;
            if feature.has("allowed_updates") {
                features[name]["allowed_updates"] = json!(feature.texts("allowed_updates")?);
            }
        }
    }
    if let Some(cancel) = given.object("subscription_cancel")? {
        read_cancel(&cancel, &mut features["subscription_cancel"])?;
    }
    if let Some(update) = given.object("subscription_update")? {
        read_update(world, &update, &mut features["subscription_update"])?;
    }
    Ok(())
}

fn enable(feature: &Params<'_>, shown: &mut Value) -> Result<()> {
    if let Some(enabled) = feature.boolean("enabled")? {
        shown["enabled"] = json!(enabled);
    }
    Ok(())
}

fn read_cancel(cancel: &Params<'_>, shown: &mut Value) -> Result<()> {
    cancel.only(&["cancellation_reason", "enabled", "mode", "proration_behavior"], &[])?;
    enable(cancel, shown)?;
    if let Some(mode) = cancel.choice("mode", &["at_period_end", "immediately"])? {
        shown["mode"] = json!(mode);
    }
    let behaviors = ["always_invoice", "create_prorations", "none"];
    if let Some(behavior) = cancel.choice("proration_behavior", &behaviors)? {
        shown["proration_behavior"] = json!(behavior);
    }
    if let Some(reason) = cancel.object("cancellation_reason")? {
        reason.only(&["enabled", "options"], &["feedback_options"])?;
        enable(&reason, &mut shown["cancellation_reason"])?;
        shown["cancellation_reason"]["options"] = json!(reason.texts("options")?);
    }
    Ok(())
}

fn read_update(world: &World, update: &Params<'_>, shown: &mut Value) -> Result<()> {
    update.only(
        &["default_allowed_updates", "enabled", "products", "proration_behavior"],
        &["billing_cycle_anchor", "schedule_at_period_end", "trial_update_behavior"],
    )?;
    enable(update, shown)?;
    if update.has("default_allowed_updates") {
        shown["default_allowed_updates"] = json!(update.texts("default_allowed_updates")?);
    }
    let behaviors = ["always_invoice", "create_prorations", "none"];
    if let Some(behavior) = update.choice("proration_behavior", &behaviors)? {
        shown["proration_behavior"] = json!(behavior);
    }
    if !update.has("products") {
        return Ok(());
    }
    let mut products = Vec::new();
    for entry in update.objects("products")? {
        entry.only(&["prices", "product"], &["adjustable_quantity"])?;
        let product = entry.required_text("product")?;
        world.products.get(product, &entry.name("product"))?;
        let prices = entry.texts("prices")?;
        for price in &prices {
            let found = world.prices.get(price, &entry.name("prices"))?;
            if found.product != product {
                let message = "The price is not one of this product.";
                return Err(Error::invalid(message).param(&entry.name("prices")));
            }
        }
        products.push(json!({
            "adjustable_quantity": { "enabled": false, "maximum": null, "minimum": 1 },
            "prices": prices,
            "product": product,
        }));
    }
    shown["products"] = Value::Array(products);
    Ok(())
}
