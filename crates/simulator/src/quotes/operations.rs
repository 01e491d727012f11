//! What the API does with quotes.

use serde_json::Value;

use super::{Quote, QuoteLine, Status, render::render_line};
use crate::{
    cards::Presence,
    clock::Due,
    error::{Error, Result},
    lists,
    params::{Metadata, Params},
    subscriptions::{self, ItemDraft, SubscriptionDraft},
    table::Object,
    world::{Request, World},
};

/// Nobody can accept it later than 30 days after it was made.
const OPEN_SECONDS: i64 = 30 * 86_400;

/// The order in which an accepted quote is told, before `quote.accepted`.
const ORDER: &[&str] = &["customer.updated", "customer.subscription.created", "invoice.created"];

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut quote = Quote {
        id: String::new(),
        created: world.now,
        customer: None,
        lines: Vec::new(),
        currency: "usd".to_owned(),
        status: Status::Draft,
        expires_at: world.now + OPEN_SECONDS,
        description: None,
        header: None,
        footer: None,
        number: None,
        metadata: Metadata::new(),
        accepted_at: None,
        canceled_at: None,
        finalized_at: None,
        subscription: None,
        invoice: None,
    };
    read(world, &params, &mut quote)?;
    quote.id = world.ids.id("qt_");
    let shown = quote.render(world);
    world.agenda.add(quote.expires_at, Due::QuoteExpiry(quote.id.clone()));
    world.quotes.put(quote);
    world.emit("quote.created", &shown);
    Ok(shown)
}

fn read(world: &mut World, params: &Params<'_>, quote: &mut Quote) -> Result<()> {
    if let Some(customer) = params.text("customer")? {
        world.customers.get(customer, "customer")?;
        quote.customer = Some(customer.to_owned());
    }
    if params.has("line_items") {
        read_lines(world, params, quote)?;
    }
    if let Some(moment) = params.integer("expires_at")? {
        if moment <= world.now {
            return Err(params.wrong("expires_at", "A quote expires in the future."));
        }
        quote.expires_at = moment;
    }
    params.set_text("description", &mut quote.description)?;
    params.set_text("header", &mut quote.header)?;
    params.set_text("footer", &mut quote.footer)?;
    params.merge_metadata(&mut quote.metadata)
}

fn read_lines(world: &mut World, params: &Params<'_>, quote: &mut Quote) -> Result<()> {
    let mut items = Vec::new();
    for line in params.objects("line_items")? {
        line.only(&["id", "price", "quantity"], &["discounts", "price_data", "tax_rates"])?;
        let price = line.required_text("price")?;
        subscriptions::check_for_sale(world, price, &line.name("price"))?;
        if world.prices.find(price).is_some_and(|price| price.recurring.is_none()) {
            return Err(Error::not_simulated("The simulator quotes recurring prices only.")
                .param(&line.name("price")));
        }
        items.push(ItemDraft {
            price: price.to_owned(),
            quantity: line.integer("quantity")?,
            intervals: 1,
            tax_rates: Vec::new(),
            metadata: Metadata::new(),
        });
    }
    let (_, currency) = subscriptions::check_items(world, &mut items, "line_items")?;
    quote.currency = currency;
    let lines = items.into_iter().map(|item| QuoteLine {
        id: world.ids.id("li_"),
        price: item.price,
        quantity: item.quantity,
    });
    quote.lines = lines.collect();
    Ok(())
}

pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let mut quote = in_status(world, &request.id, &[Status::Draft], "update")?;
    read(world, &request.params(), &mut quote)?;
    world.agenda.add(quote.expires_at, Due::QuoteExpiry(quote.id.clone()));
    world.quotes.put(quote);
    retrieve(world, request)
}

/// It can be accepted from now on, and changed no more.
pub fn finalize(world: &mut World, request: &Request) -> Result<Value> {
    let mut quote = in_status(world, &request.id, &[Status::Draft], "finalize")?;
    if quote.customer.is_none() || quote.lines.is_empty() {
        return Err(Error::invalid("A quote needs a customer and line items to be finalized."));
    }
    read(world, &request.params(), &mut quote)?;
    let place = world.quotes.rows().iter().filter(|quote| quote.number.is_some()).count() + 1;
    quote.number = Some(format!("QT-{}-{place:04}-1", world.ids.invoice_prefix()));
    quote.status = Status::Open;
    quote.finalized_at = Some(world.now);
    world.agenda.add(quote.expires_at, Due::QuoteExpiry(quote.id.clone()));
    world.quotes.put(quote);
    announce(world, "quote.finalized", &request.id);
    retrieve(world, request)
}

/// Its subscription begins; the first invoice stays a draft for an hour.
pub fn accept(world: &mut World, request: &Request) -> Result<Value> {
    let mut quote = in_status(world, &request.id, &[Status::Open], "accept")?;
    let items = quote.lines.iter().map(|line| ItemDraft {
        price: line.price.clone(),
        quantity: line.quantity,
        intervals: 1,
        tax_rates: Vec::new(),
        metadata: Metadata::new(),
    });
    let customer = quote.customer.clone().unwrap_or_default();
    let draft = SubscriptionDraft {
        bills_later: true,
        ..SubscriptionDraft::of_items(&customer, items.collect(), Vec::new())
    };
    let open = |world: &mut World| subscriptions::open(world, draft, true, Presence::Absent);
    let id = world.in_order(ORDER, open)?;
    quote.invoice = world.subscriptions.find(&id).and_then(|made| made.latest_invoice.clone());
    quote.subscription = Some(id);
    quote.status = Status::Accepted;
    quote.accepted_at = Some(world.now);
    world.quotes.put(quote);
    announce(world, "quote.accepted", &request.id);
    retrieve(world, request)
}

pub fn cancel(world: &mut World, request: &Request) -> Result<Value> {
    in_status(world, &request.id, &[Status::Draft, Status::Open], "cancel")?;
    cancel_now(world, &request.id);
    retrieve(world, request)
}

fn cancel_now(world: &mut World, id: &str) {
    let now = world.now;
    world.quotes.change(id, |quote| {
        quote.status = Status::Canceled;
        quote.canceled_at = Some(now);
    });
    announce(world, "quote.canceled", id);
}

/// Nobody has accepted it in time.
pub fn expire_by_time(world: &mut World, id: &str) {
    let is_over = |quote: &&Quote| {
        quote.expires_at <= world.now && matches!(quote.status, Status::Draft | Status::Open)
    };
    if world.quotes.find(id).as_ref().is_some_and(is_over) {
        cancel_now(world, id);
    }
}

fn announce(world: &mut World, kind: &'static str, id: &str) {
    if let Some(shown) = world.quotes.find(id).map(|quote| quote.render(world)) {
        world.emit(kind, &shown);
    }
}

fn in_status(world: &World, id: &str, statuses: &[Status], verb: &str) -> Result<Quote> {
    let quote = world.quotes.get(id, "quote")?;
    if statuses.contains(&quote.status) {
        return Ok(quote.clone());
    }
    Err(Error::invalid(format!(
        "You cannot {verb} this quote because it has a status of {}.",
        quote.status.word()
    )))
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.quotes.get(&request.id, "quote")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let (customer, status) = (params.text("customer")?, params.text("status")?);
    lists::list::<Quote>(world, request, |quote| {
        (customer.is_none() || quote.customer.as_deref() == customer)
            && status.is_none_or(|status| quote.status.word() == status)
    })
}

pub fn line_items(world: &mut World, request: &Request) -> Result<Value> {
    let quote = world.quotes.get(&request.id, "quote")?;
    let lines: Vec<Value> =
        quote.lines.iter().map(|line| render_line(quote, line, world)).collect();
    lists::list_parts(&lines, "line item", request)
}
