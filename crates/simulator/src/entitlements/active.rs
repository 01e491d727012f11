//! Active entitlements: the features a customer has by the subscriptions that run.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use super::product_features::of_product;
use crate::{
    error::Result,
    lists,
    subscriptions::{Status, Subscription},
    table::{Object, Table},
    world::{Request, World},
};

#[derive(Clone)]
pub struct ActiveEntitlement {
    id: String,
    created: i64,
    pub customer: String,
    feature: String,
    ended: bool,
}

impl Object for ActiveEntitlement {
    const NOUN: &'static str = "active entitlement";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn is_deleted(&self) -> bool {
        self.ended
    }

    fn render(&self, world: &World) -> Value {
        let key = world.features.find(&self.feature).map(|feature| &feature.lookup_key);
        json!({
            "id": self.id,
            "object": "entitlements.active_entitlement",
            "feature": self.feature,
            "livemode": false,
            "lookup_key": key,
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.active_entitlements
    }
}

/// What each customer's subscriptions brought, by customer and subscription.
#[derive(Clone, Default)]
pub struct Grants(HashMap<String, BTreeMap<String, Grant>>);

/// What a subscription brings in one period, while it sells the same.
#[derive(Clone)]
struct Grant {
    period_start: i64,
    products: Vec<String>,
    features: BTreeSet<String>,
}

/// Brings a customer's entitlements up to what became of one of their subscriptions.
pub fn follow(world: &mut World, subscription: &str) {
    if world.product_features.rows().is_empty() {
        return;
    }
    let Some(subscription) = world.subscriptions.find(subscription).cloned() else { return };
    let grant = granted(world, &subscription);
    let grants = world.grants.0.entry(subscription.customer.clone()).or_default();
    match grant {
        None => drop(grants.remove(&subscription.id)),
        Some(new) => {
            let is_same =
                |old: &Grant| old.period_start == new.period_start && old.products == new.products;
            // A product's new features come with the next period.
            if !grants.get(&subscription.id).is_some_and(is_same) {
                grants.insert(subscription.id.clone(), new);
            }
        }
    }
    let has: BTreeSet<String> =
        grants.values().flat_map(|grant| grant.features.iter().cloned()).collect();
    settle(world, &subscription.customer, &has);
}

fn granted(world: &World, subscription: &Subscription) -> Option<Grant> {
    let runs = matches!(subscription.status, Status::Active | Status::Trialing | Status::PastDue);
    if !runs {
        return None;
    }
    let prices = subscription.prices(world);
    let products: Vec<String> = prices.map(|(_, price)| price.product.clone()).collect();
    let features = products.iter().flat_map(|product| of_product(world, product));
    let features = features.map(str::to_owned).collect();
    Some(Grant { period_start: subscription.period_start, products, features })
}

/// Begins and ends entitlements until the customer has those of `has`, and says so.
fn settle(world: &mut World, customer: &str, has: &BTreeSet<String>) {
    let before = summary(world, customer);
    let rows = world.active_entitlements.rows().iter();
    let (mut kept, mut ended) = (BTreeSet::new(), Vec::new());
    for row in rows.filter(|row| row.customer == customer && !row.ended) {
        if has.contains(&row.feature) {
            kept.insert(row.feature.clone());
        } else {
            ended.push(row.id.clone());
        }
    }
    for id in ended {
        world.active_entitlements.change(&id, |row| row.ended = true);
    }
    for feature in has.difference(&kept) {
        let row = ActiveEntitlement {
            id: world.ids.id("ent_test_"),
            created: world.now,
            customer: customer.to_owned(),
            feature: feature.clone(),
            ended: false,
        };
        world.active_entitlements.put(row);
    }
    let after = summary(world, customer);
    world.emit_update("entitlements.active_entitlement_summary.updated", &before, &after);
}

fn summary(world: &World, customer: &str) -> Value {
    let rows = world.active_entitlements.rows().iter();
    let rows = rows.filter(|row| row.customer == customer && !row.ended);
    let data = rows.map(|row| row.render(world)).collect();
    json!({
        "object": "entitlements.active_entitlement_summary",
        "customer": customer,
        "entitlements":
            lists::first_page(data, &format!("/v1/customer/{customer}/entitlements")),
        "livemode": false,
    })
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.active_entitlements.get(&request.id, "id")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let customer = params.required_text("customer")?;
    world.customers.get(customer, "customer")?;
    lists::list::<ActiveEntitlement>(world, request, |row| row.customer == customer)
}
