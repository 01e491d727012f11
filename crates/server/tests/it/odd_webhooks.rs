//! Webhooks as they should not be, or as they have not been yet: nothing signed is lost.

use std::sync::{Arc, atomic::Ordering};

use serde_json::{Value, json};
use tollhouse_domain::id::TenantId;
use tollhouse_server::{App, config::Secret};
use tollhouse_stripe::{
    Answer as StripeAnswer, BoxFuture, Call, Failure, Gateway, signature::sign,
};

use crate::harness::{Answer, Database, Kind, TestApp, on_both_databases};

const LEDGER: &str = "/api/v1/admin/deliveries";

async fn post_signed(app: &TestApp, body: &str, secret: &str, at: i64) -> Answer {
    let header = sign(secret, at, body.as_bytes());
    app.post("/webhook/stripe").header("stripe-signature", &header).text(body).await
}

async fn post(app: &TestApp, body: &str) -> Answer {
    post_signed(app, body, &app.webhook_secret, app.app.clock.now().as_second()).await
}

fn snapshot(event_type: &str, object: &Value) -> String {
    json!({"id": format!("evt_{event_type}"), "object": "event", "type": event_type, "created": 1_795_175_990,
        "api_version": "2026-10-28.endive", "data": {"object": object}})
    .to_string()
}

fn thin(event_type: &str, kind: &str, id: &str) -> String {
    json!({"id": format!("evt_{event_type}"), "object": "v2.core.event", "type": event_type,
        "created": "2026-11-20T11:59:50.123Z", "livemode": false, "context": null, "reason": null,
        "related_object": {"id": id, "type": kind, "url": format!("/v1/somewhere/{id}")}})
    .to_string()
}

async fn work(app: &TestApp) {
    tollhouse_server::tasks::run_once(&app.app).await.unwrap();
}

/// The newest delivery of a type.
async fn newest(app: &TestApp, event_type: &str) -> Value {
    let path = format!("{LEDGER}?type={event_type}&limit=1");
    app.get(&path).bearer(&app.operator()).await.expect(200)["data"][0].clone()
}

/// The first of a kind that the simulator has.
fn first(app: &TestApp, kind: &str) -> String {
    app.simulator.objects(kind)[0]["id"].as_str().unwrap().to_owned()
}

/// Paid at Stripe, and no webhook of it came.
async fn paid_but_untold(app: &TestApp) -> TenantId {
    let tenant = app.tenant("Acme").await;
    let session = app.checkout(tenant, "pro").await;
    app.settle().await;
    app.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
    for lost in app.simulator.due_deliveries() {
        app.simulator.delivery_answered(&lost.id, Some(200));
    }
    tenant
}

/// A Stripe of another day: what it answers reads otherwise.
struct Altered {
    stripe: Arc<dyn Gateway>,
    from: &'static str,
    to: &'static str,
}

impl Gateway for Altered {
    fn send<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<StripeAnswer, Failure>> {
        Box::pin(async move {
            let mut answer = self.stripe.send(call).await?;
            let text = String::from_utf8(answer.body.to_vec()).unwrap();
            answer.body = text.replace(self.from, self.to).into();
            Ok(answer)
        })
    }
}

/// Works what is due as an instance would to which Stripe answers `to` where it says `from`.
async fn work_altered(app: &TestApp, from: &'static str, to: &'static str) {
    let gateway = Altered { stripe: Arc::new(app.simulator.gateway()), from, to };
    let other = App::start(app.app.config.clone(), app.app.clock.clone(), Some(Arc::new(gateway)));
    let other = other.await.unwrap();
    tollhouse_server::tasks::run_once(&other).await.unwrap();
    other.db.close().await;
}

on_both_databases! {
    async fn thin_notifications_do_what_snapshots_do(app: &TestApp) {
        let tenant = paid_but_untold(app).await;
        for (event_type, kind) in [
            ("v1.customer.subscription.created", "subscription"),
            ("v1.invoice_payment.paid", "invoice_payment"),
            ("v1.payment_method.attached", "payment_method"),
        ] {
            post(app, &thin(event_type, kind, &first(app, kind))).await.expect(200);
            work(app).await;
            assert_eq!(newest(app, event_type).await["state"], "done", "{event_type}");
        }
        let delivery = newest(app, "v1.invoice_payment.paid").await;
        assert_eq!(delivery["occurred_at"], "2026-11-20T11:59:50Z");
        assert_eq!((&delivery["api_version"], &delivery["other_api_version"]), (&Value::Null, &json!(false)));
        let history = app.history(tenant).await;
        for event in ["subscription.activated", "invoice.paid"] {
            assert!(history.contains(&event.to_owned()), "{event} of {history:?}");
        }
    }

    async fn what_a_thin_notification_may_be_about(app: &TestApp) {
        let ping = json!({"id": "evt_ping", "object": "v2.core.event", "type": "v2.core.event_destination.ping",
            "created": "2026-11-20T11:59:50.123Z", "livemode": false, "related_object": null});
        post(app, &ping.to_string()).await.expect(200);
        assert_eq!(newest(app, "v2.core.event_destination.ping").await["state"], "ignored");
        let refused = thin("v1.billing.meter.error_report_triggered", "billing.meter", "mtr_1");
        post(app, &refused).await.expect(200);
        work(app).await;
        let shown = newest(app, "v1.billing.meter.error_report_triggered").await;
        let id = "evt_v1.billing.meter.error_report_triggered";
        assert_eq!((&shown["state"], &shown["object_id"]), (&json!("dead"), &json!(id)), "Stripe has no such event");
        let no_time = thin("v1.invoice.paid", "invoice", "in_1").replace("2026-11-20T11", "yesterday");
        post(app, &no_time).await.expect(200);
        assert_eq!(newest(app, "unreadable").await["state"], "dead");
        app.dead_is_expected.store(true, Ordering::Relaxed);
    }

    async fn no_body_is_too_odd_to_be_kept(app: &TestApp) {
        let whole = snapshot("invoice.paid", &json!({"id": "in_1", "object": "invoice"}));
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(5000), "]".repeat(5000));
        let odd = ["", "{", "[]", "null", "\"evt\"", &whole[..whole.len() - 1], "\u{0}", &deep];
        for body in odd {
            post(app, body).await.expect(200);
            let shown = newest(app, "unreadable").await;
            assert_eq!(shown["state"], "dead", "{body}");
            let path = format!("{LEDGER}/{}", shown["id"].as_str().unwrap());
            app.get(&path).bearer(&app.operator()).await.expect(200);
        }
        let counts = app.get(&format!("{LEDGER}/counts")).bearer(&app.operator()).await.expect(200);
        let all = json!({"type": "unreadable", "state": "dead", "deliveries": odd.len()});
        assert!(counts["data"].as_array().unwrap().contains(&all), "{counts}");
        post(app, &"x".repeat(10_000_000)).await.refused(413, "payload_too_large");
        app.dead_is_expected.store(true, Ordering::Relaxed);
    }

    async fn clocks_apart_are_told_by_how_much(app: &TestApp) {
        let body = snapshot("invoice.paid", &json!({"id": "in_1", "object": "invoice"}));
        let now = app.app.clock.now().as_second();
        for (at, said) in [(now - 3600, "60 minutes before"), (now + 3600, "60 minutes in the future")] {
            let problem = post_signed(app, &body, &app.webhook_secret, at).await;
            let problem = problem.refused(400, "invalid_signature");
            assert!(problem["detail"].as_str().unwrap().contains(said), "{problem}");
        }
    }

    async fn a_word_of_tomorrow_waits_for_a_tollhouse_that_knows_it(app: &TestApp) {
        let tenant = paid_but_untold(app).await;
        let body = snapshot("customer.subscription.updated", &json!({"id": first(app, "subscription"), "object": "subscription"}));
        post(app, &body).await.expect(200);
        work_altered(app, "\"status\":\"active\"", "\"status\":\"hibernating\"").await;
        let failed = newest(app, "customer.subscription.updated").await;
        assert_eq!(failed["state"], "failed", "{failed}");
        assert!(failed["reason"].as_str().unwrap().contains("`hibernating`"), "{failed}");
        assert_eq!(app.status(tenant).await["subscriptions"], json!([]));
        app.advance(60).await;
        assert_eq!(newest(app, "customer.subscription.updated").await["state"], "done");
        assert_eq!(app.status(tenant).await["subscriptions"][0]["status"], "ACTIVE");
    }

    async fn a_card_that_changed_is_shown_as_it_is_now(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let card = app.card_on_file(tenant, "pm_card_visa").await;
        app.ask(tenant, "subscription", &json!({"plan": "pro", "interval": "month", "payment_method": card})).await.expect(201);
        app.settle().await;
        let before = app.subscription(tenant).await["payment_method"]["exp_year"].as_i64().unwrap();
        let card = json!({"id": card, "object": "payment_method", "customer": first(app, "customer")});
        post(app, &snapshot("payment_method.automatically_updated", &card)).await.expect(200);
        assert_eq!(before, 2034);
        work_altered(app, "\"exp_year\":2034", "\"exp_year\":2039").await;
        assert_eq!(app.subscription(tenant).await["payment_method"]["exp_year"], 2039);
        assert_eq!(newest(app, "payment_method.automatically_updated").await["state"], "done");
    }

    async fn an_invoice_to_come_refreshes_its_subscription(app: &TestApp) {
        let tenant = paid_but_untold(app).await;
        let invoice = json!({"id": "upcoming_in_1", "object": "invoice", "customer": first(app, "customer"),
            "parent": {"type": "subscription_details", "subscription_details": {"subscription": first(app, "subscription")}}});
        post(app, &snapshot("invoice.upcoming", &invoice)).await.expect(200);
        work(app).await;
        assert_eq!(app.status(tenant).await["subscriptions"][0]["status"], "ACTIVE");
        assert_eq!(newest(app, "invoice.upcoming").await["object_id"], first(app, "subscription"));
    }
}

#[tokio::test]
async fn while_a_secret_is_rolled_both_are_believed() {
    let app = TestApp::start_with(Database::create(Kind::Sqlite).await, |config| {
        config.stripe.webhook_secret.insert(0, Secret::new("whsec_next"));
    })
    .await;
    let now = app.app.clock.now().as_second();
    let body = |id: &str| {
        json!({"id": id, "type": "galaxy.collided", "created": 1, "data": {"object": {}}})
            .to_string()
    };
    // One of the sender's signatures matches one of our secrets, wherever each stands.
    post_signed(&app, &body("evt_old"), &app.webhook_secret, now).await.expect(200);
    post_signed(&app, &body("evt_new"), "whsec_next", now).await.expect(200);
    let both = body("evt_both");
    let unknown = sign("whsec_unknown", now, both.as_bytes());
    let known = sign("whsec_next", now, both.as_bytes());
    let header = format!("{unknown},{}", known.split_once(',').unwrap().1);
    app.post("/webhook/stripe").header("stripe-signature", &header).text(&both).await.expect(200);
    post_signed(&app, &body("evt_x"), "whsec_unknown", now).await.refused(400, "invalid_signature");
    app.finish().await;
}
