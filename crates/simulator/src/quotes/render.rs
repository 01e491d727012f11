//! How a quote and its line items are shown.

use serde_json::{Value, json};

use super::{Quote, QuoteLine};
use crate::{
    lists,
    table::Object as _,
    test_clocks::clock_of,
    world::{World, with_nulls},
};

pub fn render(quote: &Quote, world: &World) -> Value {
    let amount: i64 = quote.lines.iter().map(|line| line.amount(world)).sum();
    let clock = quote.customer.as_deref().and_then(|customer| clock_of(world, customer));
    let shown = json!({
        "id": quote.id,
        "object": "quote",
        "amount_subtotal": amount,
        "amount_total": amount,
        "automatic_tax": {
            "enabled": false, "liability": null, "provider": null, "status": null,
        },
        "collection_method": "charge_automatically",
        "computed": computed(quote, world, amount),
        "created": quote.created,
        "currency": quote.currency,
        "customer": quote.customer,
        "default_tax_rates": [],
        "description": quote.description,
        "discounts": [],
        "expires_at": quote.expires_at,
        "footer": quote.footer,
        "header": quote.header,
        "invoice": quote.invoice,
        "invoice_settings": {
            "custom_fields": null, "days_until_due": null, "description": null,
            "footer": null, "issuer": { "type": "self" },
        },
        "livemode": false,
        "metadata": quote.metadata,
        "number": quote.number,
        "status": quote.status.word(),
        "status_transitions": {
            "accepted_at": quote.accepted_at,
            "canceled_at": quote.canceled_at,
            "finalized_at": quote.finalized_at,
        },
        "subscription": quote.subscription,
        "subscription_data": {
            "billing_mode": {
                "flexible": { "proration_discounts": "included" },
                "type": "flexible",
            },
            "description": null,
            "effective_date": null,
            "metadata": null,
            "trial_period_days": null,
        },
        "test_clock": clock,
        "total_details": total_details(),
    });
    with_nulls(shown, NULLS)
}

/// What is asked at once, and then again each period.
fn computed(quote: &Quote, world: &World, amount: i64) -> Value {
    let price = quote.lines.first().and_then(|line| world.prices.find(&line.price));
    let recurring = price.and_then(|price| price.recurring.as_ref()).map(|recurring| {
        json!({
            "amount_subtotal": amount,
            "amount_total": amount,
            "interval": recurring.cadence.interval.word(),
            "interval_count": recurring.cadence.count,
            "total_details": total_details(),
        })
    });
    json!({
        "recurring": recurring,
        "upfront": {
            "amount_subtotal": amount, "amount_total": amount, "total_details": total_details(),
        },
    })
}

fn total_details() -> Value {
    json!({ "amount_discount": 0, "amount_shipping": 0, "amount_tax": 0 })
}

pub fn render_line(quote: &Quote, line: &QuoteLine, world: &World) -> Value {
    let price = world.prices.find(&line.price);
    let product = price.and_then(|price| world.products.find(&price.product));
    let amount = line.amount(world);
    json!({
        "id": line.id,
        "object": "item",
        "adjustable_quantity": null,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": quote.currency,
        "description": product.map(|product| &product.name),
        "metadata": {},
        "price": price.map(|price| price.render(world)),
        "quantity": line.quantity,
    })
}

/// `quote.line_items`, shown only on demand.
pub fn line_items_of(world: &World, id: &str) -> Option<Value> {
    let quote = world.quotes.find(id)?;
    let lines = quote.lines.iter().map(|line| render_line(quote, line, world)).collect();
    Some(lists::whole(lines, &format!("/v1/quotes/{id}/line_items")))
}

const NULLS: &[&str] = &[
    "application",
    "application_fee_amount",
    "application_fee_percent",
    "customer_account",
    "from_quote",
    "on_behalf_of",
    "subscription_schedule",
    "transfer_data",
];
