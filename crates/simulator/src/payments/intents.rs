//! Payment intents: an amount asked of a customer, until it is paid.

use serde_json::{Value, json};

use super::{next_action, render_error};
use crate::{
    cards::Decline,
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
    pub description: String,
    pub client_secret: String,
    pub payment_method: Option<String>,
    pub status: &'static str,
    pub latest_charge: Option<String>,
    /// Where the customer goes after a 3-D Secure dialogue.
    pub return_url: Option<String>,
    /// Why the last attempt failed, and the method it was made with.
    pub last_decline: Option<(&'static Decline, String)>,
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
            "amount_capturable": 0,
            "amount_details": { "tip": {} },
            "amount_received": if self.status == "succeeded" { self.amount } else { 0 },
            "capture_method": "automatic",
            "client_secret": self.client_secret,
            "confirmation_method": "automatic",
            "created": self.created,
            "currency": self.currency,
            "customer": self.customer,
            "description": self.description,
            "last_payment_error": error,
            "latest_charge": self.latest_charge,
            "livemode": false,
            "metadata": {},
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
            "setup_future_usage": "off_session",
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
    "canceled_at",
    "cancellation_reason",
    "customer_account",
    "excluded_payment_method_types",
    "managed_payments",
    "on_behalf_of",
    "payment_method_configuration_details",
    "payment_record",
    "processing",
    "receipt_email",
    "review",
    "shipping",
    "source",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
];
