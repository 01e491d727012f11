//! Each thing that happens is counted, under the right labels and once.

use std::sync::{Arc, atomic::Ordering};

use serde_json::json;
use tollhouse_domain::actor::Role;
use tollhouse_server::tasks;
use tollhouse_simulator::{Fault, FaultKind};
use tollhouse_stripe::signature::sign;

use super::{Scraped, key, read, scrape};
use crate::{
    entitlements::{check, used},
    harness::{Answer, Kind, TestApp, on_both_databases},
    usage::batch,
};

async fn post(app: &TestApp, body: &str) -> Answer {
    let header = sign(&app.webhook_secret, app.app.clock.now().as_second(), body.as_bytes());
    app.post("/webhook/stripe").header("stripe-signature", &header).text(body).await
}

/// By how much something grew.
fn grew(before: &Scraped, after: &Scraped, name: &str, labels: &[(&str, &str)]) -> i64 {
    after.sum(name, labels) - before.sum(name, labels)
}

on_both_databases! {
    async fn a_paid_subscription_is_seen_from_all_sides(app: &TestApp) {
        let key = key(app, "metrics:read").await;
        let before = scrape(app, &key).await;
        app.subscriber("Acme", "pro").await;
        let after = scrape(app, &key).await;

        let checkout = [("method", "POST"), ("route", "/api/v1/customer/billing/checkout-session"), ("status", "200")];
        assert_eq!(grew(&before, &after, "tollhouse_http_requests_total", &checkout), 1);
        assert_eq!(grew(&before, &after, "tollhouse_http_request_duration_seconds", &checkout[..2]), 1);
        let opened = [("operation", "POST /v1/checkout/sessions"), ("outcome", "ok")];
        assert_eq!(grew(&before, &after, "tollhouse_stripe_calls_total", &opened), 1);
        assert_eq!(grew(&before, &after, "tollhouse_stripe_call_duration_seconds", &opened[..1]), 1);
        let completed = [("type", "checkout.session.completed")];
        assert_eq!(grew(&before, &after, "tollhouse_deliveries_received_total", &completed), 1);
        let done = [("type", "checkout.session.completed"), ("state", "done")];
        assert_eq!(grew(&before, &after, "tollhouse_deliveries_settled_total", &done), 1);

        let received = grew(&before, &after, "tollhouse_deliveries_received_total", &[]);
        let webhooks = [("route", "/webhook/stripe"), ("status", "200")];
        assert_eq!(grew(&before, &after, "tollhouse_http_requests_total", &webhooks), received);
        assert_eq!(grew(&before, &after, "tollhouse_deliveries_settled_total", &[]), received, "each ends once");
        assert_eq!(grew(&before, &after, "tollhouse_delivery_duration_seconds", &[]), received);
        let coalesced = grew(&before, &after, "tollhouse_deliveries_coalesced_total", &[]);
        assert!((1..received).contains(&coalesced), "an invoice is told of several times: {coalesced}");

        let ok = |name| [("task", name), ("outcome", "ok")];
        assert!(grew(&before, &after, "tollhouse_task_runs_total", &ok("work_deliveries")) > 0);
        let task = [("task", "work_deliveries")];
        let now = app.app.clock.now().as_second();
        assert_eq!(after.sum("tollhouse_task_last_success_timestamp_seconds", &task), now);
        assert_eq!(after.sum("tollhouse_task_interval_seconds", &task), 2);
        assert_eq!(after.sum("tollhouse_deliveries_newest_timestamp_seconds", &[]), now);
    }

    async fn every_report_of_usage_is_counted_by_what_became_of_it(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let event = |key: &str, meter: &str| {
            json!({"tenant_id": tenant, "meter": meter, "quantity": 1, "idempotency_key": key})
        };
        batch(app, json!([event("a", "api_calls"), event("b", "api_calls"), event("c", "no_such_meter")])).await;
        batch(app, json!([event("a", "api_calls"), event("d", "api_calls")])).await;
        let scraped = scrape(app, &app.operator()).await;
        for (outcome, expected) in [("counted", 3), ("duplicate", 1), ("refused", 1)] {
            assert_eq!(scraped.sum("tollhouse_usage_events_total", &[("outcome", outcome)]), expected, "{outcome}");
        }
    }

    async fn checks_and_reservations_are_counted_by_their_answer(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        used(app, tenant, "api_calls", json!(60)).await;
        check(app, tenant, "api_calls", json!(1)).await;
        check(app, tenant, "api_calls", json!(2)).await;
        check(app, tenant, "api_calls", json!(41)).await;
        let path = format!("/api/v1/billing/tenants/{tenant}/entitlements/api_calls/reservations");
        let member = app.token(Role::Member, tenant);
        for (quantity, status) in [(30, 201), (30, 409)] {
            let wish = json!({"quantity": quantity, "ttl_seconds": 600});
            app.post(&path).bearer(&member).json(&wish).await.expect(status);
        }
        let scraped = scrape(app, &app.operator()).await;
        for (allowed, reason, expected) in
            [("true", "within_limit", 2), ("false", "limit_reached", 1), ("false", "within_limit", 0)]
        {
            let labels = [("allowed", allowed), ("reason", reason)];
            assert_eq!(scraped.sum("tollhouse_entitlement_checks_total", &labels), expected, "{labels:?}");
        }
        for outcome in ["held", "limit_reached"] {
            assert_eq!(scraped.sum("tollhouse_reservations_total", &[("outcome", outcome)]), 1, "{outcome}");
        }
    }

    async fn whoever_is_refused_is_counted_by_the_reason(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let viewer = app.token(Role::Viewer, tenant);
        app.get("/api/v1/admin/audit").await.refused(401, "unauthenticated");
        app.get("/api/v1/admin/audit").bearer("th_0badc0de").await.refused(401, "unauthenticated");
        app.get("/api/v1/admin/audit").bearer(&viewer).await.refused(403, "forbidden");
        app.post("/webhook/stripe").text("{}").await.refused(400, "invalid_signature");
        app.get("/nowhere").await.refused(404, "not_found");
        let scraped = scrape(app, &app.operator()).await;
        for (reason, expected) in [("unauthenticated", 2), ("forbidden", 1), ("invalid_signature", 1)] {
            assert_eq!(scraped.sum("tollhouse_access_denied_total", &[("reason", reason)]), expected, "{reason}");
        }
        assert_eq!(scraped.sum("tollhouse_access_denied_total", &[]), 4, "and nothing else is");
        let unmatched = [("method", "GET"), ("route", "unmatched"), ("status", "404")];
        assert_eq!(scraped.sum("tollhouse_http_requests_total", &unmatched), 1);
    }

    async fn a_delivery_that_fails_waits_and_dies_where_all_can_see_it(app: &TestApp) {
        app.subscriber("Acme", "pro").await;
        let operator = app.operator();
        let before = scrape(app, &operator).await;
        let customer = app.simulator.objects("customer")[0]["id"].as_str().unwrap().to_owned();
        let body = json!({"id": "evt_1", "object": "event", "type": "customer.subscription.updated",
            "created": 1_795_175_990, "data": {"object": {
                "id": app.simulator.objects("subscription")[0]["id"], "object": "subscription", "customer": customer}}});
        post(app, &body.to_string()).await.expect(200);
        post(app, &body.to_string()).await.expect(200);
        post(app, &json!({"no": "event"}).to_string()).await.expect(200);
        let strange = json!({"id": "evt_2", "object": "event", "type": "a.strangers.word", "created": 1_795_175_990,
            "data": {"object": {"id": "x_1"}}});
        post(app, &strange.to_string()).await.expect(200);
        // One attempt asks three times.
        app.simulator.add_fault(Fault { kind: FaultKind::Unreachable, times: 3, method: None, path: None });
        tasks::run_once(&app.app).await.unwrap();
        app.app.clock.advance(100);
        let during = scrape(app, &operator).await;
        let state = |scraped, event_type, state| {
            grew(&before, scraped, "tollhouse_deliveries_settled_total", &[("type", event_type), ("state", state)])
        };
        assert_eq!(state(&during, "customer.subscription.updated", "failed"), 1);
        assert_eq!(state(&during, "unreadable", "dead"), 1);
        assert_eq!(state(&during, "other", "ignored"), 1);
        assert_eq!(grew(&before, &during, "tollhouse_deliveries_received_total", &[]), 3);
        assert_eq!(grew(&before, &during, "tollhouse_deliveries_repeated_total", &[]), 1);
        let unreachable = [("outcome", "unreachable")];
        assert_eq!(grew(&before, &during, "tollhouse_stripe_calls_total", &unreachable), 3);
        assert_eq!(during.sum("tollhouse_deliveries_waiting", &[]), 1);
        assert_eq!(during.sum("tollhouse_deliveries_oldest_waiting_seconds", &[]), 100);
        assert_eq!(during.sum("tollhouse_deliveries_dead", &[]), 1);

        app.settle().await;
        let after = scrape(app, &operator).await;
        assert_eq!(state(&after, "customer.subscription.updated", "done"), 1);
        assert_eq!(after.sum("tollhouse_deliveries_waiting", &[]), 0);
        assert_eq!(after.sum("tollhouse_deliveries_oldest_waiting_seconds", &[]), 0);
        app.dead_is_expected.store(true, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_fails_is_counted_and_keeps_its_last_success() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let mut app = TestApp::start(kind).await;
        let began = app.app.clock.now().as_second();
        let stopped = Arc::clone(&app.app);
        app.restart(|_| {}).await;
        stopped.clock.advance(60);
        assert!(tasks::run_once(&stopped).await.is_err(), "its database is closed");
        let scraped = read(&stopped.metrics.render());
        let failed = [("outcome", "failed")];
        assert_eq!(
            scraped.sum("tollhouse_task_runs_total", &failed),
            1,
            "the first that fails ends the round"
        );
        let successes = "tollhouse_task_last_success_timestamp_seconds";
        let tasks =
            scraped.samples(successes).iter().map(|sample| sample.labels.get("task").unwrap());
        let task = tasks.into_iter().find(|task| {
            scraped.sum("tollhouse_task_runs_total", &[("task", task), ("outcome", "failed")]) == 1
        });
        assert_eq!(scraped.sum(successes, &[("task", task.unwrap())]), began);
        app.finish().await;
    }
}
