//! Entitlements: who has which feature, and when that is told.

use serde_json::{Value, json};
use tollhouse_stripe::Method;

use crate::harness::{DAY, Stripe, id};

const TOLD: &str = "entitlements.active_entitlement_summary.updated";

fn feature(stripe: &Stripe, key: &str) -> String {
    id(&stripe.post("/v1/entitlements/features", &format!("lookup_key={key}&name={key}")))
}

fn product_of(stripe: &Stripe, price: &str) -> String {
    stripe.get(&format!("/v1/prices/{price}"), "")["product"].as_str().unwrap().to_owned()
}

fn give(stripe: &Stripe, price: &str, feature: &str) -> Value {
    let path = format!("/v1/products/{}/features", product_of(stripe, price));
    stripe.post(&path, &format!("entitlement_feature={feature}"))
}

fn keys(stripe: &Stripe, customer: &str) -> Vec<String> {
    let path = "/v1/entitlements/active_entitlements";
    let list = stripe.get(path, &format!("customer={customer}"));
    let data = list["data"].as_array().unwrap().iter().rev();
    data.map(|entitlement| entitlement["lookup_key"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn entitlements_begin_change_and_end_with_subscriptions() {
    let stripe = Stripe::new();
    let (basic, pro) = (stripe.price(""), stripe.price(""));
    let (export, audit) = (feature(&stripe, "export"), feature(&stripe, "audit"));
    give(&stripe, &basic, &export);
    give(&stripe, &pro, &export);
    give(&stripe, &pro, &audit);
    let customer = stripe.customer_with("pm_card_visa");
    assert!(keys(&stripe, &customer).is_empty());
    let since = stripe.event_count();
    let subscription = stripe.subscribe(&customer, &basic, "");
    assert_eq!(keys(&stripe, &customer), ["export"]);
    let told: Vec<Value> =
        stripe.events_after(since).into_iter().filter(|event| event["type"] == TOLD).collect();
    let data = &told[0]["data"];
    assert_eq!((told.len(), &data["object"]["customer"]), (1, &json!(customer)));
    assert_eq!(data["object"]["entitlements"]["data"][0]["feature"], export);
    assert_eq!(data["previous_attributes"]["entitlements"]["data"], json!([]));

    let item = id(&subscription["items"]["data"][0]);
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    stripe.post(&path, &format!("items[0][id]={item}&items[0][price]={pro}"));
    assert_eq!(keys(&stripe, &customer), ["export", "audit"]);
    let since = stripe.event_count();
    stripe.delete(&path);
    assert!(keys(&stripe, &customer).is_empty());
    assert_eq!(stripe.types_after(since), ["customer.subscription.deleted", TOLD]);
}

#[test]
fn another_feature_of_a_product_comes_with_the_next_period() {
    let stripe = Stripe::new();
    let price = stripe.price("");
    let (export, audit) = (feature(&stripe, "export"), feature(&stripe, "audit"));
    let first = give(&stripe, &price, &export);
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = stripe.subscribe(&customer, &price, "");
    give(&stripe, &price, &audit);
    let path = format!("/v1/products/{}/features", product_of(&stripe, &price));
    stripe.delete(&format!("{path}/{}", id(&first)));
    stripe.post(&format!("/v1/subscriptions/{}", id(&subscription)), "metadata[a]=1");
    assert_eq!(keys(&stripe, &customer), ["export"]);
    stripe.simulator.advance(31 * DAY);
    assert_eq!(keys(&stripe, &customer), ["audit"]);
    let rest = stripe.get(&path, "");
    assert_eq!(rest["data"][0]["entitlement_feature"]["lookup_key"], "audit");
    let (status, _) = stripe.refused(Method::Get, &format!("{path}/{}", id(&first)), "");
    assert_eq!(status, 404);
}

#[test]
fn features_have_one_key_and_are_archived_for_good() {
    let stripe = Stripe::new();
    let price = stripe.price("");
    let export = feature(&stripe, "export");
    give(&stripe, &price, &export);
    let all = "/v1/entitlements/features";
    let (_, error) = stripe.refused(Method::Post, all, "lookup_key=export&name=Other");
    assert_eq!(error["code"], "resource_already_exists");
    let path = format!("{all}/{export}");
    let changed = stripe.post(&path, "name=Exporting&active=false&metadata[a]=1");
    assert_eq!((&changed["name"], &changed["active"]), (&json!("Exporting"), &json!(false)));
    assert_eq!(stripe.refused(Method::Post, &path, "active=true").0, 400);
    let archived = stripe.get(all, "archived=true&lookup_key=export");
    assert_eq!(archived["data"].as_array().unwrap().len(), 1);
    let other = product_of(&stripe, &stripe.price(""));
    let form = format!("entitlement_feature={export}");
    assert_eq!(
        stripe.refused(Method::Post, &format!("/v1/products/{other}/features"), &form).0,
        400
    );
    // Archived, it is still granted by what has it.
    let customer = stripe.customer_with("pm_card_visa");
    stripe.subscribe(&customer, &price, "");
    assert_eq!(keys(&stripe, &customer), ["export"]);
}
