//! What the API does with invoice items.

use serde_json::{Value, json};

use super::{InvoiceItem, add};
use crate::{
    catalog::amount::Decimal,
    error::{Error, Result},
    lists,
    params::{Metadata, Params},
    table::Object,
    tax_rates,
    test_clocks::clock_of,
    world::{Request, World},
};

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let customer = params.required_text("customer")?;
    world.customers.get(customer, "customer")?;
    let subscription = params.text("subscription")?;
    if let Some(subscription) = subscription {
        let found = world.subscriptions.get(subscription, "subscription")?;
        if found.customer != customer || found.status.is_ended() {
            let message = "The subscription is not a running one of this customer.";
            return Err(params.wrong("subscription", message));
        }
    }
    let mut item = InvoiceItem {
        id: String::new(),
        created: world.now,
        customer: customer.to_owned(),
        currency: String::new(),
        subscription: subscription.map(str::to_owned),
        subscription_item: None,
        price: None,
        unit_amount_decimal: None,
        description: params.text("description")?.map(str::to_owned),
        amount: 0,
        quantity: Decimal::from_integer(params.integer("quantity")?.unwrap_or(1)),
        period: read_period(world.now, &params)?,
        proration: false,
        discountable: params.boolean("discountable")?.unwrap_or(true),
        tax_rates: tax_rates::read(world, &params, "tax_rates")?.unwrap_or_default(),
        invoice: None,
        metadata: Metadata::new(),
        deleted: false,
    };
    read_amount(world, &params, &mut item)?;
    params.merge_metadata(&mut item.metadata)?;
    let id = add(world, item);
    Ok(world.invoice_items.get(&id, "id")?.render(world))
}

/// `amount` with `currency`, or `pricing[price]`.
fn read_amount(world: &World, params: &Params<'_>, item: &mut InvoiceItem) -> Result<()> {
    let Some(pricing) = params.object("pricing")? else {
        let amount = params.integer("amount")?;
        item.amount = amount.ok_or_else(|| Error::parameter_missing("amount"))?;
        item.currency = params.required_text("currency")?.to_ascii_lowercase();
        return Ok(());
    };
    pricing.only(&["price"], &[])?;
    if params.has("amount") {
        let message = "You may only specify one of these parameters: amount, pricing.";
        return Err(Error::invalid(message).code("parameters_exclusive"));
    }
    let name = pricing.name("price");
    let price = world.prices.get(pricing.required_text("price")?, &name)?;
    if price.recurring.is_some() {
        let message = "The price specified is recurring; invoice items take one-time prices.";
        return Err(Error::invalid(message).param(&name));
    }
    item.amount = price.amount_of_usage(item.quantity);
    item.unit_amount_decimal = price.scheme.unit().map(|unit| unit.to_string());
    item.currency.clone_from(&price.currency);
    item.price = Some(price.id.clone());
    if item.description.is_none() {
        item.description = world.products.find(&price.product).map(|product| product.name.clone());
    }
    Ok(())
}

fn read_period(now: i64, params: &Params<'_>) -> Result<(i64, i64)> {
    let Some(period) = params.object("period")? else { return Ok((now, now)) };
    period.only(&["end", "start"], &[])?;
    let moment = |field: &str| {
        period.integer(field)?.ok_or_else(|| Error::parameter_missing(&period.name(field)))
    };
    Ok((moment("start")?, moment("end")?))
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.invoice_items.get(&request.id, "id")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let (customer, invoice) = (params.text("customer")?, params.text("invoice")?);
    let pending = params.boolean("pending")?;
    lists::list::<InvoiceItem>(world, request, |item| {
        let is_named = customer.is_some() || invoice.is_some();
        (is_named || clock_of(world, &item.customer).is_none())
            && customer.is_none_or(|customer| item.customer == customer)
            && (invoice.is_none() || item.invoice.as_deref() == invoice)
            && pending.is_none_or(|pending| item.invoice.is_none() == pending)
    })
}

pub fn delete(world: &mut World, request: &Request) -> Result<Value> {
    let item = world.invoice_items.get(&request.id, "id")?;
    if item.invoice.is_some() {
        return Err(Error::invalid(
            "This invoice item is part of an invoice, so it can't be deleted.",
        )
        .code("invoice_not_editable"));
    }
    remove(world, &request.id);
    Ok(json!({ "id": request.id, "object": "invoiceitem", "deleted": true }))
}

fn remove(world: &mut World, id: &str) {
    let Some(shown) = world.invoice_items.find(id).map(|item| item.render(world)) else { return };
    world.invoice_items.change(id, |item| item.deleted = true);
    world.emit("invoiceitem.deleted", &shown);
}
