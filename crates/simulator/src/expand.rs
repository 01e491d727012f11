//! `expand`: ids replaced by the objects they name, and fields shown only on demand.

use serde_json::Value;

use crate::{
    catalog, checkout,
    error::{Error, Result},
    invoices, quotes, subscriptions,
    table::Object,
    world::World,
};

const LEVELS_MAX: usize = 4;

/// # Errors
/// More than four levels. `data` of a list is no level of its own.
pub fn check(paths: &[&str]) -> Result<()> {
    for path in paths {
        if path.split('.').filter(|field| *field != "data").count() > LEVELS_MAX {
            return Err(Error::invalid(format!(
                "You cannot expand more than {LEVELS_MAX} levels of a property: {path}."
            ))
            .param("expand"));
        }
    }
    Ok(())
}

/// Expands one path, such as `data.latest_invoice.payments`, in an answer.
pub fn expand(world: &World, value: &mut Value, path: &str) -> Result<()> {
    let fields: Vec<&str> = path.split('.').collect();
    walk(world, value, &fields, path)
}

fn walk(world: &World, value: &mut Value, fields: &[&str], path: &str) -> Result<()> {
    let Some((field, rest)) = fields.split_first() else { return Ok(()) };
    match value {
        Value::Null => Ok(()),
        Value::Array(items) => {
            items.iter_mut().try_for_each(|item| walk(world, item, fields, path))
        }
        Value::Object(_) => {
            if value.get(field).is_none() {
                match on_demand(world, value, field) {
                    Some(shown) => value[*field] = shown,
                    // A coupon for everything shows nothing.
                    None if value["object"] == "coupon" && *field == "applies_to" => return Ok(()),
                    None => return Err(refuse(path)),
                }
            }
            let inner = &mut value[*field];
            match inner {
                Value::String(id) => {
                    *inner = named(world, field, id).ok_or_else(|| refuse(path))?;
                }
                Value::Array(ids) => {
                    for id in ids {
                        if let Value::String(text) = id {
                            *id = named(world, field, text).ok_or_else(|| refuse(path))?;
                        }
                    }
                }
                Value::Null | Value::Object(_) => {}
                // The count of a search is there where it is asked for.
                Value::Number(_) if *field == "total_count" => return Ok(()),
                Value::Bool(_) | Value::Number(_) => return Err(refuse(path)),
            }
            walk(world, inner, rest, path)
        }
        _ => Err(refuse(path)),
    }
}

fn refuse(path: &str) -> Error {
    Error::invalid(format!(
        "This property cannot be expanded ({path}). You may want to try expanding 'data.{path}' \
         instead, or the simulator may not show it."
    ))
    .param("expand")
}

/// The object behind an id, by the name of the field that holds it.
fn named(world: &World, field: &str, id: &str) -> Option<Value> {
    match field {
        "customer" => show(world, &world.customers, id),
        "product" => show(world, &world.products, id),
        "price" | "default_price" => show(world, &world.prices, id),
        "subscription" => show(world, &world.subscriptions, id),
        "invoice" | "latest_invoice" => show(world, &world.invoices, id),
        "payment_intent" => show(world, &world.payment_intents, id),
        "balance_transaction" | "failure_balance_transaction" => {
            show(world, &world.balance_transactions, id)
        }
        "customer_balance_transaction" => show(world, &world.customer_balance_transactions, id),
        "refund" => show(world, &world.refunds, id),
        "quote" => show(world, &world.quotes, id),
        "latest_charge" | "charge" => show(world, &world.charges, id),
        "feature" => show(world, &world.features, id),
        "test_clock" => show(world, &world.test_clocks, id),
        "configuration" => show(world, &world.portal_configurations, id),
        "schedule" => show(world, &world.schedules, id),
        "coupon" => show(world, &world.coupons, id),
        "promotion_code" => show(world, &world.promotion_codes, id),
        "discounts" | "discount" => show(world, &world.discounts, id),
        "setup_intent" | "pending_setup_intent" => show(world, &world.setup_intents, id),
        "payment_method" | "default_payment_method" | "default_source" => {
            show(world, &world.payment_methods, id)
        }
        _ => None,
    }
}

fn show<T: Object>(world: &World, table: &crate::table::Table<T>, id: &str) -> Option<Value> {
    table.find(id).map(|object| object.render(world))
}

/// Fields that are not there unless asked for.
fn on_demand(world: &World, object: &Value, field: &str) -> Option<Value> {
    let id = object["id"].as_str()?;
    match (object["object"].as_str()?, field) {
        ("invoice", "payments") => Some(invoices::payments_of(world, id)),
        ("invoice", "confirmation_secret") => Some(invoices::confirmation_secret(world, id)),
        ("price", "tiers") => world.prices.find(id).map(catalog::render_tiers),
        ("price", "currency_options") => world.prices.find(id).map(catalog::render_options),
        ("coupon", "applies_to") => world.coupons.find(id)?.applies_to(),
        ("customer", "subscriptions") => Some(subscriptions::of_customer(world, id)),
        ("quote", "line_items") => quotes::line_items_of(world, id),
        ("checkout.session", "line_items") => checkout::line_items_of(world, id),
        _ => None,
    }
}
