//! The ledger of webhooks: what came is shown, counted, and worked again when a person says so.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tollhouse_domain::actor::Role;
use tollhouse_server::webhooks::queries::claim;
use tollhouse_stripe::{API_VERSION, signature::sign};

use crate::harness::{Answer, TestApp, on_both_databases};

const LEDGER: &str = "/api/v1/admin/deliveries";

fn event(id: &str, event_type: &str, customer: &str) -> Value {
    json!({"id": id, "object": "event", "type": event_type, "created": 1_795_175_990, "api_version": "2025-01-27.acacia",
        "data": {"object": {"id": customer, "object": "customer", "balance": 1.10}}})
}

async fn post(app: &TestApp, body: &str) -> Answer {
    let header = sign(&app.webhook_secret, app.app.clock.now().as_second(), body.as_bytes());
    let request = app.post("/webhook/stripe").header("stripe-signature", &header);
    request.header("user-agent", "Stripe/1.0").text(body).await
}

async fn ledger(app: &TestApp, query: &str) -> Vec<Value> {
    let page = app.get(&format!("{LEDGER}?{query}")).bearer(&app.operator()).await.expect(200);
    page["data"].as_array().unwrap().clone()
}

async fn work(app: &TestApp) {
    tollhouse_server::tasks::run_once(&app.app).await.unwrap();
}

on_both_databases! {
    async fn what_came_is_shown_with_what_became_of_it(app: &TestApp) {
        app.subscriber("Acme", "pro").await;
        let customer = app.simulator.objects("customer")[0]["id"].as_str().unwrap().to_owned();
        let came = app.app.clock.now();
        let body = event("evt_mine", "customer.updated", &customer).to_string().replace("1.1", "1.10");
        post(app, &body).await.expect(200);
        app.app.clock.advance(2);
        work(app).await;
        let found = ledger(app, &format!("object={customer}&type=customer.updated&state=done&limit=1")).await;
        let id = found[0]["id"].as_str().unwrap();
        let shown = app.get(&format!("{LEDGER}/{id}")).bearer(&app.sign(Role::Support, None)).await;
        assert!(shown.text.contains("1.10"), "kept digit by digit: {}", shown.text);
        let mut shown = shown.expect(200);
        assert_eq!(shown["payload"]["id"], "evt_mine");
        assert_eq!(shown["payload"], event("evt_mine", "customer.updated", &customer));
        let shown = shown.as_object_mut().unwrap();
        shown.remove("payload");
        assert_eq!(shown["worked_ms"].take(), json!(0), "the clock stands still while it is worked");
        for (name, value) in [
            ("stripe_event_id", json!("evt_mine")),
            ("type", json!("customer.updated")),
            ("state", json!("done")),
            ("reason", Value::Null),
            ("attempts", json!(1)),
            ("object_id", json!(customer)),
            ("customer_id", json!(customer)),
            ("occurred_at", json!("2026-11-20T11:59:50Z")),
            ("signed_at", json!(came)),
            ("received_at", json!(came)),
            ("api_version", json!("2025-01-27.acacia")),
            ("other_api_version", json!(true)),
            ("user_agent", json!("Stripe/1.0")),
            ("due_at", Value::Null),
            ("settled_after_ms", json!(2000)),
        ] {
            assert_eq!(shown[name], value, "{name}");
        }
        let own = ledger(app, "type=invoice.paid").await;
        assert_eq!((&own[0]["api_version"], &own[0]["other_api_version"]), (&json!(API_VERSION), &json!(false)));
    }

    async fn the_ledger_is_paged_and_narrowed(app: &TestApp) {
        app.subscriber("Acme", "pro").await;
        app.advance(60).await;
        let later = app.app.clock.now();
        for index in 0..5 {
            post(app, &event(&format!("evt_{index}"), "galaxy.collided", "cus_x").to_string()).await.expect(200);
        }
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("{LEDGER}?type=galaxy.collided&limit=2{cursor}");
            let page = app.get(&path).bearer(&app.operator()).await.expect(200);
            seen.extend(page["data"].as_array().unwrap().iter().map(|row| row["stripe_event_id"].clone()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, ["evt_4", "evt_3", "evt_2", "evt_1", "evt_0"]);
        assert_eq!(ledger(app, &format!("from={later}")).await.len(), 5);
        assert!(ledger(app, &format!("to={later}&type=galaxy.collided")).await.is_empty(), "before, and not at");
        assert_eq!(ledger(app, "object=cus_x&state=ignored").await.len(), 5);
        for bad in ["state=lost", "from=yesterday", "to=x", "cursor=x", "limit=0", "tpye=x"] {
            let path = format!("{LEDGER}?{bad}");
            app.get(&path).bearer(&app.operator()).await.refused(422, "invalid_request");
        }
        app.get(&format!("{LEDGER}/nothing")).bearer(&app.operator()).await.refused(404, "not_found");
        let nobody = app.app.clock.new_id();
        app.get(&format!("{LEDGER}/{nobody}")).bearer(&app.operator()).await.refused(404, "not_found");
    }

    async fn types_are_counted_also_those_we_do_not_know(app: &TestApp) {
        for index in 0..3 {
            post(app, &event(&format!("evt_{index}"), "galaxy.collided", "cus_x").to_string()).await.expect(200);
        }
        let path = format!("{LEDGER}/counts");
        let counts = app.get(&path).bearer(&app.sign(Role::Support, None)).await.expect(200);
        let counts = counts["data"].as_array().unwrap();
        let new = json!({"type": "galaxy.collided", "state": "ignored", "deliveries": 3});
        assert!(counts.contains(&new), "{counts:?}");
        let since = app.app.clock.now().plus_seconds(1);
        let later = app.get(&format!("{path}?from={since}")).bearer(&app.operator()).await.expect(200);
        assert_eq!(later["data"], json!([]));
    }

    async fn replaying_changes_nothing_that_is_right(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let history = app.history(tenant).await;
        let replay = format!("{LEDGER}/replay");
        let all = json!({"state": "done"});
        app.post(&replay).bearer(&app.sign(Role::Support, None)).json(&all).await.refused(403, "forbidden");
        let done = ledger(app, "state=done&limit=100").await;
        let answer = app.post(&replay).bearer(&app.operator()).json(&all).await.expect(200);
        assert_eq!(answer, json!({"replayed": done.len(), "passed_over": 0, "next_cursor": null}));
        assert_eq!(ledger(app, "state=received&limit=100").await.len(), done.len());
        work(app).await;
        assert_eq!(ledger(app, "state=done&limit=100").await.len(), done.len());
        assert_eq!(app.history(tenant).await, history);
        let audit = app.get("/api/v1/admin/audit").bearer(&app.operator()).await.expect(200);
        let entry = &audit["data"][0];
        assert_eq!((&entry["action"], &entry["actor"]), (&json!("delivery.replay"), &json!("operator@test")));
        assert_eq!(entry["data"]["replayed"], done.len());
    }

    async fn what_was_given_up_is_worked_again_when_the_cause_is_gone(app: &TestApp) {
        post(app, &event("evt_early", "customer.updated", "cus_of_later").to_string()).await.expect(200);
        post(app, "{\"id\": ").await.expect(200);
        work(app).await;
        let dead = ledger(app, "state=dead").await;
        assert_eq!(dead.len(), 2);
        let replay = format!("{LEDGER}/replay");
        let typed = json!({"type": "customer.updated"});
        let answer = app.post(&replay).bearer(&app.operator()).json(&typed).await.expect(200);
        assert_eq!(answer["replayed"], 1, "failed and dead ones, where no state is named");
        work(app).await;
        let again = &ledger(app, "type=customer.updated&state=dead").await[0];
        assert_eq!(again["attempts"], 1, "its attempts begin anew");
        assert!(again["reason"].as_str().unwrap().contains("cus_of_later"), "{again}");
        // What cannot be read is looked at again, and stays where it is.
        let unreadable = dead.iter().find(|row| row["type"] == "unreadable").unwrap()["id"].as_str().unwrap();
        let path = format!("{LEDGER}/{unreadable}/replay");
        let still = app.post(&path).bearer(&app.operator()).await.expect(200);
        assert_eq!(still["state"], "dead");
        let shown = app.get(&format!("{LEDGER}/{unreadable}")).bearer(&app.operator()).await.expect(200);
        assert_eq!(shown["payload"], "{\"id\": ");
        app.dead_is_expected.store(true, Ordering::Relaxed);
    }

    async fn what_a_worker_has_is_left_to_it(app: &TestApp) {
        app.subscriber("Acme", "pro").await;
        let customer = app.simulator.objects("customer")[0]["id"].as_str().unwrap().to_owned();
        post(app, &event("evt_slow", "customer.updated", &customer).to_string()).await.expect(200);
        let now = app.app.clock.now();
        let mut tx = app.app.db.begin().await.unwrap();
        let claimed = claim(&mut tx, now, now.plus_seconds(300), 1).await.unwrap();
        tx.commit().await.unwrap();
        let path = format!("{LEDGER}/{}/replay", claimed[0].id);
        app.post(&path).bearer(&app.operator()).await.refused(409, "delivery_at_work");
        let all = json!({"state": "working"});
        let answer = app.post(&format!("{LEDGER}/replay")).bearer(&app.operator()).json(&all).await.expect(200);
        assert_eq!(answer["replayed"], 0);
        let path = format!("{LEDGER}/{}/replay", app.app.clock.new_id());
        app.post(&path).bearer(&app.operator()).await.refused(404, "not_found");
        // The worker died; when its claim runs out, another goes on.
        app.advance(301).await;
        let slow = ledger(app, &format!("object={customer}&limit=1")).await;
        assert_eq!((&slow[0]["stripe_event_id"], &slow[0]["state"]), (&json!("evt_slow"), &json!("done")));
        assert_eq!(slow[0]["attempts"], 2);
    }
}
