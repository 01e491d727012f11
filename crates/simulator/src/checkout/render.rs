//! How a checkout session and its line items are shown.

use serde_json::{Value, json};

use super::{Mode, Session, SessionLine, Status, Trial};
use crate::{
    customers, lists,
    table::Object,
    world::{World, with_nulls},
};

pub fn render(session: &Session, world: &World) -> Value {
    let amount = session.amount(world);
    let payment_status = match (session.status, session.trial) {
        (Status::Complete, Trial::Days(_) | Trial::Until(_)) => "no_payment_required",
        (Status::Complete, Trial::None) if amount == 0 => "no_payment_required",
        (Status::Complete, Trial::None) => "paid",
        _ => "unpaid",
    };
    let is_open = session.status == Status::Open;
    let url = is_open.then(|| format!("{}/c/pay/{}", world.base_url, session.id));
    let shown = json!({
        "id": session.id,
        "object": "checkout.session",
        "adaptive_pricing": { "enabled": false },
        "allow_promotion_codes": session.allow_promotion_codes.then_some(true),
        "amount_subtotal": session.subtotal(world),
        "amount_total": amount,
        "automatic_tax": automatic_tax(session, world),
        "cancel_url": session.cancel_url,
        "client_reference_id": session.client_reference_id,
        "collected_information": {
            "business_name": null, "individual_name": null, "shipping_details": null,
        },
        "created": session.created,
        "currency": session.currency,
        "custom_fields": [],
        "custom_text": {
            "after_submit": null, "shipping_address": null,
            "submit": null, "terms_of_service_acceptance": null,
        },
        "customer": session.customer,
        "customer_creation": session.customer.is_none().then_some(customer_creation(session)),
        "customer_details": customer_details(session, world),
        "customer_email": session.customer_email,
        "discounts": discounts(session),
        "expires_at": session.expires_at,
        "invoice": session.invoice,
        "livemode": false,
        "locale": session.locale,
        "metadata": session.metadata,
        "invoice_creation": (session.mode == Mode::Payment).then(no_invoice),
        "mode": if session.mode == Mode::Payment { "payment" } else { "subscription" },
        "payment_intent": session.payment_intent,
        "payment_link": session.payment_link,
        "payment_method_collection":
            if session.mode == Mode::Payment { "if_required" } else { "always" },
        "payment_method_options": { "card": { "request_three_d_secure": "automatic" } },
        "payment_method_types": ["card"],
        "payment_status": payment_status,
        "phone_number_collection": { "enabled": false },
        "saved_payment_method_options": {
            "allow_redisplay_filters": ["always"],
            "payment_method_remove": "disabled",
            "payment_method_save": null,
        },
        "shipping_options": [],
        "status": session.status.word(),
        "subscription": session.subscription,
        "success_url": session.success_url,
        "total_details": {
            "amount_discount": session.discount(world),
            "amount_shipping": 0,
            "amount_tax": session.taxes(world).iter().flatten().map(|tax| tax.amount).sum::<i64>(),
        },
        "ui_mode": "hosted_page",
        "url": url,
    });
    with_nulls(shown, NULLS)
}

fn discounts(session: &Session) -> Vec<Value> {
    let shown = session.discount.iter().map(|found| {
        let by_code = found.promotion_code.is_some();
        let coupon = (!by_code).then_some(&found.coupon);
        json!({ "coupon": coupon, "promotion_code": found.promotion_code })
    });
    shown.collect()
}

fn customer_creation(session: &Session) -> &'static str {
    match session.mode {
        Mode::Payment if !session.payment.creates_customer => "if_required",
        _ => "always",
    }
}

/// A single payment makes no invoice.
fn no_invoice() -> Value {
    json!({
        "enabled": false,
        "invoice_data": {
            "account_tax_ids": null, "custom_fields": null, "description": null, "footer": null,
            "issuer": null, "metadata": {}, "rendering_options": null,
        },
    })
}

fn automatic_tax(session: &Session, world: &World) -> Value {
    let enabled = session.automatic_tax;
    let is_located = session.country(world).is_some();
    let status = if is_located { "complete" } else { "requires_location_inputs" };
    json!({
        "enabled": enabled,
        "liability": enabled.then(|| json!({ "type": "self" })),
        "provider": enabled.then_some("stripe"),
        "status": enabled.then_some(status),
    })
}

/// Known from the start where a customer or an address was given.
fn customer_details(session: &Session, world: &World) -> Value {
    let email = session.payer_email.clone().or_else(|| session.email(world));
    if email.is_none() && session.payer_name.is_none() {
        return Value::Null;
    }
    json!({
        "address": session.country.as_deref().map(customers::address_in),
        "business_name": null,
        "email": email,
        "individual_name": null,
        "name": session.payer_name,
        "phone": null,
        "tax_exempt": "none",
        "tax_ids": null,
    })
}

pub fn render_line(session: &Session, line: &SessionLine, world: &World) -> Value {
    let price = world.prices.find(&line.price);
    let product = price.and_then(|price| world.products.find(&price.product));
    let amount = session.line_amount(line, world);
    let place = session.lines.iter().position(|found| found.id == line.id).unwrap_or_default();
    let discount = session.discount_amounts(world).get(place).copied().unwrap_or_default();
    let taxes = session.taxes(world).get(place).cloned().unwrap_or_default();
    let tax = |on_top: bool| {
        let counted = taxes.iter().filter(|tax| !(on_top && tax.inclusive));
        counted.map(|tax| tax.amount).sum::<i64>()
    };
    json!({
        "id": line.id,
        "object": "item",
        "adjustable_quantity": null,
        "amount_discount": discount,
        "amount_subtotal": amount,
        "amount_tax": tax(false),
        "amount_total": amount - discount + tax(true),
        "currency": session.currency,
        "description": product.map(|product| &product.name),
        "metadata": {},
        "price": price.map(|price| price.render(world)),
        "quantity": line.quantity,
    })
}

/// `session.line_items`, shown only on demand.
pub fn line_items_of(world: &World, id: &str) -> Option<Value> {
    let session = world.sessions.find(id)?;
    let lines = session.lines.iter().map(|line| render_line(session, line, world)).collect();
    Some(lists::whole(lines, &format!("/v1/checkout/sessions/{id}/line_items")))
}

const NULLS: &[&str] = &[
    "after_expiration",
    "allowed_payment_method_types",
    "billing_address_collection",
    "client_secret",
    "consent",
    "consent_collection",
    "currency_conversion",
    "customer_account",
    "integration_identifier",
    "managed_payments",
    "origin_context",
    "payment_method_configuration_details",
    "permissions",
    "recovered_from",
    "setup_intent",
    "shipping_address_collection",
    "shipping_cost",
    "submit_type",
    "wallet_options",
];
