//! The cash balance: money a customer has sent by bank transfer. The simulator keeps it, and pays
//! nothing with it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    error::{Error, Result},
    lists,
    table::{Object, Table},
    world::{Request, World},
};

/// What came of one bank transfer.
#[derive(Clone)]
pub struct CashTransaction {
    id: String,
    created: i64,
    customer: String,
    amount: i64,
    currency: String,
    /// In this currency, with this transfer.
    balance: i64,
    reference: Option<String>,
}

impl Object for CashTransaction {
    const NOUN: &'static str = "customer cash balance transaction";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, _: &World) -> Value {
        json!({
            "id": self.id,
            "object": "customer_cash_balance_transaction",
            "created": self.created,
            "currency": self.currency,
            "customer": self.customer,
            "customer_account": null,
            "ending_balance": self.balance,
            "funded": {
                "bank_transfer": { "reference": self.reference, "type": transfer_type(&self.currency) },
            },
            "livemode": false,
            "net_amount": self.amount,
            "type": "funded",
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.cash_transactions
    }
}

fn transfer_type(currency: &str) -> &'static str {
    match currency {
        "eur" => "eu_bank_transfer",
        "gbp" => "gb_bank_transfer",
        "jpy" => "jp_bank_transfer",
        "mxn" => "mx_bank_transfer",
        _ => "us_bank_transfer",
    }
}

/// The last balance in each currency.
fn balances<'a>(world: &'a World, customer: &str) -> BTreeMap<&'a str, i64> {
    let of_customer = world.cash_transactions.rows().iter().filter(|t| t.customer == customer);
    of_customer.map(|transaction| (transaction.currency.as_str(), transaction.balance)).collect()
}

fn render(world: &World, customer: &str) -> Value {
    let available = balances(world, customer);
    json!({
        "object": "cash_balance",
        "available": (!available.is_empty()).then_some(available),
        "customer": customer,
        "customer_account": null,
        "livemode": false,
        "settings": { "reconciliation_mode": "automatic", "using_merchant_default": true },
    })
}

/// `POST /v1/test_helpers/customers/{id}/fund_cash_balance`: a bank transfer has come.
pub fn fund(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let customer = world.customers.get(&request.id, "customer")?.id.clone();
    let amount = params.integer("amount")?.filter(|amount| *amount > 0);
    let amount = amount.ok_or_else(|| Error::parameter_missing("amount"))?;
    let currency = params.required_text("currency")?.to_ascii_lowercase();
    let before = balances(world, &customer).get(currency.as_str()).copied().unwrap_or_default();
    let transaction = CashTransaction {
        id: world.ids.id("ccsbtxn_"),
        created: world.now,
        customer: customer.clone(),
        amount,
        currency,
        balance: before + amount,
        reference: params.text("reference")?.map(str::to_owned),
    };
    let shown = transaction.render(world);
    world.cash_transactions.put(transaction);
    world.emit("customer_cash_balance_transaction.created", &shown);
    let balance = render(world, &customer);
    world.emit("cash_balance.funds_available", &balance);
    Ok(shown)
}

pub fn show(world: &mut World, request: &Request) -> Result<Value> {
    let customer = &world.customers.get(&request.id, "customer")?.id;
    Ok(render(world, customer))
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.cash_transactions.get(&request.id, "id")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    world.customers.get(&request.id, "customer")?;
    lists::list::<CashTransaction>(world, request, |found| found.customer == request.id)
}
