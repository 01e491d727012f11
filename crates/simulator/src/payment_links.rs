//! Payment links: an address that opens a new checkout for whoever follows it.

use serde_json::{Value, json};

use crate::{
    checkout,
    error::{Error, Result},
    lists,
    params::{Metadata, Params},
    subscriptions,
    table::{Object, Table},
    world::{Request, World, with_nulls},
};

#[derive(Clone)]
pub struct PaymentLink {
    id: String,
    created: i64,
    active: bool,
    allows_promotion_codes: bool,
    /// Price and quantity.
    lines: Vec<(String, i64)>,
    /// Where the payer goes afterwards; to a page of the simulator's where none is given.
    redirect: Option<String>,
    metadata: Metadata,
}

impl PaymentLink {
    fn sells_subscriptions(&self, world: &World) -> bool {
        let price = self.lines.first().and_then(|(price, _)| world.prices.find(price));
        price.is_some_and(|price| price.recurring.is_some())
    }
}

impl Object for PaymentLink {
    const NOUN: &'static str = "payment_link";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, world: &World) -> Value {
        let recurs = self.sells_subscriptions(world);
        let price = self.lines.first().and_then(|(price, _)| world.prices.find(price));
        let after_completion = match &self.redirect {
            Some(url) => json!({ "redirect": { "url": url }, "type": "redirect" }),
            None => json!({
                "hosted_confirmation": { "custom_message": null },
                "type": "hosted_confirmation",
            }),
        };
        let shown = json!({
            "id": self.id,
            "object": "payment_link",
            "active": self.active,
            "after_completion": after_completion,
            "allow_promotion_codes": self.allows_promotion_codes,
            "automatic_tax": { "enabled": false, "liability": null },
            "billing_address_collection": "auto",
            "currency": price.map(|price| &price.currency),
            "custom_fields": [],
            "custom_text": {
                "after_submit": null, "shipping_address": null,
                "submit": null, "terms_of_service_acceptance": null,
            },
            "customer_creation": if recurs { "always" } else { "if_required" },
            "livemode": false,
            "metadata": self.metadata,
            "payment_method_collection": if recurs { "always" } else { "if_required" },
            "phone_number_collection": { "enabled": false },
            "shipping_options": [],
            "submit_type": "auto",
            "tax_id_collection": { "enabled": false, "required": "never" },
            "url": format!("{}/buy/{}", world.base_url, self.id),
        });
        with_nulls(shown, NULLS)
    }

    fn table(world: &World) -> &Table<Self> {
        &world.payment_links
    }
}

const NULLS: &[&str] = &[
    "application",
    "application_fee_amount",
    "application_fee_percent",
    "consent_collection",
    "inactive_message",
    "invoice_creation",
    "managed_payments",
    "on_behalf_of",
    "payment_intent_data",
    "payment_method_options",
    "payment_method_types",
    "restrictions",
    "shipping_address_collection",
    "subscription_data",
    "transfer_data",
];

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut lines = Vec::new();
    for line in params.objects("line_items")? {
        line.only(&["price", "quantity"], &["adjustable_quantity", "price_data"])?;
        let price = line.required_text("price")?;
        subscriptions::check_for_sale(world, price, &line.name("price"))?;
        let quantity = line.integer("quantity")?;
        let quantity = quantity.ok_or_else(|| Error::parameter_missing(&line.name("quantity")))?;
        lines.push((price.to_owned(), quantity));
    }
    let mut link = PaymentLink {
        id: String::new(),
        created: world.now,
        active: true,
        allows_promotion_codes: false,
        lines,
        redirect: None,
        metadata: Metadata::new(),
    };
    read(&params, &mut link)?;
    // What the link would open must be a checkout that can be opened.
    checkout::check(world, &session_request(&link, world))?;
    link.id = world.ids.id("plink_");
    let shown = link.render(world);
    world.payment_links.put(link);
    world.emit("payment_link.created", &shown);
    Ok(shown)
}

fn read(params: &Params<'_>, link: &mut PaymentLink) -> Result<()> {
    link.active = params.boolean("active")?.unwrap_or(link.active);
    let allows = params.boolean("allow_promotion_codes")?;
    link.allows_promotion_codes = allows.unwrap_or(link.allows_promotion_codes);
    if let Some(after) = params.object("after_completion")? {
        after.only(&["redirect", "type"], &["hosted_confirmation"])?;
        link.redirect = None;
        if after.choice("type", &["hosted_confirmation", "redirect"])? == Some("redirect") {
            let redirect = after.object("redirect")?;
            let url = redirect.map(|redirect| redirect.url("url")).transpose()?.flatten();
            let missing = || Error::parameter_missing("after_completion[redirect][url]");
            link.redirect = Some(url.ok_or_else(missing)?.to_owned());
        }
    }
    params.merge_metadata(&mut link.metadata)
}

pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let mut link = world.payment_links.get(&request.id, "payment_link")?.clone();
    let before = link.render(world);
    read(&request.params(), &mut link)?;
    let after = link.render(world);
    world.payment_links.put(link);
    world.emit_update("payment_link.updated", &before, &after);
    Ok(after)
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.payment_links.get(&request.id, "payment_link")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let active = request.params().boolean("active")?;
    lists::list::<PaymentLink>(world, request, |link| active.is_none_or(|a| link.active == a))
}

/// The checkout that a link opens.
fn session_request(link: &PaymentLink, world: &World) -> Request {
    let mode = if link.sells_subscriptions(world) { "subscription" } else { "payment" };
    let thanks = || format!("{}/buy/{}/thanks", world.base_url, link.id);
    let mut pairs = vec![
        ("mode".to_owned(), mode.to_owned()),
        ("success_url".to_owned(), link.redirect.clone().unwrap_or_else(thanks)),
    ];
    if link.allows_promotion_codes {
        pairs.push(("allow_promotion_codes".to_owned(), "true".to_owned()));
    }
    for (place, (price, quantity)) in link.lines.iter().enumerate() {
        pairs.push((format!("line_items[{place}][price]"), price.clone()));
        pairs.push((format!("line_items[{place}][quantity]"), quantity.to_string()));
    }
    for (key, value) in &link.metadata {
        pairs.push((format!("metadata[{key}]"), value.clone()));
    }
    Request::of("", pairs)
}

/// Somebody follows the link: the address of their checkout.
///
/// # Errors
/// The link is unknown or was switched off, or what it sells is not for sale any more.
pub fn follow(world: &mut World, id: &str) -> Result<String> {
    let link = world.payment_links.get(id, "payment_link")?.clone();
    if !link.active {
        return Err(Error::invalid("This link is no longer active."));
    }
    let request = session_request(&link, world);
    let session = checkout::create(world, &request)?;
    let session = session["id"].as_str().unwrap_or_default().to_owned();
    world.sessions.change(&session, |session| session.payment_link = Some(id.to_owned()));
    Ok(format!("{}/c/pay/{session}", world.base_url))
}
