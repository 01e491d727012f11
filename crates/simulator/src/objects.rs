//! Looking inside: all objects of a kind, for tests and the curious.

use serde_json::Value;

use crate::{
    catalog::{Meter, Price, Product},
    checkout::Session,
    customers::Customer,
    events::Event,
    invoice_items::InvoiceItem,
    invoices::{Invoice, InvoicePayment},
    payment_methods::PaymentMethod,
    payments::{Charge, PaymentIntent},
    setup_intents::SetupIntent,
    subscriptions::Subscription,
    table::Object,
    webhook_endpoints::WebhookEndpoint,
    world::World,
};

impl World {
    /// Objects of one kind, as the API shows them, in order of creation.
    pub fn objects(&self, kind: &str) -> Vec<Value> {
        match kind {
            "customer" => self.all::<Customer>(),
            "product" => self.all::<Product>(),
            "price" => self.all::<Price>(),
            "billing.meter" => self.all::<Meter>(),
            "checkout.session" => self.all::<Session>(),
            "payment_method" => self.all::<PaymentMethod>(),
            "payment_intent" => self.all::<PaymentIntent>(),
            "setup_intent" => self.all::<SetupIntent>(),
            "charge" => self.all::<Charge>(),
            "subscription" => self.all::<Subscription>(),
            "invoice" => self.all::<Invoice>(),
            "invoiceitem" => self.all::<InvoiceItem>(),
            "invoice_payment" => self.all::<InvoicePayment>(),
            "event" => self.all::<Event>(),
            "webhook_endpoint" => self.all::<WebhookEndpoint>(),
            _ => Vec::new(),
        }
    }

    fn all<T: Object>(&self) -> Vec<Value> {
        T::table(self).rows().iter().map(|row| row.render(self)).collect()
    }
}
