//! Payment intents: an amount asked of a customer, until it is paid.

use serde_json::{Value, json};

use super::{next_action, render_error};
use crate::{
    cards::Decline,
    params::Metadata,
    table::{Object, Table},
    world::{World, with_nulls},
};

#[derive(Clone)]
pub struct PaymentIntent {
    pub id: String,
    pub created: i64,
    pub amount: i64,
    pub currency: String,
    pub customer: Option<String>,
    pub description: Option<String>,
    pub client_secret: String,
    pub payment_method: Option<String>,
    pub status: &'static str,
    pub latest_charge: Option<String>,
    /// By which it pays an invoice, where it does.
    pub invoice_payment: Option<String>,
    /// Where the customer goes after a 3-D Secure dialogue.
    pub return_url: Option<String>,
    /// Why the last attempt failed, and the method it was made with.
    pub last_decline: Option<(&'static Decline, String)>,
    pub capture: Capture,
    pub confirmation_method: &'static str,
    /// What was captured, where that is less than all.
    pub received: Option<i64>,
    pub setup_future_usage: Option<&'static str>,
    pub receipt_email: Option<String>,
    pub shipping: Value,
    pub metadata: Metadata,
    pub canceled_at: Option<i64>,
    pub cancellation_reason: Option<&'static str>,
}

/// Whether money that is authorised is taken at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capture {
    Automatic,
    Manual,
}

impl PaymentIntent {
    /// For nothing yet.
    pub fn blank() -> Self {
        Self {
            id: String::new(),
            created: 0,
            amount: 0,
            currency: String::new(),
            customer: None,
            description: None,
            client_secret: String::new(),
            payment_method: None,
            status: "requires_payment_method",
            latest_charge: None,
            invoice_payment: None,
            return_url: None,
            last_decline: None,
            capture: Capture::Automatic,
            confirmation_method: "automatic",
            received: None,
            setup_future_usage: None,
            receipt_email: None,
            shipping: Value::Null,
            metadata: Metadata::new(),
            canceled_at: None,
            cancellation_reason: None,
        }
    }

    /// Paid or given up.
    pub fn is_settled(&self) -> bool {
        matches!(self.status, "succeeded" | "canceled")
    }
}

impl Object for PaymentIntent {
    const NOUN: &'static str = "payment_intent";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, world: &World) -> Value {
        let error = self.last_decline.as_ref().map(|(decline, method)| {
            let method = world.payment_methods.find(method).map(|method| method.render(world));
            render_error(decline, &method.unwrap_or_default(), self.latest_charge.as_ref())
        });
        let next_action = (self.status == "requires_action")
            .then(|| next_action(world, &self.id, self.return_url.as_deref()));
        let shown = json!({
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount,
            "amount_capturable": if self.status == "requires_capture" { self.amount } else { 0 },
            "amount_details": { "tip": {} },
            "amount_received": if self.status == "succeeded" {
                self.received.unwrap_or(self.amount)
            } else {
                0
            },
            "canceled_at": self.canceled_at,
            "cancellation_reason": self.cancellation_reason,
            "capture_method":
                if self.capture == Capture::Manual { "manual" } else { "automatic" },
            "client_secret": self.client_secret,
            "confirmation_method": self.confirmation_method,
            "created": self.created,
            "currency": self.currency,
            "customer": self.customer,
            "description": self.description,
            "last_payment_error": error,
            "latest_charge": self.latest_charge,
            "livemode": false,
            "metadata": self.metadata,
            "next_action": next_action,
            "payment_method": self.payment_method,
            "payment_method_options": {
                "card": {
                    "installments": null,
                    "mandate_options": null,
                    "network": null,
                    "request_three_d_secure": "automatic",
                },
            },
            "payment_method_types": ["card"],
            "receipt_email": self.receipt_email,
            "setup_future_usage": self.setup_future_usage,
            "shipping": self.shipping,
            "status": self.status,
        });
        with_nulls(shown, NULLS)
    }

    fn table(world: &World) -> &Table<Self> {
        &world.payment_intents
    }
}

const NULLS: &[&str] = &[
    "allowed_payment_method_types",
    "application",
    "application_fee_amount",
    "automatic_payment_methods",
    "customer_account",
    "excluded_payment_method_types",
    "managed_payments",
    "on_behalf_of",
    "payment_method_configuration_details",
    "payment_record",
    "processing",
    "review",
    "source",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
];
