//! Balance transactions: what each charge, refund and dispute does to the account's money.

use serde_json::{Value, json};

use crate::{
    catalog::amount::Decimal,
    error::Result,
    lists,
    table::{Object, Table},
    world::{Request, World},
};

/// What is taken in is there two days later.
const SETTLING_SECONDS: i64 = 2 * 86_400;
/// Stripe's price for cards in the United States: 2.9 % and 30 cents; a dispute costs 15 dollars.
const FEE_PERCENT: i64 = 29;
const FEE_FIXED: i64 = 30;
pub const DISPUTE_FEE: i64 = 1500;

#[derive(Clone)]
pub struct BalanceTransaction {
    id: String,
    created: i64,
    pub available_on: i64,
    /// Below zero it is taken from the account.
    amount: i64,
    fee: i64,
    pub currency: String,
    kind: Kind,
    source: String,
    description: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Charge,
    Refund,
    RefundFailure,
    Dispute,
    DisputeReversal,
    Payout,
    PayoutCancel,
    Topup,
    Transfer,
    TransferReversal,
}

impl Kind {
    /// What is taken in from customers, or given back to them, takes its time.
    fn settles(self) -> bool {
        matches!(
            self,
            Self::Charge
                | Self::Refund
                | Self::RefundFailure
                | Self::Dispute
                | Self::DisputeReversal
        )
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Charge => ("charge", "charge"),
            Self::Refund => ("refund", "refund"),
            Self::RefundFailure => ("refund_failure", "refund_failure"),
            Self::Dispute => ("adjustment", "dispute"),
            Self::DisputeReversal => ("adjustment", "dispute_reversal"),
            Self::Payout => ("payout", "payout"),
            Self::PayoutCancel => ("payout_cancel", "payout_reversal"),
            Self::Topup => ("topup", "topup"),
            Self::Transfer => ("transfer", "transfer"),
            Self::TransferReversal => ("transfer_refund", "transfer_reversal"),
        }
    }
}

impl BalanceTransaction {
    /// What it leaves on the account.
    pub fn net(&self) -> i64 {
        self.amount - self.fee
    }
}

impl Object for BalanceTransaction {
    const NOUN: &'static str = "balance transaction";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, world: &World) -> Value {
        let (kind, category) = self.kind.words();
        let fees = (self.fee != 0).then(|| {
            json!({
                "amount": self.fee,
                "application": null,
                "currency": self.currency,
                "description": "Stripe processing fees",
                "type": "stripe_fee",
            })
        });
        json!({
            "id": self.id,
            "object": "balance_transaction",
            "amount": self.amount,
            "available_on": self.available_on,
            "balance_type": "payments",
            "created": self.created,
            "currency": self.currency,
            "description": self.description,
            "exchange_rate": null,
            "fee": self.fee,
            "fee_details": fees.into_iter().collect::<Vec<_>>(),
            "net": self.net(),
            "reporting_category": category,
            "source": self.source,
            "status": if self.available_on <= world.now { "available" } else { "pending" },
            "type": kind,
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.balance_transactions
    }
}

/// Keeps what `source` does to the balance. Answers the transaction's id.
pub fn add(
    world: &mut World,
    kind: Kind,
    amount: i64,
    currency: &str,
    source: &str,
    description: Option<&str>,
) -> String {
    let fee = match kind {
        Kind::Charge => Decimal::from_integer(amount).tenths_of_percent(FEE_PERCENT) + FEE_FIXED,
        Kind::Dispute => DISPUTE_FEE,
        _ => 0,
    };
    let made = BalanceTransaction {
        id: world.ids.id("txn_"),
        created: world.now,
        available_on: world.now + if kind.settles() { SETTLING_SECONDS } else { 0 },
        amount,
        fee,
        currency: currency.to_owned(),
        kind,
        source: source.to_owned(),
        description: description.map(str::to_owned),
    };
    let id = made.id.clone();
    world.balance_transactions.put(made);
    id
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.balance_transactions.get(&request.id, "id")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let (kind, source) = (params.text("type")?, params.text("source")?);
    let currency = params.text("currency")?;
    lists::list::<BalanceTransaction>(world, request, |transaction| {
        kind.is_none_or(|kind| transaction.kind.words().0 == kind)
            && source.is_none_or(|source| transaction.source == source)
            && currency.is_none_or(|currency| transaction.currency == currency)
    })
}
