//! Customers.

pub mod balance;
pub mod cash;

pub use balance::{BalanceTransaction, Reason, balance, set_balance};
pub use cash::CashTransaction;

use serde_json::{Value, json};

use crate::{
    error::Result,
    lists,
    params::{Metadata, Params},
    payment_methods::{self, sources},
    subscriptions,
    table::{Object, Table},
    test_clocks,
    world::{Request, World, with_nulls},
};

#[derive(Clone, Default)]
pub struct Customer {
    pub id: String,
    pub created: i64,
    pub email: Option<String>,
    pub name: Option<String>,
    pub phone: Option<String>,
    pub description: Option<String>,
    pub address: Value,
    pub metadata: Metadata,
    pub default_payment_method: Option<String>,
    /// A card given as a source, asked where there is no default payment method.
    pub default_source: Option<String>,
    /// Set by the first subscription or invoice.
    pub currency: Option<String>,
    /// Below zero it is credit for the next invoice.
    pub balance: i64,
    /// A charge failed and has not been made up for.
    pub delinquent: bool,
    pub invoice_prefix: String,
    pub next_invoice: u32,
    /// The clock the customer lives by.
    pub test_clock: Option<String>,
    pub deleted: bool,
}

impl Object for Customer {
    const NOUN: &'static str = "customer";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn is_deleted(&self) -> bool {
        self.deleted
    }

    fn render(&self, _: &World) -> Value {
        if self.deleted {
            return json!({ "id": self.id, "object": "customer", "deleted": true });
        }
        let shown = json!({
            "id": self.id,
            "object": "customer",
            "address": self.address,
            "balance": self.balance,
            "created": self.created,
            "currency": self.currency,
            "default_source": self.default_source,
            "delinquent": self.delinquent,
            "description": self.description,
            "email": self.email,
            "invoice_prefix": self.invoice_prefix,
            "invoice_settings": {
                "custom_fields": null,
                "default_payment_method": self.default_payment_method,
                "footer": null,
                "rendering_options": null,
            },
            "livemode": false,
            "metadata": self.metadata,
            "name": self.name,
            "next_invoice_sequence": self.next_invoice,
            "phone": self.phone,
            "preferred_locales": [],
            "tax_exempt": "none",
            "test_clock": self.test_clock,
        });
        with_nulls(shown, &["customer_account", "discount", "shipping"])
    }

    fn table(world: &World) -> &Table<Self> {
        &world.customers
    }
}

impl Customer {
    /// The card that is charged where nothing else is said.
    pub fn payment_method(&self) -> Option<String> {
        self.default_payment_method.clone().or_else(|| self.default_source.clone())
    }
}

/// A new customer, announced.
pub fn add(world: &mut World, customer: Customer) -> String {
    let id = world.ids.id("cus_");
    let customer = Customer {
        id: id.clone(),
        created: world.now,
        invoice_prefix: world.ids.invoice_prefix(),
        next_invoice: 1,
        ..customer
    };
    let shown = customer.render(world);
    world.customers.put(customer);
    world.emit("customer.created", &shown);
    id
}

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut customer = Customer::default();
    read(&params, &mut customer)?;
    if let Some(clock) = params.text("test_clock")? {
        test_clocks::check_customer(world, clock)?;
        customer.test_clock = Some(clock.to_owned());
    }
    let settings = params.object("invoice_settings")?;
    if let Some(settings) = &settings {
        settings.only(&["default_payment_method"], STRIPES_INVOICE_SETTINGS)?;
    }
    let default = match settings {
        Some(settings) => settings.text("default_payment_method")?,
        None => None,
    };
    let method = default.or(params.text("payment_method")?);
    if let Some(method) = method {
        payment_methods::check_attachable(world, method, None)?;
    }
    let source = params.text("source")?.map(sources::check).transpose()?;
    let id = add(world, customer);
    if let Some(card) = source {
        let source = sources::add(world, &id, card);
        world.customers.change(&id, |customer| customer.default_source = Some(source));
    }
    read_balance(world, &params, &id)?;
    if let Some(method) = method {
        let attached = payment_methods::attach_to(world, method, &id)?;
        if default.is_some() {
            world
                .customers
                .change(&id, |customer| customer.default_payment_method = Some(attached));
        }
    }
    Ok(world.customers.get(&id, "id")?.render(world))
}

const STRIPES_INVOICE_SETTINGS: &[&str] = &["custom_fields", "footer", "rendering_options"];

fn read(params: &Params<'_>, customer: &mut Customer) -> Result<()> {
    params.set_text("email", &mut customer.email)?;
    if let Some(email) = params.text("email")?
        && !email.contains('@')
    {
        return Err(params
            .wrong("email", &format!("Invalid email address: {email}"))
            .code("email_invalid"));
    }
    params.set_text("name", &mut customer.name)?;
    params.set_text("phone", &mut customer.phone)?;
    params.set_text("description", &mut customer.description)?;
    if params.has("address") {
        customer.address = read_address(params)?;
    }
    params.merge_metadata(&mut customer.metadata)
}

/// `balance`, which is kept as a transaction.
fn read_balance(world: &mut World, params: &Params<'_>, id: &str) -> Result<()> {
    let Some(balance) = params.integer("balance")? else { return Ok(()) };
    let currency = world.customers.find(id).and_then(|customer| customer.currency.clone());
    let currency = currency.unwrap_or_else(|| "usd".to_owned());
    set_balance(world, id, balance, &currency, &Reason::ADJUSTMENT);
    Ok(())
}

/// All of an address's keys, or `null`.
pub fn read_address(params: &Params<'_>) -> Result<Value> {
    const KEYS: [&str; 6] = ["city", "country", "line1", "line2", "postal_code", "state"];
    let Some(address) = params.object("address")? else { return Ok(Value::Null) };
    address.only(&KEYS, &[])?;
    let mut shown = json!({});
    for key in KEYS {
        shown[key] = json!(address.text(key)?);
    }
    Ok(shown)
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    // A deleted customer is still shown, as deleted.
    match world.customers.find(&request.id) {
        Some(customer) => Ok(customer.render(world)),
        None => Ok(world.customers.get(&request.id, "id")?.render(world)),
    }
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let (email, clock) = (params.text("email")?, params.text("test_clock")?);
    lists::list::<Customer>(world, request, |customer| {
        (email.is_none() || customer.email.as_deref() == email)
            && customer.test_clock.as_deref() == clock
    })
}

pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut customer = world.customers.get(&request.id, "id")?.clone();
    let before = customer.render(world);
    read(&params, &mut customer)?;
    if let Some(settings) = params.object("invoice_settings")? {
        settings.only(&["default_payment_method"], STRIPES_INVOICE_SETTINGS)?;
        if let Some(method) = settings.text("default_payment_method")? {
            let name = settings.name("default_payment_method");
            payment_methods::of_customer(world, method, &customer.id, &name)?;
        }
        settings.set_text("default_payment_method", &mut customer.default_payment_method)?;
    }
    let source = params.text("source")?.map(sources::check).transpose()?;
    if let Some(source) = params.text("default_source")? {
        payment_methods::of_customer(world, source, &customer.id, "default_source")?;
        customer.default_source = Some(source.to_owned());
    }
    let after = customer.render(world);
    world.customers.put(customer);
    world.emit_update("customer.updated", &before, &after);
    if let Some(card) = source {
        let source = sources::add(world, &request.id, card);
        set_source(world, &request.id, &source, true);
    }
    read_balance(world, &params, &request.id)?;
    retrieve(world, request)
}

pub fn delete(world: &mut World, request: &Request) -> Result<Value> {
    world.customers.get(&request.id, "id")?;
    delete_now(world, &request.id);
    retrieve(world, request)
}

/// A customer's subscriptions end with them.
pub fn delete_now(world: &mut World, id: &str) {
    let Some(shown) = world.customers.find(id).map(|customer| customer.render(world)) else {
        return;
    };
    subscriptions::cancel_all_of(world, id);
    world.customers.change(id, |customer| customer.deleted = true);
    world.emit("customer.deleted", &shown);
}

/// The first subscription settles in which currency a customer is billed.
pub fn settle_currency(world: &mut World, id: &str, currency: &str) {
    change(world, id, |customer| {
        customer.currency.get_or_insert_with(|| currency.to_owned());
    });
}

/// Where the customer lives, as a code of two letters.
pub fn country<'a>(world: &'a World, id: &str) -> Option<&'a str> {
    country_of(&world.customers.find(id)?.address)
}

pub fn country_of(address: &Value) -> Option<&str> {
    address["country"].as_str().filter(|country| country.len() == 2)
}

/// An address of which only the country is known.
pub fn address_in(country: &str) -> Value {
    json!({
        "city": null, "country": country, "line1": null,
        "line2": null, "postal_code": null, "state": null,
    })
}

/// What a checkout learned of its customer.
pub fn learn(world: &mut World, id: &str, address: Option<Value>, name: Option<String>) {
    change(world, id, |customer| {
        if let Some(address) = address {
            customer.address = address;
        }
        if name.is_some() {
            customer.name = name;
        }
    });
}

pub fn set_delinquent(world: &mut World, id: &str, delinquent: bool) {
    change(world, id, |customer| customer.delinquent = delinquent);
}

/// A card given as a source becomes the default where there is none, or where it `replaces` that.
pub fn set_source(world: &mut World, id: &str, source: &str, replaces: bool) {
    change(world, id, |customer| {
        if replaces || customer.default_source.is_none() {
            customer.default_source = Some(source.to_owned());
        }
    });
}

/// A detached method is no default any more.
pub fn forget_payment_method(world: &mut World, id: &str, method: &str) {
    change(world, id, |customer| {
        customer.default_payment_method.take_if(|default| default == method);
        customer.default_source.take_if(|default| default == method);
    });
}

fn change(world: &mut World, id: &str, change: impl FnOnce(&mut Customer)) {
    let Some(customer) = world.customers.find(id).filter(|customer| !customer.deleted) else {
        return;
    };
    let before = customer.render(world);
    let mut customer = customer.clone();
    change(&mut customer);
    let after = customer.render(world);
    world.customers.put(customer);
    world.emit_update("customer.updated", &before, &after);
}
