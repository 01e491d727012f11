//! What the API does with invoice items.

use serde_json::{Value, json};

use super::{InvoiceItem, add};
use crate::{
    catalog::amount::Decimal,
    error::{Error, Result},
    invoices, lists,
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
        invoice: params.text("invoice")?.map(str::to_owned),
        metadata: Metadata::new(),
        deleted: false,
    };
    read_amount(world, &params, &mut item)?;
    if let Some(invoice) = &item.invoice {
        invoices::draft_for(world, invoice, customer, &item.currency)?;
    }
    params.merge_metadata(&mut item.metadata)?;
    let id = add(world, item);
    invoices::show_item(world, &id);
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
    check_editable(world, item)?;
    remove(world, &request.id);
    invoices::show_item(world, &request.id);
    Ok(json!({ "id": request.id, "object": "invoiceitem", "deleted": true }))
}

/// `POST /v1/invoiceitems/{id}`: prorations keep their amounts.
pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut item = world.invoice_items.get(&request.id, "id")?.clone();
    check_editable(world, &item)?;
    let unit = item.price.as_ref().and_then(|price| world.prices.find(price));
    match (params.integer("amount")?, params.integer("quantity")?) {
        (None, None) => {}
        _ if item.proration => {
            return Err(Error::invalid("The amount of a proration cannot be changed."));
        }
        (Some(amount), None) => item.amount = amount,
        (None, Some(quantity)) => {
            item.quantity = Decimal::from_integer(quantity);
            let price = unit.ok_or_else(|| params.wrong("quantity", "It has no price."))?;
            item.amount = price.amount_of_usage(item.quantity);
        }
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: amount, quantity.";
            return Err(Error::invalid(message).code("parameters_exclusive"));
        }
    }
    if let Some(discountable) = params.boolean("discountable")? {
        item.discountable = discountable;
    }
    if let Some(rates) = tax_rates::read(world, &params, "tax_rates")? {
        item.tax_rates = rates;
    }
    params.set_text("description", &mut item.description)?;
    params.merge_metadata(&mut item.metadata)?;
    world.invoice_items.put(item);
    invoices::show_item(world, &request.id);
    retrieve(world, request)
}

/// What waits can be changed, and what stands on a draft.
fn check_editable(world: &World, item: &InvoiceItem) -> Result<()> {
    let invoice = item.invoice.as_ref().and_then(|id| world.invoices.find(id));
    if invoice.is_none_or(|invoice| invoice.status == invoices::Status::Draft) {
        return Ok(());
    }
    Err(Error::invalid("This invoice item is part of an invoice, so it can't be changed.")
        .code("invoice_not_editable"))
}

fn remove(world: &mut World, id: &str) {
    let Some(shown) = world.invoice_items.find(id).map(|item| item.render(world)) else { return };
    world.invoice_items.change(id, |item| item.deleted = true);
    world.emit("invoiceitem.deleted", &shown);
}
