//! Suspended, let go on, terminated: access at once, Stripe surely.

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId};
use tollhouse_simulator::{Fault, FaultKind};

use crate::harness::{Answer, CHECKOUT, TestApp, on_both_databases, order};

const DAY: i64 = 86_400;

async fn ask(app: &TestApp, tenant: TenantId, what: &str) -> Answer {
    let path = format!("/api/v1/stripe/tenants/{tenant}/{what}");
    app.post(&path).bearer(&app.operator()).json(&json!({"reason": "did not answer"})).await
}

async fn reactivate(app: &TestApp, tenant: TenantId) -> Value {
    let path = format!("/api/v1/stripe/tenants/{tenant}/reactivate");
    app.post(&path).bearer(&app.operator()).await.expect(200)
}

async fn audited(app: &TestApp) -> Vec<String> {
    let audit = app.get("/api/v1/admin/audit?limit=100").bearer(&app.operator()).await.expect(200);
    let action = |entry: &Value| entry["action"].as_str().unwrap().to_owned();
    audit["data"].as_array().unwrap().iter().map(action).collect()
}

/// What becomes of each subscription's invoices.
fn collections(app: &TestApp) -> Vec<Value> {
    let subscriptions = app.simulator.objects("subscription");
    subscriptions.iter().map(|it| it["pause_collection"]["behavior"].clone()).collect()
}

fn stripe_is_down(app: &TestApp, kind: FaultKind) {
    let path = Some("/v1/subscriptions/".to_owned());
    app.simulator.add_fault(Fault { kind, times: 3, method: None, path });
}

on_both_databases! {
    async fn suspended_it_has_no_access_and_pays_nothing(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        app.ask(tenant, "addons", &json!({"plan": "extra_storage"})).await.expect(201);
        app.settle().await;
        let suspended = ask(app, tenant, "suspend").await.expect(200);
        assert_eq!((&suspended["status"], &suspended["settled"]), (&json!("suspended"), &json!(true)));
        assert_eq!(suspended["status_reason"], "did not answer");
        assert_eq!(suspended["subscription"]["access"], "none");
        assert_eq!(app.status(tenant).await["subscriptions"], json!([]));
        assert_eq!(collections(app), ["void", "void"], "the add-on too");
        let history = app.history(tenant).await;
        assert_eq!(ask(app, tenant, "suspend").await.expect(200)["status_since"], suspended["status_since"]);
        assert_eq!(app.history(tenant).await, history, "the same again is no change");

        app.advance(35 * DAY).await;
        let invoices = app.simulator.objects("invoice");
        let of_renewal = invoices.iter().filter(|it| it["billing_reason"] == "subscription_cycle");
        let states: Vec<&Value> = of_renewal.map(|it| &it["status"]).collect();
        assert_eq!(states, ["void", "void"], "nobody pays for time without access");

        let back = reactivate(app, tenant).await;
        assert_eq!((&back["status"], &back["subscription"]["access"]), (&json!("active"), &json!("full")));
        assert_eq!(collections(app), [Value::Null, Value::Null]);
        assert_eq!(app.status(tenant).await["subscriptions"].as_array().unwrap().len(), 2);
        app.advance(31 * DAY).await;
        let paid = app.simulator.objects("invoice").into_iter().filter(|it| it["status"] == "paid").count();
        assert_eq!(paid, 4, "it is collected again");
        let audited = audited(app).await;
        assert!(["tenant.suspend", "tenant.reactivate"].iter().all(|name| audited.contains(&(*name).to_owned())), "{audited:?}");
    }

    async fn what_somebody_else_has_paused_stays_paused(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let id = app.simulator.objects("subscription")[0]["id"].as_str().unwrap().to_owned();
        app.stripe("POST", &format!("/v1/subscriptions/{id}"), &[("pause_collection[behavior]", "keep_as_draft")]).await;
        app.settle().await;
        ask(app, tenant, "suspend").await.expect(200);
        assert_eq!(collections(app), ["keep_as_draft"]);
        reactivate(app, tenant).await;
        assert_eq!(collections(app), ["keep_as_draft"]);
    }

    async fn suspended_it_can_buy_and_change_nothing(app: &TestApp) {
        let (tenant, other) = (app.subscriber("Acme", "pro").await, app.tenant("Birch").await);
        let page = app.checkout(other, "pro").await;
        for tenant in [tenant, other] {
            ask(app, tenant, "suspend").await.expect(200);
        }
        assert!(app.simulator.complete_checkout(&page, "pm_card_visa").is_err(), "its page is closed");
        let owner = app.token(Role::Owner, other);
        app.post(CHECKOUT).bearer(&owner).json(&order("pro")).await.refused(409, "tenant_not_active");
        let refused = "tenant_not_active";
        app.ask(tenant, "subscription/plan", &json!({"plan": "enterprise", "seats": 2})).await.refused(409, refused);
        app.ask(tenant, "subscription/plan", &json!({"plan": "enterprise", "when": "period_end"})).await.refused(409, refused);
        app.ask(tenant, "subscription/pause", &json!({})).await.refused(409, refused);
        app.ask(tenant, "subscription/resume", &json!({})).await.refused(409, refused);
        app.ask(tenant, "addons", &json!({"plan": "extra_storage"})).await.refused(409, refused);
        app.ask(tenant, "portal", &json!({"return_url": "http://localhost:3000/"})).await.refused(409, refused);
        app.ask(tenant, "subscription/cancel", &json!({"at": "period_end"})).await.expect(200);
    }

    async fn a_subscription_that_comes_to_a_suspended_tenant_is_held_too(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        app.card_on_file(tenant, "pm_card_visa").await;
        ask(app, tenant, "suspend").await.expect(200);
        let customer = app.simulator.objects("customer")[0]["id"].as_str().unwrap().to_owned();
        let prices = app.simulator.objects("price");
        let price = prices.iter().find(|price| price["lookup_key"] == "pro_v1_month_usd").unwrap();
        let price = price["id"].as_str().unwrap();
        app.stripe("POST", "/v1/subscriptions", &[("customer", &customer), ("items[0][price]", price)]).await;
        app.settle().await;
        assert_eq!(collections(app), ["void"]);
        reactivate(app, tenant).await;
        assert_eq!(collections(app), [Value::Null]);
    }

    async fn stripe_down_access_is_gone_all_the_same_and_stripe_follows(app: &TestApp) {
        for kind in [FaultKind::Unreachable, FaultKind::DoneButUnanswered] {
            let tenant = app.subscriber("Acme", "pro").await;
            stripe_is_down(app, kind);
            let suspended = ask(app, tenant, "suspend").await.expect(200);
            assert_eq!((&suspended["status"], &suspended["settled"]), (&json!("suspended"), &json!(false)), "{kind:?}");
            assert_eq!(app.status(tenant).await["subscriptions"], json!([]));
            app.advance(61).await;
            assert_eq!(collections(app).last().unwrap(), "void");
            stripe_is_down(app, kind);
            assert_eq!(reactivate(app, tenant).await["settled"], false);
            app.advance(61).await;
            assert_eq!(collections(app).last().unwrap(), &Value::Null);
            stripe_is_down(app, kind);
            let over = ask(app, tenant, "terminate").await.expect(200);
            // Who ends something and hears nothing looks whether it is over.
            let seen = matches!(kind, FaultKind::DoneButUnanswered);
            assert_eq!((&over["status"], &over["settled"]), (&json!("terminated"), &json!(seen)));
            app.advance(61).await;
            assert_eq!(app.simulator.objects("subscription").last().unwrap()["status"], "canceled");
        }
    }

    async fn two_that_disagree_leave_stripe_as_the_last_has_it(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        for _ in 0..3 {
            let (one, two) = tokio::join!(ask(app, tenant, "suspend"), reactivate(app, tenant));
            one.expect(200);
            assert!(two["status"].is_string());
            app.settle().await;
            let path = format!("/api/v1/stripe/tenants/{tenant}");
            let now = app.get(&path).bearer(&app.operator()).await.expect(200);
            let held = now["status"] == "suspended";
            assert_eq!((collections(app)[0] == "void", &now["settled"]), (held, &json!(true)), "{now}");
        }
    }

    async fn terminated_everything_ends_for_good(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        app.ask(tenant, "addons", &json!({"plan": "extra_storage"})).await.expect(201);
        app.settle().await;
        app.ask(tenant, "subscription/plan", &json!({"plan": "pro", "interval": "year", "when": "period_end"})).await.expect(200);
        ask(app, tenant, "suspend").await.expect(200);
        let over = ask(app, tenant, "terminate").await.expect(200);
        assert_eq!((&over["status"], &over["settled"], &over["subscription"]), (&json!("terminated"), &json!(true), &Value::Null));
        assert_eq!(over["status_since"], "2026-11-20T12:00:00Z", "from then on its retention counts");
        app.settle().await;
        let subscriptions = app.simulator.objects("subscription");
        assert!(subscriptions.iter().all(|it| it["status"] == "canceled"), "{subscriptions:?}");
        assert_eq!(app.status(tenant).await["subscriptions"], json!([]));
        ask(app, tenant, "suspend").await.refused(409, "tenant_terminated");
        ask(app, tenant, "reactivate").await.refused(409, "tenant_terminated");
        ask(app, tenant, "terminate").await.expect(200);
        let owner = app.token(Role::Owner, tenant);
        app.post(CHECKOUT).bearer(&owner).json(&order("pro")).await.refused(409, "tenant_not_active");
        assert_eq!(app.history(tenant).await.iter().filter(|kind| *kind == "tenant.terminated").count(), 1);
        assert!(audited(app).await.contains(&"tenant.terminate".to_owned()));
    }

    async fn who_may_not_is_told_so(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let (owner, support) = (app.token(Role::Owner, tenant), app.sign(Role::Support, None));
        for what in ["suspend", "reactivate", "terminate"] {
            let path = format!("/api/v1/stripe/tenants/{tenant}/{what}");
            for token in [&owner, &support] {
                app.post(&path).bearer(token).json(&json!({"reason": "x"})).await.refused(403, "forbidden");
            }
            let nobody = format!("/api/v1/stripe/tenants/{}/{what}", app.app.clock.new_id());
            app.post(&nobody).bearer(&app.operator()).json(&json!({"reason": "x"})).await.refused(404, "not_found");
        }
        for bad in [json!({}), json!({"reason": " "}), json!({"reason": "x".repeat(501)}), json!({"reason": 1}), json!({"why": "x"})] {
            let path = format!("/api/v1/stripe/tenants/{tenant}/suspend");
            app.post(&path).bearer(&app.operator()).json(&bad).await.refused(422, "invalid_request");
        }
    }
}
