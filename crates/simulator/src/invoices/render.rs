//! How an invoice and its lines are shown.

use serde_json::{Value, json};

use super::{Invoice, Line, Status};
use crate::{
    customers, discounts, lists,
    tax_rates::{self, Tax},
    test_clocks::clock_of,
    world::{World, with_nulls},
};

pub fn render(invoice: &Invoice, world: &World) -> Value {
    let total = invoice.total();
    let due = invoice.amount_due();
    let paid = if invoice.is_paid() { due } else { 0 };
    let lines = invoice.lines.iter().map(|line| render_line(invoice, line)).collect();
    let page =
        invoice.number.as_ref().map(|_| format!("{}/invoices/{}", world.base_url, invoice.id));
    let mut shown = json!({
        "id": invoice.id,
        "object": "invoice",
        "account_country": "US",
        "account_name": "Stripe simulator",
        "amount_due": due,
        "amount_overpaid": 0,
        "amount_paid": paid,
        "amount_paid_off_stripe": invoice.paid_off_stripe,
        "amount_remaining": invoice.amount_remaining(),
        "amount_shipping": 0,
        "attempt_count": invoice.attempt_count,
        "attempted": invoice.attempt_count > 0,
        "auto_advance": invoice.auto_advance,
        "automatic_tax": invoice.automatic_tax.show_on_invoice(
            customers::country(world, &invoice.customer).is_some(),
        ),
        "automatically_finalizes_at": invoice.next_step_at.filter(|_| invoice.status == Status::Draft),
        "billing_reason": invoice.billing_reason,
        "collection_method":
            if invoice.is_sent() { "send_invoice" } else { "charge_automatically" },
        "created": invoice.created,
        "currency": invoice.currency,
        "customer": invoice.customer,
        "default_payment_method": invoice.default_payment_method,
        "description": invoice.description,
        "footer": invoice.footer,
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_tax_rates": tax_rates::show(world, &invoice.tax_rates),
        "discounts": invoice.discounts().iter().map(|(id, _)| id).collect::<Vec<_>>(),
        "due_date": invoice.due_date,
        "effective_at": invoice.finalized_at,
        "ending_balance": invoice.ending_balance,
        "hosted_invoice_url": page,
        "invoice_pdf": page.as_ref().map(|page| format!("{page}/pdf")),
        "issuer": { "type": "self" },
        "lines": lists::first_page(lines, &format!("/v1/invoices/{}/lines", invoice.id)),
        "livemode": false,
        "metadata": invoice.metadata,
        "next_payment_attempt": invoice.next_step_at.filter(|_| !invoice.is_sent()),
        "number": invoice.number,
        "parent": parent(invoice),
        "payment_settings": {
            "default_mandate": null, "payment_method_options": null, "payment_method_types": null,
        },
        "period_end": invoice.period_end,
        "period_start": invoice.period_start,
        "post_payment_credit_notes_amount": invoice.post_payment_credit,
        "pre_payment_credit_notes_amount": invoice.pre_payment_credit,
        "starting_balance": invoice.starting_balance,
        "status": invoice.status.word(),
        "status_transitions": transitions(invoice),
        "subtotal": invoice.subtotal(),
        "subtotal_excluding_tax": invoice.subtotal() - invoice.tax(true),
        "test_clock": clock_of(world, &invoice.customer),
        "total": total,
        "total_discount_amounts": discounts::show_amounts(&invoice.discounts()),
        "total_excluding_tax": invoice.net() - invoice.tax(true),
        "total_pretax_credit_amounts": [],
        "total_taxes": invoice.taxes().iter().map(Tax::show).collect::<Vec<_>>(),
    });
    show_customer(&mut shown, invoice, world);
    with_nulls(shown, NULLS)
}

fn show_customer(shown: &mut Value, invoice: &Invoice, world: &World) {
    if let Some(customer) = world.customers.find(&invoice.customer) {
        shown["customer_address"] = customer.address.clone();
        shown["customer_email"] = json!(customer.email);
        shown["customer_name"] = json!(customer.name);
        shown["customer_phone"] = json!(customer.phone);
    }
}

fn transitions(invoice: &Invoice) -> Value {
    json!({
        "finalized_at": invoice.finalized_at,
        "marked_uncollectible_at": invoice.marked_uncollectible_at,
        "paid_at": invoice.paid_at,
        "voided_at": invoice.voided_at,
    })
}

fn parent(invoice: &Invoice) -> Value {
    if invoice.subscription.is_empty() {
        return Value::Null;
    }
    let mut details = json!({
        "metadata": invoice.subscription_metadata,
        "subscription": invoice.subscription,
    });
    if let Some(date) = invoice.proration_date {
        details["subscription_proration_date"] = json!(date);
    }
    json!({
        "quote_details": null,
        "subscription_details": details,
        "type": "subscription_details",
    })
}

pub fn render_line(invoice: &Invoice, line: &Line) -> Value {
    let pricing = line.price.as_ref().map(|price| {
        json!({
            "price_details": { "price": price, "product": line.product },
            "type": "price_details",
            "unit_amount_decimal": line.unit_amount_decimal,
        })
    });
    json!({
        "id": line.id,
        "object": "line_item",
        "amount": line.amount,
        "currency": invoice.currency,
        "description": line.description,
        "discount_amounts": discounts::show_amounts(&line.discounts),
        "discountable": line.discountable,
        "discounts": line.discounts.iter().map(|(id, _)| id).collect::<Vec<_>>(),
        "invoice": invoice.id,
        "livemode": false,
        "metadata": {},
        "parent": line_parent(invoice, line),
        "period": { "end": line.period.1, "start": line.period.0 },
        "pretax_credit_amounts": [],
        "pricing": pricing,
        // The schema has whole numbers only; the exact one is beside it.
        "quantity": line.quantity.to_integer(),
        "quantity_decimal": line.quantity.to_string(),
        "subscription": subscription_of(invoice),
        "subtotal": line.amount,
        "taxes": line.taxes.iter().map(Tax::show).collect::<Vec<_>>(),
    })
}

fn subscription_of(invoice: &Invoice) -> Option<&String> {
    Some(&invoice.subscription).filter(|id| !id.is_empty())
}

fn line_parent(invoice: &Invoice, line: &Line) -> Value {
    let details = line.proration.then(|| json!({ "credited_items": null }));
    let subscription = subscription_of(invoice);
    match &line.subscription_item {
        Some(item) => json!({
            "invoice_item_details": null,
            "subscription_item_details": {
                "invoice_item": line.invoice_item,
                "proration": line.proration,
                "proration_details": details,
                "subscription": subscription,
                "subscription_item": item,
            },
            "type": "subscription_item_details",
        }),
        None => json!({
            "invoice_item_details": {
                "invoice_item": line.invoice_item,
                "proration": line.proration,
                "proration_details": details,
                "subscription": subscription,
            },
            "subscription_item_details": null,
            "type": "invoice_item_details",
        }),
    }
}

const NULLS: &[&str] = &[
    "account_tax_ids",
    "application",
    "custom_fields",
    "customer_account",
    "customer_shipping",
    "default_source",
    "from_invoice",
    "last_finalization_error",
    "latest_revision",
    "on_behalf_of",
    "receipt_number",
    "rendering",
    "shipping_cost",
    "shipping_details",
    "statement_descriptor",
    "webhooks_delivered_at",
];
