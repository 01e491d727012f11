//! Search: objects that a query describes, newest first.

mod query;

use serde_json::{Value, json};

use crate::{
    catalog::{Price, Product},
    customers::Customer,
    error::{Error, Result},
    invoices::Invoice,
    payments::{Charge, PaymentIntent},
    subscriptions::Subscription,
    table::Object,
    world::{Request, World},
};
use query::{
    Field,
    Kind::{self, Flag, Number, Text},
    Query,
};

const PAGE_DEFAULT: i64 = 10;
const PAGE_MAX: i64 = 100;

/// A field that can be asked for; without a path of its own it is found by its name.
const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, path: name, kind }
}

const CHARGE: &[Field] = &[
    field("amount", Number),
    field("billing_details.address.postal_code", Text),
    field("created", Number),
    field("currency", Text),
    field("customer", Text),
    field("disputed", Flag),
    field("payment_method_details.card.brand", Text),
    field("payment_method_details.card.exp_month", Number),
    field("payment_method_details.card.exp_year", Number),
    field("payment_method_details.card.fingerprint", Text),
    field("payment_method_details.card.last4", Text),
    field("refunded", Flag),
    field("status", Text),
];
const CUSTOMER: &[Field] =
    &[field("created", Number), field("email", Text), field("name", Text), field("phone", Text)];
const INVOICE: &[Field] = &[
    field("created", Number),
    field("currency", Text),
    field("customer", Text),
    field("number", Text),
    field("receipt_number", Text),
    field("status", Text),
    Field { path: "parent.subscription_details.subscription", ..field("subscription", Text) },
    field("total", Number),
];
const INTENT: &[Field] = &[
    field("amount", Number),
    field("created", Number),
    field("currency", Text),
    field("customer", Text),
    field("status", Text),
];
const PRICE: &[Field] = &[
    field("active", Flag),
    field("currency", Text),
    field("lookup_key", Text),
    field("product", Text),
    field("type", Text),
];
const PRODUCT: &[Field] = &[
    field("active", Flag),
    field("description", Text),
    field("name", Text),
    field("shippable", Flag),
    field("url", Text),
];
const SUBSCRIPTION: &[Field] =
    &[field("canceled_at", Number), field("created", Number), field("status", Text)];

pub fn charges(world: &mut World, request: &Request) -> Result<Value> {
    search::<Charge>(world, request, CHARGE)
}

pub fn customers(world: &mut World, request: &Request) -> Result<Value> {
    search::<Customer>(world, request, CUSTOMER)
}

pub fn invoices(world: &mut World, request: &Request) -> Result<Value> {
    search::<Invoice>(world, request, INVOICE)
}

pub fn payment_intents(world: &mut World, request: &Request) -> Result<Value> {
    search::<PaymentIntent>(world, request, INTENT)
}

pub fn prices(world: &mut World, request: &Request) -> Result<Value> {
    search::<Price>(world, request, PRICE)
}

pub fn products(world: &mut World, request: &Request) -> Result<Value> {
    search::<Product>(world, request, PRODUCT)
}

pub fn subscriptions(world: &mut World, request: &Request) -> Result<Value> {
    search::<Subscription>(world, request, SUBSCRIPTION)
}

/// `page` is the id of the last object of the page before.
fn search<T: Object>(world: &World, request: &Request, fields: &[Field]) -> Result<Value> {
    let params = request.params();
    let query = Query::parse(params.required_text("query")?, fields)?;
    let limit = params.integer("limit")?.unwrap_or(PAGE_DEFAULT);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(params.wrong("limit", &format!("Between 1 and {PAGE_MAX}.")));
    }
    let limit = usize::try_from(limit).unwrap_or(1);
    let found = T::table(world).rows().iter().rev().filter(|row| !row.is_deleted());
    let found = found.map(|row| row.render(world)).filter(|shown| query.describes(shown));
    let mut found: Vec<Value> = found.collect();
    let total = found.len();
    if let Some(last) = params.text("page")? {
        let place = found.iter().position(|shown| shown["id"] == last);
        let place = place.ok_or_else(|| Error::no_such(T::NOUN, last, "page"))?;
        found.drain(..=place);
    }
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_more).map(|shown| shown["id"].clone());
    let mut result = json!({
        "object": "search_result",
        "has_more": has_more,
        "next_page": next,
        "url": request.path,
    });
    result["data"] = Value::Array(found);
    if params.texts("expand")?.contains(&"total_count") {
        result["total_count"] = json!(total);
    }
    Ok(result)
}
