//! Payouts: the balance goes to the account's bank, where it is a day later.

use serde_json::{Value, json};

use crate::{
    balance_transactions::{self, Kind},
    clock::Due,
    error::{Error, Result},
    lists,
    params::Metadata,
    table::{Object, Table},
    world::{Request, World, with_nulls},
};

const ON_ITS_WAY_SECONDS: i64 = 86_400;

#[derive(Clone)]
pub struct Payout {
    id: String,
    created: i64,
    amount: i64,
    currency: String,
    description: Option<String>,
    statement_descriptor: Option<String>,
    status: &'static str,
    balance_transaction: String,
    metadata: Metadata,
}

impl Object for Payout {
    const NOUN: &'static str = "payout";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, _: &World) -> Value {
        let shown = json!({
            "id": self.id,
            "object": "payout",
            "amount": self.amount,
            "arrival_date": self.created + ON_ITS_WAY_SECONDS,
            "automatic": false,
            "balance_transaction": self.balance_transaction,
            "created": self.created,
            "currency": self.currency,
            "description": self.description,
            "livemode": false,
            "metadata": self.metadata,
            "method": "standard",
            "reconciliation_status": "not_applicable",
            "source_type": "card",
            "statement_descriptor": self.statement_descriptor,
            "status": self.status,
            "type": "bank_account",
        });
        with_nulls(shown, NULLS)
    }

    fn table(world: &World) -> &Table<Self> {
        &world.payouts
    }
}

const NULLS: &[&str] = &[
    "application_fee",
    "application_fee_amount",
    "destination",
    "failure_balance_transaction",
    "failure_code",
    "failure_message",
    "original_payout",
    "payout_method",
    "reversed_by",
    "trace_id",
];

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let (amount, currency) = super::read_available(world, &params)?;
    let mut metadata = Metadata::new();
    params.merge_metadata(&mut metadata)?;
    let id = world.ids.id("po_");
    let description = params.text("description")?;
    let transaction =
        balance_transactions::add(world, Kind::Payout, -amount, &currency, &id, description);
    let payout = Payout {
        id: id.clone(),
        created: world.now,
        amount,
        currency,
        description: description.map(str::to_owned),
        statement_descriptor: params.text("statement_descriptor")?.map(str::to_owned),
        status: "pending",
        balance_transaction: transaction,
        metadata,
    };
    let shown = payout.render(world);
    world.agenda.add(payout.created + ON_ITS_WAY_SECONDS, Due::PayoutArrival(id));
    world.payouts.put(payout);
    world.emit("payout.created", &shown);
    Ok(shown)
}

/// It has come to the bank, unless it was canceled.
pub fn arrive(world: &mut World, id: &str) {
    settle(world, id, "paid", "payout.paid");
}

fn settle(world: &mut World, id: &str, status: &'static str, told: &'static str) {
    if world.payouts.find(id).is_none_or(|payout| payout.status != "pending") {
        return;
    }
    world.payouts.change(id, |payout| payout.status = status);
    if let Some(shown) = world.payouts.find(id).map(|payout| payout.render(world)) {
        world.emit(told, &shown);
    }
}

pub fn cancel(world: &mut World, request: &Request) -> Result<Value> {
    let payout = world.payouts.get(&request.id, "id")?.clone();
    if payout.status != "pending" {
        return Err(Error::invalid(
            "Payouts can only be canceled while they are pending. This one is not any more.",
        ));
    }
    balance_transactions::add(
        world,
        Kind::PayoutCancel,
        payout.amount,
        &payout.currency,
        &request.id,
        None,
    );
    settle(world, &request.id, "canceled", "payout.canceled");
    retrieve(world, request)
}

pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let mut payout = world.payouts.get(&request.id, "id")?.clone();
    let before = payout.render(world);
    request.params().merge_metadata(&mut payout.metadata)?;
    let after = payout.render(world);
    world.payouts.put(payout);
    world.emit_update("payout.updated", &before, &after);
    Ok(after)
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.payouts.get(&request.id, "id")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let status = request.params().text("status")?;
    lists::list::<Payout>(world, request, |payout| status.is_none_or(|s| payout.status == s))
}
