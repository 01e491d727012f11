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
    let told = &world.told[tenant];
    let of = |kind: &str| sums.get(kind).copied().unwrap_or_default();
    assert_eq!(of("granted"), Quantity::from_whole(told.granted), "T{tenant}: {sums:?}");
    let tenths: u64 =
        told.used.iter().map(|((meter, _), used)| used * tenths_of_a_credit(meter)).sum();
    let used = Quantity::parse(&format!("{}.{}", tenths / 10, tenths % 10)).unwrap();
    // What the open period owes has no line before its end.
    let owed = of("overage").plus(exact(&account["overage"]));
    assert_eq!(owed.minus(of("spent")), used, "T{tenant}: {sums:?} {account}");
}

/// As the catalog of the tests weighs it.
fn tenths_of_a_credit(meter: &str) -> u64 {
    if meter == "embedding" { 1 } else { 10 }
}

/// An amount of the ledger, with its sign.
fn exact(amount: &Value) -> Quantity {
    Quantity::parse(&amount.to_string()).unwrap()
}
