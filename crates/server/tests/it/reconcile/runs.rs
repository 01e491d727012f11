//! One comparison at a time, that a kill or a throttle puts off and does not end.

use std::sync::Arc;

use serde_json::{Value, json};
use tollhouse_domain::{id::TenantId, reconcile::RunKind};
use tollhouse_server::{
    App,
    reconcile::{actions::request, queries, run},
    record::Origin,
    tasks,
};
use tollhouse_simulator::{Fault, FaultKind};

use super::*;
use crate::harness::{Database, Kind};

on_both_databases! {
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
