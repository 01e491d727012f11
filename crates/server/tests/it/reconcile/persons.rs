//! What cannot be healed waits for a person, is not reported twice, and closes by itself.

use serde_json::{Value, json};
use tollhouse_domain::actor::Role;

use super::*;

on_both_databases! {
    async fn what_is_over_with_us_and_alive_at_stripe_waits_for_a_person(app: &TestApp) {
        app.subscriber("Acme", "pro").await;
        tamper(app, "UPDATE subscriptions SET status = 'canceled'").await;
        let run = reconcile(app, true).await;
        assert_eq!((&run["state"], &run["needs_person"]), (&json!("done"), &json!(1)), "{run}");
        let open = drift(app, "needs_person").await;
        assert!(open[0]["reason"].as_str().unwrap().contains("alive again"), "{}", open[0]);
        clock_of(app, 60);
        reconcile(app, true).await;
        let again = drift(app, "needs_person").await;
        assert_eq!(again.len(), 1, "the same is not reported twice");
        assert!(again[0]["seen_at"].as_str() > again[0]["found_at"].as_str());

        tamper(app, "UPDATE subscriptions SET status = 'active'").await;
        reconcile(app, true).await;
        assert_eq!(drift(app, "needs_person").await, Vec::<Value>::new());
        assert_eq!(drift(app, "healed").await[0]["id"], open[0]["id"], "it closes by itself");
    }

    async fn a_price_that_nobody_sells_waits_for_a_person_and_stops_nothing(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        app.card_on_file(tenant, "pm_card_visa").await;
        app.settle().await;
        reconcile(app, true).await;
        let price = app.stripe("POST", "/v1/prices", &[("currency", "usd"), ("unit_amount", "500"),
            ("recurring[interval]", "month"), ("product_data[name]", "Of yesterday")]).await;
        let customer = the(app, "customer")["id"].as_str().unwrap().to_owned();
        let odd = app.stripe("POST", "/v1/subscriptions",
            &[("customer", &customer), ("items[0][price]", price["id"].as_str().unwrap())]).await;
        let other = app.tenant("Other").await;
        let session = app.checkout(other, "pro").await;
        app.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
        lose_webhooks(app);
        clock_of(app, LONG_ENOUGH);
        let run = reconcile(app, false).await;
        assert_eq!(run["state"], "done");
        assert_eq!(app.status(other).await["subscriptions"][0]["status"], "ACTIVE");
        let open = drift(app, "needs_person").await;
        assert_eq!(open.len(), 1, "{open:?}");
        assert_eq!(open[0]["object_id"], odd["id"]);
        assert!(open[0]["reason"].as_str().unwrap().contains("no price of our catalog"), "{}", open[0]);
        app.settle().await;
    }

    async fn two_base_plans_of_one_tenant_wait_for_a_person(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let first = the(app, "subscription");
        let (customer, price) = (first["customer"].as_str().unwrap(), first["items"]["data"][0]["price"]["id"].as_str().unwrap());
        clock_of(app, 5);
        let card = first["default_payment_method"].as_str().unwrap();
        let second = app.stripe("POST", "/v1/subscriptions", &[("customer", customer),
            ("items[0][price]", price), ("default_payment_method", card)]).await;
        app.settle().await;
        reconcile(app, true).await;
        let open = drift(app, "needs_person").await;
        assert_eq!(open.len(), 1);
        assert_eq!((&open[0]["object_id"], &open[0]["tenant_id"]), (&second["id"], &json!(tenant.to_string())));
        assert!(open[0]["reason"].as_str().unwrap().contains(first["id"].as_str().unwrap()));
        end_at_stripe(app, &first).await;
        app.settle().await;
        reconcile(app, true).await;
        assert_eq!(drift(app, "needs_person").await, Vec::<Value>::new());
    }

    async fn customers_of_two_tenants_or_twice_of_one_wait_for_a_person(app: &TestApp) {
        let (one, other) = (app.tenant("One").await, app.tenant("Other").await);
        app.card_on_file(one, "pm_card_visa").await;
        let customer = the(app, "customer")["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/customers/{customer}");
        app.stripe("POST", &path, &[("metadata[tenant_id]", &other.to_string())]).await;
        let twin = app.stripe("POST", "/v1/customers", &[("metadata[tenant_id]", &one.to_string())]).await;
        lose_webhooks(app);
        let run = reconcile(app, true).await;
        assert_eq!((&run["state"], &run["needs_person"]), (&json!("done"), &json!(2)), "{run}");
        let open = drift(app, "needs_person").await;
        let reason = |id: &Value| open.iter().find(|row| row["object_id"] == *id).unwrap()["reason"].to_string();
        assert!(reason(&json!(customer)).contains(&other.to_string()));
        assert!(reason(&twin["id"]).contains(&customer));

        let id = open[0]["id"].as_str().unwrap();
        let path = format!("{DRIFT}/{id}/resolve");
        let support = app.sign(Role::Support, None);
        app.post(&path).bearer(&support).await.refused(403, "forbidden");
        let resolved = app.post(&path).bearer(&app.operator()).await.expect(200);
        assert_eq!(resolved["state"], "resolved");
        assert!(resolved["resolved_at"].is_string());
        assert_eq!(drift(app, "needs_person").await.len(), 1);
        let nobody = format!("{DRIFT}/not-an-id/resolve");
        app.post(&nobody).bearer(&app.operator()).await.refused(404, "not_found");
    }
}
