//! Killed at any moment, and started again: what was acknowledged is there, is done, and is told once.

use std::{collections::BTreeSet, time::Duration};

use crate::harness::{Database, Installation, Numbers, Stripe, pass, send};

const TENANTS: usize = 6;
const KILLS: usize = 5;
const MONTH: i64 = 32 * 86_400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_webhooks_come_it_loses_nothing_on_sqlite() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let database = format!("sqlite:{}", folder.path().join("crash.sqlite").display());
    killed_while_webhooks_come(&database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_webhooks_come_it_loses_nothing_on_postgres() {
    let database = Database::create().await;
    killed_while_webhooks_come(&database.url).await;
    database.drop().await;
}

async fn killed_while_webhooks_come(database: &str) {
    let stripe = Stripe::start().await;
    let installation = Installation { database, redis: "", stripe: &stripe };
    installation.push_catalog().await;
    let mut instance = installation.start_instance().await;
    for index in 0..TENANTS {
        instance.subscribe(&stripe, &format!("Tenant {index}")).await;
    }
    let numbers = Numbers::any();
    let mut acknowledged = BTreeSet::new();
    for kill in 0..KILLS {
        if kill > 0 {
            stripe.advance(MONTH).await;
        }
        let events = stripe.events_besides(&acknowledged).await;
        assert!(events.len() > TENANTS, "{}", events.len());
        acknowledged.extend(events.iter().map(|event| event["id"].as_str().unwrap().to_owned()));
        let sending = send(&[&instance], &events, &numbers).await;
        let moment = numbers.lock().await.below(250);
        pass(Duration::from_millis(moment)).await;
        instance = instance.kill_and_start_again().await;
        sending.join_all().await;
    }
    instance.settled().await;
    instance.has_kept(&acknowledged).await;
    instance.has_told_once(&stripe, TENANTS).await;
    instance.running.stop().await;
    stripe.running.stop().await;
}
