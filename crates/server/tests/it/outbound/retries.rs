//! Sending again by schedule, giving up after three days, and redelivery.

use serde_json::{Value, json};
use tollhouse_domain::event::EventType;

use super::{
    Message, Receiver, audited, change, deliveries, endpoint, happens, make, numbers, path, show,
};
use crate::harness::{Answer, TestApp, on_both_databases};

async fn redeliver(app: &TestApp, endpoint: &Value, event: &Value) -> Answer {
    let at = path(endpoint, &format!("/deliveries/{}/redeliver", event.as_str().unwrap()));
    app.post(&at).bearer(&app.operator()).await
}

on_both_databases! {
    async fn the_waits_are_as_documented(app: &TestApp) {
        let receiver = Receiver::start().await;
        let made = endpoint(app, &receiver).await;
        receiver.answer(|_| 500);
        app.tenant("Acme").await;
        app.settle().await;
        for (attempts, wait) in (1..).zip([5, 30, 120, 600, 1800, 3600, 3600]) {
            assert_eq!(receiver.messages().len(), attempts);
            app.advance(wait - 1).await;
            assert_eq!(receiver.messages().len(), attempts, "not before {wait} seconds are over");
            // Chance adds up to a fifth.
            app.advance(1 + wait / 5).await;
        }
        assert_eq!(deliveries(app, &made, "").await[0]["attempts"], 8);
        let (messages, secret) = (receiver.messages(), made["secret"].as_str().unwrap());
        let signed_at = |message: &Message| message.header("webhook-timestamp").to_owned();
        let anew = messages.windows(2).all(|pair| signed_at(&pair[0]) < signed_at(&pair[1]));
        assert!(anew && messages.iter().all(|message| message.is_signed_with(secret)));
    }

    async fn an_endpoint_that_asks_for_time_gets_it(app: &TestApp) {
        let receiver = Receiver::start().await;
        endpoint(app, &receiver).await;
        receiver.answer(|_| 429);
        app.tenant("Acme").await;
        app.settle().await;
        app.advance(899).await;
        assert_eq!(receiver.messages().len(), 1, "it asked for 900 seconds");
        receiver.answer(|_| 200);
        app.advance(1 + 900 / 5).await;
        assert_eq!(receiver.messages().len(), 2);
    }

    async fn after_three_days_an_event_is_given_up_and_can_be_redelivered(app: &TestApp) {
        let receiver = Receiver::start().await;
        let made = endpoint(app, &receiver).await;
        receiver.answer(|message| if message.sequence() == 1 { 500 } else { 200 });
        let tenant = app.tenant("Acme").await;
        happens(app, tenant, EventType::SlotClaimed).await;
        app.settle().await;
        let start = app.app.clock.now();
        while deliveries(app, &made, "&state=dead").await.is_empty() {
            assert_eq!(numbers(&receiver.taken(), tenant), [0; 0], "the later one waits");
            app.advance(4400).await;
            assert!(app.app.clock.now() < start.plus_days(4));
        }
        assert!(app.app.clock.now() >= start.plus_days(3));
        let dead = deliveries(app, &made, "&state=dead").await;
        assert_eq!(dead.len(), 1);
        assert_eq!((&dead[0]["sequence"], &dead[0]["reason"]), (&json!(1), &json!("answered 500")));
        assert!(dead[0]["next_attempt_at"].is_null());
        assert_eq!(numbers(&receiver.taken(), tenant), [2], "the lane goes on");

        let failed = redeliver(app, &made, &dead[0]["id"]).await.expect(200);
        assert_eq!((&failed["state"], &failed["status"]), (&json!("dead"), &json!(500)));
        receiver.answer(|_| 200);
        let taken = redeliver(app, &made, &dead[0]["id"]).await.expect(200);
        assert_eq!((&taken["state"], &taken["status"]), (&json!("delivered"), &json!(200)));
        assert_eq!(taken["attempts"], dead[0]["attempts"].as_i64().unwrap() + 2);
        assert_eq!(numbers(&receiver.taken(), tenant), [2, 1]);
        let again = redeliver(app, &made, &dead[0]["id"]).await.expect(200);
        assert_eq!(again["state"], "delivered", "what was taken can be sent again too");
        let asked = audited(app, "webhook_endpoint.redeliver").await;
        assert_eq!(asked.len(), 3);
        assert_eq!(asked[0]["data"]["event_id"], dead[0]["id"]);
    }

    async fn a_pending_event_can_be_sent_before_its_time(app: &TestApp) {
        let receiver = Receiver::start().await;
        let made = endpoint(app, &receiver).await;
        receiver.answer(|_| 500);
        let tenant = app.tenant("Acme").await;
        happens(app, tenant, EventType::SlotClaimed).await;
        app.settle().await;
        let first = deliveries(app, &made, "").await[0]["id"].clone();
        let failed = redeliver(app, &made, &first).await.expect(200);
        assert_eq!((&failed["state"], &failed["attempts"]), (&json!("pending"), &json!(2)));
        receiver.answer(|_| 200);
        let taken = redeliver(app, &made, &first).await.expect(200);
        assert_eq!((&taken["state"], &taken["attempts"]), (&json!("delivered"), &json!(3)));
        app.settle().await;
        assert_eq!(numbers(&receiver.taken(), tenant), [1, 2], "the lane goes on at once");
    }

    async fn a_pending_event_is_sent_though_it_is_no_longer_asked_for(app: &TestApp) {
        let receiver = Receiver::start().await;
        let made = endpoint(app, &receiver).await;
        receiver.answer(|_| 500);
        let tenant = app.tenant("Acme").await;
        happens(app, tenant, EventType::SlotClaimed).await;
        app.settle().await;
        change(app, &made, json!({ "enabled_events": ["invoice.*"] })).await;
        receiver.answer(|_| 200);
        app.advance(10).await;
        assert_eq!(numbers(&receiver.taken(), tenant), [1]);
        assert!(deliveries(app, &made, "&state=pending").await.is_empty());
    }

    async fn a_better_url_is_tried_at_once(app: &TestApp) {
        let receiver = Receiver::start().await;
        let made = endpoint(app, &receiver).await;
        receiver.answer(|message| if message.path == "/better" { 200 } else { 404 });
        let tenant = app.tenant("Acme").await;
        app.settle().await;
        let first = app.app.clock.now().to_string();
        app.advance(10).await;
        assert_eq!(show(app, &made).await["failing_since"], first, "the first failure, not the last");
        change(app, &made, json!({ "url": receiver.url("/better") })).await;
        assert!(show(app, &made).await["failing_since"].is_null());
        app.settle().await;
        assert_eq!(numbers(&receiver.taken(), tenant), [1]);
    }

    async fn redirects_are_not_followed(app: &TestApp) {
        let receiver = Receiver::start().await;
        let made = endpoint(app, &receiver).await;
        receiver.answer(|_| 307);
        app.tenant("Acme").await;
        app.settle().await;
        assert_eq!(receiver.messages().len(), 1);
        assert_eq!(receiver.messages()[0].path, "/hooks");
        let delivery = deliveries(app, &made, "").await[0].clone();
        assert_eq!(delivery["reason"], "answered 307; redirects are not followed");
    }

    async fn nobody_listening_is_a_failed_attempt(app: &TestApp) {
        let receiver = Receiver::start().await;
        // A port that was free a moment ago.
        let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let made = make(app, json!({ "url": format!("http://{free}/") })).await;
        let tenant = app.tenant("Acme").await;
        app.settle().await;
        let delivery = deliveries(app, &made, "").await[0].clone();
        assert_eq!((&delivery["state"], &delivery["status"]), (&json!("pending"), &Value::Null));
        assert!(delivery["reason"].as_str().unwrap().contains("refused"), "{delivery}");
        change(app, &made, json!({ "url": receiver.url("/") })).await;
        app.settle().await;
        assert_eq!(numbers(&receiver.taken(), tenant), [1]);
    }

    async fn what_was_settled_long_ago_is_forgotten(app: &TestApp) {
        let receiver = Receiver::start().await;
        let made = endpoint(app, &receiver).await;
        let tenant = app.tenant("Acme").await;
        app.settle().await;
        app.advance(29 * 86_400).await;
        assert_eq!(deliveries(app, &made, "").await.len(), 1);
        receiver.answer(|_| 500);
        happens(app, tenant, EventType::SlotClaimed).await;
        app.advance(2 * 86_400).await;
        let left = deliveries(app, &made, "").await;
        assert_eq!(left.len(), 1);
        assert_eq!(left[0]["state"], "pending");
    }
}
