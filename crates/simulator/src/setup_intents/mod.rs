//! Setup intents: a card saved for later, without a charge.

mod operations;

use serde_json::{Value, json};

pub use operations::{authenticated, cancel, confirm, create, list, open, retrieve};

use crate::{
    cards::Decline,
    params::Metadata,
    payments,
    table::{Object, Table},
    world::{World, with_nulls},
};

#[derive(Clone)]
pub struct SetupIntent {
    pub id: String,
    pub created: i64,
    pub customer: Option<String>,
    pub description: Option<String>,
    pub client_secret: String,
    pub payment_method: Option<String>,
    pub status: &'static str,
    pub usage: &'static str,
    /// As given, where it was.
    pub automatic_payment_methods: Value,
    pub allowed_payment_method_types: Option<Vec<String>>,
    pub cancellation_reason: Option<&'static str>,
    /// Where the customer goes after a 3-D Secure dialogue.
    pub return_url: Option<String>,
    /// Why the last attempt failed, and the method it was made with.
    pub last_decline: Option<(&'static Decline, String)>,
    pub metadata: Metadata,
}

impl Object for SetupIntent {
    const NOUN: &'static str = "setupintent";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, world: &World) -> Value {
        let error = self.last_decline.as_ref().map(|(decline, method)| {
            let method = world.payment_methods.find(method).map(|method| method.render(world));
            payments::render_error(decline, &method.unwrap_or_default(), None)
        });
        let next_action = (self.status == "requires_action")
            .then(|| payments::next_action(world, &self.id, self.return_url.as_deref()));
        let shown = json!({
            "id": self.id,
            "object": "setup_intent",
            "allowed_payment_method_types": self.allowed_payment_method_types,
            "automatic_payment_methods": self.automatic_payment_methods,
            "cancellation_reason": self.cancellation_reason,
            "client_secret": self.client_secret,
            "created": self.created,
            "customer": self.customer,
            "description": self.description,
            "last_setup_error": error,
            "livemode": false,
            "metadata": self.metadata,
            "next_action": next_action,
            "payment_method": self.payment_method,
            "payment_method_options": {
                "card": {
                    "mandate_options": null,
                    "network": null,
                    "request_three_d_secure": "automatic",
                },
            },
            "payment_method_types": ["card"],
            "status": self.status,
            "usage": self.usage,
        });
        with_nulls(shown, NULLS)
    }

    fn table(world: &World) -> &Table<Self> {
        &world.setup_intents
    }
}

const NULLS: &[&str] = &[
    "application",
    "customer_account",
    "excluded_payment_method_types",
    "flow_directions",
    "latest_attempt",
    "managed_payments",
    "mandate",
    "on_behalf_of",
    "payment_method_configuration_details",
    "single_use_mandate",
];
