//! The older names of prices and cards: plans and sources.

use serde_json::json;
use tollhouse_stripe::Method;

use crate::harness::{START, Stripe, id};

const MONTHLY: &str = "currency=usd&interval=month&amount=2000&product[name]=Pro";

#[test]
fn a_plan_is_a_price_and_is_sold_as_one() {
    let stripe = Stripe::new();
    let since = stripe.event_count();
    let plan = stripe.post("/v1/plans", &format!("{MONTHLY}&nickname=Monthly"));
    assert_eq!((&plan["amount"], &plan["interval"]), (&json!(2000), &json!("month")));
    assert_eq!(stripe.types_after(since), ["product.created", "plan.created", "price.created"]);
    let price = stripe.get(&format!("/v1/prices/{}", id(&plan)), "");
    assert_eq!(price["unit_amount"], 2000);
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = stripe.subscribe(&customer, &id(&plan), "");
    assert_eq!(subscription["items"]["data"][0]["plan"]["id"], plan["id"]);
}

#[test]
fn plans_are_changed_listed_and_deleted() {
    let stripe = Stripe::new();
    let plan = id(&stripe.post("/v1/plans", &format!("{MONTHLY}&id=gold")));
    assert_eq!(plan, "gold");
    let path = format!("/v1/plans/{plan}");
    let (_, error) = stripe.refused(Method::Post, "/v1/plans", &format!("{MONTHLY}&id=gold"));
    assert_eq!(error["code"], "resource_already_exists");
    let since = stripe.event_count();
    let changed = stripe.post(&path, "metadata[a]=1&active=false");
    assert_eq!((&changed["metadata"]["a"], &changed["active"]), (&json!("1"), &json!(false)));
    stripe.price("unit_amount=100");
    let listed = stripe.get("/v1/plans", "");
    assert_eq!(listed["data"].as_array().unwrap().len(), 1, "a price that is paid once is no plan");
    assert_eq!(stripe.delete(&path)["deleted"], true);
    assert_eq!(stripe.refused(Method::Get, &path, "").0, 404);
    let told = stripe.types_after(since);
    for kind in ["plan.updated", "price.updated", "plan.deleted", "price.deleted"] {
        assert!(told.iter().any(|told| told == kind), "{kind}: {told:?}");
    }
}

#[test]
fn a_customer_pays_with_a_card_given_as_a_source() {
    let stripe = Stripe::new();
    let customer = stripe.post("/v1/customers", "email=ann@example.com&source=tok_visa");
    let source = customer["default_source"].as_str().unwrap();
    assert!(source.starts_with("card_"));
    let subscription = stripe.subscribe(&id(&customer), &stripe.price(""), "");
    assert_eq!(subscription["status"], "active");
    let (status, error) =
        stripe.refused(Method::Post, "/v1/customers", "source=tok_chargeDeclined");
    assert_eq!((status, &error["code"]), (402, &json!("card_declined")));
    let (_, error) = stripe.refused(Method::Post, "/v1/customers", "source=tok_unknown");
    assert_eq!(error["code"], "resource_missing");
}

#[test]
fn sources_are_added_changed_listed_and_removed() {
    let stripe = Stripe::new();
    let customer = id(&stripe.post("/v1/customers", ""));
    let sources = format!("/v1/customers/{customer}/sources");
    let since = stripe.event_count();
    let first = id(&stripe.post(&sources, "source=tok_visa"));
    let second = id(&stripe.post(&sources, "source=tok_mastercard"));
    let shown = |field: &str| stripe.get(&format!("/v1/customers/{customer}"), "")[field].clone();
    assert_eq!(shown("default_source"), first);
    assert_eq!(stripe.get(&sources, "")["data"][0]["id"], second, "newest first");
    let changed = stripe.post(&format!("{sources}/{first}"), "metadata[a]=1&exp_year=2040");
    assert_eq!((&changed["exp_year"], &changed["brand"]), (&json!(2040), &json!("Visa")));
    assert_eq!(stripe.get(&format!("{sources}/{first}"), ""), changed);
    stripe.post(&format!("/v1/customers/{customer}"), &format!("default_source={second}"));
    assert_eq!(shown("default_source"), second);
    assert_eq!(stripe.delete(&format!("{sources}/{second}"))["deleted"], true);
    assert_eq!(shown("default_source"), json!(null));
    assert_eq!(stripe.refused(Method::Get, &format!("{sources}/{second}"), "").0, 404);
    assert_eq!(
        stripe.types_after(since),
        [
            "customer.source.created",
            "customer.updated",
            "customer.source.created",
            "customer.source.updated",
            "customer.updated",
            "customer.source.deleted",
            "customer.updated",
        ]
    );
}

#[test]
fn somebody_elses_source_is_not_there() {
    let stripe = Stripe::new();
    let ann = stripe.post("/v1/customers", "source=tok_visa");
    let bob = id(&stripe.post("/v1/customers", ""));
    let path = format!("/v1/customers/{bob}/sources/{}", ann["default_source"].as_str().unwrap());
    assert_eq!(stripe.refused(Method::Get, &path, "").0, 404);
    assert!(ann["created"] == START);
}
