//! The credits of a tenant: what came is what was spent, what expired and what is left.

use std::collections::BTreeMap;

use serde_json::Value;
use tollhouse_domain::usage::Quantity;

use super::world::World;

/// Adds up every line of the ledger, and wants what is left to be what the account shows.
pub async fn check(world: &World, tenant: usize) {
    let operator = world.app.operator();
    let path = world.path(tenant, "credits");
    let account = world.app.get(&path).bearer(&operator).await.expect(200);
    let mut sums: BTreeMap<String, Quantity> = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let path = world.path(tenant, &format!("credits/entries?limit=100{cursor}"));
        let page = world.app.get(&path).bearer(&operator).await.expect(200);
        for entry in page["data"].as_array().unwrap() {
            let sum = sums.entry(entry["kind"].as_str().unwrap().to_owned()).or_default();
            *sum = sum.plus(exact(&entry["amount"]));
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    // Overage never was in the ledger's balance; the rest bears its sign.
    let of_balance = sums.iter().filter(|(kind, _)| *kind != "overage");
    let balance = of_balance.fold(Quantity::ZERO, |sum, (_, amount)| sum.plus(*amount));
    let lots = account["lots"].as_array().unwrap();
    let in_lots = lots.iter().fold(Quantity::ZERO, |sum, lot| sum.plus(exact(&lot["left"])));
    let left = exact(&account["remaining"]);
    assert_eq!(balance, left, "T{tenant}: {sums:?} {account}");
    assert_eq!(in_lots, left, "T{tenant}: {account}");
}

/// An amount of the ledger, with its sign.
fn exact(amount: &Value) -> Quantity {
    let text = amount.to_string();
    match text.strip_prefix('-') {
        Some(digits) => Quantity::ZERO.minus(Quantity::parse(digits).unwrap()),
        None => Quantity::parse(&text).unwrap(),
    }
}
