//! The cards on file: shown, chosen, removed with a guard.

use serde_json::Value;
use tollhouse_domain::{actor::Role, id::TenantId};

use crate::harness::{Call, TestApp, on_both_databases};

fn ask<'a>(app: &'a TestApp, method: &'static str, tenant: TenantId, path: &str) -> Call<'a> {
    let admin = app.token(Role::Admin, tenant);
    app.call(method, &format!("/api/v1/billing/tenants/{tenant}/payment-methods{path}"))
        .bearer(&admin)
}

async fn cards(app: &TestApp, tenant: TenantId) -> Vec<Value> {
    ask(app, "GET", tenant, "").await.expect(200).as_array().unwrap().clone()
}

/// Gives the tenant's customer another card; its id.
async fn add_card(app: &TestApp, card: &str) -> String {
    let customer = app.simulator.objects("customer")[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/payment_methods/{card}/attach");
    app.stripe("POST", &path, &[("customer", &customer)]).await["id"].as_str().unwrap().to_owned()
}

on_both_databases! {
    async fn cards_are_listed_and_one_is_charged(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        assert!(cards(app, tenant).await.is_empty(), "nobody has paid yet");
        app.subscribe(tenant, "pro").await;
        let second = add_card(app, "pm_card_mastercard").await;
        let all = cards(app, tenant).await;
        assert_eq!(all.len(), 2);
        let charged: Vec<&Value> = all.iter().filter(|card| card["is_default"] == true).collect();
        assert_eq!(charged.len(), 1);
        assert_eq!((&charged[0]["card"]["brand"], &charged[0]["card"]["last4"]), (&"visa".into(), &"4242".into()));
        let viewer = app.token(Role::Viewer, tenant);
        let own = app.get("/api/v1/billing/payment-methods").bearer(&viewer).await.expect(200);
        assert_eq!(own.as_array().unwrap(), &all);

        ask(app, "POST", tenant, &format!("/{second}/default")).await.expect(204);
        app.settle().await;
        let charged: Vec<Value> =
            cards(app, tenant).await.into_iter().filter(|card| card["is_default"] == true).collect();
        assert_eq!(charged[0]["id"], *second);
        let subscription = app.simulator.objects("subscription")[0].clone();
        assert_eq!(subscription["default_payment_method"], *second, "the subscription's own goes first");
        assert_eq!(app.history(tenant).await.last().unwrap(), "payment_method.default_changed");
    }

    async fn the_last_card_of_a_subscription_stays(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let only = cards(app, tenant).await[0]["id"].as_str().unwrap().to_owned();
        ask(app, "DELETE", tenant, &format!("/{only}")).await.refused(409, "last_payment_method");
        let second = add_card(app, "pm_card_mastercard").await;
        ask(app, "POST", tenant, &format!("/{second}/default")).await.expect(204);
        ask(app, "DELETE", tenant, &format!("/{only}")).await.expect(204);
        app.settle().await;
        assert_eq!(cards(app, tenant).await.len(), 1);
        assert_eq!(app.history(tenant).await.last().unwrap(), "payment_method.removed");
    }

    async fn another_tenants_card_is_nobodys(app: &TestApp) {
        let acme = app.subscriber("Acme", "pro").await;
        let birch = app.subscriber("Birch", "pro").await;
        let card = cards(app, acme).await[0]["id"].as_str().unwrap().to_owned();
        for (method, verb) in [("POST", "/default"), ("DELETE", "")] {
            ask(app, method, birch, &format!("/{card}{verb}")).await.refused(404, "not_found");
        }
        let member = app.token(Role::Member, acme);
        let path = format!("/api/v1/billing/tenants/{acme}/payment-methods/{card}");
        app.call("DELETE", &path).bearer(&member).await.refused(403, "forbidden");
    }

    async fn a_card_can_be_taken_for_later(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let intent = ask(app, "POST", tenant, "/setup-intent").await.expect(200);
        assert!(intent["client_secret"].as_str().unwrap().starts_with(intent["id"].as_str().unwrap()));
        assert_eq!(app.simulator.objects("customer").len(), 1, "the customer is made where it is missing");
        app.settle().await;
    }
}
