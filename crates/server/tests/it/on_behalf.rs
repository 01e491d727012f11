//! What an operator does on a tenant's behalf: plans, subscriptions, many at once.

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId};

use crate::harness::{Answer, TestApp, on_both_databases};

const TENANTS: &str = "/api/v1/stripe/tenants";

async fn put_plan(app: &TestApp, tenant: TenantId, body: &Value) -> Answer {
    app.call("PUT", &format!("{TENANTS}/{tenant}/plan")).bearer(&app.operator()).json(body).await
}

async fn start(app: &TestApp, tenant: TenantId, body: &Value) -> Answer {
    app.post(&format!("{TENANTS}/{tenant}/subscriptions")).bearer(&app.operator()).json(body).await
}

async fn end(app: &TestApp, id: &Value, query: &str) -> Answer {
    let path = format!("/api/v1/stripe/subscriptions/{}{query}", id.as_str().unwrap());
    app.call("DELETE", &path).bearer(&app.operator()).await
}

async fn bulk(app: &TestApp, what: &str, items: &[Value]) -> Answer {
    let body = json!({ what: items });
    let path = format!("/api/v1/stripe/{what}/bulk");
    app.post(&path).bearer(&app.operator()).header("idempotency-key", "once").json(&body).await
}

fn statuses(answer: &Value) -> Vec<u64> {
    answer["results"].as_array().unwrap().iter().map(|it| it["status"].as_u64().unwrap()).collect()
}

on_both_databases! {
    async fn a_plan_is_put_whatever_there_was(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let begun = put_plan(app, tenant, &json!({"plan": "pro", "interval": "month"})).await.expect(200);
        assert_eq!(begun["subscription_status"], "trialing", "one without a subscription begins one");
        app.settle().await;
        put_plan(app, tenant, &json!({"plan": "pro"})).await.expect(200);
        let changed = put_plan(app, tenant, &json!({"plan": "enterprise", "interval": "month"})).await.expect(200);
        assert_eq!(changed["plan"], "enterprise");
        app.settle().await;
        let freed = put_plan(app, tenant, &json!({"plan": "free", "when": "now"})).await.expect(200);
        assert!(freed["subscription"].is_null());
        app.settle().await;
        let page = put_plan(app, tenant, &json!({"plan": "pro", "interval": "month"})).await.expect(200);
        assert!(page["checkout"]["url"].is_string(), "its one trial is over, and it has no card: {page}");
        let audit = app.get("/api/v1/admin/audit?limit=100").bearer(&app.operator()).await.expect(200);
        let told = audit["data"].as_array().unwrap().iter().filter(|it| it["action"] == "tenant.plan_change");
        let moves: Vec<(Value, Value)> = told.map(|it| (it["data"]["from"].clone(), it["data"]["to"].clone())).collect();
        assert_eq!(moves, [(Value::Null, json!("pro")), (json!("enterprise"), json!("free")), (json!("pro"), json!("enterprise")), (Value::Null, json!("pro"))]);
    }

    async fn a_plan_waits_for_the_end_of_the_period(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let later = put_plan(app, tenant, &json!({"plan": "enterprise", "interval": "month", "when": "period_end"})).await.expect(200);
        assert_eq!(later["subscription"]["pending_change"]["plan"], "enterprise");
        let freed = put_plan(app, tenant, &json!({"plan": "free"})).await.expect(200);
        assert_eq!((&freed["plan"], &freed["subscription"]["auto_renew"]), (&json!("pro"), &json!(false)), "what was paid for stays");
        let other = app.tenant("Birch").await;
        for (body, code) in [
            (json!({"plan": "gold"}), "unknown_plan"),
            (json!({"plan": "pro"}), "invalid_request"),
            (json!({"plan": "pro", "interval": "century"}), "invalid_request"),
            (json!({"plan": "pro", "interval": "month", "when": "soon"}), "invalid_request"),
            (json!({"plan": "pro", "interval": "month", "when": "period_end"}), "invalid_request"),
            (json!({"plan": "extra_storage", "interval": "month"}), "is_addon"),
        ] {
            put_plan(app, other, &body).await.refused(422, code);
        }
        let owner = app.token(Role::Owner, tenant);
        let path = format!("{TENANTS}/{tenant}/plan");
        app.call("PUT", &path).bearer(&owner).json(&json!({"plan": "pro"})).await.refused(403, "forbidden");
    }

    async fn started_and_ended_on_a_tenants_behalf(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        start(app, tenant, &json!({"plan": "pro", "interval": "month"})).await.refused(409, "no_payment_method");
        let granted = start(app, tenant, &json!({"plan": "pro", "interval": "month", "trial_days": 60})).await.expect(201);
        assert_eq!(granted["trial_end"], "2027-01-19T12:00:00Z", "staff grants more than the plan's own trial");
        app.card_on_file(tenant, "pm_card_visa").await;
        let addon = start(app, tenant, &json!({"plan": "extra_storage"})).await.expect(201);
        assert_eq!(addon["parent_subscription_id"], granted["id"]);
        let ending = end(app, &addon["id"], "").await.expect(200);
        assert_eq!(ending["auto_renew"], false);
        let over = end(app, &granted["stripe_subscription_id"], "?at=now").await.expect(200);
        assert_eq!(over["status"], "canceled");
        app.settle().await;
        assert!(app.simulator.objects("subscription").iter().all(|it| it["status"] == "canceled"));
        assert_eq!(end(app, &granted["id"], "?at=now").await.expect(200)["status"], "canceled", "over is over");
        end(app, &json!(app.app.clock.new_id()), "").await.refused(404, "not_found");
        end(app, &json!("sub_nobody"), "").await.refused(404, "not_found");
        end(app, &granted["id"], "?at=noon").await.refused(422, "invalid_request");
        for bad in [json!({"interval": "month"}), json!({"plan": "pro", "interval": "x"}), json!({"plan": "pro", "interval": "month", "seats": 0}), json!({"plan": "pro", "interval": "month", "trial_days": 800})] {
            start(app, tenant, &bad).await.refused(422, "invalid_request");
        }
    }

    async fn many_tenants_each_for_itself(app: &TestApp) {
        let item = |name: &str| json!({"name": name, "email": "a@example.com", "plan": "pro", "interval": "month"});
        let items = [item("A"), json!({"name": "B"}), json!({"name": "C", "email": "nowhere"}), item("D"), json!({"name": "E", "email": "a@example.com", "plan": "gold"}), json!("F")];
        let answer = bulk(app, "tenants", &items).await.expect(200);
        assert_eq!(statuses(&answer), [201, 422, 422, 201, 422, 422]);
        assert_eq!(answer["results"][1]["error"]["errors"][0]["field"], "email");
        assert_eq!(answer["results"][2]["error"]["errors"][0]["field"], "email");
        assert_eq!(answer["results"][4]["error"]["code"], "unknown_plan");
        assert_eq!(answer["results"][0]["tenant"]["settled"], false);
        assert_eq!(bulk(app, "tenants", &items).await.expect(200), answer);
        app.settle().await;
        let list = app.get(&format!("{TENANTS}?plan=pro")).bearer(&app.operator()).await.expect(200);
        let settled = list["data"].as_array().unwrap().iter().filter(|it| it["settled"] == true).count();
        assert_eq!((settled, app.simulator.objects("customer").len()), (2, 2));
        let many = vec![item("X"); 501];
        let body = json!({ "tenants": many });
        app.post(&format!("{TENANTS}/bulk")).bearer(&app.operator()).json(&body).await.refused(422, "invalid_request");
        app.post(&format!("{TENANTS}/bulk")).bearer(&app.operator()).json(&json!({"tenants": []})).await.refused(422, "invalid_request");
    }

    async fn many_subscriptions_each_for_itself(app: &TestApp) {
        let (one, two, three) = (app.tenant("A").await, app.subscriber("B", "pro").await, app.tenant("C").await);
        app.card_on_file(one, "pm_card_visa").await;
        let item = |tenant: String| json!({"tenant_id": tenant, "plan": "metered", "interval": "month"});
        let items = [item(one.to_string()), item(two.to_string()), item("nobody".to_owned()), item(one.to_string()), item(three.to_string())];
        let answer = bulk(app, "subscriptions", &items).await.expect(200);
        assert_eq!(statuses(&answer), [202, 409, 404, 409, 202]);
        app.settle().await;
        assert_eq!(app.subscription(one).await["status"], "active", "with the card on file");
        let path = format!("{TENANTS}/{three}");
        let tenant = app.get(&path).bearer(&app.operator()).await.expect(200);
        assert!(tenant["checkout"]["url"].is_string(), "by a page to pay on, without one: {tenant}");
    }
}
