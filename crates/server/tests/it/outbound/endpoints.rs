//! Making endpoints, changing them, and what they are told.

use serde_json::{Value, json};
use tollhouse_domain::event::EventType;

use super::{
    ENDPOINTS, Receiver, audited, change, deliveries, endpoint, happens, make, numbers, path, show,
};
use crate::harness::{TestApp, on_both_databases};

on_both_databases! {
    async fn a_message_is_signed_and_says_what_happened(app: &TestApp) {
        let receiver = Receiver::start().await;
        let before = app.tenant("Past").await;
        let made = endpoint(app, &receiver).await;
        let secret = made["secret"].as_str().unwrap();
        assert!(secret.starts_with("whsec_"));
        let tenant = app.tenant("Acme").await;
        app.settle().await;
        let messages = receiver.messages();
        assert_eq!(messages.len(), 1, "nothing of before: {messages:?}");
        let message = &messages[0];
        assert!(message.is_signed_with(secret));
        assert!(!message.is_signed_with("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        assert_eq!(message.header("content-type"), "application/json");
        assert!(message.header("user-agent").starts_with("Tollhouse/"));
        let now = app.app.clock.now();
        assert_eq!(message.header("webhook-timestamp"), now.as_second().to_string());
        let events = format!("/api/v1/billing/tenants/{tenant}/events");
        let event = app.get(&events).bearer(&app.operator()).await.expect(200)["data"][0].clone();
        assert_eq!(message.json, json!({
            "type": "tenant.created",
            "timestamp": event["occurred_at"],
            "data": {
                "id": event["id"],
                "tenant_id": tenant.to_string(),
                "sequence": 1,
                "summary": event["summary"],
                "subject": event["subject"],
                "data": event["data"],
            },
        }));
        assert_eq!(message.id(), event["id"]);

        happens(app, before, EventType::SlotClaimed).await;
        app.settle().await;
        assert_eq!(numbers(&receiver.messages(), before), [2], "of a tenant of before, from now on");
        let listed = deliveries(app, &made, "").await;
        assert_eq!(listed.len(), 2);
        assert_eq!(listed[1], json!({
            "id": event["id"], "type": "tenant.created", "tenant_id": tenant.to_string(), "sequence": 1,
            "state": "delivered", "attempts": 1, "status": 200, "reason": null, "duration_ms": 0,
            "first_attempt_at": now.to_string(), "last_attempt_at": now.to_string(), "next_attempt_at": null,
        }));
    }

    async fn the_secret_is_shown_once(app: &TestApp) {
        let receiver = Receiver::start().await;
        let made = make(app, json!({ "url": receiver.url("/a/secret-path?token=hidden") })).await;
        let secret = made["secret"].as_str().unwrap();
        let operator = app.operator();
        let list = app.get(ENDPOINTS).bearer(&operator).await;
        let shown = app.get(&path(&made, "")).bearer(&operator).await;
        let audit = app.get("/api/v1/admin/audit").bearer(&operator).await;
        for answer in [&list, &shown, &audit] {
            assert!(!answer.text.contains(secret), "{}", answer.text);
        }
        assert!(!audit.text.contains("hidden") && !audit.text.contains("secret-path"));
        let shown = shown.expect(200);
        assert_eq!(list.expect(200)["data"], json!([shown]));
        assert_eq!(shown["enabled_events"], json!(["*"]));
        let created = audited(app, "webhook_endpoint.").await;
        assert_eq!(created[0]["action"], "webhook_endpoint.create");
        assert_eq!(created[0]["data"]["host"], "127.0.0.1");
        assert_eq!(created[0]["tenant_id"], Value::Null);
    }

    async fn a_repeated_request_makes_one_endpoint(app: &TestApp) {
        let receiver = Receiver::start().await;
        let order = json!({ "url": receiver.url("/hooks") });
        let mut made = Vec::new();
        for _ in 0..2 {
            let call = app.post(ENDPOINTS).bearer(&app.operator()).header("idempotency-key", "one");
            made.push(call.json(&order).await.expect(201));
        }
        assert_eq!(made[0], made[1]);
        let list = app.get(ENDPOINTS).bearer(&app.operator()).await.expect(200);
        assert_eq!(list["data"].as_array().unwrap().len(), 1);
    }

    async fn an_endpoint_is_told_what_it_wants_and_no_more(app: &TestApp) {
        let receiver = Receiver::start().await;
        let (acme, birch) = (app.tenant("Acme").await, app.tenant("Birch").await);
        let at = |path: &str| receiver.url(path);
        make(app, json!({ "url": at("/slots"), "enabled_events": ["slot.*"] })).await;
        make(app, json!({ "url": at("/paid"), "enabled_events": ["invoice.paid", "slot.released"] })).await;
        let own = make(app, json!({ "url": at("/acme"), "tenant_id": acme.to_string() })).await;
        for tenant in [acme, birch] {
            for event in [EventType::SlotClaimed, EventType::InvoicePaid, EventType::SlotReleased] {
                happens(app, tenant, event).await;
            }
        }
        app.settle().await;
        let told = |path: &str| -> Vec<_> {
            receiver.messages().into_iter().filter(|message| message.path == path).collect()
        };
        for tenant in [acme, birch] {
            assert_eq!(numbers(&told("/slots"), tenant), [2, 4]);
            assert_eq!(numbers(&told("/paid"), tenant), [3, 4]);
        }
        assert_eq!((numbers(&told("/acme"), acme), numbers(&told("/acme"), birch)), (vec![2, 3, 4], vec![]));

        change(app, &own, json!({ "enabled_events": ["invoice.*"], "description": "Only money" })).await;
        happens(app, acme, EventType::SlotClaimed).await;
        happens(app, acme, EventType::InvoiceVoided).await;
        app.settle().await;
        assert_eq!(numbers(&told("/acme"), acme), [2, 3, 4, 6]);
        assert_eq!(show(app, &own).await["description"], "Only money");
    }

    async fn one_that_is_taken_away_is_told_nothing(app: &TestApp) {
        let receiver = Receiver::start().await;
        let made = endpoint(app, &receiver).await;
        let operator = app.operator();
        let tenant = app.tenant("Acme").await;
        receiver.answer(|_| 500);
        app.settle().await;
        assert_eq!(receiver.messages().len(), 1);
        app.call("DELETE", &path(&made, "")).bearer(&operator).await.expect(204);
        receiver.answer(|_| 200);
        happens(app, tenant, EventType::SlotClaimed).await;
        app.advance(40 * 86_400).await;
        assert_eq!(receiver.messages().len(), 1);
        for rest in ["", "/deliveries"] {
            app.get(&path(&made, rest)).bearer(&operator).await.refused(404, "not_found");
        }
        app.call("DELETE", &path(&made, "")).bearer(&operator).await.refused(404, "not_found");
        let actions = audited(app, "webhook_endpoint.").await;
        assert_eq!(actions[0]["action"], "webhook_endpoint.delete");
    }

    async fn an_endpoint_can_be_tried_out(app: &TestApp) {
        let receiver = Receiver::start().await;
        let made = endpoint(app, &receiver).await;
        let test = path(&made, "/test");
        let good = app.post(&test).bearer(&app.operator()).await.expect(200);
        assert_eq!(good, json!({ "delivered": true, "status": 200, "reason": null, "duration_ms": 0 }));
        let message = &receiver.messages()[0];
        assert_eq!(message.json["type"], "webhook_endpoint.test");
        assert!(message.is_signed_with(made["secret"].as_str().unwrap()));
        receiver.answer(|_| 503);
        let bad = app.post(&test).bearer(&app.operator()).await.expect(200);
        assert_eq!(bad, json!({
            "delivered": false, "status": 503, "reason": "answered 503", "duration_ms": 0,
        }));
        assert!(deliveries(app, &made, "").await.is_empty());
        assert_eq!(show(app, &made).await["failing_since"], Value::Null);
    }

    async fn there_are_only_so_many(app: &TestApp) {
        let receiver = Receiver::start().await;
        for _ in 0..50 {
            endpoint(app, &receiver).await;
        }
        let one_more = app.post(ENDPOINTS).bearer(&app.operator()).json(&json!({ "url": receiver.url("/") }));
        one_more.await.refused(409, "webhook_endpoints_used_up");
        let first = app.get(&format!("{ENDPOINTS}?limit=30")).bearer(&app.operator()).await.expect(200);
        let cursor = first["next_cursor"].as_str().unwrap();
        let rest = app.get(&format!("{ENDPOINTS}?limit=30&cursor={cursor}")).bearer(&app.operator()).await.expect(200);
        assert_eq!((first["data"].as_array().unwrap().len(), rest["data"].as_array().unwrap().len()), (30, 20));
    }

    async fn bad_input_is_refused_at_its_field(app: &TestApp) {
        let receiver = Receiver::start().await;
        let made = endpoint(app, &receiver).await;
        let operator = app.operator();
        let long = "a".repeat(501);
        let cases = [
            (json!({}), "url"),
            (json!({ "url": 1 }), ""),
            (json!({ "url": "https://a.test/", "colour": "red" }), "colour"),
            (json!({ "url": "ftp://a.test/" }), "url"),
            (json!({ "url": receiver.url("/"), "description": long }), "description"),
            (json!({ "url": receiver.url("/"), "enabled_events": [] }), "enabled_events"),
            (json!({ "url": receiver.url("/"), "enabled_events": ["*", "invoice.payed"] }), "enabled_events[1]"),
            (json!({ "url": receiver.url("/"), "enabled_events": vec!["*"; 51] }), "enabled_events"),
        ];
        for (request, field) in &cases {
            let refused = app.post(ENDPOINTS).bearer(&operator).json(request).await;
            let problem = refused.refused(422, "invalid_request");
            assert_eq!(problem["errors"][0]["field"], *field, "{request}");
            if *field != "url" || request["url"].is_string() {
                let refused = app.call("PATCH", &path(&made, "")).bearer(&operator).json(request).await;
                refused.refused(422, "invalid_request");
            }
        }
        for tenant in ["not-a-uuid", "01a1f943-e5d5-7f9a-977b-500616a7dc04"] {
            let request = json!({ "url": receiver.url("/"), "tenant_id": tenant });
            app.post(ENDPOINTS).bearer(&operator).json(&request).await.refused(404, "not_found");
        }
        app.post(ENDPOINTS).bearer(&operator).text("{").await.refused(400, "malformed_request");
        for hours in [-1, 73] {
            let rotate = app.post(&path(&made, "/rotate-secret")).bearer(&operator);
            rotate.json(&json!({ "overlap_hours": hours })).await.refused(422, "invalid_request");
        }
        for query in ["?limit=0", "?limit=101", "?cursor=a", "?colour=red"] {
            let list = app.get(&format!("{ENDPOINTS}{query}")).bearer(&operator).await;
            list.refused(422, "invalid_request");
            let list = app.get(&path(&made, &format!("/deliveries{query}"))).bearer(&operator).await;
            list.refused(422, "invalid_request");
        }
        let odd = path(&made, "/deliveries?state=odd");
        app.get(&odd).bearer(&operator).await.refused(422, "invalid_request");
        let nobody = path(&made, "/deliveries?tenant_id=nobody");
        app.get(&nobody).bearer(&operator).await.refused(404, "not_found");
        let known = made["id"].as_str().unwrap();
        for id in ["a", "01a1f943-e5d5-7f9a-977b-500616a7dc04", "%FF"] {
            let at = format!("{ENDPOINTS}/{id}");
            app.get(&at).bearer(&operator).await.refused(404, "not_found");
            app.call("PATCH", &at).bearer(&operator).text("{}").await.refused(404, "not_found");
            app.call("DELETE", &at).bearer(&operator).await.refused(404, "not_found");
            for verb in ["rotate-secret", "test", "deliveries/a/redeliver"] {
                app.post(&format!("{at}/{verb}")).bearer(&operator).await.refused(404, "not_found");
            }
            let redeliver = format!("{ENDPOINTS}/{known}/deliveries/{id}/redeliver");
            app.post(&redeliver).bearer(&operator).await.refused(404, "not_found");
        }
        assert!(receiver.messages().is_empty());
    }
}
