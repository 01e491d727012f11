//! A month of business whose webhooks come late, twice, in any order or never: after a comparison with Stripe
//! our tables say what Stripe has, and the history tells it once.

pub mod equal;
mod month;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tollhouse_domain::id::TenantId;
use tollhouse_server::{invoices::queries as invoices, subscriptions::queries as subscriptions};
use tollhouse_stripe::{InvoiceId, SubscriptionId};

use self::{
    equal::{assert_invoices_are_stripes, assert_subscriptions_are_stripes},
    month::Month,
};
use crate::{
    harness::{Database, Kind, TestApp},
    reconcile::reconcile,
};

/// Every event of a tenant, oldest first.
pub async fn history(app: &TestApp, tenant: TenantId) -> Vec<Value> {
    let mut events = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/billing/tenants/{tenant}/events?limit=100{cursor}");
        let page = app.get(&path).bearer(&app.operator()).await.expect(200);
        events.extend(page["data"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    events.reverse();
    events
}

/// What can only happen once to one thing.
const ONCE: [&str; 10] = [
    "tenant.created",
    "tenant.customer_linked",
    "checkout.started",
    "checkout.completed",
    "subscription.created",
    "subscription.canceled",
    "invoice.created",
    "invoice.finalized",
    "invoice.paid",
    "invoice.voided",
];
/// After these nothing happens to it any more.
const LAST: [&str; 3] = ["subscription.canceled", "subscription.expired", "invoice.voided"];

pub fn assert_told_once(events: &[Value]) {
    let mut told: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut over: BTreeSet<String> = BTreeSet::new();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event["sequence"], index + 1, "numbers have no gaps");
        let (kind, subject) = (event["type"].as_str().unwrap(), event["subject"].to_string());
        assert!(!over.contains(&subject), "after its end: {event}");
        *told.entry((kind.to_owned(), subject.clone())).or_default() += 1;
        if LAST.contains(&kind) {
            over.insert(subject);
        }
    }
    for ((kind, subject), times) in told {
        assert!(
            times == 1 || !ONCE.contains(&kind.as_str()),
            "{kind} of {subject} was told {times} times"
        );
    }
}

/// The story of each thing ends where Stripe says that it is.
async fn assert_told_to_the_end(app: &TestApp, events: &[Value]) {
    let conn = &mut app.app.db.read().await.unwrap();
    let is_told = |kind: &str, id: &str| {
        events.iter().any(|event| event["type"] == kind && event["subject"]["id"] == id)
    };
    for stripes in app.simulator.objects("subscription") {
        let id = SubscriptionId::new(stripes["id"].as_str().unwrap());
        let ours = subscriptions::find_shown(conn, &id).await.unwrap().unwrap();
        let ours = ours.id.to_string();
        assert!(is_told("subscription.created", &ours));
        assert_eq!(is_told("subscription.canceled", &ours), stripes["status"] == "canceled");
    }
    for stripes in app.simulator.objects("invoice") {
        let id = InvoiceId::new(stripes["id"].as_str().unwrap());
        let ours = invoices::find_shown(conn, &id).await.unwrap().unwrap().id.to_string();
        assert!(is_told("invoice.created", &ours));
        assert_eq!(is_told("invoice.paid", &ours), stripes["status"] == "paid", "{stripes}");
        assert_eq!(is_told("invoice.voided", &ours), stripes["status"] == "void");
    }
    for refund in app.simulator.objects("refund") {
        let told =
            events.iter().filter(|event| event["data"]["stripe_refund_id"] == refund["id"]).count();
        assert_eq!(told, 1, "{refund}");
    }
}

async fn a_month_ends_as_stripe_has_it(kind: Kind, seed: u64) {
    let app = TestApp::start_with(Database::create(kind).await, |_| {}).await;
    let chance = fastrand::Rng::with_seed(seed);
    let mut month =
        Month { app: &app, chance, tenants: Vec::new(), on_their_way: Vec::new(), lost: 0 };
    reconcile(&app, false).await;
    month.live().await;
    assert!(month.lost > 20, "{} webhooks were lost", month.lost);
    // Stripe's events are enough by themselves, and so are the objects.
    month.come_to_rest(seed.is_multiple_of(2)).await;
    assert_subscriptions_are_stripes(&app).await;
    assert_invoices_are_stripes(&app).await;
    let mut everything = Vec::new();
    for tenant in &month.tenants {
        let events = history(&app, *tenant).await;
        assert_told_once(&events);
        everything.extend(events);
    }
    assert_told_to_the_end(&app, &everything).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    for seed in 0..6 {
        a_month_ends_as_stripe_has_it(Kind::Sqlite, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    for seed in 100..104 {
        a_month_ends_as_stripe_has_it(Kind::Postgres, seed).await;
    }
}
