//! Connected accounts: known by name, so that transfers have somewhere to go. Nobody is asked who they
//! are, and nothing can be charged in their name.

use serde_json::{Value, json};

use crate::{
    error::Result,
    lists,
    params::Metadata,
    table::{Object, Table},
    world::{Request, World},
};

#[derive(Clone)]
pub struct Account {
    id: String,
    created: i64,
    kind: &'static str,
    country: String,
    currency: String,
    email: Option<String>,
    metadata: Metadata,
    deleted: bool,
}

impl Object for Account {
    const NOUN: &'static str = "account";

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
        json!({
            "id": self.id,
            "object": "account",
            "capabilities": {},
            "charges_enabled": false,
            "country": self.country,
            "created": self.created,
            "default_currency": self.currency,
            "details_submitted": false,
            "email": self.email,
            "external_accounts":
                lists::whole(vec![], &format!("/v1/accounts/{}/external_accounts", self.id)),
            "metadata": self.metadata,
            "payouts_enabled": false,
            "type": self.kind,
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.accounts
    }
}

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let kind = params.choice("type", &["custom", "express", "standard"])?;
    let currency = params.text("default_currency")?.unwrap_or("usd");
    let mut account = Account {
        id: world.ids.id("acct_"),
        created: world.now,
        kind: kind.unwrap_or("standard"),
        country: params.text("country")?.unwrap_or("US").to_owned(),
        currency: currency.to_ascii_lowercase(),
        email: params.text("email")?.map(str::to_owned),
        metadata: Metadata::new(),
        deleted: false,
    };
    params.merge_metadata(&mut account.metadata)?;
    let shown = account.render(world);
    world.accounts.put(account);
    Ok(shown)
}

pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let mut account = world.accounts.get(&request.id, "account")?.clone();
    let before = account.render(world);
    params.set_text("email", &mut account.email)?;
    params.merge_metadata(&mut account.metadata)?;
    let after = account.render(world);
    world.accounts.put(account);
    world.emit_update("account.updated", &before, &after);
    Ok(after)
}

/// It is connected no more.
pub fn delete(world: &mut World, request: &Request) -> Result<Value> {
    world.accounts.get(&request.id, "account")?;
    world.accounts.change(&request.id, |account| account.deleted = true);
    let application = json!({ "id": "ca_simulator", "object": "application", "name": "Simulator" });
    world.emit("account.application.deauthorized", &application);
    Ok(json!({ "id": request.id, "object": "account", "deleted": true }))
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.accounts.get(&request.id, "account")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    lists::list::<Account>(world, request, |_| true)
}
