//! Several instances on one Postgres, with Redis between them.

use std::time::Duration;

use axum::{body::Body, http::Request};
use serde_json::{Value, json};
use tollhouse_domain::actor::Role;
use tollhouse_server::{App, config::Secret, events::wake, router};

use crate::{
    events::Listener,
    harness::{Answer, Database, Kind, TestApp, redis_url},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_on_one_instance_hears_of_the_other_through_redis() {
    one_hears_of_the_other(Some(Secret::new(redis_url()))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_it_hears_of_the_other_through_postgres() {
    one_hears_of_the_other(None).await;
}

async fn one_hears_of_the_other(redis: Option<Secret>) {
    let database = Database::create(Kind::Postgres).await;
    let here = TestApp::start_with(database, |config| {
        config.redis.url = redis;
        // A heartbeat would find the event too; only another's word can be this quick.
        config.stream.heartbeat_seconds = 3600;
    })
    .await;
    let there = App::start(here.app.config.clone(), here.app.clock.clone(), None).await.unwrap();
    let tenant = here.tenant("Acme").await;
    for app in [&here.app, &there] {
        tokio::spawn(wake::run(app.clone()));
    }
    let mut stream =
        Listener::connect(router(&there), &here.token(Role::Viewer, tenant), Some(0)).await;
    assert_eq!(stream.next().await, (1, "tenant.created".to_owned()));
    let mut of_all = Listener::connect(router(&there), &here.operator(), None).await;

    // Subscribing takes a moment that nothing announces: a nudge sent before it is lost, so nudge again.
    here.checkout(tenant, "pro").await;
    let told = async {
        let mut again = tokio::time::interval(Duration::from_millis(50));
        let next = stream.next();
        tokio::pin!(next);
        loop {
            tokio::select! {
                event = &mut next => return event,
                _ = again.tick() => here.app.nudges.send(tollhouse_server::nudge::Nudge::Events(tenant)),
            }
        }
    };
    assert_eq!(told.await, (2, "tenant.customer_linked".to_owned()));
    here.settle().await;
    assert_eq!(of_all.next_of_all().await["tenant_id"], tenant.to_string());
    there.stop.cancel();
    there.db.close().await;
    here.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_work_each_delivery_once_in_effect() {
    let here = TestApp::start(Kind::Postgres).await;
    let gateway = std::sync::Arc::new(here.simulator.gateway());
    let there =
        App::start(here.app.config.clone(), here.app.clock.clone(), Some(gateway)).await.unwrap();
    let mut tenants = Vec::new();
    for index in 0..20 {
        let tenant = here.tenant(&format!("T{index}")).await;
        let session = here.checkout(tenant, "pro").await;
        here.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
        tenants.push(tenant);
    }
    // Shuffled, so that both instances get deliveries of the same tenants and objects.
    let mut deliveries = here.simulator.due_deliveries();
    fastrand::Rng::with_seed(11).shuffle(&mut deliveries);
    for delivery in deliveries {
        assert_eq!(here.deliver(&delivery).await.status, 200);
        here.simulator.delivery_answered(&delivery.id, Some(200));
    }
    let (one, other) = tokio::join!(
        tollhouse_server::tasks::run_once(&here.app),
        tollhouse_server::tasks::run_once(&there)
    );
    one.unwrap();
    other.unwrap();
    here.settle().await;
    for tenant in tenants {
        assert_eq!(here.status(tenant).await["subscriptions"][0]["status"], "ACTIVE");
        let history = here.history(tenant).await;
        for event in ["checkout.completed", "subscription.created", "invoice.paid"] {
            assert_eq!(history.iter().filter(|known| *known == event).count(), 1, "{event}");
        }
    }
    there.db.close().await;
    here.finish().await;
}

/// The same reports, to both instances at once, each time in another order: every key counts once, and
/// nobody waits in a circle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_count_each_report_once() {
    let here = TestApp::start(Kind::Postgres).await;
    let there = App::start(here.app.config.clone(), here.app.clock.clone(), None).await.unwrap();
    let (routers, operator) = ([router(&here.app), router(&there)], here.operator());
    let tenants = [here.tenant("Acme").await, here.tenant("Birch").await];
    let reports: Vec<Value> = (0..200)
        .map(|number| {
            let meter = ["inference", "embedding", "storage_gb"][number % 3];
            json!({
                "tenant_id": tenants[number % 2], "idempotency_key": format!("k{number}"),
                "meter": meter, "quantity": 1,
            })
        })
        .collect();
    let mut sent = tokio::task::JoinSet::new();
    for turn in 0..20 {
        let mut events = reports.clone();
        events.rotate_left(turn * 31 % 200);
        if turn % 3 == 0 {
            events.reverse();
        }
        let request = Request::post("/api/v1/usage/batch")
            .header("authorization", format!("Bearer {operator}"))
            .body(Body::from(json!({ "events": events }).to_string()))
            .unwrap();
        sent.spawn(Answer::of(routers[turn % 2].clone(), request));
    }
    let mut counted = 0;
    while let Some(answer) = sent.join_next().await {
        counted += answer.unwrap().expect(202)["counted"].as_u64().unwrap();
    }
    assert_eq!(counted, 200);
    for tenant in tenants {
        let viewer = here.token(Role::Viewer, tenant);
        let summary = here.get("/api/v1/billing/usage").bearer(&viewer).await.expect(200);
        let today = &summary["usage"]["today"];
        let sum: u64 =
            ["inference", "embedding"].iter().filter_map(|meter| today[meter].as_u64()).sum();
        assert_eq!((sum / 10, &today["storage_gb"]), (6, &json!(1)), "{today}");
    }
    there.stop.cancel();
    there.db.close().await;
    here.finish().await;
}
