//! What Stripe never told us is found, healed and written down; what cannot be healed waits for a person.

use std::sync::Arc;

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId, reconcile::RunKind};
use tollhouse_server::{
    App,
    reconcile::{actions::request, queries, run},
    record::Origin,
    tasks,
};
use tollhouse_simulator::{Fault, FaultKind};

use crate::harness::{Database, Kind, TestApp, on_both_databases};

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

    async fn a_run_that_stripe_throttles_is_not_done_and_goes_on(app: &TestApp) {
        app.subscriber("Acme", "pro").await;
        reconcile(app, true).await;
        end_at_stripe(app, &the(app, "subscription")).await;
        lose_webhooks(app);
        let path = Some("/v1/invoices".to_owned());
        app.simulator.add_fault(Fault { kind: FaultKind::Error429, times: 3, method: None, path });
        let run = reconcile(app, true).await;
        assert_eq!((&run["state"], &run["stage"]), (&json!("running"), &json!("invoices")), "{run}");
        assert!(run["error"].as_str().unwrap().contains("rate limited"), "{run}");
        tasks::run_once(&app.app).await.unwrap();
        assert_eq!(newest_run(app).await["state"], "running", "not before its time");
        clock_of(app, 3600);
        tasks::run_once(&app.app).await.unwrap();
        let run = newest_run(app).await;
        assert_eq!((&run["state"], &run["error"]), (&json!("done"), &Value::Null), "{run}");
        assert_eq!(run["changed"], 1);
        app.settle().await;
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

    async fn by_the_clock_events_hourly_and_everything_daily(app: &TestApp) {
        let settings = app.app.config.clone();
        assert!(!settings.reconcile.enabled, "the harness compares by hand");
        let mut config = settings;
        config.reconcile.enabled = true;
        let gateway = Arc::new(app.simulator.gateway());
        let clocked = App::start(config, app.app.clock.clone(), Some(gateway)).await.unwrap();
        app.subscriber("Acme", "pro").await;
        let mut kinds = Vec::new();
        for _ in 0..51 {
            tasks::run_once(&clocked).await.unwrap();
            kinds.push(newest_run(app).await["kind"].as_str().unwrap().to_owned());
            clock_of(app, 1800);
        }
        let runs = app.get(&format!("{RECONCILE}?limit=100")).bearer(&app.operator()).await.expect(200);
        assert_eq!(runs["data"].as_array().unwrap().len(), 26, "one an hour");
        assert_eq!((kinds[0].as_str(), kinds[2].as_str(), kinds[46].as_str(), kinds[48].as_str()), ("full", "events", "events", "full"));
        clocked.db.close().await;
        app.settle().await;
    }

    async fn who_lost_the_lease_writes_nothing(app: &TestApp) {
        request(&app.app, &Origin::system(), RunKind::Full, None).await.unwrap();
        let claim = async || {
            let now = app.app.clock.now();
            let mut tx = app.app.db.begin().await.unwrap();
            let run = queries::claim(&mut tx, now, now.plus_seconds(60)).await.unwrap();
            tx.commit().await.unwrap();
            run
        };
        let killed = claim().await.unwrap();
        assert!(claim().await.is_none(), "one at a time");
        assert_eq!(run::work(&app.app).await.unwrap(), None);
        clock_of(app, 61);
        let other = claim().await.unwrap();
        assert_eq!((other.id, other.fence), (killed.id, killed.fence + 1));
        let mut tx = app.app.db.begin().await.unwrap();
        assert!(!queries::save(&mut tx, &killed).await.unwrap());
        assert!(!queries::finish(&mut tx, &killed).await.unwrap());
        assert!(queries::save(&mut tx, &other).await.unwrap());
        tx.commit().await.unwrap();
        clock_of(app, 61);
        run::work(&app.app).await.unwrap();
        assert_eq!(newest_run(app).await["state"], "done");
    }

    async fn without_stripe_there_is_nothing_to_compare(app: &TestApp) {
        let mut config = app.app.config.clone();
        config.stripe.secret_key = None;
        config.reconcile.enabled = true;
        let alone = App::start(config, app.app.clock.clone(), None).await.unwrap();
        tasks::run_once(&alone).await.unwrap();
        let refused = request(&alone, &Origin::system(), RunKind::Full, None).await.unwrap_err();
        assert_eq!(refused.kind().1, "billing_not_configured");
        assert_eq!(newest_run(app).await, Value::Null);
        alone.db.close().await;
    }
}

/// Writes into our tables what no sync would.
async fn tamper(app: &TestApp, sql: &'static str) {
    let mut tx = app.app.db.begin().await.unwrap();
    tx.query(sql).execute().await.unwrap();
    tx.commit().await.unwrap();
}

/// A run is killed again and again, each time a little later, and still ends with every page looked at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_goes_on_after_its_last_page() {
    let app = TestApp::start_with(Database::create(Kind::Sqlite).await, |_| {}).await;
    let mut tenants: Vec<TenantId> = Vec::new();
    for index in 0..230 {
        let tenant = app.tenant(&format!("T{index}")).await;
        app.stripe("POST", "/v1/customers", &[("metadata[tenant_id]", &tenant.to_string())]).await;
        tenants.push(tenant);
    }
    lose_webhooks(&app);
    request(&app.app, &Origin::system(), RunKind::Full, None).await.unwrap();
    let mut cursors = Vec::new();
    for _ in 0..2 {
        let (server, before) = (Arc::clone(&app.app), newest_run_row(&app).await.cursor);
        let work = tokio::spawn(async move { run::work(&server).await });
        loop {
            let row = newest_run_row(&app).await;
            if row.cursor != before || work.is_finished() {
                cursors.push(row.cursor);
                break;
            }
            tokio::task::yield_now().await;
        }
        work.abort();
        assert!(work.await.unwrap_err().is_cancelled());
        app.app.clock.advance(61);
    }
    assert!(cursors[0].is_some() && cursors[0] != cursors[1], "{cursors:?}");
    run::work(&app.app).await.unwrap();
    let run = newest_run(&app).await;
    assert_eq!(run["state"], "done");
    for tenant in tenants {
        assert_eq!(app.history(tenant).await, ["tenant.created", "tenant.customer_linked"]);
    }
    app.finish().await;
}

async fn newest_run_row(app: &TestApp) -> queries::Run {
    let mut conn = app.app.db.read().await.unwrap();
    queries::find_newest(&mut conn).await.unwrap().unwrap()
}
