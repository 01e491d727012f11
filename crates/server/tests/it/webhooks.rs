//! What Stripe tells us: believed only when signed, kept before it is answered, worked once.

use serde_json::json;
use tollhouse_domain::id::TenantId;
use tollhouse_server::webhooks::{
    State,
    queries::{Filter, counts},
};
use tollhouse_simulator::{Fault, FaultKind, Outgoing};
use tollhouse_stripe::signature::sign;

use crate::harness::{Answer, TestApp, on_both_databases};

const EVENT: &str = r#"{"id": "evt_x", "type": "customer.updated", "created": 1795176000,
    "data": {"object": {"id": "cus_x", "object": "customer"}}}"#;

async fn post_signed(app: &TestApp, body: &str, secret: &str, at: i64) -> Answer {
    let header = sign(secret, at, body.as_bytes());
    app.post("/webhook/stripe").header("stripe-signature", &header).text(body).await
}

async fn stored(app: &TestApp) -> i64 {
    let mut conn = app.app.db.read().await.unwrap();
    counts(&mut conn, &Filter::default()).await.unwrap().iter().map(|count| count.deliveries).sum()
}

async fn in_state(app: &TestApp, state: State) -> i64 {
    let mut conn = app.app.db.read().await.unwrap();
    let counts = counts(&mut conn, &Filter::default()).await.unwrap();
    counts.iter().filter(|count| count.state == state).map(|count| count.deliveries).sum()
}

/// The story up to the payment; its webhooks are made but not delivered.
async fn paid_but_untold(app: &TestApp) -> (TenantId, Vec<Outgoing>) {
    let tenant = app.tenant("Acme").await;
    let session = app.checkout(tenant, "pro").await;
    app.settle().await;
    app.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
    let deliveries = app.simulator.due_deliveries();
    assert!(deliveries.len() >= 8, "{}", deliveries.len());
    (tenant, deliveries)
}

async fn work(app: &TestApp) {
    tollhouse_server::tasks::run_once(&app.app).await.unwrap();
}

on_both_databases! {
    async fn forged_old_and_unsigned_are_refused_and_not_stored(app: &TestApp) {
        let before = stored(app).await;
        let now = app.app.clock.now().as_second();
        let secret = app.webhook_secret.clone();
        post_signed(app, EVENT, "whsec_wrong", now).await.refused(400, "invalid_signature");
        post_signed(app, EVENT, &secret, now - 301).await.refused(400, "invalid_signature");
        post_signed(app, EVENT, &secret, now + 301).await.refused(400, "invalid_signature");
        app.post("/webhook/stripe").text(EVENT).await.refused(400, "invalid_signature");
        let header = sign(&secret, now, EVENT.as_bytes());
        let changed = EVENT.replace("cus_x", "cus_y");
        app.post("/webhook/stripe").header("stripe-signature", &header).text(&changed).await
            .refused(400, "invalid_signature");
        assert_eq!(stored(app).await, before);
    }

    async fn what_we_do_not_know_is_kept_and_ignored(app: &TestApp) {
        let before = in_state(app, State::Ignored).await;
        let now = app.app.clock.now().as_second();
        let novel = EVENT.replace("customer.updated", "galaxy.collided").replace("evt_x", "evt_novel");
        let secret = app.webhook_secret.clone();
        assert_eq!(post_signed(app, &novel, &secret, now).await.status, 200);
        let stranger = app.stripe("POST", "/v1/customers", &[("name", "Of another product")]).await;
        let other_product =
            EVENT.replace("evt_x", "evt_other").replace("cus_x", stranger["id"].as_str().unwrap());
        assert_eq!(post_signed(app, &other_product, &secret, now).await.status, 200);
        work(app).await;
        // The stranger's own `customer.created` waits in the simulator; it is ignored later.
        assert_eq!(in_state(app, State::Ignored).await, before + 2);
        app.settle().await;
    }

    async fn what_stripe_does_not_have_waits_for_a_person(app: &TestApp) {
        let now = app.app.clock.now().as_second();
        // As when the key is of one account and the webhooks of another.
        let foreign = EVENT.replace("evt_x", "evt_foreign");
        post_signed(app, &foreign, &app.webhook_secret, now).await.expect(200);
        work(app).await;
        assert_eq!(in_state(app, State::Dead).await, 1);
        app.dead_is_expected.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    async fn the_same_webhook_twice_has_one_effect(app: &TestApp) {
        let (tenant, deliveries) = paid_but_untold(app).await;
        let before = stored(app).await;
        for delivery in deliveries.iter().chain(&deliveries) {
            assert_eq!(app.deliver(delivery).await.status, 200);
        }
        work(app).await;
        for delivery in &deliveries {
            assert_eq!(app.deliver(delivery).await.status, 200, "late copies too");
        }
        work(app).await;
        assert_eq!(stored(app).await, before + i64::try_from(deliveries.len()).unwrap());
        let history = app.history(tenant).await;
        assert_eq!(history.iter().filter(|event| *event == "subscription.activated").count(), 1);
        assert_eq!(history.iter().filter(|event| *event == "invoice.paid").count(), 1);
    }

    async fn a_thousand_shuffled_copies_lead_to_the_same_end(app: &TestApp) {
        let (tenant, deliveries) = paid_but_untold(app).await;
        let mut copies: Vec<&Outgoing> = deliveries.iter().cycle().take(1000).collect();
        fastrand::Rng::with_seed(42).shuffle(&mut copies);
        for (index, delivery) in copies.into_iter().enumerate() {
            assert_eq!(app.deliver(delivery).await.status, 200);
            if index % 97 == 0 {
                work(app).await;
            }
        }
        work(app).await;
        let status = app.status(tenant).await;
        assert_eq!(status["subscriptions"].as_array().unwrap().len(), 1);
        assert_eq!(status["subscriptions"][0]["status"], "ACTIVE");
        let mut told = app.history(tenant).await;
        told.sort();
        let mut story = [
            "tenant.created", "tenant.customer_linked", "checkout.started", "checkout.completed",
            "subscription.created", "subscription.activated", "invoice.created", "invoice.finalized",
            "invoice.paid",
        ];
        story.sort_unstable();
        assert_eq!(told, story, "each thing is told once");
    }

    async fn one_delivery_is_enough(app: &TestApp) {
        let (tenant, deliveries) = paid_but_untold(app).await;
        let completed = deliveries.iter().find(|d| d.event_type == "checkout.session.completed").unwrap();
        app.deliver(completed).await;
        work(app).await;
        assert_eq!(app.status(tenant).await["subscriptions"][0]["status"], "ACTIVE");
    }

    async fn while_stripe_is_down_deliveries_wait(app: &TestApp) {
        let (tenant, deliveries) = paid_but_untold(app).await;
        // Three objects, three attempts each.
        app.simulator.add_fault(Fault { kind: FaultKind::Error500, times: 9, method: None, path: None });
        for delivery in &deliveries {
            assert_eq!(app.deliver(delivery).await.status, 200, "storing needs no Stripe");
        }
        work(app).await;
        assert!(in_state(app, State::Failed).await > 0);
        assert_eq!(app.status(tenant).await["subscriptions"], json!([]));
        app.advance(3600).await;
        assert_eq!(app.status(tenant).await["subscriptions"][0]["status"], "ACTIVE");
        assert_eq!(in_state(app, State::Failed).await, 0);
    }
}
