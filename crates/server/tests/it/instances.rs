//! Several instances on one Postgres, with Redis between them.

use std::time::Duration;

use tollhouse_domain::actor::Role;
use tollhouse_server::{App, config::Secret, events::wake, router};

use crate::{
    events::Listener,
    harness::{Database, Kind, TestApp, redis_url},
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
