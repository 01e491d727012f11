//! Usage and reservations: what was acknowledged is remembered, and no grant may overspend.

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, time::Timestamp};

use super::{
    script::Deed,
    world::{HOUR, Held, World},
};
use crate::harness::Answer;

/// What is reserved; no report names it, so that only reservations spend its limit.
pub const RESERVED: &str = "inference";

pub async fn play(world: &mut World, tenant: usize, deed: Deed) {
    match deed {
        Deed::Report { meter, quantity, times, hours_ago } => {
            let at = world.now().plus_seconds(-i64::from(hours_ago) * HOUR);
            let key = format!("report-{}", world.answers.len());
            let body = json!({"meter": meter, "quantity": quantity, "idempotency_key": key, "occurred_at": at});
            for _ in 0..times {
                let answer = member(world, tenant, "POST", "usage", body.clone()).await;
                if answer.status == 202 {
                    world.told[tenant].used.insert((meter, key.clone()), quantity.into());
                }
            }
        }
        Deed::Batch { meter, quantity, count } => {
            batch(world, tenant, (meter, quantity), count).await;
        }
        Deed::Track { quantity } => {
            let path = format!("/api/v1/stripe/tenants/{}/usage/track", world.tenants[tenant]);
            let operator = world.app.operator();
            let key = format!("track-{}", world.answers.len());
            let body = json!({"api_calls": quantity});
            let answer = world.ask(&operator, "POST", &path, &body).await.expect("is answered");
            if answer.status == 200 {
                world.told[tenant].used.insert(("api_calls", key), quantity.into());
            }
        }
        Deed::Reserve { quantity, seconds } => reserve(world, tenant, quantity, seconds).await,
        Deed::Settle { used } => settle(world, tenant, used).await,
        Deed::Release => {
            world.drop_reservations(tenant);
            if world.told[tenant].held.is_empty() {
                return;
            }
            let held = world.told[tenant].held.remove(0);
            let rest = format!("reservations/{}", held.id);
            member(world, tenant, "DELETE", &rest, Value::Null).await;
        }
        Deed::Check { quantity } => {
            let rest = "entitlements/api_calls/check";
            member(world, tenant, "POST", rest, json!({ "quantity": quantity })).await;
        }
        other => unreachable!("{other:?} is no usage"),
    }
}

/// As somebody of the tenant; usage never waits for Stripe, so it is always answered.
async fn member(
    world: &mut World,
    tenant: usize,
    method: &'static str,
    rest: &str,
    body: Value,
) -> Answer {
    let token = world.app.token(Role::Member, world.tenants[tenant]);
    let path = world.path(tenant, rest);
    world.ask(&token, method, &path, &body).await.expect("usage is answered")
}

/// Each report stands twice in the body.
async fn batch(
    world: &mut World,
    tenant: usize,
    (meter, quantity): (&'static str, u32),
    count: u32,
) {
    let key = |number: u32| format!("batch-{}-{number}", world.answers.len());
    let keys: Vec<String> = (0..count).chain(0..count).map(key).collect();
    let event = |key: &String| json!({"tenant_id": world.tenants[tenant], "meter": meter, "quantity": quantity, "idempotency_key": key});
    let events: Vec<Value> = keys.iter().map(event).collect();
    let operator = world.app.operator();
    let body = json!({ "events": events });
    let answer = world.ask(&operator, "POST", "/api/v1/usage/batch", &body).await;
    let answer = answer.expect("usage is answered").expect(202);
    for (result, key) in answer["results"].as_array().unwrap().iter().zip(keys) {
        if result["id"].is_string() {
            world.told[tenant].used.insert((meter, key), quantity.into());
        }
    }
}

async fn reserve(world: &mut World, tenant: usize, quantity: u32, seconds: u32) {
    let rest = format!("entitlements/{RESERVED}/reservations");
    let body = json!({"quantity": quantity, "ttl_seconds": seconds});
    let answer = member(world, tenant, "POST", &rest, body).await;
    if answer.status != 201 {
        return;
    }
    let given = answer.json();
    let until: Timestamp = given["expires_at"].as_str().unwrap().parse().unwrap();
    let id = given["id"].as_str().unwrap().to_owned();
    world.told[tenant].held.push(Held { id, quantity, until });
    world.drop_reservations(tenant);
    let told = &world.told[tenant];
    if let Some(limit) = told.limit {
        let today = told.settled.get(&day(world.now())).copied().unwrap_or(0);
        let held: u64 = told.held.iter().map(|held| u64::from(held.quantity)).sum();
        assert!(today + held <= limit.into(), "{today} and {held} are more than {limit}: {given}");
    }
}

async fn settle(world: &mut World, tenant: usize, used: u32) {
    world.drop_reservations(tenant);
    if world.told[tenant].held.is_empty() {
        return;
    }
    let held = world.told[tenant].held.remove(0);
    let used = used.min(held.quantity);
    let (deaths, today) = (world.deaths, day(world.now()));
    let rest = format!("reservations/{}/settle", held.id);
    let answer = member(world, tenant, "POST", &rest, json!({ "quantity": used })).await;
    if answer.status != 200 {
        answer.refused(409, "reservation_over");
        return;
    }
    let told = &mut world.told[tenant];
    told.used.insert((RESERVED, held.id), used.into());
    // After a death nobody knows on which day it was settled.
    if world.deaths == deaths {
        *told.settled.entry(today).or_default() += u64::from(used);
    }
}

fn day(at: Timestamp) -> String {
    at.to_string()[..10].to_owned()
}
