//! A customer's balance: credit for the next invoice where it is below zero, and each change of it.

use serde_json::{Value, json};

use super::change;
use crate::{
    error::{Error, Result},
    lists,
    params::Metadata,
    table::{Object, Table},
    world::{Request, World},
};

#[derive(Clone)]
pub struct BalanceTransaction {
    id: String,
    created: i64,
    pub customer: String,
    amount: i64,
    ending_balance: i64,
    currency: String,
    kind: &'static str,
    /// The invoice or credit note it comes from.
    source: Option<String>,
    description: Option<String>,
    metadata: Metadata,
}

impl BalanceTransaction {
    fn source(&self, kinds: &[&str]) -> Option<&String> {
        self.source.as_ref().filter(|_| kinds.contains(&self.kind))
    }
}

impl Object for BalanceTransaction {
    const NOUN: &'static str = "customer balance transaction";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, _: &World) -> Value {
        json!({
            "id": self.id,
            "object": "customer_balance_transaction",
            "amount": self.amount,
            "checkout_session": null,
            "created": self.created,
            "credit_note": self.source(&["credit_note"]),
            "currency": self.currency,
            "customer": self.customer,
            "customer_account": null,
            "description": self.description,
            "ending_balance": self.ending_balance,
            "invoice": self.source(&["applied_to_invoice"]),
            "livemode": false,
            "metadata": self.metadata,
            "type": self.kind,
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.customer_balance_transactions
    }
}

/// Why a balance changes.
pub struct Reason<'a> {
    /// `adjustment`, `applied_to_invoice` or `credit_note`.
    pub kind: &'static str,
    /// The invoice or credit note.
    pub source: Option<&'a str>,
}

impl Reason<'_> {
    /// By hand.
    pub const ADJUSTMENT: Self = Self { kind: "adjustment", source: None };
}

pub fn balance(world: &World, id: &str) -> i64 {
    world.customers.find(id).map_or(0, |customer| customer.balance)
}

/// Changes a balance to `balance`, and keeps why. Answers the id of the transaction; none where nothing
/// changes.
pub fn set_balance(
    world: &mut World,
    id: &str,
    balance: i64,
    currency: &str,
    reason: &Reason<'_>,
) -> Option<String> {
    let amount = balance - world.customers.find(id)?.balance;
    if amount == 0 {
        return None;
    }
    let made = BalanceTransaction {
        id: world.ids.id("cbtxn_"),
        created: world.now,
        customer: id.to_owned(),
        amount,
        ending_balance: balance,
        currency: currency.to_owned(),
        kind: reason.kind,
        source: reason.source.map(str::to_owned),
        description: None,
        metadata: Metadata::new(),
    };
    let transaction = made.id.clone();
    world.customer_balance_transactions.put(made);
    change(world, id, |customer| customer.balance = balance);
    Some(transaction)
}

/// `POST /v1/customers/{id}/balance_transactions`.
pub fn adjust(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let customer = world.customers.get(&request.id, "customer")?;
    let amount = params.integer("amount")?.filter(|amount| *amount != 0);
    let amount = amount.ok_or_else(|| params.wrong("amount", "An amount other than zero."))?;
    let currency = params.required_text("currency")?.to_ascii_lowercase();
    if customer.currency.as_ref().is_some_and(|known| *known != currency) {
        let message = "The customer is billed in another currency.";
        return Err(params.wrong("currency", message));
    }
    let balance = customer.balance.saturating_add(amount);
    let made = set_balance(world, &request.id, balance, &currency, &Reason::ADJUSTMENT);
    let made = made.ok_or_else(|| params.wrong("amount", "The balance stays as it is."))?;
    super::settle_currency(world, &request.id, &currency);
    describe(world, request, &made)
}

/// `POST /v1/customers/{customerId}/balance_transactions/{id}`.
pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let id = of_path(world, request)?.id.clone();
    describe(world, request, &id)
}

fn describe(world: &mut World, request: &Request, id: &str) -> Result<Value> {
    let params = request.params();
    let mut transaction = world.customer_balance_transactions.get(id, "id")?.clone();
    params.set_text("description", &mut transaction.description)?;
    params.merge_metadata(&mut transaction.metadata)?;
    let shown = transaction.render(world);
    world.customer_balance_transactions.put(transaction);
    Ok(shown)
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(of_path(world, request)?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let invoice = request.params().text("invoice")?;
    world.customers.get(&request.id, "customer")?;
    lists::list::<BalanceTransaction>(world, request, |transaction| {
        transaction.customer == request.id
            && (invoice.is_none() || transaction.source.as_deref() == invoice)
    })
}

/// The transaction at the end of a path that names its customer too.
fn of_path<'a>(world: &'a World, request: &Request) -> Result<&'a BalanceTransaction> {
    let found = world.customer_balance_transactions.get(&request.id, "id")?;
    if request.path.split('/').any(|word| word == found.customer) {
        return Ok(found);
    }
    Err(Error::no_such(BalanceTransaction::NOUN, &request.id, "id"))
}
