//! Charges: one attempt to take money from a card, kept whether it went well or not.

use serde_json::{Value, json};

use super::Capture;
use crate::{
    balance_transactions::{self, Kind},
    cards::{Behaviour, Card, Decline},
    funds,
    params::Metadata,
    payment_methods::PaymentMethod,
    table::{Object, Table},
    world::{World, with_nulls},
};

#[derive(Clone)]
pub struct Charge {
    id: String,
    created: i64,
    amount: i64,
    pub amount_refunded: i64,
    pub currency: String,
    description: Option<String>,
    pub customer: Option<String>,
    pub payment_intent: String,
    /// As it was when charged.
    method: PaymentMethod,
    decline: Option<&'static Decline>,
    /// None while it is only authorised.
    captured: Option<i64>,
    disputed: bool,
    balance_transaction: Option<String>,
    metadata: Metadata,
    shipping: Value,
    receipt_email: Option<String>,
}

/// A charge of the intent's whole amount, not yet announced.
pub fn add(
    world: &mut World,
    intent: &str,
    method: &PaymentMethod,
    decline: Option<&'static Decline>,
) -> String {
    let id = world.ids.id("ch_");
    let Some(intent) = world.payment_intents.find(intent) else { return id };
    let charge = Charge {
        id: id.clone(),
        created: world.now,
        amount: intent.amount,
        amount_refunded: 0,
        currency: intent.currency.clone(),
        description: intent.description.clone(),
        customer: intent.customer.clone(),
        payment_intent: intent.id.clone(),
        method: method.clone(),
        decline,
        captured: None,
        disputed: false,
        balance_transaction: None,
        metadata: intent.metadata.clone(),
        shipping: intent.shipping.clone(),
        receipt_email: intent.receipt_email.clone(),
    };
    let takes_at_once = intent.capture == Capture::Automatic && decline.is_none();
    let amount = intent.amount;
    world.charges.put(charge);
    if takes_at_once {
        capture(world, &id, amount);
    }
    id
}

/// Takes the money of an authorised charge; what is not taken is given back.
pub fn capture(world: &mut World, id: &str, amount: i64) {
    let Some(charge) = world.charges.find(id).cloned() else { return };
    let transaction = balance_transactions::add(
        world,
        Kind::Charge,
        amount,
        &charge.currency,
        id,
        charge.description.as_deref(),
    );
    if matches!(charge.method.card.behaviour, Behaviour::SettlesAtOnce) {
        funds::settle_now(world, &transaction);
    }
    world.charges.change(id, |charge| {
        charge.captured = Some(amount);
        charge.amount_refunded = charge.amount - amount;
        charge.balance_transaction = Some(transaction);
    });
}

/// Its bank wants the money back, or asks about it.
pub fn set_disputed(world: &mut World, id: &str) {
    world.charges.change(id, |charge| charge.disputed = true);
}

pub fn announce_as(world: &mut World, kind: &'static str, id: &str) {
    if let Some(shown) = world.charges.find(id).map(|charge| charge.render(world)) {
        world.emit(kind, &shown);
    }
}

pub fn announce(world: &mut World, id: &str) {
    let is_paid = world.charges.find(id).is_some_and(Charge::is_paid);
    announce_as(world, if is_paid { "charge.succeeded" } else { "charge.failed" }, id);
}

impl Charge {
    /// What can still be given back.
    pub fn left_to_refund(&self) -> i64 {
        self.amount - self.amount_refunded
    }

    pub fn is_paid(&self) -> bool {
        self.decline.is_none()
    }

    pub fn brand(&self) -> &'static str {
        self.method.card.brand
    }

    /// The card it was charged to.
    pub fn card(&self) -> &'static Card {
        self.method.card
    }

    fn outcome(&self) -> Value {
        let (status, kind, message) = match self.decline {
            None => ("approved_by_network", "authorized", "Payment complete."),
            Some(_) => (
                "declined_by_network",
                "issuer_declined",
                "The bank did not return any further details with this decline.",
            ),
        };
        json!({
            "advice_code": null,
            "network_advice_code": null,
            "network_decline_code": null,
            "network_status": status,
            "reason": self.decline.map(|decline| decline.reason),
            "risk_level": "normal",
            "risk_score": 20,
            "seller_message": message,
            "type": kind,
        })
    }
}

impl Object for Charge {
    const NOUN: &'static str = "charge";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, _: &World) -> Value {
        let paid = self.decline.is_none();
        let mut card = with_nulls(self.method.charged_card(), NULLS_OF_CARD);
        card["amount_authorized"] = json!(paid.then_some(self.amount));
        let shown = json!({
            "id": self.id,
            "object": "charge",
            "amount": self.amount,
            "amount_captured": self.captured.unwrap_or(0),
            "amount_refunded": self.amount_refunded,
            "billing_details": self.method.billing_details(),
            "calculated_statement_descriptor": "SIMULATOR",
            "balance_transaction": self.balance_transaction,
            "captured": self.captured.is_some(),
            "created": self.created,
            "currency": self.currency,
            "customer": self.customer,
            "description": self.description,
            "disputed": self.disputed,
            "failure_code": self.decline.map(|decline| decline.code),
            "failure_message": self.decline.map(|decline| decline.message),
            "fraud_details": {},
            "livemode": false,
            "metadata": self.metadata,
            "outcome": self.outcome(),
            "paid": paid,
            "payment_intent": self.payment_intent,
            "payment_method": self.method.id,
            "payment_method_details": { "card": card, "type": "card" },
            "receipt_email": self.receipt_email,
            "shipping": self.shipping,
            "refunded": paid && self.amount_refunded == self.amount,
            "status": if paid { "succeeded" } else { "failed" },
        });
        with_nulls(shown, NULLS)
    }

    fn table(world: &World) -> &Table<Self> {
        &world.charges
    }
}

const NULLS: &[&str] = &[
    "application",
    "application_fee",
    "application_fee_amount",
    "failure_balance_transaction",
    "on_behalf_of",
    "receipt_number",
    "receipt_url",
    "review",
    "source",
    "source_transfer",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
];

const NULLS_OF_CARD: &[&str] = &[
    "amount_authorized",
    "authorization_code",
    "electronic_commerce_indicator",
    "installments",
    "mandate",
    "network_transaction_id",
    "three_d_secure",
    "transaction_link_id",
    "wallet",
];
