//! Redeeming promotion codes: by whom they may be, and what they take off.

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId};

use crate::{
    discounts::{CODES, COUPONS, code, coupon},
    harness::{Answer, CHECKOUT, TestApp, on_both_databases, order},
};

/// A quarter off for ever, by the code `AUTUMN`.
async fn autumn(app: &TestApp) {
    coupon(
        app,
        json!({"id": "QUARTER", "name": "A quarter off", "percent_off": 25, "duration": "forever"}),
    )
    .await;
    code(app, json!({"coupon": "QUARTER", "code": "AUTUMN"})).await;
}

async fn buy(app: &TestApp, tenant: TenantId, code: &str) -> Answer {
    let owner = app.token(Role::Owner, tenant);
    let mut order = order("pro");
    order["promotion_code"] = json!(code);
    app.post(CHECKOUT).bearer(&owner).json(&order).await
}

/// A tenant that has bought Pro with the code.
async fn bought(app: &TestApp, name: &str, code: &str) -> TenantId {
    let tenant = app.tenant(name).await;
    let page = buy(app, tenant, code).await.expect(200);
    app.simulator.complete_checkout(page["session_id"].as_str().unwrap(), "pm_card_visa").unwrap();
    app.settle().await;
    tenant
}

async fn full(app: &TestApp, tenant: TenantId) -> Answer {
    let viewer = app.token(Role::Viewer, tenant);
    app.get(&format!("/api/v1/billing/tenants/{tenant}/subscription")).bearer(&viewer).await
}

async fn invoices(app: &TestApp, tenant: TenantId) -> Value {
    let viewer = app.token(Role::Viewer, tenant);
    app.get("/api/v1/billing/invoices").bearer(&viewer).await.expect(200)
}

async fn upcoming(app: &TestApp, tenant: TenantId, body: &Value) -> Answer {
    let viewer = app.token(Role::Viewer, tenant);
    let path = format!("/api/v1/billing/tenants/{tenant}/upcoming-invoice");
    app.post(&path).bearer(&viewer).json(body).await
}

async fn change(app: &TestApp, tenant: TenantId, body: &Value) -> Answer {
    let admin = app.token(Role::Admin, tenant);
    let path = format!("/api/v1/billing/tenants/{tenant}/subscription/plan");
    app.post(&path).bearer(&admin).json(body).await
}

on_both_databases! {
    async fn a_code_at_the_checkout_takes_something_off(app: &TestApp) {
        autumn(app).await;
        let tenant = bought(app, "Acme", "aUtUmN").await;
        assert_eq!(invoices(app, tenant).await[0]["amount_paid"], 21.75);
        let shown = full(app, tenant).await.expect(200);
        let expected = json!([{
            "coupon": "QUARTER", "name": "A quarter off", "percent_off": 25, "amount_off": null, "currency": null,
            "promotion_code": "AUTUMN", "ends_at": null,
        }]);
        assert_eq!(shown["discounts"], expected);
        let next = upcoming(app, tenant, &json!({})).await;
        assert!(next.text.contains(r#""subtotal":29.00,"discounts":[{"name":"A quarter off","amount":7.25}],"discount":7.25"#), "{}", next.text);
        let next = next.expect(200);
        assert_eq!((&next["total"], &next["tax"]), (&json!(21.75), &json!(0.0)));
        // Taking the coupon away takes nothing from those who have it.
        app.call("DELETE", &format!("{COUPONS}/QUARTER")).bearer(&app.operator()).await.expect(204);
        app.advance(32 * 86_400).await;
        assert_eq!(invoices(app, tenant).await[0]["amount_paid"], 21.75);
        assert_eq!(full(app, tenant).await.expect(200)["discounts"], expected);
        let late = app.tenant("Birch").await;
        buy(app, late, "AUTUMN").await.refused(409, "promotion_code_inactive");
    }

    async fn an_amount_for_some_months_says_when_it_ends(app: &TestApp) {
        coupon(app, json!({"id": "FIVE", "amount_off": "5.00", "currency": "usd", "duration": "repeating", "duration_in_months": 2})).await;
        code(app, json!({"coupon": "FIVE", "code": "FIVER"})).await;
        let tenant = bought(app, "Acme", "FIVER").await;
        let shown = full(app, tenant).await;
        assert!(shown.text.contains(r#""percent_off":null,"amount_off":5.00,"currency":"usd""#), "{}", shown.text);
        assert_eq!(shown.expect(200)["discounts"][0]["ends_at"], "2027-01-20T12:00:00Z");
        app.advance(100 * 86_400).await;
        assert_eq!(full(app, tenant).await.expect(200)["discounts"], json!([]));
        let paid: Vec<Value> =
            invoices(app, tenant).await.as_array().unwrap().iter().map(|invoice| invoice["amount_paid"].clone()).collect();
        assert_eq!(paid, [29.0, 29.0, 24.0, 24.0]);
    }

    async fn a_coupon_for_some_plans_takes_nothing_off_others(app: &TestApp) {
        let made = coupon(app, json!({"id": "BIG", "percent_off": 50, "plans": ["enterprise", "enterprise"]})).await;
        assert_eq!(made["products"], json!(["tollhouse_enterprise"]));
        code(app, json!({"coupon": "BIG", "code": "BIG"})).await;
        let tenant = app.subscriber("Acme", "pro").await;
        let preview = |plan: &str| json!({"plan": plan, "interval": "year", "promotion_code": "BIG"});
        let same = upcoming(app, tenant, &preview("pro")).await.expect(200);
        assert_eq!(same["discount"], 0.0);
        // 490.00 a year for the one, and what is left of 29.00 for the other back.
        let other = upcoming(app, tenant, &preview("enterprise")).await.expect(200);
        assert_eq!((&other["discount"], &other["subtotal"]), (&json!(245.0), &json!(461.0)));
        app.settle().await;
    }

    async fn a_code_made_at_stripe_a_moment_ago_works(app: &TestApp) {
        app.stripe("POST", "/v1/coupons", &[("id", "TEN"), ("percent_off", "10"), ("duration", "once")]).await;
        let promotion = [("promotion[type]", "coupon"), ("promotion[coupon]", "TEN"), ("code", "WELCOME")];
        app.stripe("POST", "/v1/promotion_codes", &promotion).await;
        // No webhook has come yet.
        let tenant = app.tenant("Acme").await;
        let page = buy(app, tenant, "welcome").await.expect(200);
        let session = app.simulator.objects("checkout.session")[0].clone();
        assert_eq!((&session["id"], &session["amount_total"]), (&page["session_id"], &json!(2610)));
        app.settle().await;
    }

    async fn a_code_that_cannot_be_redeemed_says_why_and_nothing_is_begun(app: &TestApp) {
        let rich = app.tenant("Rich").await;
        coupon(app, json!({"id": "TEN", "percent_off": 10})).await;
        coupon(app, json!({"id": "SHORT", "percent_off": 10, "redeem_by": "2026-11-21T00:00:00Z"})).await;
        coupon(app, json!({"id": "ONE", "percent_off": 10, "max_redemptions": 1})).await;
        for body in [
            json!({"coupon": "TEN", "code": "OFF"}),
            json!({"coupon": "TEN", "code": "BRIEF", "expires_at": "2026-11-21T00:00:00Z"}),
            json!({"coupon": "SHORT", "code": "SHORT"}),
            json!({"coupon": "TEN", "code": "SINGLE", "max_redemptions": 1}),
            json!({"coupon": "ONE", "code": "ONE"}),
            json!({"coupon": "TEN", "code": "RICH", "tenant_id": rich}),
            json!({"coupon": "TEN", "code": "FIRST", "first_payment_only": true}),
        ] {
            let word = code(app, body.clone()).await;
            if body["code"] == "OFF" {
                let path = format!("{CODES}/{}", word["id"].as_str().unwrap());
                app.call("PATCH", &path).bearer(&app.operator()).json(&json!({"active": false})).await.expect(200);
            }
        }
        bought(app, "Birch", "SINGLE").await;
        bought(app, "Cedar", "ONE").await;
        // Who has paid once, and ended it, is not new.
        let former = bought(app, "Former", "FIRST").await;
        let admin = app.token(Role::Admin, former);
        let cancel = format!("/api/v1/billing/tenants/{former}/subscription/cancel");
        app.post(&cancel).bearer(&admin).json(&json!({"at": "now"})).await.expect(200);
        app.advance(86_400).await;

        let tenant = app.tenant("Acme").await;
        for (typed, status, code) in [
            ("NOTHING", 422, "unknown_promotion_code"),
            ("", 422, "unknown_promotion_code"),
            ("10 %", 422, "unknown_promotion_code"),
            ("off", 409, "promotion_code_inactive"),
            ("brief", 409, "promotion_code_expired"),
            ("short", 409, "promotion_code_expired"),
            ("single", 409, "promotion_code_used_up"),
            ("one", 409, "promotion_code_used_up"),
            ("rich", 409, "promotion_code_not_applicable"),
        ] {
            buy(app, tenant, typed).await.refused(status, code);
        }
        buy(app, former, "FIRST").await.refused(409, "promotion_code_not_applicable");
        assert_eq!(app.history(tenant).await, ["tenant.created"]);
        buy(app, tenant, "first").await.expect(200);
        buy(app, rich, "rich").await.expect(200);
        app.settle().await;
    }

    async fn a_preview_with_a_code_is_what_is_charged(app: &TestApp) {
        autumn(app).await;
        coupon(app, json!({"id": "HALF", "percent_off": 50, "duration": "once"})).await;
        code(app, json!({"coupon": "HALF", "code": "UPGRADE"})).await;
        let tenant = bought(app, "Acme", "AUTUMN").await;
        app.advance(10 * 86_400).await;
        // A year is billed whole; what is left of the month comes back as it was paid, discount and all.
        let wanted = json!({"plan": "enterprise", "interval": "year", "seats": 2, "promotion_code": "upgrade"});
        let preview = upcoming(app, tenant, &wanted).await.expect(200);
        let names: Vec<&str> =
            preview["discounts"].as_array().unwrap().iter().map(|off| off["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["A quarter off", "HALF"]);
        let cents = |value: &Value| (value.as_f64().unwrap() * 100.0).round();
        assert!((cents(&preview["subtotal"]) - cents(&preview["discount"]) + cents(&preview["tax"])
            - cents(&preview["total"])).abs() < 0.5, "{preview}");

        let mut confirmed = wanted.clone();
        confirmed["preview_token"] = preview["preview_token"].clone();
        let mut without = confirmed.clone();
        without.as_object_mut().unwrap().remove("promotion_code");
        change(app, tenant, &without).await.refused(409, "preview_outdated");
        change(app, tenant, &confirmed).await.expect(200);
        app.settle().await;
        assert_eq!(invoices(app, tenant).await[0]["amount_paid"], preview["total"]);
        // The one that counts once is spent, the other one stays.
        let left = full(app, tenant).await.expect(200)["discounts"].clone();
        assert_eq!((left.as_array().unwrap().len(), &left[0]["coupon"]), (1, &json!("QUARTER")));
        for body in [json!({"promotion_code": "nothing"}), json!({"seats": 3, "promotion_code": "nothing"})] {
            upcoming(app, tenant, &body).await.refused(422, "unknown_promotion_code");
        }
        change(app, tenant, &json!({"seats": 3, "promotion_code": "nothing"})).await.refused(422, "unknown_promotion_code");
        change(app, tenant, &json!({"promotion_code": "upgrade"})).await.refused(422, "invalid_request");
    }

    async fn a_code_at_work_takes_nothing_more_off(app: &TestApp) {
        autumn(app).await;
        let tenant = bought(app, "Acme", "AUTUMN").await;
        let next = upcoming(app, tenant, &json!({"promotion_code": "autumn"})).await.expect(200);
        assert_eq!((&next["discount"], &next["total"]), (&json!(7.25), &json!(21.75)));
        let yearly = json!({"interval": "year", "promotion_code": "autumn"});
        change(app, tenant, &yearly).await.expect(200);
        let discounts = full(app, tenant).await.expect(200)["discounts"].clone();
        assert_eq!(discounts.as_array().unwrap().len(), 1, "{discounts}");
        app.settle().await;
    }

    async fn the_next_period_is_previewed_with_a_code(app: &TestApp) {
        autumn(app).await;
        let tenant = app.subscriber("Acme", "pro").await;
        let next = upcoming(app, tenant, &json!({"promotion_code": "autumn"})).await.expect(200);
        assert_eq!(next["discounts"], json!([{"name": "A quarter off", "amount": 7.25}]));
        assert_eq!((&next["total"], &next["preview_token"]), (&json!(21.75), &Value::Null));
        assert_eq!(full(app, tenant).await.expect(200)["discounts"], json!([]), "only shown");
    }
}
