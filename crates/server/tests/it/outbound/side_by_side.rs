//! Several workers, slow receivers, and workers that die.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::json;
use tollhouse_domain::event::EventType;
use tollhouse_server::{App, tasks};

use super::{Receiver, deliveries, endpoint, happens, make, numbers, path};
use crate::harness::{Database, Kind, TestApp, on_both_databases};

/// Waits until something is so; the receiver's socket is real, and nothing else announces it.
async fn until(mut is_so: impl FnMut() -> bool) {
    let mut again = tokio::time::interval(Duration::from_millis(10));
    let patience = async {
        while !is_so() {
            again.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), patience)
        .await
        .expect("it came to be so in time");
}

async fn two_instances_send_each_event_once(kind: Kind) {
    let here = TestApp::start_with(Database::create(kind).await, |_| {}).await;
    let there = App::start(here.app.config.clone(), here.app.clock.clone(), None).await.unwrap();
    let receiver = Receiver::start().await;
    let made = endpoint(&here, &receiver).await;
    make(&here, json!({ "url": receiver.url("/other"), "enabled_events": ["slot.*"] })).await;
    let mut tenants = Vec::new();
    for index in 0..12 {
        let tenant = here.tenant(&format!("T{index}")).await;
        for _ in 0..5 {
            happens(&here, tenant, EventType::SlotClaimed).await;
        }
        tenants.push(tenant);
    }
    let (one, other) = tokio::join!(tasks::run_once(&here.app), tasks::run_once(&there));
    one.unwrap();
    other.unwrap();
    here.settle().await;
    let at = |path: &str| -> Vec<_> {
        receiver.messages().into_iter().filter(|message| message.path == path).collect()
    };
    for tenant in tenants {
        assert_eq!(numbers(&at("/hooks"), tenant), [1, 2, 3, 4, 5, 6]);
        assert_eq!(numbers(&at("/other"), tenant), [2, 3, 4, 5, 6]);
    }
    assert_eq!(deliveries(&here, &made, "&state=delivered").await.len(), 72);
    there.db.close().await;
    here.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_send_each_event_once_on_postgres() {
    two_instances_send_each_event_once(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_send_each_event_once_on_sqlite() {
    two_instances_send_each_event_once(Kind::Sqlite).await;
}

on_both_databases! {
    async fn a_slow_receiver_holds_up_no_other(app: &TestApp) {
        let receiver = Receiver::start().await;
        make(app, json!({ "url": receiver.url("/slow") })).await;
        make(app, json!({ "url": receiver.url("/quick") })).await;
        let mut tenants = Vec::new();
        for index in 0..10 {
            tenants.push(app.tenant(&format!("T{index}")).await);
        }
        let at = |path: &str| receiver.messages().iter().filter(|m| m.path == path).count();
        let running = tokio::spawn({
            let app = Arc::clone(&app.app);
            async move { tasks::run_once(&app).await }
        });
        until(|| at("/quick") == 10 && at("/slow") == 4).await;
        // What happens while it waits goes to the quick one at once.
        happens(app, tenants[0], EventType::SlotClaimed).await;
        until(|| at("/quick") == 11).await;
        assert_eq!(at("/slow"), 4, "so many at once and no more");
        receiver.let_go();
        running.await.unwrap().unwrap();
        assert_eq!((at("/quick"), at("/slow")), (11, 11));
    }

    async fn what_is_being_sent_is_not_redelivered_beside_it(app: &TestApp) {
        let receiver = Receiver::start().await;
        let made = make(app, json!({ "url": receiver.url("/slow") })).await;
        receiver.answer(|_| 500);
        receiver.let_one_go();
        app.tenant("Acme").await;
        app.settle().await;
        receiver.answer(|_| 200);
        app.app.clock.advance(10);
        let running = tokio::spawn({
            let app = Arc::clone(&app.app);
            async move { tasks::run_once(&app).await }
        });
        until(|| receiver.messages().len() == 2).await;
        let event = deliveries(app, &made, "").await[0]["id"].as_str().unwrap().to_owned();
        let redeliver = path(&made, &format!("/deliveries/{event}/redeliver"));
        let refused = app.post(&redeliver).bearer(&app.operator()).await;
        refused.refused(409, "outbound_delivery_in_progress");
        receiver.let_go();
        running.await.unwrap().unwrap();
        assert_eq!(receiver.messages().len(), 2);
        assert_eq!(deliveries(app, &made, "").await[0]["state"], "delivered");
    }

    async fn a_worker_that_dies_costs_a_second_copy_and_no_event(app: &TestApp) {
        let receiver = Receiver::start().await;
        make(app, json!({ "url": receiver.url("/slow") })).await;
        let tenant = app.tenant("Acme").await;
        happens(app, tenant, EventType::SlotClaimed).await;
        let running = tokio::spawn({
            let app = Arc::clone(&app.app);
            async move { tasks::run_once(&app).await }
        });
        until(|| receiver.messages().len() == 1).await;
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        receiver.let_go();
        app.settle().await;
        assert_eq!(receiver.messages().len(), 1, "the lane is still claimed");
        app.advance(61).await;
        assert_eq!(numbers(&receiver.messages(), tenant), [1, 1, 2]);
        let ids: BTreeSet<_> = receiver.messages().iter().map(|m| m.id().to_owned()).collect();
        assert_eq!(ids.len(), 2, "the copy bears the same id");
    }
}
