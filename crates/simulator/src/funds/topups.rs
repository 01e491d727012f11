//! Top-ups: the account's bank adds to its balance, which takes five days.

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

const ON_ITS_WAY_SECONDS: i64 = 5 * 86_400;

#[derive(Clone)]
pub struct Topup {
    id: String,
    created: i64,
    amount: i64,
    currency: String,
    description: Option<String>,
    statement_descriptor: Option<String>,
    status: &'static str,
    balance_transaction: Option<String>,
    metadata: Metadata,
}

impl Object for Topup {
    const NOUN: &'static str = "topup";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, _: &World) -> Value {
        let shown = json!({
            "id": self.id,
            "object": "topup",
            "amount": self.amount,
            "balance_transaction": self.balance_transaction,
            "created": self.created,
            "currency": self.currency,
            "description": self.description,
            "expected_availability_date": self.created + ON_ITS_WAY_SECONDS,
            "livemode": false,
            "metadata": self.metadata,
            "statement_descriptor": self.statement_descriptor,
            "status": self.status,
        });
        let nulls = ["failure_code", "failure_message", "initiated_by", "source", "transfer_group"];
        with_nulls(shown, &nulls)
    }

    fn table(world: &World) -> &Table<Self> {
        &world.topups
    }
}

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let (amount, currency) = super::read_amount(&params)?;
    let mut topup = Topup {
        id: world.ids.id("tu_"),
        created: world.now,
        amount,
        currency,
        description: params.text("description")?.map(str::to_owned),
        statement_descriptor: params.text("statement_descriptor")?.map(str::to_owned),
        status: "pending",
        balance_transaction: None,
        metadata: Metadata::new(),
    };
    params.merge_metadata(&mut topup.metadata)?;
    let shown = topup.render(world);
    world.agenda.add(world.now + ON_ITS_WAY_SECONDS, Due::TopupArrival(topup.id.clone()));
    world.topups.put(topup);
    world.emit("topup.created", &shown);
    Ok(shown)
}

/// The bank has sent it, unless it was canceled.
pub fn arrive(world: &mut World, id: &str) {
    let Some(topup) = world.topups.find(id).filter(|topup| topup.status == "pending") else {
        return;
    };
    let (amount, currency) = (topup.amount, topup.currency.clone());
    let transaction = balance_transactions::add(world, Kind::Topup, amount, &currency, id, None);
    world.topups.change(id, |topup| topup.balance_transaction = Some(transaction));
    settle(world, id, "succeeded", "topup.succeeded");
}

fn settle(world: &mut World, id: &str, status: &'static str, told: &'static str) {
    world.topups.change(id, |topup| topup.status = status);
    if let Some(shown) = world.topups.find(id).map(|topup| topup.render(world)) {
        world.emit(told, &shown);
    }
}

pub fn cancel(world: &mut World, request: &Request) -> Result<Value> {
    if world.topups.get(&request.id, "id")?.status != "pending" {
        return Err(Error::invalid(
            "Top-ups can only be canceled while they are pending. This one is not any more.",
        ));
    }
    settle(world, &request.id, "canceled", "topup.canceled");
    retrieve(world, request)
}

pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut topup = world.topups.get(&request.id, "id")?.clone();
    params.set_text("description", &mut topup.description)?;
    params.merge_metadata(&mut topup.metadata)?;
    world.topups.put(topup);
    retrieve(world, request)
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.topups.get(&request.id, "id")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let status = request.params().text("status")?;
    lists::list::<Topup>(world, request, |topup| status.is_none_or(|s| topup.status == s))
}
