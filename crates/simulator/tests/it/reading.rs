//! Pages, filters, expansion, metadata; products and prices.

use serde_json::json;
use tollhouse_stripe::Method;

use crate::harness::{Stripe, id};

#[test]
fn lists_go_from_new_to_old_in_pages() {
    let stripe = Stripe::new();
    let made: Vec<String> = (0..5).map(|_| id(&stripe.post("/v1/customers", ""))).collect();
    let page = |form: &str| {
        let page = stripe.get("/v1/customers", form);
        let found: Vec<usize> = page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| made.iter().position(|id| c["id"] == id.as_str()).unwrap())
            .collect();
        (found, page["has_more"] == true)
    };
    assert_eq!(page("limit=2"), (vec![4, 3], true));
    assert_eq!(page(&format!("limit=2&starting_after={}", made[3])), (vec![2, 1], true));
    assert_eq!(page(&format!("limit=2&starting_after={}", made[1])), (vec![0], false));
    assert_eq!(page(&format!("limit=2&ending_before={}", made[0])), (vec![2, 1], true));
    assert_eq!(page(&format!("ending_before={}", made[3])), (vec![4], false));
    for (form, param) in
        [("limit=101", "limit"), ("limit=0", "limit"), ("starting_after=cus_x", "starting_after")]
    {
        assert_eq!(stripe.refused(Method::Get, "/v1/customers", form).1["param"], param);
    }
    let both = format!("starting_after={0}&ending_before={0}", made[0]);
    assert_eq!(
        stripe.refused(Method::Get, "/v1/customers", &both).1["code"],
        "parameters_exclusive"
    );
}

#[test]
fn filters_choose() {
    let stripe = Stripe::new();
    let ann = id(&stripe.post("/v1/customers", "email=ann@example.com"));
    stripe.post("/v1/customers", "email=Ann@example.com");
    let found = stripe.get("/v1/customers", "email=ann@example.com");
    assert_eq!(found["data"].as_array().unwrap().len(), 1, "exact, case and all");
    assert_eq!(found["data"][0]["id"], ann.as_str());
    let none = stripe.get("/v1/customers", "created[gt]=1798761600");
    assert_eq!(none["data"], json!([]));
    stripe.price("unit_amount=100&recurring[interval]=year&lookup_key=yearly");
    stripe.price("unit_amount=100");
    let count = |form: &str| stripe.get("/v1/prices", form)["data"].as_array().unwrap().len();
    assert_eq!(count("lookup_keys[]=yearly&lookup_keys[]=x"), 1);
    assert_eq!((count("type=recurring"), count("type=one_time"), count("active=false")), (1, 1, 0));
    let events = stripe.get("/v1/events", "types[0]=price.*&limit=100");
    assert_eq!(events["data"].as_array().unwrap().len(), 2);
    assert_eq!(events["data"][0]["type"], "price.created", "newest first");
}

#[test]
fn events_are_kept_for_thirty_days() {
    let stripe = Stripe::new();
    stripe.post("/v1/customers", "");
    let event = id(&stripe.get("/v1/events", "")["data"][0]);
    stripe.simulator.advance(30 * 86_400);
    assert_eq!(stripe.get("/v1/events", "")["data"], json!([]));
    assert_eq!(stripe.refused(Method::Get, &format!("/v1/events/{event}"), "").0, 404);
}

#[test]
fn a_lookup_key_moves_only_when_asked() {
    let stripe = Stripe::new();
    let old = stripe.price("unit_amount=100&lookup_key=pro");
    let form = "currency=usd&product_data[name]=Pro&unit_amount=200&lookup_key=pro";
    let (_, error) = stripe.refused(Method::Post, "/v1/prices", form);
    assert_eq!(error["param"], "lookup_key");
    let new = stripe.post("/v1/prices", &format!("{form}&transfer_lookup_key=true"));
    assert_eq!(new["lookup_key"], "pro");
    assert_eq!(stripe.get(&format!("/v1/prices/{old}"), "")["lookup_key"], json!(null));
}

#[test]
fn products_and_prices_are_shown_as_they_were_made() {
    let stripe = Stripe::new();
    let product = stripe.post("/v1/products", "id=plan_pro&name=Pro&metadata[a]=1&metadata[b]=2");
    assert_eq!(product["id"], "plan_pro");
    let (_, error) = stripe.refused(Method::Post, "/v1/products", "id=plan_pro&name=Pro");
    assert_eq!(error["code"], "resource_already_exists");
    let product = stripe.post("/v1/products/plan_pro", "metadata[a]=&active=false&description=d");
    assert_eq!(product["metadata"], json!({"b": "2"}));
    assert_eq!((&product["active"], &product["description"]), (&json!(false), &json!("d")));
    let price = stripe.post(
        "/v1/prices",
        "currency=eur&product=plan_pro&billing_scheme=tiered&tiers_mode=graduated\
         &recurring[interval]=month&tiers[0][up_to]=5&tiers[0][flat_amount]=1000\
         &tiers[1][up_to]=inf&tiers[1][unit_amount_decimal]=0.25&expand[]=tiers&expand[]=product",
    );
    assert_eq!(price["tiers"][1]["unit_amount_decimal"], "0.25");
    assert_eq!(
        (&price["tiers"][1]["unit_amount"], &price["unit_amount"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(price["product"]["name"], "Pro");
    let listed = stripe.get("/v1/prices", "product=plan_pro&expand[]=data.product");
    assert_eq!(listed["data"][0]["product"]["id"], "plan_pro");
    let price = stripe.post(&format!("/v1/prices/{}", id(&price)), "active=false&nickname=old");
    assert_eq!((&price["active"], &price["nickname"]), (&json!(false), &json!("old")));
}

#[test]
fn expansion_goes_four_levels_deep_and_no_further() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = stripe.subscribe(&customer, &stripe.price(""), "");
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let deep = stripe.get(
        &path,
        "expand[]=latest_invoice.payments.data.payment.payment_intent&expand[]=items.data.price.product\
         &expand[]=default_payment_method",
    );
    let payment = &deep["latest_invoice"]["payments"]["data"][0]["payment"];
    assert_eq!(payment["payment_intent"]["status"], "succeeded");
    assert_eq!(deep["items"]["data"][0]["price"]["product"]["name"], "Pro");
    assert_eq!(deep["default_payment_method"], json!(null), "nothing to expand");
    let too_deep = "expand[]=latest_invoice.payments.data.payment.payment_intent.latest_charge";
    assert_eq!(stripe.refused(Method::Get, &path, too_deep).0, 400);
    assert_eq!(stripe.refused(Method::Get, &path, "expand[]=status").0, 400);
    let customer = stripe.get(&format!("/v1/customers/{customer}"), "expand[]=subscriptions");
    assert_eq!(customer["subscriptions"]["data"][0]["id"], id(&subscription).as_str());
}
