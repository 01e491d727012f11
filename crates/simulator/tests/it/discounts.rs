//! Coupons and promotion codes, and what they take off.

use serde_json::{Value, json};
use tollhouse_stripe::Method;

use crate::harness::{DAY, START, Stripe, id};

const HOUR: i64 = 3600;

fn monthly(amount: i64) -> String {
    format!("unit_amount={amount}&recurring[interval]=month")
}

fn newest_invoice(stripe: &Stripe) -> Value {
    stripe.get("/v1/invoices", "limit=1")["data"][0].clone()
}

#[test]
fn a_coupon_lasts_as_long_as_it_says() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let price = stripe.price(&monthly(2000));
    for (duration, paid) in [
        ("once", [1500, 2000, 2000]),
        ("repeating&duration_in_months=2", [1500, 1500, 2000]),
        ("forever", [1500, 1500, 1500]),
    ] {
        let coupon = stripe.post("/v1/coupons", &format!("percent_off=25&duration={duration}"));
        assert_eq!(coupon["percent_off"], 25);
        let form = format!("discounts[0][coupon]={}", id(&coupon));
        let subscription = stripe.subscribe(&customer, &price, &form);
        let path = format!("/v1/subscriptions/{}", id(&subscription));
        let mut found = vec![newest_invoice(&stripe)["amount_paid"].clone()];
        for _ in 0..2 {
            let end = stripe.get(&path, "")["items"]["data"][0]["current_period_end"].clone();
            stripe.simulator.advance(end.as_i64().unwrap() - stripe.simulator.now() + HOUR);
            found.push(newest_invoice(&stripe)["amount_paid"].clone());
        }
        assert_eq!(found, paid.map(|amount| json!(amount)), "{duration}");
        let left = stripe.get(&path, "expand[]=discounts.source.coupon")["discounts"].clone();
        match duration {
            "forever" => assert_eq!(left[0]["source"]["coupon"]["times_redeemed"], 1),
            _ => assert_eq!(left, json!([]), "{duration}"),
        }
        stripe.delete(&path);
    }
}

#[test]
fn an_amount_is_spread_over_the_lines_and_prorated_with_them() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let (small, large) = (stripe.price(&monthly(1000)), stripe.price(&monthly(2000)));
    let coupon = stripe.post("/v1/coupons", "id=FIVE&amount_off=500&currency=usd&duration=forever");
    let form = format!("items[1][price]={large}&discounts[0][coupon]={}", id(&coupon));
    let subscription =
        stripe.subscribe(&customer, &small, &format!("{form}&expand[]=latest_invoice.discounts"));
    let invoice = &subscription["latest_invoice"];
    assert_eq!((&invoice["subtotal"], &invoice["total"]), (&json!(3000), &json!(2500)));
    let off: Vec<&Value> = invoice["lines"]["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| &line["discount_amounts"][0]["amount"])
        .collect();
    assert_eq!(off, [166, 334], "Stripe's own example");
    assert_eq!(invoice["total_discount_amounts"][0]["amount"], 500);
    assert_eq!(invoice["discounts"][0]["source"]["coupon"], "FIVE");
    // Half of the period is left: half of 1000 - 166 comes back.
    let moment = START + 31 * DAY / 2;
    let form = format!(
        "subscription={}&subscription_details[cancel_now]=true\
         &subscription_details[proration_date]={moment}",
        id(&subscription)
    );
    let preview = stripe.post("/v1/invoices/create_preview", &form);
    let amounts: Vec<&Value> =
        preview["lines"]["data"].as_array().unwrap().iter().map(|line| &line["amount"]).collect();
    assert_eq!(amounts, [-833, -417]);
}

#[test]
fn a_coupon_for_some_products_takes_nothing_off_others() {
    let stripe = Stripe::new();
    let (small, large) = (stripe.price(&monthly(1000)), stripe.price(&monthly(2000)));
    let product = stripe.get(&format!("/v1/prices/{large}"), "")["product"].clone();
    let product = product.as_str().unwrap();
    let form = format!("id=TENTH&percent_off=10&applies_to[products][0]={product}");
    let coupon = stripe.post("/v1/coupons", &form);
    assert_eq!(coupon["applies_to"], Value::Null, "only on demand");
    let shown = stripe.get("/v1/coupons/TENTH", "expand[]=applies_to");
    assert_eq!(shown["applies_to"]["products"], json!([product]));
    let customer = stripe.customer_with("pm_card_visa");
    let form = format!("items[1][price]={large}&discounts[0][coupon]=TENTH");
    stripe.subscribe(&customer, &small, &form);
    let invoice = newest_invoice(&stripe);
    assert_eq!((&invoice["subtotal"], &invoice["total"]), (&json!(3000), &json!(2800)));
    for (price, total) in [(&small, 1000), (&large, 1800)] {
        let more = "customer_email=a@b.c&discounts[0][coupon]=TENTH";
        let session = stripe.session(price, more);
        let shown = stripe.get(&format!("/v1/checkout/sessions/{session}"), "");
        assert_eq!(shown["amount_total"], total);
    }
    stripe.post("/v1/coupons", "id=ALL&percent_off=10");
    let shown = stripe.get("/v1/coupons/ALL", "expand[]=applies_to");
    assert!(shown.get("applies_to").is_none());
}

#[test]
fn a_discount_comes_and_goes_with_an_update() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let subscription = stripe.subscribe(&customer, &stripe.price(&monthly(1000)), "");
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    stripe.post("/v1/coupons", "id=HALF&percent_off=50&duration=forever");
    let preview = format!("subscription={}&discounts[0][coupon]=HALF", id(&subscription));
    assert_eq!(stripe.post("/v1/invoices/create_preview", &preview)["total"], 500);
    assert_eq!(stripe.get("/v1/coupons/HALF", "")["times_redeemed"], 0, "only shown");
    let before = stripe.event_count();
    let changed = stripe.post(&path, "discounts[0][coupon]=HALF");
    assert_eq!(stripe.types_after(before), ["customer.subscription.updated"]);
    let discount = changed["discounts"][0].as_str().unwrap().to_owned();
    let kept = stripe.post(&path, &format!("discounts[0][discount]={discount}"));
    assert_eq!(kept["discounts"], json!([discount]));
    assert_eq!(stripe.delete(&format!("{path}/discount"))["deleted"], true);
    assert_eq!(stripe.get(&path, "")["discounts"], json!([]));
    assert_eq!(stripe.refused(Method::Delete, &format!("{path}/discount"), "").0, 404);
    stripe.post(&path, "discounts[0][coupon]=HALF");
    assert_eq!(stripe.post(&path, "discounts=")["discounts"], json!([]));
}

#[test]
fn a_promotion_code_is_typed_at_the_checkout_in_any_case() {
    let stripe = Stripe::new();
    stripe.post("/v1/coupons", "id=TEN&percent_off=10&duration=once");
    let form = "promotion[type]=coupon&promotion[coupon]=TEN&code=Autumn-26&max_redemptions=1";
    let code = stripe.post("/v1/promotion_codes", form);
    let (_, error) = stripe.refused(Method::Post, "/v1/promotion_codes", form);
    assert_eq!(error["param"], "code");
    let found = stripe.get("/v1/promotion_codes", "code=AUTUMN-26&expand[]=data.promotion.coupon");
    assert_eq!(found["data"][0]["promotion"]["coupon"]["id"], "TEN");
    let price = stripe.price(&monthly(2000));
    let more = format!("customer_email=a@b.c&discounts[0][promotion_code]={}", id(&code));
    let session = stripe.session(&price, &more);
    let path = format!("/v1/checkout/sessions/{session}");
    let shown = stripe.get(&path, "expand[]=line_items");
    assert_eq!((&shown["amount_subtotal"], &shown["amount_total"]), (&json!(2000), &json!(1800)));
    assert_eq!(shown["total_details"]["amount_discount"], 200);
    assert_eq!(shown["line_items"]["data"][0]["amount_total"], 1800);
    stripe.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
    assert_eq!(newest_invoice(&stripe)["amount_paid"], 1800);
    let used = stripe.get(&format!("/v1/promotion_codes/{}", id(&code)), "");
    assert_eq!((&used["times_redeemed"], &used["active"]), (&json!(1), &json!(false)));
    let form = format!(
        "mode=subscription&success_url=https://a.example&line_items[0][price]={price}\
         &line_items[0][quantity]=1&discounts[0][promotion_code]={}",
        id(&code)
    );
    let (_, error) = stripe.refused(Method::Post, "/v1/checkout/sessions", &form);
    assert_eq!(error["code"], "coupon_expired");
}

#[test]
fn coupons_are_checked_and_run_out() {
    let stripe = Stripe::new();
    for (form, code, param) in [
        ("", "parameter_missing", "percent_off"),
        ("percent_off=0", "", "percent_off"),
        ("percent_off=100.5", "", "percent_off"),
        ("amount_off=100", "parameter_missing", "currency"),
        ("percent_off=5&duration=repeating", "parameter_missing", "duration_in_months"),
        ("percent_off=5&redeem_by=1", "", "redeem_by"),
        ("percent_off=5&applies_to[products][0]=x", "resource_missing", "applies_to[products]"),
    ] {
        let (_, error) = stripe.refused(Method::Post, "/v1/coupons", form);
        assert_eq!(error["code"].as_str().unwrap_or_default(), code, "{form}: {error}");
        assert_eq!(error["param"], param, "{form}");
    }
    let customer = stripe.customer_with("pm_card_visa");
    let price = stripe.price("");
    let coupon = stripe.post(
        "/v1/coupons",
        &format!("percent_off=12.5&max_redemptions=1&redeem_by={}", START + 9),
    );
    assert_eq!(coupon["percent_off"], 12.5);
    stripe.subscribe(&customer, &price, &format!("discounts[0][coupon]={}", id(&coupon)));
    // 362.5 is taken off as 363.
    assert_eq!(newest_invoice(&stripe)["amount_paid"], 2900 - 363);
    let form =
        format!("customer={customer}&items[0][price]={price}&discounts[0][coupon]={}", id(&coupon));
    let (_, error) = stripe.refused(Method::Post, "/v1/subscriptions", &form);
    assert_eq!(error["code"], "coupon_expired");
    stripe.delete(&format!("/v1/coupons/{}", id(&coupon)));
    assert_eq!(stripe.refused(Method::Get, &format!("/v1/coupons/{}", id(&coupon)), "").0, 404);
    assert_eq!(stripe.get("/v1/coupons", "")["data"], json!([]));
}
