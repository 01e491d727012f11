//! Units are held for whoever was told yes: never more than there are, and counted once.

use axum::{Router, body::Body, http::Request};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tollhouse_domain::{actor::Role, id::TenantId, time::Timestamp, usage::Window};
use tollhouse_server::{App, entitlements::actions::settle, record::Origin, router};

use super::{check, limit, may, path, used};
use crate::{
    harness::{Answer, Database, Kind, TestApp, on_both_databases},
    usage::{ever, load_meters, total},
};

async fn reserve(app: &TestApp, tenant: TenantId, meter: &str, body: Value) -> Answer {
    let member = app.token(Role::Member, tenant);
    let path = path(tenant, &format!("entitlements/{meter}/reservations"));
    app.post(&path).bearer(&member).json(&body).await
}

/// Reserves so much, and says under which id.
async fn held(app: &TestApp, tenant: TenantId, meter: &str, quantity: u64) -> String {
    let body = json!({"quantity": quantity, "ttl_seconds": 600});
    let held = reserve(app, tenant, meter, body).await.expect(201);
    held["id"].as_str().unwrap().to_owned()
}

async fn end(app: &TestApp, tenant: TenantId, id: &str, used: Value) -> Answer {
    let member = app.token(Role::Member, tenant);
    let path = path(tenant, &format!("reservations/{id}/settle"));
    app.post(&path).bearer(&member).json(&used).await
}

async fn release(app: &TestApp, tenant: TenantId, id: &str) -> Answer {
    let member = app.token(Role::Member, tenant);
    let path = path(tenant, &format!("reservations/{id}"));
    app.call("DELETE", &path).bearer(&member).await
}

/// Used, held and remaining.
async fn stand(app: &TestApp, tenant: TenantId, meter: &str) -> [String; 3] {
    let answer = check(app, tenant, meter, json!(0)).await;
    ["used", "held", "remaining"].map(|name| answer[name].to_string())
}

fn figures(used: &str, held: &str, remaining: &str) -> [String; 3] {
    [used, held, remaining].map(str::to_owned)
}

/// Asks `times` at once, at each of the services in turn; how many were given and how many refused.
async fn ask_at_once(
    app: &TestApp,
    services: &[Router],
    tenant: TenantId,
    times: usize,
) -> (usize, usize) {
    let member = app.token(Role::Member, tenant);
    let mut asked = JoinSet::new();
    for number in 0..times {
        let service = services[number % services.len()].clone();
        let request = Request::post(path(tenant, "entitlements/api_calls/reservations"))
            .header("authorization", format!("Bearer {member}"))
            .body(Body::from(r#"{"quantity": 1, "ttl_seconds": 600}"#))
            .unwrap();
        asked.spawn(Answer::of(service, request));
    }
    let (mut given, mut refused) = (0, 0);
    while let Some(answer) = asked.join_next().await {
        let answer = answer.unwrap();
        if answer.status == 201 {
            given += 1;
        } else {
            answer.refused(409, "limit_reached");
            refused += 1;
        }
    }
    (given, refused)
}

/// Ten thousand at once for a hundred units; on Postgres, at two instances.
async fn ten_thousand_get_a_hundred(kind: Kind) {
    let database = Database::create(kind).await;
    let app = TestApp::start_with(database, |config| {
        config.server.requests_at_once_max = 10_000;
        // They all begin at once: the last one is as old as all of them together.
        config.server.request_timeout_seconds = 600;
    })
    .await;
    let tenant = app.tenant("Acme").await;
    let there = match kind {
        Kind::Sqlite => None,
        Kind::Postgres => {
            let (config, clock) = (app.app.config.clone(), app.app.clock.clone());
            Some(App::start(config, clock, None).await.unwrap())
        }
    };
    let services: Vec<Router> =
        [Some(&app.app), there.as_ref()].into_iter().flatten().map(router).collect();
    assert_eq!(ask_at_once(&app, &services, tenant, 10_000).await, (100, 9_900));
    assert_eq!(stand(&app, tenant, "api_calls").await, figures("0", "100", "0"));
    if let Some(there) = there {
        there.stop.cancel();
        there.db.close().await;
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_get_a_hundred_sqlite() {
    ten_thousand_get_a_hundred(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_get_a_hundred_postgres() {
    ten_thousand_get_a_hundred(Kind::Postgres).await;
}

on_both_databases! {
    async fn what_is_held_is_settled_or_released(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        used(app, tenant, "api_calls", json!(40)).await;
        let reserved = reserve(app, tenant, "api_calls", json!({"quantity": 25, "ttl_seconds": 30})).await.expect(201);
        let id = reserved["id"].as_str().unwrap();
        assert_eq!(reserved, json!({
            "id": id, "feature": "api_calls", "quantity": 25, "state": "held",
            "created_at": "2026-11-20T12:00:00Z", "expires_at": "2026-11-20T12:00:30Z", "settled_quantity": null,
        }));
        assert_eq!(stand(app, tenant, "api_calls").await, figures("40", "25", "35"));
        let problem = reserve(app, tenant, "api_calls", json!({"quantity": 36})).await.refused(409, "limit_reached");
        assert!(problem["detail"].as_str().unwrap().starts_with("Of `api_calls` 100 are allowed (day), 40 are used and 25 are held: 36 more"), "{problem}");
        let settled = end(app, tenant, id, json!({"quantity": 20})).await.expect(200);
        assert_eq!((&settled["state"], &settled["settled_quantity"]), (&json!("settled"), &json!(20)));
        assert_eq!(stand(app, tenant, "api_calls").await, figures("60", "0", "40"));
        // Again, whatever it says: the same answer, and nothing is counted.
        assert_eq!(end(app, tenant, id, json!({"quantity": 1})).await.expect(200), settled);
        release(app, tenant, id).await.refused(409, "reservation_over");

        let other = held(app, tenant, "api_calls", 40).await;
        assert!(!may(app, tenant, "api_calls", 1).await.0);
        release(app, tenant, &other).await.expect(204);
        release(app, tenant, &other).await.expect(204);
        end(app, tenant, &other, json!({})).await.refused(409, "reservation_over");
        assert_eq!(stand(app, tenant, "api_calls").await, figures("60", "0", "40"));
        // All of it, where nothing is said; none of it, where it says so.
        let (all, none) = (held(app, tenant, "api_calls", 3).await, held(app, tenant, "api_calls", 4).await);
        assert_eq!(end(app, tenant, &all, json!({})).await.expect(200)["settled_quantity"], 3);
        assert_eq!(end(app, tenant, &none, json!({"quantity": 0})).await.expect(200)["settled_quantity"], 0);
        assert_eq!(stand(app, tenant, "api_calls").await, figures("63", "0", "37"));
        // A report is what happened: it is counted, whatever is held or allowed.
        let last = held(app, tenant, "api_calls", 37).await;
        used(app, tenant, "api_calls", json!(50)).await;
        end(app, tenant, &last, json!({})).await.expect(200);
        assert_eq!(stand(app, tenant, "api_calls").await, figures("150", "0", "0"));
        let (sum, reports) = total(app, tenant, Window::Day, "2026-11-20T00:00:00Z", "api_calls").await;
        assert_eq!((sum.as_str(), reports), ("150", 5));
    }

    async fn a_hold_is_over_with_its_time(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let body = json!({"quantity": 100, "ttl_seconds": 5});
        let id = reserve(app, tenant, "api_calls", body).await.expect(201)["id"].as_str().unwrap().to_owned();
        app.app.clock.advance(4);
        reserve(app, tenant, "api_calls", json!({})).await.refused(409, "limit_reached");
        // By the clock alone: no task has run.
        app.app.clock.advance(1);
        assert_eq!(stand(app, tenant, "api_calls").await, figures("0", "0", "100"));
        held(app, tenant, "api_calls", 100).await;
        end(app, tenant, &id, json!({})).await.refused(409, "reservation_over");
        release(app, tenant, &id).await.expect(204);
        // The tasks forget it in the end.
        app.advance(8 * 86_400).await;
        end(app, tenant, &id, json!({})).await.refused(404, "not_found");
    }

    async fn a_limit_per_minute_frees_itself(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        limit(app, tenant, "inference", "minute", 3).await;
        let first = held(app, tenant, "inference", 2).await;
        held(app, tenant, "inference", 1).await;
        app.app.clock.advance(20);
        let refused = reserve(app, tenant, "inference", json!({})).await;
        assert_eq!(refused.header("retry-after"), "40");
        refused.refused(429, "rate_limit_reached");
        end(app, tenant, &first, json!({})).await.expect(200);
        app.app.clock.advance(40);
        // The settled two are of the minute before; the third is still held.
        assert_eq!(stand(app, tenant, "inference").await, figures("0", "1", "2"));
        held(app, tenant, "inference", 2).await;
    }

    /// As if the process had died after its commit, and before its answer, at every settlement.
    async fn settling_many_times_counts_once(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let id = held(app, tenant, "api_calls", 10).await;
        let origin = Origin::system();
        let once = || settle(&app.app, &origin, tenant, id.parse().unwrap(), None);
        let (a, b, c, d) = tokio::join!(once(), once(), once(), once());
        for answer in [a, b, c, d] {
            assert_eq!(answer.unwrap().settled().unwrap().to_string(), "10");
        }
        assert_eq!(ever(app, tenant, "api_calls").await.to_string(), "10");
        // A report under its key was the settlement.
        let id = held(app, tenant, "api_calls", 5).await;
        let member = app.token(Role::Member, tenant);
        let report = json!({"meter": "api_calls", "quantity": 5, "idempotency_key": format!("reservation:{id}")});
        app.post(&path(tenant, "usage")).bearer(&member).json(&report).await.expect(202);
        end(app, tenant, &id, json!({})).await.expect(200);
        assert_eq!(stand(app, tenant, "api_calls").await, figures("15", "0", "85"));
    }

    /// Reservations, settlements and releases side by side, again and again: at no moment too much.
    async fn whatever_comes_together_nothing_is_overspent(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let member = app.token(Role::Member, tenant);
        let mut working = JoinSet::new();
        for worker in 0..20_u32 {
            let (service, member) = (router(&app.app), member.clone());
            working.spawn(async move {
                let send = async |method: &str, at: String, body: String| {
                    let request = Request::builder().method(method).uri(at)
                        .header("authorization", format!("Bearer {member}")).body(Body::from(body)).unwrap();
                    Answer::of(service.clone(), request).await
                };
                let mut spent = 0;
                for round in 0..10_u32 {
                    let wanted = 1 + (worker + round) % 3;
                    let body = format!("{{\"quantity\": {wanted}}}");
                    let answer = send("POST", path(tenant, "entitlements/api_calls/reservations"), body).await;
                    if answer.status != 201 {
                        answer.refused(409, "limit_reached");
                        continue;
                    }
                    let id = answer.json()["id"].as_str().unwrap().to_owned();
                    if (worker + round) % 4 == 0 {
                        send("DELETE", path(tenant, &format!("reservations/{id}")), String::new()).await.expect(204);
                    } else {
                        send("POST", path(tenant, &format!("reservations/{id}/settle")), String::new()).await.expect(200);
                        spent += wanted;
                    }
                }
                spent
            });
        }
        let mut spent = 0;
        while let Some(worker) = working.join_next().await {
            spent += worker.unwrap();
        }
        assert!(spent <= 100, "{spent}");
        // Whatever is left can be had, to the last unit.
        for _ in spent..100 {
            held(app, tenant, "api_calls", 1).await;
        }
        assert_eq!(stand(app, tenant, "api_calls").await, figures(&spent.to_string(), &(100 - spent).to_string(), "0"));
    }

    async fn odd_reservations_are_refused(app: &TestApp) {
        load_meters(app).await;
        let tenant = app.tenant("Acme").await;
        for (meter, body, field) in [
            ("api_calls", json!({"quantity": 0}), "quantity"),
            ("api_calls", json!({"quantity": -1}), "quantity"),
            ("api_calls", json!({"ttl_seconds": 0}), "ttl_seconds"),
            ("api_calls", json!({"ttl_seconds": 86_401}), "ttl_seconds"),
            ("api_calls", json!({"ttl": 1}), "ttl"),
            ("requests", json!({"quantity": 2}), "quantity"),
            ("storage_gb", json!({}), "feature"),
            ("people", json!({}), "feature"),
            ("peak", json!({}), "feature"),
        ] {
            let problem = reserve(app, tenant, meter, body.clone()).await.refused(422, "invalid_request");
            assert_eq!(problem["errors"][0]["field"], field, "{meter} {body}");
        }
        for unknown in ["unheard_of", "support"] {
            reserve(app, tenant, unknown, json!({})).await.refused(404, "not_found");
        }
        let counted = held(app, tenant, "requests", 1).await;
        end(app, tenant, &counted, json!({"quantity": "0.5"})).await.refused(422, "invalid_request");
        end(app, tenant, &counted, json!({"quantity": 2})).await.refused(422, "invalid_request");
        end(app, tenant, &counted, json!({})).await.expect(200);
        for odd in ["reservation", &app.app.clock.new_id().to_string()] {
            end(app, tenant, odd, json!({})).await.refused(404, "not_found");
            release(app, tenant, odd).await.refused(404, "not_found");
        }
        // Another tenant's is nowhere.
        let (other, theirs) = (app.tenant("Birch").await, held(app, tenant, "api_calls", 1).await);
        end(app, other, &theirs, json!({})).await.refused(404, "not_found");
        let viewer = app.token(Role::Viewer, tenant);
        app.post(&path(tenant, "entitlements/api_calls/reservations")).bearer(&viewer).await.refused(403, "forbidden");
        let nobody = path(app.app.clock.new_id().to_string().parse().unwrap(), "entitlements/api_calls/reservations");
        app.post(&nobody).bearer(&app.operator()).await.refused(404, "not_found");
    }

    async fn without_access_nothing_is_held(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        app.post(&format!("/api/v1/stripe/tenants/{tenant}/suspend")).bearer(&app.operator())
            .json(&json!({"reason": "did not answer"})).await.expect(200);
        reserve(app, tenant, "api_calls", json!({})).await.refused(409, "tenant_not_active");
    }

    async fn the_same_request_holds_once(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let member = app.token(Role::Member, tenant);
        let path = path(tenant, "entitlements/api_calls/reservations");
        let once = || app.post(&path).bearer(&member).header("idempotency-key", "once").json(&json!({"quantity": 60}));
        let first = once().await.expect(201);
        assert_eq!(once().await.expect(201), first);
        assert_eq!(stand(app, tenant, "api_calls").await, figures("0", "60", "40"));
        let audit = app.get("/api/v1/admin/audit").bearer(&app.operator()).await.expect(200);
        let rows: Vec<&Value> = audit["data"].as_array().unwrap().iter().filter(|row| row["action"] == "reservation.create").collect();
        assert_eq!((rows.len(), &rows[0]["data"]), (1, &json!({"reservations": 1})));
        assert_eq!(rows[0]["subject_id"], first["id"]);
        assert!(first["created_at"].as_str().unwrap().parse::<Timestamp>().is_ok());
    }
}
