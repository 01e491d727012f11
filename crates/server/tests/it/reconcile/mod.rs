//! What Stripe never told us is found, healed and written down.

mod persons;
mod runs;

use serde_json::{Value, json};
use tollhouse_domain::reconcile::RunKind;
use tollhouse_server::{
    reconcile::{actions::request, run},
    record::Origin,
    tasks,
};

use crate::harness::{TestApp, on_both_databases};

pub const RECONCILE: &str = "/api/v1/admin/reconcile";
const DRIFT: &str = "/api/v1/admin/drift";
/// After this an event is not on its way any more.
pub const LONG_ENOUGH: i64 = 600;

/// Compares with Stripe, and answers the run as it stands then.
pub async fn reconcile(app: &TestApp, full: bool) -> Value {
    let body = json!({ "full": full });
    app.post(RECONCILE).bearer(&app.operator()).json(&body).await.expect(202);
    tasks::run_once(&app.app).await.unwrap();
    newest_run(app).await
}

pub async fn newest_run(app: &TestApp) -> Value {
    let runs = app.get(RECONCILE).bearer(&app.operator()).await.expect(200);
    runs["data"][0].clone()
}

pub async fn drift(app: &TestApp, state: &str) -> Vec<Value> {
    let path = format!("{DRIFT}?state={state}&limit=100");
    let page = app.get(&path).bearer(&app.operator()).await.expect(200);
    page["data"].as_array().unwrap().clone()
}

/// What Stripe would tell us now, it never will.
pub fn lose_webhooks(app: &TestApp) -> usize {
    let lost = app.simulator.due_deliveries();
    for delivery in &lost {
        app.simulator.delivery_answered(&delivery.id, Some(200));
    }
    lost.len()
}

fn the(app: &TestApp, kind: &str) -> Value {
    app.simulator.objects(kind).last().unwrap().clone()
}

async fn end_at_stripe(app: &TestApp, subscription: &Value) {
    let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
    app.stripe("DELETE", &path, &[]).await;
}

fn clock_of(app: &TestApp, seconds: i64) {
    app.app.clock.advance(seconds);
}

/// Writes into our tables what no sync would.
async fn tamper(app: &TestApp, sql: &'static str) {
    let mut tx = app.app.db.begin().await.unwrap();
    tx.query(sql).execute().await.unwrap();
    tx.commit().await.unwrap();
}

on_both_databases! {
    async fn a_webhook_that_never_came_is_found_and_healed(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let first = reconcile(app, false).await;
        assert_eq!((&first["kind"], &first["state"]), (&json!("full"), &json!("done")), "the first compares everything");
        assert_eq!((&first["changed"], &first["needs_person"]), (&json!(0), &json!(0)), "{first}");

        end_at_stripe(app, &the(app, "subscription")).await;
        assert!(lose_webhooks(app) > 0);
        let young = reconcile(app, false).await;
        assert_eq!(young["lost"], 0, "it may still come");
        clock_of(app, LONG_ENOUGH);
        let run = reconcile(app, false).await;
        assert_eq!((&run["kind"], &run["state"]), (&json!("events"), &json!("done")));
        assert_eq!((&run["lost"], &run["changed"]), (&json!(1), &json!(1)), "{run}");
        assert_eq!(app.status(tenant).await["subscriptions"], json!([]));

        let healed = drift(app, "healed").await;
        assert_eq!(healed.len(), 1);
        assert_eq!(healed[0]["object"], "subscription");
        assert_eq!(healed[0]["tenant_id"], tenant.to_string());
        assert!(healed[0]["reason"].as_str().unwrap().contains("customer.subscription.deleted"));
        let status = json!({"field": "status", "before": "active", "after": "canceled"});
        assert!(healed[0]["differences"].as_array().unwrap().contains(&status), "{}", healed[0]);
        assert_eq!(healed[0]["healed_at"], healed[0]["found_at"]);

        let again = reconcile(app, false).await;
        assert_eq!((&again["lost"], &again["changed"]), (&json!(0), &json!(0)), "{again}");
        let history = app.history(tenant).await;
        assert_eq!(history.iter().filter(|event| *event == "subscription.canceled").count(), 1);
        app.settle().await;
    }

    async fn what_only_our_rows_know_is_compared_too(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        app.checkout(tenant, "pro").await;
        app.settle().await;
        reconcile(app, false).await;
        app.simulator.complete_checkout(the(app, "checkout.session")["id"].as_str().unwrap(), "pm_card_visa").unwrap();
        lose_webhooks(app);
        // As if the list of events had not reached back.
        let run = reconcile(app, true).await;
        assert_eq!(run["state"], "done");
        assert_eq!(app.status(tenant).await["subscriptions"][0]["status"], "ACTIVE");
        let objects: Vec<Value> = drift(app, "healed").await.iter().map(|row| row["object"].clone()).collect();
        for kind in ["subscription", "invoice", "checkout.session"] {
            assert!(objects.contains(&json!(kind)), "{kind} is not in {objects:?}");
        }
        let told = app.history(tenant).await;
        assert_eq!(told.iter().filter(|event| *event == "checkout.completed").count(), 1, "{told:?}");
        app.settle().await;
    }

    async fn a_row_that_says_something_else_is_put_right(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        reconcile(app, true).await;
        let id = the(app, "subscription")["id"].as_str().unwrap().to_owned();
        tamper(app, "UPDATE subscriptions SET quantity = 7").await;
        reconcile(app, true).await;
        let healed = drift(app, "healed").await;
        assert_eq!(healed[0]["object_id"], id);
        assert_eq!(healed[0]["differences"], json!([{"field": "quantity", "before": "7", "after": "1"}]));
        assert_eq!(app.subscription(tenant).await["seats"], 1);
    }

    async fn customers_nobody_linked_are_linked_and_strangers_left_alone(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let linked = app.stripe("POST", "/v1/customers", &[("metadata[tenant_id]", &tenant.to_string())]).await;
        app.stripe("POST", "/v1/customers", &[("name", "Of another product")]).await;
        lose_webhooks(app);
        let run = reconcile(app, true).await;
        assert_eq!((&run["looked_at"], &run["changed"]), (&json!(1), &json!(1)), "{run}");
        assert_eq!(drift(app, "healed").await[0]["object_id"], linked["id"]);
        assert_eq!(app.history(tenant).await, ["tenant.created", "tenant.customer_linked"]);
    }

    async fn the_list_of_events_that_does_not_reach_back_leads_to_comparing_everything(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        reconcile(app, true).await;
        end_at_stripe(app, &the(app, "subscription")).await;
        lose_webhooks(app);
        clock_of(app, 31 * 86_400);
        let run = reconcile(app, false).await;
        assert_eq!((&run["kind"], &run["lost"]), (&json!("full"), &json!(0)), "{run}");
        assert_eq!(app.status(tenant).await["subscriptions"], json!([]));
        app.settle().await;
    }

    async fn a_delivery_that_waits_is_no_drift(app: &TestApp) {
        app.subscriber("Acme", "pro").await;
        reconcile(app, true).await;
        end_at_stripe(app, &the(app, "subscription")).await;
        for delivery in app.simulator.due_deliveries() {
            app.deliver(&delivery).await.expect(200);
            app.simulator.delivery_answered(&delivery.id, Some(200));
        }
        let run = request(&app.app, &Origin::system(), RunKind::Full, None).await.unwrap();
        run::work(&app.app).await.unwrap();
        assert_eq!(newest_run(app).await["id"], run.id.to_string());
        assert_eq!(newest_run(app).await["changed"], 0);
        assert_eq!(drift(app, "healed").await, Vec::<Value>::new());
        app.settle().await;
    }
}
