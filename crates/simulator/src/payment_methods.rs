//! Payment methods: cards, by number or by Stripe's ready-made test ids.

use serde_json::{Value, json};

use crate::{
    cards::{Card, Outcome, Presence},
    customers,
    error::{Error, Result},
    lists,
    params::{Metadata, Params},
    table::{Object, Table},
    world::{Request, World},
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
    address: Value,
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
    let method = world.payment_methods.get(id, param)?;
    if method.detached {
        return Err(Error::invalid(
            "This PaymentMethod was previously used and detached from a customer. It may not be \
             used again.",
        )
        .code("payment_method_unexpected_state"));
    }
    Ok(method.clone())
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
/// What attaching it would answer, without doing it.
pub fn check_attachable(world: &World, id: &str) -> Result<()> {
    let card = match Card::by_test_id(id) {
        Some(card) => card,
        None => world.payment_methods.get(id, "payment_method")?.card,
    };
    match card.save(Presence::Authenticated) {
        Outcome::Declined(decline) => Err(Error::card(decline)),
        Outcome::Paid | Outcome::NeedsAction => Ok(()),
    }
}

/// Attaches a method and answers its id, which is a new one for a ready-made id.
pub fn attach_to(world: &mut World, id: &str, customer: &str) -> Result<String> {
    check_attachable(world, id)?;
    let mut method = resolve(world, id, "payment_method")?;
    match method.customer.as_deref() {
        Some(owner) if owner == customer => return Ok(method.id),
        Some(_) => {
            return Err(Error::invalid(
                "The payment method you provided has already been attached to a customer.",
            )
            .code("payment_method_unexpected_state"));
        }
        None => method.customer = Some(customer.to_owned()),
    }
    Ok(announce_attached(world, method))
}

/// Keeps a method that has found its customer, and says so.
pub fn announce_attached(world: &mut World, method: PaymentMethod) -> String {
    let (id, shown) = (method.id.clone(), method.render(world));
    world.payment_methods.put(method);
    world.emit("payment_method.attached", &shown);
    id
}

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let kind = params.required_text("type")?;
    if kind != "card" {
        return Err(Error::not_simulated(format!(
            "The simulator knows payment methods of type `card` only, not `{kind}`."
        ))
        .param("type"));
    }
    let card = params.object("card")?.ok_or_else(|| Error::parameter_missing("card"))?;
    let mut method = read_card(world, &card)?;
    if let Some(details) = params.object("billing_details")? {
        details.only(&["address", "email", "name", "phone"], &["tax_id"])?;
        details.set_text("email", &mut method.email)?;
        details.set_text("name", &mut method.name)?;
        details.set_text("phone", &mut method.phone)?;
        method.address = customers::read_address(&details)?;
    }
    params.merge_metadata(&mut method.metadata)?;
    let shown = method.render(world);
    world.payment_methods.put(method);
    Ok(shown)
}

fn read_card(world: &mut World, params: &Params<'_>) -> Result<PaymentMethod> {
    params.only(&["cvc", "exp_month", "exp_year", "number", "token"], &["networks"])?;
    if let Some(token) = params.text("token")? {
        let card = Card::by_test_id(token).filter(|_| token.starts_with("tok_"));
        let card = card.ok_or_else(|| Error::no_such("token", token, "card[token]"))?;
        return Ok(PaymentMethod::new(world, card, TEST_EXPIRY));
    }
    let number = params.required_text("number")?;
    let month = params.integer("exp_month")?;
    let month = month.ok_or_else(|| Error::parameter_missing("card[exp_month]"))?;
    let year = params.integer("exp_year")?;
    let year = year.ok_or_else(|| Error::parameter_missing("card[exp_year]"))?;
    from_number(world, number, (month, year), params.text("cvc")?)
}

/// A card as a person types it.
///
/// # Errors
/// `card_error`s: an unknown or impossible number, a past expiry, a code of the wrong length.
pub fn from_number(
    world: &mut World,
    number: &str,
    (month, year): (i64, i64),
    cvc: Option<&str>,
) -> Result<PaymentMethod> {
    let card = Card::by_number(number)?;
    let refuse = |code, param, message| Err(Error::card_entry(code, param, message));
    if !(1..=12).contains(&month) {
        return refuse(
            "invalid_expiry_month",
            "exp_month",
            "Your card's expiration month is invalid.",
        );
    }
    let year = if year < 100 { year + 2000 } else { year };
    if (year, month) < crate::calendar::year_and_month(world.now) {
        return refuse(
            "invalid_expiry_year",
            "exp_year",
            "Your card's expiration year is invalid.",
        );
    }
    let is_code =
        |cvc: &str| (3..=4).contains(&cvc.len()) && cvc.bytes().all(|byte| byte.is_ascii_digit());
    if cvc.is_some_and(|cvc| !is_code(cvc)) {
        return refuse("invalid_cvc", "cvc", "Your card's security code is invalid.");
    }
    Ok(PaymentMethod::new(world, card, (month, year)))
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.payment_methods.get(&request.id, "payment_method")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let customer = params.text("customer")?;
    if let Some(customer) = customer {
        world.customers.get(customer, "customer")?;
    }
    list_for(world, request, customer)
}

/// `GET /v1/customers/{id}/payment_methods`.
pub fn list_of_customer(world: &mut World, request: &Request) -> Result<Value> {
    world.customers.get(&request.id, "customer")?;
    list_for(world, request, Some(&request.id))
}

fn list_for(world: &World, request: &Request, customer: Option<&str>) -> Result<Value> {
    let kind = request.params().text("type")?;
    lists::list::<PaymentMethod>(world, request, |method| {
        (customer.is_none() || method.customer.as_deref() == customer)
            && kind.is_none_or(|kind| kind == "card")
    })
}

pub fn attach(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let customer = params.required_text("customer")?;
    world.customers.get(customer, "customer")?;
    let id = attach_to(world, &request.id, customer)?;
    Ok(world.payment_methods.get(&id, "payment_method")?.render(world))
}

pub fn detach(world: &mut World, request: &Request) -> Result<Value> {
    let mut method = world.payment_methods.get(&request.id, "payment_method")?.clone();
    let Some(customer) = method.customer.take() else {
        return Err(Error::invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
        ));
    };
    let before = world.payment_methods.get(&request.id, "payment_method")?.render(world);
    method.detached = true;
    world.payment_methods.put(method);
    world.customers.change(&customer, |customer| {
        customer.default_payment_method.take_if(|default| *default == request.id);
    });
    let after = world.payment_methods.get(&request.id, "payment_method")?.render(world);
    world.emit_update("payment_method.detached", &before, &after);
    Ok(after)
}
