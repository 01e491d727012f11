//! Payment methods: cards, by number or by Stripe's ready-made test ids.

mod operations;
pub mod sources;

use serde_json::{Value, json};

pub use operations::{
    attach, create, detach, from_number, list, list_of_customer, retrieve, update,
};

use crate::{
    cards::{Card, Outcome, Presence},
    error::{Error, Result},
    params::Metadata,
    table::{Object, Table},
    world::World,
};

/// The expiry of a card behind a ready-made id.
const TEST_EXPIRY: (i64, i64) = (12, 2034);

#[derive(Clone)]
pub struct PaymentMethod {
    pub id: String,
    pub created: i64,
    pub card: &'static Card,
    /// Month and year.
    expiry: (i64, i64),
    fingerprint: String,
    pub customer: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    phone: Option<String>,
    pub address: Value,
    metadata: Metadata,
    /// Its owner passed 3-D Secure with it once.
    pub authenticated: bool,
    /// Once detached it can never be used again.
    detached: bool,
}

impl Object for PaymentMethod {
    const NOUN: &'static str = "PaymentMethod";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, _: &World) -> Value {
        json!({
            "id": self.id,
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": self.billing_details(),
            "card": {
                "brand": self.card.brand,
                "checks": checks(),
                "country": "US",
                "display_brand": self.card.brand,
                "exp_month": self.expiry.0,
                "exp_year": self.expiry.1,
                "fingerprint": self.fingerprint,
                "funding": "credit",
                "generated_from": null,
                "last4": self.card.last4(),
                "networks": { "available": [self.card.brand], "preferred": null },
                "regulated_status": "unregulated",
                "three_d_secure_usage": { "supported": true },
                "wallet": null,
            },
            "created": self.created,
            "customer": self.customer,
            "customer_account": null,
            "livemode": false,
            "metadata": self.metadata,
            "type": "card",
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.payment_methods
    }
}

impl PaymentMethod {
    pub fn billing_details(&self) -> Value {
        let empty = json!({
            "city": null, "country": null, "line1": null,
            "line2": null, "postal_code": null, "state": null,
        });
        json!({
            "address": if self.address.is_null() { empty } else { self.address.clone() },
            "email": self.email,
            "name": self.name,
            "phone": self.phone,
            "tax_id": null,
        })
    }

    /// The card as a charge shows it.
    pub fn charged_card(&self) -> Value {
        json!({
            "brand": self.card.brand,
            "checks": checks(),
            "country": "US",
            "exp_month": self.expiry.0,
            "exp_year": self.expiry.1,
            "fingerprint": self.fingerprint,
            "funding": "credit",
            "last4": self.card.last4(),
            "network": self.card.brand,
            "regulated_status": "unregulated",
        })
    }

    /// # Errors
    /// It is somebody else's than `customer`'s (none: of a customer to come).
    pub fn check_owner(&self, customer: Option<&str>) -> Result<()> {
        if self.customer.is_none() || self.customer.as_deref() == customer {
            return Ok(());
        }
        Err(Error::invalid(
            "The payment method you provided has already been attached to a customer.",
        )
        .code("payment_method_unexpected_state"))
    }

    /// A card nobody owns yet.
    pub fn new(world: &mut World, card: &'static Card, expiry: (i64, i64)) -> Self {
        Self {
            id: world.ids.id("pm_"),
            created: world.now,
            card,
            expiry,
            fingerprint: world.ids.fingerprint(),
            customer: None,
            name: None,
            email: None,
            phone: None,
            address: Value::Null,
            metadata: Metadata::new(),
            authenticated: false,
            detached: false,
        }
    }
}

fn checks() -> Value {
    json!({ "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass" })
}

/// The method with this id; of a ready-made id, a new one each time.
pub fn resolve(world: &mut World, id: &str, param: &str) -> Result<PaymentMethod> {
    if let Some(card) = Card::by_test_id(id) {
        let method = PaymentMethod::new(world, card, TEST_EXPIRY);
        return Ok(method);
    }
    usable(world, id, param).cloned()
}

fn usable<'a>(world: &'a World, id: &str, param: &str) -> Result<&'a PaymentMethod> {
    let method = world.payment_methods.get(id, param)?;
    if method.detached {
        return Err(Error::invalid(
            "This PaymentMethod was previously used and detached from a customer. It may not be \
             used again.",
        )
        .code("payment_method_unexpected_state"));
    }
    Ok(method)
}

/// A method that belongs to this customer, or can come to.
///
/// # Errors
/// It belongs to somebody else, or to nobody.
pub fn of_customer<'a>(
    world: &'a World,
    id: &str,
    customer: &str,
    param: &str,
) -> Result<&'a PaymentMethod> {
    let method = world.payment_methods.get(id, param)?;
    if method.customer.as_deref() == Some(customer) {
        return Ok(method);
    }
    Err(Error::invalid(format!(
        "The customer does not have a payment method with the ID {id}. The payment method must be \
         attached to the customer."
    ))
    .code("resource_missing")
    .param(param))
}

/// # Errors
/// It is unknown, was detached, or belongs to somebody else than `customer` (none: one to come).
pub fn check_usable(world: &World, id: &str, customer: Option<&str>) -> Result<&'static Card> {
    if let Some(card) = Card::by_test_id(id) {
        return Ok(card);
    }
    let method = usable(world, id, "payment_method")?;
    method.check_owner(customer)?;
    Ok(method.card)
}

/// # Errors
/// What attaching it to `customer` (none: a new one) would answer, without doing it.
pub fn check_attachable(world: &World, id: &str, customer: Option<&str>) -> Result<()> {
    match check_usable(world, id, customer)?.save(Presence::Authenticated) {
        Outcome::Declined(decline) => Err(Error::card(decline)),
        Outcome::Paid | Outcome::NeedsAction => Ok(()),
    }
}

/// Attaches a method and answers its id, which is a new one for a ready-made id.
pub fn attach_to(world: &mut World, id: &str, customer: &str) -> Result<String> {
    check_attachable(world, id, Some(customer))?;
    let mut method = resolve(world, id, "payment_method")?;
    if method.customer.is_some() {
        return Ok(method.id);
    }
    method.customer = Some(customer.to_owned());
    Ok(announce_attached(world, method))
}

/// Attaches a method whose card has just been charged or saved for this customer; nothing where it is
/// theirs already.
pub fn attach_saved(world: &mut World, id: &str, customer: &str) {
    let Some(mut method) = world.payment_methods.find(id).cloned() else { return };
    if method.customer.is_none() {
        method.customer = Some(customer.to_owned());
        announce_attached(world, method);
    }
}

/// Keeps a method that has found its customer, and says so.
pub fn announce_attached(world: &mut World, method: PaymentMethod) -> String {
    let (id, shown) = (method.id.clone(), method.render(world));
    world.payment_methods.put(method);
    world.emit("payment_method.attached", &shown);
    id
}
