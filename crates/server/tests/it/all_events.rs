//! The events of all tenants: one order, which is read without gap or duplicate, whoever commits when.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, event::EventType, id::TenantId};
use tollhouse_server::{
    App,
    events::tasks::place_events,
    record::{Happened, Origin, Subject, record},
};

use crate::{
    events::Listener,
    harness::{Kind, TestApp, on_both_databases, summary_of_a_test},
};

const EVENTS: &str = "/api/v1/admin/events";

async fn page(app: &TestApp, query: &str) -> (Vec<Value>, Option<String>) {
    let answer = app.get(&format!("{EVENTS}?{query}")).bearer(&app.operator()).await.expect(200);
    let next = answer["next_cursor"].as_str().map(str::to_owned);
    (answer["data"].as_array().unwrap().clone(), next)
}

/// All of it, in order, as a program would read it.
pub async fn read_all(app: &TestApp) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), "0".to_owned());
    loop {
        let (rows, next) = page(app, &format!("limit=7&after={after}")).await;
        all.extend(rows);
        let Some(next) = next else { return all };
        after = next;
    }
}

/// A transaction of a tenant's that has recorded something and is not committed.
async fn begun(app: &App, tenant: TenantId) -> tollhouse_server::db::Tx {
    let mut tx = app.db.begin().await.unwrap();
    let happened = Happened {
        tenant,
        event: EventType::TenantUpdated,
        audit: None,
        subject: &Subject::new("tenant", tenant),
        summary: summary_of_a_test(EventType::TenantUpdated),
        data: &json!({}),
        at: app.clock.now(),
    };
    record(&mut tx, app, &Origin::system(), happened).await.unwrap();
    tx
}

/// Positions are 1, 2, 3 …, and each tenant's own numbers follow each other.
pub fn is_one_order(events: &[Value]) {
    let mut numbers: BTreeMap<&str, i64> = BTreeMap::new();
    for (event, position) in events.iter().zip(1..) {
        assert_eq!(event["position"], position);
        let number = numbers.entry(event["tenant_id"].as_str().unwrap()).or_default();
        *number += 1;
        assert_eq!(event["sequence"], *number, "{event}");
    }
}

on_both_databases! {
    async fn all_tenants_have_one_order(app: &TestApp) {
        let acme = app.subscriber("Acme", "pro").await;
        let birch = app.subscriber("Birch", "pro").await;
        let all = read_all(app).await;
        is_one_order(&all);
        assert_eq!(all.len(), app.history(acme).await.len() + app.history(birch).await.len());
        let (newest, next) = page(app, "limit=2").await;
        assert_eq!(newest[0], all[all.len() - 1]);
        let (older, _) = page(app, &format!("limit=2&cursor={}", next.unwrap())).await;
        assert_eq!(older[0], all[all.len() - 3]);
        let (paid, _) = page(app, &format!("tenant_id={birch}&type=invoice.paid&after=0")).await;
        assert_eq!(paid.len(), 1);
        let own = app.token(Role::Owner, acme);
        app.get(EVENTS).bearer(&own).await.refused(403, "forbidden");
        for bad in ["after=x", "cursor=x", "after=1&cursor=1", "type=x", "limit=101"] {
            app.get(&format!("{EVENTS}?{bad}")).bearer(&app.operator()).await.refused(422, "invalid_request");
        }
        app.get(&format!("{EVENTS}?tenant_id=x")).bearer(&app.operator()).await.refused(404, "not_found");
    }

    async fn the_operator_hears_all_tenants_and_resumes(app: &TestApp) {
        let router = || tollhouse_server::router(&app.app);
        let mut live = Listener::connect(router(), &app.operator(), None).await;
        app.tenant("Acme").await;
        app.tenant("Birch").await;
        app.settle().await;
        let first = live.next_of_all().await;
        let second = live.next_of_all().await;
        assert_eq!((&first["position"], &second["position"]), (&json!(1), &json!(2)));
        assert_ne!(first["tenant_id"], second["tenant_id"]);
        app.tenant("Cosmo").await;
        app.settle().await;
        let mut resumed = Listener::connect(router(), &app.operator(), Some(1)).await;
        assert_eq!(resumed.next_of_all().await, second);
        assert_eq!(resumed.next_of_all().await["position"], 3);
        assert_eq!(live.next_of_all().await["position"], 3);
    }
}

/// What a plain counter taken inside the transaction would get wrong: the later number is seen first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_lands_late_is_not_skipped() {
    let app = TestApp::start(Kind::Postgres).await;
    let (acme, birch) = (app.tenant("Acme").await, app.tenant("Birch").await);
    let slow = begun(&app.app, acme).await;
    let quick = begun(&app.app, birch).await;
    quick.commit().await.unwrap();
    place_events(&app.app).await.unwrap();
    let seen = read_all(&app).await;
    assert_eq!(seen.len(), 3, "what is not committed has no place yet");
    slow.commit().await.unwrap();
    place_events(&app.app).await.unwrap();
    let all = read_all(&app).await;
    assert_eq!(all[..3], seen, "what was read stays where it was");
    assert_eq!((all.len(), &all[3]["tenant_id"]), (4, &json!(acme)));
    is_one_order(&all);
    app.finish().await;
}

/// Four writers and two who place, on two instances, beside one who reads all the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_reads_while_many_write_misses_nothing() {
    const EACH: usize = 60;
    let app = TestApp::start(Kind::Postgres).await;
    let other = App::start(app.app.config.clone(), app.app.clock.clone(), None).await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for index in 0..4 {
        let tenant = app.tenant(&format!("T{index}")).await;
        let instance = if index % 2 == 0 { app.app.clone() } else { other.clone() };
        writers.spawn(async move {
            for _ in 0..EACH {
                begun(&instance, tenant).await.commit().await.unwrap();
            }
        });
    }
    let placing = [app.app.clone(), other.clone()].map(|instance| {
        tokio::spawn(async move {
            while !instance.stop.is_cancelled() {
                place_events(&instance).await.unwrap();
                tokio::task::yield_now().await;
            }
        })
    });
    let mut read = Vec::new();
    while read.len() < 4 * (EACH + 1) {
        let (rows, _) = page(&app, &format!("limit=100&after={}", read.len())).await;
        read.extend(rows);
    }
    writers.join_all().await;
    other.stop.cancel();
    app.app.stop.cancel();
    for placing in placing {
        placing.await.unwrap();
    }
    is_one_order(&read);
    assert_eq!(read, read_all(&app).await);
    other.db.close().await;
    app.finish().await;
}
