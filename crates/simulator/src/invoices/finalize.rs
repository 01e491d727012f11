//! Finalising: a draft becomes an open invoice, with a number and something to pay it with.

use super::{Invoice, InvoicePayment, Status, announce, change, collect::settle};
use crate::{
    automatic_tax::{self, AutomaticTax},
    clock::Due,
    customers::{self, Reason},
    payments::{self, Order},
    subscriptions,
    world::World,
};

const DAY: i64 = 86_400;

/// Draft to open, with a number and an intent; an invoice over nothing is paid at once.
pub fn finalize_now(world: &mut World, id: &str) {
    let Some(invoice) = world.invoices.find(id).cloned() else { return };
    if invoice.status != Status::Draft {
        return;
    }
    if invoice.automatic_tax.enabled {
        settle_tax(world, &invoice);
    }
    let Some(invoice) = world.invoices.find(id).cloned() else { return };
    let number = next_number(world, &invoice.customer);
    let metadata = world.subscriptions.find(&invoice.subscription).map(|s| s.metadata.clone());
    let now = world.now;
    let balance = customers::balance(world, &invoice.customer);
    let amount = Invoice { starting_balance: balance, ..invoice.clone() }.amount_due();
    let left = balance + invoice.total() - amount;
    let reason = Reason { kind: "applied_to_invoice", source: Some(id) };
    customers::set_balance(world, &invoice.customer, left, &invoice.currency, &reason);
    change(world, id, |invoice| {
        invoice.starting_balance = balance;
        invoice.ending_balance = Some(left);
        invoice.status = Status::Open;
        invoice.number = number;
        invoice.finalized_at = Some(now);
        invoice.due_date = invoice.days_until_due.map(|days| now + days * DAY);
        invoice.next_step_at = None;
        if let Some(metadata) = metadata {
            invoice.subscription_metadata = metadata;
        }
    });
    announce(world, "invoice.finalized", id);
    if amount == 0 {
        settle(world, id);
        return;
    }
    if let Some(days) = invoice.days_until_due {
        world.agenda.add(now + days * DAY, Due::PaymentDeadline(id.to_owned()));
    }
    let description = match invoice.billing_reason {
        "subscription_create" => "Subscription creation",
        "manual" => "Payment for Invoice",
        _ => "Subscription update",
    };
    let intent = payments::open(
        world,
        &Order {
            customer: Some(&invoice.customer),
            amount,
            currency: &invoice.currency,
            description,
        },
    );
    change(world, id, |invoice| invoice.payment_intent = Some(intent.clone()));
    let payment = InvoicePayment {
        id: world.ids.id("inpay_"),
        created: now,
        invoice: id.to_owned(),
        payment_intent: intent,
        amount,
        currency: invoice.currency,
        status: "open",
        settled_at: None,
    };
    let (intent, id) = (payment.payment_intent.clone(), payment.id.clone());
    world.payment_intents.change(&intent, |intent| intent.invoice_payment = Some(id));
    world.invoice_payments.put(payment);
}

/// Tax is worked out anew when an invoice is finalised. Where the country is gone, tax is switched off,
/// so that the payments go on.
fn settle_tax(world: &mut World, invoice: &Invoice) {
    let country = customers::country(world, &invoice.customer).map(str::to_owned);
    let mut lines = invoice.lines.clone();
    automatic_tax::apply(world, country.as_deref(), &mut lines);
    let lost = AutomaticTax { enabled: false, lost_location: true };
    change(world, &invoice.id, |invoice| {
        invoice.lines = lines;
        if country.is_none() {
            invoice.automatic_tax = lost;
        }
    });
    if country.is_none() {
        subscriptions::change(world, &invoice.subscription, |stored| stored.automatic_tax = lost);
    }
}

/// `ABCDEFGH-0001`: the customer's prefix and their next number.
fn next_number(world: &mut World, customer: &str) -> Option<String> {
    let mut number = None;
    world.customers.change(customer, |customer| {
        number = Some(format!("{}-{:04}", customer.invoice_prefix, customer.next_invoice));
        customer.next_invoice += 1;
    });
    number
}
