//! Coupons and promotion codes as operators make them, and as Stripe's dashboard does.

use serde_json::{Value, json};
use tollhouse_domain::actor::Role;
use tollhouse_simulator::{Fault, FaultKind};

use crate::harness::{Answer, TestApp, on_both_databases};

pub const COUPONS: &str = "/api/v1/admin/coupons";
pub const CODES: &str = "/api/v1/admin/promotion-codes";

async fn operate(app: &TestApp, path: &str, body: &Value) -> Answer {
    app.post(path).bearer(&app.operator()).json(body).await
}

pub async fn coupon(app: &TestApp, body: Value) -> Value {
    operate(app, COUPONS, &body).await.expect(201)
}

pub async fn code(app: &TestApp, body: Value) -> Value {
    operate(app, CODES, &body).await.expect(201)
}

async fn audited(app: &TestApp) -> Vec<(String, String, String)> {
    let page = app.get("/api/v1/admin/audit?limit=100").bearer(&app.operator()).await.expect(200);
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap().to_owned();
    // Each day the platform's own retention is in between.
    let by_people =
        |entry: &&Value| entry["tenant_id"].is_null() && entry["action"] != "retention.run";
    let rows = page["data"].as_array().unwrap().iter().rev().filter(by_people);
    rows.map(|entry| (text(entry, "action"), text(entry, "subject_id"), text(entry, "actor")))
        .collect()
}

fn entry(action: &str, subject: &str, actor: &str) -> (String, String, String) {
    (action.to_owned(), subject.to_owned(), actor.to_owned())
}

on_both_databases! {
    async fn what_an_operator_makes_is_in_stripe_and_in_the_audit(app: &TestApp) {
        let asked = json!({
            "id": "SPRING", "name": "Spring", "amount_off": 5.50, "currency": "usd", "duration": "repeating",
            "duration_in_months": 3, "max_redemptions": 100, "redeem_by": "2027-03-31T00:00:00Z",
        });
        let answer = operate(app, COUPONS, &asked).await;
        assert!(answer.text.contains(r#""amount_off":5.50,"currency":"usd""#), "{}", answer.text);
        let made = answer.expect(201);
        assert_eq!((&made["valid"], &made["times_redeemed"], &made["percent_off"]), (&json!(true), &json!(0), &Value::Null));
        assert_eq!((&made["duration_in_months"], &made["redeem_by"]), (&json!(3), &asked["redeem_by"]));
        assert_eq!(app.simulator.objects("coupon")[0]["amount_off"], 550);
        let asked = json!({"coupon": "SPRING", "code": "Spring-27", "max_redemptions": 5, "expires_at": "2027-02-01T00:00:00Z"});
        let word = code(app, asked.clone()).await;
        for field in ["coupon", "code", "max_redemptions", "expires_at"] {
            assert_eq!(word[field], asked[field], "{field}");
        }
        let id = word["id"].as_str().unwrap().to_owned();
        let off = app.call("PATCH", &format!("{CODES}/{id}")).bearer(&app.operator()).json(&json!({"active": false}));
        assert_eq!(off.await.expect(200)["active"], false);
        // The webhooks tell nothing new.
        app.settle().await;
        let operator = "operator@test";
        let expected = [
            entry("coupon.create", "SPRING", operator),
            entry("promotion_code.create", &id, operator),
            entry("promotion_code.change", &id, operator),
        ];
        assert_eq!(audited(app).await, expected);
        for _ in 0..2 {
            app.call("DELETE", &format!("{COUPONS}/SPRING")).bearer(&app.operator()).await.expect(204);
        }
        app.settle().await;
        assert_eq!(audited(app).await[3..], [entry("coupon.delete", "SPRING", operator)]);
        assert_eq!(app.get(COUPONS).bearer(&app.operator()).await.expect(200)["data"], json!([]));
    }

    async fn a_percentage_is_written_as_it_was_given(app: &TestApp) {
        for (given, shown) in [("12.50", "12.5"), ("\"33.33\"", "33.33"), ("100", "100")] {
            let body = format!(r#"{{"percent_off": {given}}}"#);
            let answer = app.post(COUPONS).bearer(&app.operator()).text(&body).await;
            assert_eq!(answer.status, 201, "{}", answer.text);
            assert!(answer.text.contains(&format!(r#""percent_off":{shown},"#)), "{}", answer.text);
        }
        app.settle().await;
    }

    async fn what_is_made_in_stripes_dashboard_is_followed(app: &TestApp) {
        app.stripe("POST", "/v1/coupons", &[("id", "HALF"), ("percent_off", "50"), ("name", "Half")]).await;
        let promotion = [("promotion[type]", "coupon"), ("promotion[coupon]", "HALF"), ("code", "HALF26")];
        let made = app.stripe("POST", "/v1/promotion_codes", &promotion).await;
        let id = made["id"].as_str().unwrap();
        app.settle().await;
        let operator = app.operator();
        let listed = app.get(&format!("{CODES}?code=half26")).bearer(&operator).await.expect(200);
        assert_eq!((&listed["data"][0]["id"], &listed["data"][0]["active"]), (&json!(id), &json!(true)));
        app.stripe("POST", "/v1/coupons/HALF", &[("name", "One half")]).await;
        app.stripe("POST", &format!("/v1/promotion_codes/{id}"), &[("active", "false")]).await;
        app.settle().await;
        let coupons = app.get(COUPONS).bearer(&operator).await.expect(200);
        assert_eq!(coupons["data"][0]["name"], "One half");
        let listed = app.get(&format!("{CODES}?coupon=HALF")).bearer(&operator).await.expect(200);
        assert_eq!(listed["data"][0]["active"], false);
        app.stripe("DELETE", "/v1/coupons/HALF", &[]).await;
        app.settle().await;
        let mut audited = audited(app).await;
        audited.sort();
        let expected = [
            entry("coupon.change", "HALF", "stripe"),
            entry("coupon.create", "HALF", "stripe"),
            entry("coupon.delete", "HALF", "stripe"),
            entry("promotion_code.change", id, "stripe"),
            entry("promotion_code.create", id, "stripe"),
        ];
        assert_eq!(audited, expected);
        // The id is free again.
        coupon(app, json!({"id": "HALF", "percent_off": 49})).await;
        app.settle().await;
        assert_eq!(app.get(COUPONS).bearer(&operator).await.expect(200)["data"][0]["percent_off"], 49);
    }

    async fn lists_are_paged_and_filtered(app: &TestApp) {
        for id in ["A", "B", "C"] {
            app.app.clock.advance(1);
            coupon(app, json!({"id": id, "percent_off": 10})).await;
            code(app, json!({"coupon": id, "code": format!("CODE-{id}")})).await;
        }
        let operator = app.operator();
        for (path, field) in [(COUPONS, "id"), (CODES, "coupon")] {
            let first = app.get(&format!("{path}?limit=2")).bearer(&operator).await.expect(200);
            assert_eq!((&first["data"][0][field], &first["data"][1][field]), (&json!("C"), &json!("B")));
            let cursor = first["next_cursor"].as_str().unwrap();
            let second = app.get(&format!("{path}?limit=2&cursor={cursor}")).bearer(&operator).await.expect(200);
            assert_eq!((&second["data"][0][field], &second["next_cursor"]), (&json!("A"), &Value::Null));
        }
        let of_b = app.get(&format!("{CODES}?coupon=B")).bearer(&operator).await.expect(200);
        assert_eq!((&of_b["data"][0]["code"], of_b["data"].as_array().unwrap().len()), (&json!("CODE-B"), 1));
        for bad in ["?limit=0", "?limit=101", "?cursor=%00", "?curser=A"] {
            for path in [COUPONS, CODES] {
                app.get(&format!("{path}{bad}")).bearer(&operator).await.refused(422, "invalid_request");
            }
        }
        for bad in ["?coupon=%00", "?code=%00"] {
            app.get(&format!("{CODES}{bad}")).bearer(&operator).await.refused(422, "invalid_request");
        }
        app.settle().await;
    }

    async fn a_bad_coupon_is_refused_field_by_field(app: &TestApp) {
        let cases = [
            (json!({}), vec!["percent_off"]),
            (json!({"percent_off": 10, "amount_off": 5, "currency": "usd"}), vec!["percent_off"]),
            (json!({"percent_off": 0}), vec!["percent_off"]),
            (json!({"percent_off": 100.5}), vec!["percent_off"]),
            (json!({"percent_off": "ten"}), vec!["percent_off"]),
            (json!({"percent_off": true}), vec![""]),
            (json!({"percent_off": 10, "currency": "usd"}), vec!["currency"]),
            (json!({"amount_off": 5}), vec!["currency"]),
            (json!({"amount_off": 5, "currency": "zzz"}), vec!["currency"]),
            (json!({"amount_off": 5.001, "currency": "usd"}), vec!["amount_off"]),
            (json!({"amount_off": "0.00", "currency": "usd"}), vec!["amount_off"]),
            (json!({"amount_off": 5.5, "currency": "jpy"}), vec!["amount_off"]),
            (json!({"percent_off": 10, "duration": "ever"}), vec!["duration"]),
            (json!({"percent_off": 10, "duration": "repeating"}), vec!["duration_in_months"]),
            (json!({"percent_off": 10, "duration_in_months": 3}), vec!["duration_in_months"]),
            (json!({"percent_off": 10, "plans": ["gold"]}), vec!["plans"]),
            (json!({"percent_off": 10, "plans": ["free"]}), vec!["plans"]),
            (json!({"percent_off": 10, "percent": 10}), vec!["percent"]),
            (
                json!({"id": "a b", "name": " ", "max_redemptions": 0, "redeem_by": "2026-11-20T12:00:00Z",
                    "percent_off": 101, "duration": ""}),
                vec!["id", "name", "max_redemptions", "redeem_by", "percent_off", "duration"],
            ),
        ];
        for (body, fields) in cases {
            let problem = operate(app, COUPONS, &body).await.refused(422, "invalid_request");
            let named: Vec<&str> =
                problem["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
            assert_eq!(named, fields, "{body}: {problem}");
        }
        app.post(COUPONS).bearer(&app.operator()).text("{").await.refused(400, "malformed_request");
        coupon(app, json!({"id": "TEN", "percent_off": 10})).await;
        operate(app, COUPONS, &json!({"id": "TEN", "percent_off": 20})).await.refused(409, "coupon_exists");
        assert_eq!(app.simulator.objects("coupon").len(), 1);
        for id in ["NONE", "a%20b", "%FF"] {
            let path = format!("{COUPONS}/{id}");
            app.call("DELETE", &path).bearer(&app.operator()).await.refused(404, "not_found");
        }
        app.settle().await;
    }

    async fn a_bad_code_is_refused_field_by_field(app: &TestApp) {
        coupon(app, json!({"id": "TEN", "percent_off": 10})).await;
        let cases = [
            (json!({}), vec!["coupon"]),
            (json!({"coupon": "NONE"}), vec!["coupon"]),
            (json!({"coupon": "TEN", "cod": "X"}), vec!["cod"]),
            (
                json!({"coupon": "a b", "code": "10 %", "max_redemptions": 0, "expires_at": "tomorrow"}),
                vec!["coupon", "code", "max_redemptions", "expires_at"],
            ),
        ];
        for (body, fields) in cases {
            let problem = operate(app, CODES, &body).await.refused(422, "invalid_request");
            let named: Vec<&str> =
                problem["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
            assert_eq!(named, fields, "{body}: {problem}");
        }
        let nobody = app.app.clock.new_id().to_string();
        for tenant in ["17", nobody.as_str()] {
            operate(app, CODES, &json!({"coupon": "TEN", "tenant_id": tenant})).await.refused(404, "not_found");
        }
        code(app, json!({"coupon": "TEN", "code": "TENNER"})).await;
        operate(app, CODES, &json!({"coupon": "TEN", "code": "tenner"})).await.refused(409, "promotion_code_exists");
        assert_eq!(code(app, json!({"coupon": "TEN"})).await["code"].as_str().unwrap().len(), 8, "Stripe's choice");
        let update = |id: &str, body: Value| app.call("PATCH", &format!("{CODES}/{id}")).bearer(&app.operator()).json(&body);
        update("promo_none", json!({"active": false})).await.refused(404, "not_found");
        update("%FF", json!({"active": false})).await.refused(404, "not_found");
        for body in [json!({}), json!({"active": "no"}), json!({"active": false, "code": "X"})] {
            update("promo_none", body).await.refused(422, "invalid_request");
        }
        app.settle().await;
    }

    async fn a_repeated_request_makes_one_coupon(app: &TestApp) {
        let operator = app.operator();
        let body = json!({"percent_off": 10});
        let ask = || app.post(COUPONS).bearer(&operator).header("idempotency-key", "once").json(&body);
        let fault = Fault { kind: FaultKind::DoneButUnanswered, times: 3, method: None, path: Some("/v1/coupons".to_owned()) };
        app.simulator.add_fault(fault);
        ask().await.refused(503, "stripe_unavailable");
        let made = ask().await.expect(201);
        assert_eq!(ask().await.expect(201), made);
        assert_eq!(app.simulator.objects("coupon").len(), 1);
        app.settle().await;
    }

    async fn only_operators_make_discounts(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let support = app.sign(Role::Support, None);
        for (path, body) in [(COUPONS, json!({"percent_off": 10})), (CODES, json!({"coupon": "TEN"}))] {
            app.get(path).bearer(&support).await.expect(200);
            for token in [&support, &app.token(Role::Owner, tenant)] {
                app.post(path).bearer(token).json(&body).await.refused(403, "forbidden");
            }
            app.get(path).bearer(&app.token(Role::Owner, tenant)).await.refused(403, "forbidden");
        }
        assert_eq!(app.simulator.objects("coupon").len(), 0);
    }
}
