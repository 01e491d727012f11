//! Invoice payments: which intent pays which invoice.

use serde_json::{Value, json};

use crate::{
    error::Result,
    lists,
    table::{Object, Table},
    world::{Request, World},
};

#[derive(Clone)]
pub struct InvoicePayment {
    pub id: String,
    pub created: i64,
    pub invoice: String,
    pub payment_intent: String,
    pub amount: i64,
    pub currency: String,
    /// `open`, `paid` or `canceled`.
    pub status: &'static str,
    pub settled_at: Option<i64>,
}

impl Object for InvoicePayment {
    const NOUN: &'static str = "invoice_payment";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, _: &World) -> Value {
        let settled_as = |status| self.settled_at.filter(|_| self.status == status);
        json!({
            "id": self.id,
            "object": "invoice_payment",
            "amount_paid": settled_as("paid").map(|_| self.amount),
            "amount_requested": self.amount,
            "created": self.created,
            "currency": self.currency,
            "invoice": self.invoice,
            "is_default": true,
            "livemode": false,
            "payment": { "payment_intent": self.payment_intent, "type": "payment_intent" },
            "status": self.status,
            "status_transitions": {
                "canceled_at": settled_as("canceled"),
                "paid_at": settled_as("paid"),
            },
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.invoice_payments
    }
}

/// The invoice's own payment; none where nothing was due.
fn of_invoice<'a>(world: &'a World, invoice: &str) -> Option<&'a InvoicePayment> {
    of_intent(world, world.invoices.find(invoice)?.payment_intent.as_ref()?)
}

fn of_intent<'a>(world: &'a World, intent: &str) -> Option<&'a InvoicePayment> {
    world.invoice_payments.find(world.payment_intents.find(intent)?.invoice_payment.as_ref()?)
}

/// The invoice that this intent is to pay.
pub fn paid_by(world: &World, intent: &str) -> Option<String> {
    of_intent(world, intent).map(|payment| payment.invoice.clone())
}

/// Another amount is to be paid.
pub fn change_amount(world: &mut World, invoice: &str, amount: i64) {
    if let Some(id) = of_invoice(world, invoice).map(|payment| payment.id.clone()) {
        world.invoice_payments.change(&id, |payment| payment.amount = amount);
    }
}

/// Settles the invoice's payment, where it is open, and shows it.
pub fn settle(world: &mut World, invoice: &str, status: &'static str) -> Option<Value> {
    let now = world.now;
    let id = of_invoice(world, invoice).filter(|payment| payment.status == "open")?.id.clone();
    world.invoice_payments.change(&id, |payment| {
        payment.status = status;
        payment.settled_at = Some(now);
    });
    world.invoice_payments.find(&id).map(|payment| payment.render(world))
}

/// `invoice.payments`, shown only on demand.
pub fn payments_of(world: &World, invoice: &str) -> Value {
    let data = of_invoice(world, invoice).map(|payment| payment.render(world));
    let url = format!("/v1/invoice_payments?invoice={invoice}");
    lists::whole(data.into_iter().collect(), &url)
}

/// `invoice.confirmation_secret`, shown only on demand: the intent's client secret.
pub fn confirmation_secret(world: &World, invoice: &str) -> Value {
    let intent = world.invoices.find(invoice).and_then(|invoice| invoice.payment_intent.as_ref());
    match intent.and_then(|intent| world.payment_intents.find(intent)) {
        Some(intent) => json!({ "client_secret": intent.client_secret, "type": "payment_intent" }),
        None => Value::Null,
    }
}

pub fn retrieve_payment(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.invoice_payments.get(&request.id, "invoice_payment")?.render(world))
}

pub fn list_payments(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let invoice = params.text("invoice")?;
    let status = params.choice("status", &["canceled", "open", "paid"])?;
    let mut intent = None;
    if let Some(payment) = params.object("payment")? {
        payment.only(&["payment_intent", "type"], &["charge", "payment_record"])?;
        payment.choice("type", &["payment_intent"])?;
        intent = payment.text("payment_intent")?;
    }
    lists::list::<InvoicePayment>(world, request, |payment| {
        invoice.is_none_or(|invoice| payment.invoice == invoice)
            && status.is_none_or(|status| payment.status == status)
            && intent.is_none_or(|intent| payment.payment_intent == intent)
    })
}
