//! Transfers of the balance to connected accounts, and what comes back of them.

use serde_json::{Value, json};

use crate::{
    balance_transactions::{self, Kind},
    error::Result,
    lists,
    params::Metadata,
    table::{Object, Table},
    world::{Request, World, with_nulls},
};

#[derive(Clone)]
pub struct Transfer {
    id: String,
    created: i64,
    amount: i64,
    currency: String,
    description: Option<String>,
    destination: String,
    /// `transfer_group`, a name of the caller's for transfers that belong together.
    group: Option<String>,
    balance_transaction: String,
    metadata: Metadata,
}

/// A part of a transfer, or all of it, that came back.
#[derive(Clone)]
pub struct Reversal {
    id: String,
    created: i64,
    transfer: String,
    amount: i64,
    currency: String,
    balance_transaction: String,
    metadata: Metadata,
}

impl Object for Reversal {
    const NOUN: &'static str = "transfer reversal";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, _: &World) -> Value {
        json!({
            "id": self.id,
            "object": "transfer_reversal",
            "amount": self.amount,
            "balance_transaction": self.balance_transaction,
            "created": self.created,
            "currency": self.currency,
            "destination_payment_refund": null,
            "metadata": self.metadata,
            "source_refund": null,
            "transfer": self.transfer,
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.transfer_reversals
    }
}

impl Transfer {
    fn reversals<'a>(&'a self, world: &'a World) -> impl Iterator<Item = &'a Reversal> {
        world.transfer_reversals.rows().iter().filter(|reversal| reversal.transfer == self.id)
    }

    fn amount_reversed(&self, world: &World) -> i64 {
        self.reversals(world).map(|reversal| reversal.amount).sum()
    }
}

impl Object for Transfer {
    const NOUN: &'static str = "transfer";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, world: &World) -> Value {
        let reversed = self.amount_reversed(world);
        let reversals = self.reversals(world).map(|reversal| reversal.render(world)).collect();
        let shown = json!({
            "id": self.id,
            "object": "transfer",
            "amount": self.amount,
            "amount_reversed": reversed,
            "balance_transaction": self.balance_transaction,
            "created": self.created,
            "currency": self.currency,
            "description": self.description,
            "destination": self.destination,
            "livemode": false,
            "metadata": self.metadata,
            "reversals": lists::whole(reversals, &format!("/v1/transfers/{}/reversals", self.id)),
            "reversed": reversed == self.amount,
            "source_type": "card",
            "transfer_group": self.group,
        });
        with_nulls(shown, &["source_transaction"])
    }

    fn table(world: &World) -> &Table<Self> {
        &world.transfers
    }
}

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let (amount, currency) = super::read_available(world, &params)?;
    let destination = params.required_text("destination")?;
    world.accounts.get(destination, "destination")?;
    let mut metadata = Metadata::new();
    params.merge_metadata(&mut metadata)?;
    let id = world.ids.id("tr_");
    let description = params.text("description")?;
    let transaction =
        balance_transactions::add(world, Kind::Transfer, -amount, &currency, &id, description);
    let transfer = Transfer {
        id,
        created: world.now,
        amount,
        currency,
        description: description.map(str::to_owned),
        destination: destination.to_owned(),
        group: params.text("transfer_group")?.map(str::to_owned),
        balance_transaction: transaction,
        metadata,
    };
    let shown = transfer.render(world);
    world.transfers.put(transfer);
    world.emit("transfer.created", &shown);
    Ok(shown)
}

pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut transfer = world.transfers.get(&request.id, "transfer")?.clone();
    let before = transfer.render(world);
    params.set_text("description", &mut transfer.description)?;
    params.merge_metadata(&mut transfer.metadata)?;
    let after = transfer.render(world);
    world.transfers.put(transfer);
    world.emit_update("transfer.updated", &before, &after);
    Ok(after)
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.transfers.get(&request.id, "transfer")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let (destination, group) = (params.text("destination")?, params.text("transfer_group")?);
    lists::list::<Transfer>(world, request, |transfer| {
        destination.is_none_or(|destination| transfer.destination == destination)
            && (group.is_none() || transfer.group.as_deref() == group)
    })
}

/// All that is left of the transfer comes back, or `amount` of it.
pub fn reverse(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let transfer = world.transfers.get(&request.id, "transfer")?.clone();
    let left = transfer.amount - transfer.amount_reversed(world);
    let amount = params.integer("amount")?.unwrap_or(left);
    if !(1..=left).contains(&amount) {
        let message = format!("It must be above zero, and at most the {left} that are left.");
        return Err(params.wrong("amount", &message));
    }
    let mut metadata = Metadata::new();
    params.merge_metadata(&mut metadata)?;
    let id = world.ids.id("trr_");
    let (kind, currency) = (Kind::TransferReversal, transfer.currency.clone());
    let balance_transaction = balance_transactions::add(world, kind, amount, &currency, &id, None);
    let transfer = transfer.id;
    let created = world.now;
    let reversal =
        Reversal { id, created, transfer, amount, currency, balance_transaction, metadata };
    let shown = reversal.render(world);
    world.transfer_reversals.put(reversal);
    let told = retrieve(world, request)?;
    world.emit("transfer.reversed", &told);
    Ok(shown)
}

pub fn retrieve_reversal(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.transfer_reversals.get(&request.id, "id")?.render(world))
}

pub fn list_reversals(world: &mut World, request: &Request) -> Result<Value> {
    world.transfers.get(&request.id, "transfer")?;
    lists::list::<Reversal>(world, request, |reversal| reversal.transfer == request.id)
}
