//! Plans: the older name of recurring prices. Each plan is a price, and each recurring price a plan.

use serde_json::{Value, json};

use super::{
    amount::Scheme,
    prices::{self, Price},
    products,
    show_price::as_plan,
};
use crate::{
    error::{Error, Result},
    lists,
    params::{Metadata, Params},
    table::Object as _,
    world::{Request, World},
};

/// Makes the price too.
pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let amount = prices::unit_amount(&params, "amount", "amount_decimal")?;
    let mut price = Price {
        id: id(world, &params)?,
        created: world.now,
        active: params.boolean("active")?.unwrap_or(true),
        currency: prices::currency(&params)?,
        product: String::new(),
        nickname: params.text("nickname")?.map(str::to_owned),
        lookup_key: None,
        metadata: Metadata::new(),
        tax_behavior: "unspecified",
        scheme: Scheme::PerUnit(amount.ok_or_else(|| Error::parameter_missing("amount"))?),
        package: None,
        recurring: Some(prices::read_recurring(world, &params)?),
        deleted: false,
    };
    params.merge_metadata(&mut price.metadata)?;
    price.product = product(world, &params)?;
    if price.id.is_empty() {
        price.id = world.ids.id("price_");
    }
    let shown = as_plan(&price);
    prices::add(world, price);
    Ok(shown)
}

/// One of the caller's own, which must be free; empty where the simulator is to choose.
fn id(world: &World, params: &Params<'_>) -> Result<String> {
    let Some(id) = params.text("id")? else { return Ok(String::new()) };
    if world.prices.find(id).is_none() {
        return Ok(id.to_owned());
    }
    Err(params.wrong("id", "Plan already exists.").code("resource_already_exists"))
}

/// The id of a product, or what a new one is made of.
fn product(world: &mut World, params: &Params<'_>) -> Result<String> {
    if let Ok(Some(id)) = params.text("product") {
        return Ok(world.products.get(id, "product")?.id.clone());
    }
    let Some(data) = params.object("product")? else {
        return Err(Error::parameter_missing("product"));
    };
    data.only(
        &["active", "id", "metadata", "name", "statement_descriptor", "unit_label"],
        &["tax_code", "tax_details"],
    )?;
    products::add(world, &data)
}

fn find<'a>(world: &'a World, id: &str) -> Result<&'a Price> {
    let price = world.prices.get(id, "plan").ok().filter(|price| price.recurring.is_some());
    price.ok_or_else(|| Error::no_such("plan", id, "plan"))
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    find(world, &request.id).map(as_plan)
}

pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut price = find(world, &request.id)?.clone();
    let before = as_plan(&price);
    if let Some(active) = params.boolean("active")? {
        price.active = active;
    }
    params.set_text("nickname", &mut price.nickname)?;
    params.merge_metadata(&mut price.metadata)?;
    let after = as_plan(&price);
    prices::change(world, &request.id, |stored| *stored = price);
    world.emit_update("plan.updated", &before, &after);
    Ok(after)
}

/// Nothing new is sold at it; what was sold goes on.
pub fn delete(world: &mut World, request: &Request) -> Result<Value> {
    let price = find(world, &request.id)?;
    let (plan, shown) = (as_plan(price), price.render(world));
    world.prices.change(&request.id, |price| price.deleted = true);
    world.emit("plan.deleted", &plan);
    world.emit("price.deleted", &shown);
    Ok(json!({ "id": request.id, "object": "plan", "deleted": true }))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let (active, product) = (params.boolean("active")?, params.text("product")?);
    let mut page = lists::list::<Price>(world, request, |price| {
        price.recurring.is_some()
            && active.is_none_or(|active| price.active == active)
            && product.is_none_or(|product| price.product == product)
    })?;
    for shown in page["data"].as_array_mut().into_iter().flatten() {
        if let Some(price) = shown["id"].as_str().and_then(|id| world.prices.find(id)) {
            *shown = as_plan(price);
        }
    }
    Ok(page)
}
