//! Several instances on one Postgres and one Redis, some of which die or stand still: the others do their work,
//! and what wakes up again overwrites nothing.

use std::{collections::BTreeSet, time::Duration};

use tollhouse_server::{db::Db, nudge::Nudges};

use crate::harness::{Database, Installation, Numbers, Stripe, pass, redis_url, send};

const TENANTS: usize = 6;
const ROUNDS: usize = 3;
const MONTH: i64 = 32 * 86_400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_three_instances_one_is_killed_and_one_stands_still_and_nothing_is_lost_or_told_twice() {
    let (database, stripe) = (Database::create().await, Stripe::start().await);
    let redis = redis_url();
    let installation = Installation { database: &database.url, redis: &redis, stripe: &stripe };
    installation.push_catalog().await;
    let [healthy, frozen] =
        [installation.start_instance().await, installation.start_instance().await];
    let mut killed = installation.start_instance().await;
    for index in 0..TENANTS {
        healthy.subscribe(&stripe, &format!("Tenant {index}")).await;
    }
    let numbers = Numbers::any();
    let mut acknowledged = BTreeSet::new();
    for _ in 0..ROUNDS {
        let events = stripe.events_besides(&acknowledged).await;
        assert!(events.len() > TENANTS, "{}", events.len());
        acknowledged.extend(events.iter().map(|event| event["id"].as_str().unwrap().to_owned()));
        let sending = send(&[&healthy, &frozen, &killed], &events, &numbers).await;
        let moment = numbers.lock().await.below(200);
        pass(Duration::from_millis(moment)).await;
        frozen.running.freeze().await;
        killed = killed.kill_and_start_again().await;
        sending.join_all().await;
        // The others do all of it while that one stands still, and go on to what is newer.
        healthy.settled().await;
        healthy.says_what_stripe_says(&stripe, TENANTS).await;
        stripe.advance(MONTH).await;
        frozen.running.wake().await;
    }
    let events = stripe.events_besides(&acknowledged).await;
    acknowledged.extend(events.iter().map(|event| event["id"].as_str().unwrap().to_owned()));
    send(&[&healthy, &frozen, &killed], &events, &numbers).await.join_all().await;
    for instance in [&healthy, &frozen, &killed] {
        instance.settled().await;
        instance.says_what_stripe_says(&stripe, TENANTS).await;
    }
    healthy.has_kept(&acknowledged).await;
    healthy.has_told_once(&stripe, TENANTS).await;
    for instance in [healthy, frozen, killed] {
        instance.running.stop().await;
    }
    stripe.running.stop().await;
    database.drop().await;
}

/// The worst moment to stand still: in a transaction that holds what the others need.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_stands_still_with_locks_in_its_hands_holds_up_nobody_for_long() {
    let (database, stripe) = (Database::create().await, Stripe::start().await);
    let installation = Installation { database: &database.url, redis: "", stripe: &stripe };
    installation.push_catalog().await;
    let frozen = installation.start_instance().await;
    for index in 0..TENANTS {
        frozen.subscribe(&stripe, &format!("Tenant {index}")).await;
    }
    // Its transactions come as far as the counters of the tenants, and wait there for us.
    let patient = format!("{}?options[idle_in_transaction_session_timeout]=120000", database.url);
    let db = Db::open(&patient, 2, Nudges::default()).await.unwrap();
    let mut held = db.begin().await.unwrap();
    held.query("UPDATE event_counters SET last = last").execute().await.unwrap();
    let numbers = Numbers::any();
    let told = stripe.events_besides(&BTreeSet::new()).await;
    send(&[&frozen], &told, &numbers).await.join_all().await;
    while waiting(&db).await == 0 {
        pass(Duration::from_millis(20)).await;
    }
    frozen.running.freeze().await;
    held.commit().await.unwrap();

    let healthy = installation.start_instance().await;
    healthy.settled().await;
    healthy.says_what_stripe_says(&stripe, TENANTS).await;
    frozen.running.wake().await;
    frozen.settled().await;
    frozen.has_told_once(&stripe, TENANTS).await;
    frozen.says_what_stripe_says(&stripe, TENANTS).await;
    for instance in [healthy, frozen] {
        instance.running.stop().await;
    }
    db.close().await;
    stripe.running.stop().await;
    database.drop().await;
}

/// How many transactions wait for a lock.
async fn waiting(db: &Db) -> u64 {
    let mut conn = db.read().await.unwrap();
    conn.query("SELECT pid FROM pg_locks WHERE NOT granted").execute().await.unwrap()
}
