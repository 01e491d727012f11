//! The account's own money: its balance, and where that goes and comes from beside payments.

pub mod accounts;
pub mod payouts;
pub mod topups;
pub mod transfers;

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub use accounts::Account;
pub use payouts::Payout;
pub use topups::Topup;
pub use transfers::{Reversal, Transfer};

use crate::{
    balance_transactions::BalanceTransaction,
    error::{Error, Result},
    params::Params,
    world::{Request, World},
};

/// The money of a charge is there without waiting.
pub fn settle_now(world: &mut World, transaction: &str) {
    let now = world.now;
    world.balance_transactions.change(transaction, |transaction| transaction.available_on = now);
    let shown = render(world);
    world.emit("balance.available", &shown);
}

/// `GET /v1/balance`.
#[expect(clippy::unnecessary_wraps, reason = "every operation may fail, and this one does not")]
pub fn balance(world: &mut World, _: &Request) -> Result<Value> {
    Ok(render(world))
}

fn render(world: &World) -> Value {
    let is_there = |transaction: &BalanceTransaction| transaction.available_on <= world.now;
    let sums = |wanted: bool| {
        let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
        for transaction in world.balance_transactions.rows() {
            let counted = if is_there(transaction) == wanted { transaction.net() } else { 0 };
            *sums.entry(&transaction.currency).or_default() += counted;
        }
        let shown = sums.into_iter().map(|(currency, amount)| {
            json!({ "amount": amount, "currency": currency, "source_types": { "card": amount } })
        });
        shown.collect::<Vec<Value>>()
    };
    json!({
        "object": "balance",
        "available": sums(true),
        "livemode": false,
        "pending": sums(false),
    })
}

/// An amount above zero that the account has, in this currency.
///
/// # Errors
/// `balance_insufficient`, with what is there.
fn read_available(world: &World, params: &Params<'_>) -> Result<(i64, String)> {
    let (amount, currency) = read_amount(params)?;
    let of_currency = world.balance_transactions.rows().iter().filter(|transaction| {
        transaction.currency == currency && transaction.available_on <= world.now
    });
    let available: i64 = of_currency.map(BalanceTransaction::net).sum();
    if amount <= available {
        return Ok((amount, currency));
    }
    Err(Error::invalid(format!(
        "You have insufficient available funds in your Stripe account: {available} in {currency}. Try \
         adding funds directly to your available balance by creating charges using the \
         4000000000000077 test card."
    ))
    .code("balance_insufficient"))
}

fn read_amount(params: &Params<'_>) -> Result<(i64, String)> {
    let amount = params.integer("amount")?.ok_or_else(|| Error::parameter_missing("amount"))?;
    if amount < 1 {
        let message = "This value must be greater than or equal to 1.";
        return Err(params.wrong("amount", message).code("parameter_invalid_integer"));
    }
    Ok((amount, params.required_text("currency")?.to_ascii_lowercase()))
}
