//! The books of a world at rest: each rule is worked out here once more, in a few lines, from what Stripe has
//! and from what the application was told.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tollhouse_domain::usage::Quantity;
use tollhouse_server::{
    audit::{tasks::seal_entries, verify::verify},
    webhooks::{State, queries},
};

use super::{
    credits,
    usage::RESERVED,
    world::{DAY, World},
};
use crate::{
    all_events::{is_one_order, read_all},
    analytics::course::{assert_add_up, assert_is_what_subscriptions_say},
    convergence::{
        assert_told_once,
        equal::{assert_invoices_are_stripes, assert_subscriptions_are_stripes},
        history,
    },
    export::at_stripe,
    usage::ever,
};

/// The grace that the settings give.
const GRACE: i64 = 3 * DAY;
/// After an edge into `past_due` it may take so long until we know of it.
const LATE: i64 = DAY;

/// Wants every book to be in order.
pub async fn check(world: &World) {
    assert_deliveries_are_settled(world).await;
    assert_customers_are_one_each(world);
    assert_subscriptions_are_stripes(&world.app).await;
    assert_invoices_are_stripes(&world.app).await;
    assert_renewed_once_a_period(world);
    for tenant in 0..world.tenants.len() {
        assert_access_is_by_the_rules(world, tenant).await;
        assert_usage_is_what_was_acknowledged(world, tenant).await;
        credits::check(world, tenant).await;
        assert_slots_are_as_told(world, tenant).await;
        assert_told_once(&history(&world.app, world.tenants[tenant]).await);
    }
    is_one_order(&read_all(&world.app).await);
    assert_is_what_subscriptions_say(&world.app).await;
    assert_add_up(&world.app, &[]).await;
    seal_entries(&world.app.app).await.unwrap();
    let audit = verify(&world.app.app, None).await.unwrap();
    assert!(audit.breaks.is_empty(), "the audit's chains: {:?}", audit.breaks);
}

impl World {
    /// Whether every delivery has come to its end.
    pub async fn is_settled(&self) -> bool {
        let mut conn = self.app.app.db.read().await.unwrap();
        let counts = queries::counts(&mut conn, &queries::Filter::default()).await.unwrap();
        let is_over = |state: State| matches!(state, State::Done | State::Ignored | State::Dead);
        counts.iter().all(|count| is_over(count.state))
            && self.app.simulator.due_deliveries().is_empty()
    }
}

async fn assert_deliveries_are_settled(world: &World) {
    let mut conn = world.app.app.db.read().await.unwrap();
    let counts = queries::counts(&mut conn, &queries::Filter::default()).await.unwrap();
    drop(conn);
    let path = "/api/v1/admin/deliveries?state=dead&limit=100";
    let dead = world.app.get(path).bearer(&world.app.operator()).await.expect(200);
    assert_eq!(dead["data"], serde_json::json!([]), "deliveries were given up");
    for count in counts {
        let is_over = matches!(count.state, State::Done | State::Ignored);
        assert!(is_over, "{} deliveries are left as `{}`", count.deliveries, count.state);
    }
}

/// Whatever died between Stripe and us: no tenant has two customers.
fn assert_customers_are_one_each(world: &World) {
    let mut known = BTreeSet::new();
    for customer in world.app.simulator.objects("customer") {
        let tenant = customer["metadata"]["tenant_id"].as_str().unwrap().to_owned();
        assert!(known.insert(tenant), "a second customer: {customer}");
    }
}

fn assert_renewed_once_a_period(world: &World) {
    let mut renewed = BTreeSet::new();
    for invoice in world.app.simulator.objects("invoice") {
        if invoice["billing_reason"] == "subscription_cycle" {
            let of = invoice["parent"]["subscription_details"]["subscription"].to_string();
            let period = invoice["period_end"].as_i64().unwrap();
            assert!(renewed.insert((of, period)), "a period was billed twice: {invoice}");
        }
    }
}

/// What each of the tenant's subscriptions grants, in the word of `GET …/status`.
async fn assert_access_is_by_the_rules(world: &World, tenant: usize) {
    let live = world.live_subscriptions(tenant);
    let is_addon = |it: &Value| {
        let key = it["items"]["data"][0]["price"]["lookup_key"].as_str().unwrap();
        key.starts_with("extra_storage")
    };
    let base = live.iter().find(|it| !is_addon(it));
    let mut expected = BTreeMap::new();
    if world.told[tenant].standing == "active" {
        for one in &live {
            let own = granted(world, one);
            let grants = match (is_addon(one), base) {
                // Never more than the base, and nothing without one.
                (true, None) => None,
                (true, Some(base)) => beside(granted(world, base), own),
                (false, _) => own,
            };
            if let Some(grants) = grants {
                expected.insert(one["id"].as_str().unwrap().to_owned(), grants);
            }
        }
    }
    let mut told = BTreeMap::new();
    for row in world.app.status(world.tenants[tenant]).await["subscriptions"].as_array().unwrap() {
        let text = |field: &str| row[field].as_str().unwrap().to_owned();
        told.insert(text("stripe_subscription_id"), text("status"));
    }
    let either = |word: &str, told: &str| word == told || word == "GRACE or none";
    let is_told = expected.iter().all(|(id, word)| match told.get(id) {
        Some(told) => either(word, told),
        None => *word == "GRACE or none",
    });
    let is_all = told.keys().all(|id| expected.contains_key(id));
    assert!(is_told && is_all, "T{tenant}: {told:?} instead of {expected:?}");
}

/// `None` for nothing; where the hour is too near to say, `GRACE or none`.
fn granted(world: &World, subscription: &Value) -> Option<&'static str> {
    match subscription["status"].as_str().unwrap() {
        "trialing" => Some("TRIAL"),
        "active" => Some("ACTIVE"),
        "past_due" => {
            let failed = past_due_since(world, subscription);
            let now = world.now().as_second();
            if now < failed + GRACE {
                Some("GRACE")
            } else if now < failed + GRACE + LATE {
                Some("GRACE or none")
            } else {
                None
            }
        }
        _ => None,
    }
}

fn beside(base: Option<&'static str>, own: Option<&'static str>) -> Option<&'static str> {
    match (base?, own?) {
        (base, "ACTIVE" | "TRIAL") if base.starts_with("GRACE") => Some(base),
        (_, own) => Some(own),
    }
}

/// When Stripe last said that it turned from good health to `past_due`.
fn past_due_since(world: &World, subscription: &Value) -> i64 {
    let events = world.app.simulator.objects("event");
    let turned = events.iter().rev().find(|event| {
        let data = &event["data"];
        let before = data["previous_attributes"]["status"].as_str().unwrap_or_default();
        data["object"]["id"] == subscription["id"]
            && data["object"]["status"] == "past_due"
            && ["active", "trialing", "incomplete"].contains(&before)
    });
    turned.map_or(0, |event| event["created"].as_i64().unwrap())
}

async fn assert_slots_are_as_told(world: &World, tenant: usize) {
    let path = world.path(tenant, "slots?limit=100");
    let slots = world.app.get(&path).bearer(&world.app.operator()).await.expect(200);
    let device = |slot: &Value| slot["resource_id"].as_str().unwrap().to_owned();
    let held: BTreeSet<String> = slots["data"].as_array().unwrap().iter().map(device).collect();
    assert_eq!(held, world.told[tenant].devices, "T{tenant}");
}

async fn assert_usage_is_what_was_acknowledged(world: &World, tenant: usize) {
    let told = &world.told[tenant];
    for meter in ["api_calls", "embedding", RESERVED] {
        let of_it = told.used.iter().filter(|((known, _), _)| *known == meter);
        let expected: u64 = of_it.map(|(_, quantity)| quantity).sum();
        let counted = ever(&world.app, world.tenants[tenant], meter).await;
        let sum = Quantity::from_whole(expected);
        assert_eq!(counted, sum, "T{tenant}: {meter}");
        if meter == "api_calls" && world.customer(tenant).is_some() {
            let told = at_stripe(&world.app, world.tenants[tenant], meter).await;
            assert_eq!(told, expected.to_string(), "T{tenant}: {meter} at Stripe");
        }
    }
}
