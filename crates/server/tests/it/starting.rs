//! Beginning a subscription with the card on file.

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId};
use tollhouse_simulator::{Fault, FaultKind};

use crate::harness::{TestApp, on_both_databases};

fn pro() -> Value {
    json!({"plan": "pro", "interval": "month"})
}

fn with(field: &str, value: Value) -> Value {
    let mut order = pro();
    order[field] = value;
    order
}

async fn ready(app: &TestApp, card: &str) -> TenantId {
    let tenant = app.tenant("Acme").await;
    app.card_on_file(tenant, card).await;
    tenant
}

fn live(app: &TestApp) -> usize {
    let rows = app.simulator.objects("subscription");
    rows.iter()
        .filter(|row| row["status"] != "incomplete_expired" && row["status"] != "canceled")
        .count()
}

on_both_databases! {
    async fn the_card_on_file_begins_it(app: &TestApp) {
        let tenant = ready(app, "pm_card_visa").await;
        let begun = app.ask(tenant, "subscription", &pro()).await.expect(201);
        assert_eq!((&begun["status"], &begun["access"]), (&json!("active"), &json!("full")));
        assert_eq!(begun["requires_action"], Value::Null);
        assert_eq!((&begun["amount"], &begun["kind"]), (&json!(29.0), &json!("base")));
        assert_eq!(begun["payment_method"]["last4"], "4242");
        app.settle().await;
        let viewer = app.token(Role::Viewer, tenant);
        let invoices = app.get("/api/v1/billing/invoices").bearer(&viewer).await.expect(200);
        assert_eq!((&invoices[0]["paid"], &invoices[0]["amount_paid"]), (&json!(true), &json!(29.0)));
        let told = app.history(tenant).await;
        assert_eq!(told.iter().filter(|event| *event == "subscription.created").count(), 1);
        app.ask(tenant, "subscription", &pro()).await.refused(409, "already_subscribed");
    }

    async fn yearly_in_euros_with_seats_and_an_end(app: &TestApp) {
        let tenant = ready(app, "pm_card_visa").await;
        let euros = json!({"plan": "pro", "interval": "month", "currency": "eur", "auto_renew": false,
            "billing_email": "money@example.com"});
        let begun = app.ask(tenant, "subscription", &euros).await.expect(201);
        assert_eq!((&begun["currency"], &begun["amount"]), (&json!("eur"), &json!(27.0)));
        assert_eq!((&begun["auto_renew"], &begun["cancel_at"]), (&json!(false), &begun["current_period_end"]));
        app.settle().await;
        assert_eq!(app.status(tenant).await["billing_email"], "money@example.com");

        let other = app.tenant("Birch").await;
        app.card_on_file(other, "pm_card_visa").await;
        let seats = json!({"plan": "enterprise", "interval": "year", "seats": 3});
        let begun = app.ask(other, "subscription", &seats).await.expect(201);
        assert_eq!((&begun["seats"], &begun["amount"]), (&json!(3), &json!(1470.0)));
        assert_eq!(begun["current_period_end"], "2027-11-20T12:00:00Z");
    }

    async fn a_declined_card_begins_nothing(app: &TestApp) {
        let tenant = ready(app, "pm_card_chargeCustomerFail").await;
        let declined = app.ask(tenant, "subscription", &pro()).await.refused(402, "payment_failed");
        assert_eq!(declined["decline_code"], "generic_decline");
        assert_eq!(live(app), 0, "nothing is left at Stripe");
        app.settle().await;
        assert_eq!(app.status(tenant).await["subscriptions"], json!([]));
        // Another card, another request: nothing stands in the way.
        app.card_on_file(tenant, "pm_card_visa").await;
        app.ask(tenant, "subscription", &pro()).await.expect(201);
        app.settle().await;
    }

    async fn a_bank_that_asks_is_waited_for(app: &TestApp) {
        let tenant = ready(app, "pm_card_authenticationRequired").await;
        let begun = app.ask(tenant, "subscription", &pro()).await.expect(201);
        assert_eq!((&begun["status"], &begun["access"]), (&json!("incomplete"), &json!("none")));
        let secret = begun["requires_action"]["client_secret"].as_str().unwrap();
        app.settle().await;
        app.ask(tenant, "subscription", &pro()).await.refused(409, "first_payment_pending");
        let intent = secret.split("_secret_").next().unwrap();
        app.simulator.authenticate(intent, true).unwrap();
        app.settle().await;
        assert_eq!(app.status(tenant).await["subscriptions"][0]["status"], "ACTIVE");
    }

    async fn a_confirmation_that_never_comes_ends_it(app: &TestApp) {
        let tenant = ready(app, "pm_card_authenticationRequired").await;
        app.ask(tenant, "subscription", &pro()).await.expect(201);
        app.ask(tenant, "subscription/cancel", &json!({"at": "period_end"})).await.refused(409, "subscription_state");
        app.advance(23 * 3600).await;
        assert_eq!(app.history(tenant).await.last().unwrap(), "invoice.voided");
        assert!(app.history(tenant).await.contains(&"subscription.expired".to_owned()));
        app.card_on_file(tenant, "pm_card_visa").await;
        app.ask(tenant, "subscription", &pro()).await.expect(201);
        app.settle().await;
    }

    async fn a_trial_needs_no_card_and_comes_once(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        app.ask(tenant, "subscription", &pro()).await.refused(409, "no_payment_method");
        app.ask(tenant, "subscription", &with("trial_days", json!(15))).await.refused(422, "invalid_request");
        let begun = app.ask(tenant, "subscription", &with("trial_days", json!(14))).await.expect(201);
        assert_eq!((&begun["status"], &begun["trial_end"]), (&json!("trialing"), &json!("2026-12-04T12:00:00Z")));
        app.ask(tenant, "subscription/cancel", &json!({"at": "now"})).await.expect(200);
        app.settle().await;
        app.ask(tenant, "subscription", &with("trial_days", json!(1))).await.refused(409, "trial_already_used");
    }

    async fn our_staff_may_grant_a_longer_trial(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let path = format!("/api/v1/billing/tenants/{tenant}/subscription");
        let long = with("trial_days", json!(60));
        let begun = app.post(&path).bearer(&app.operator()).json(&long).await.expect(201);
        assert_eq!(begun["trial_end"], "2027-01-19T12:00:00Z");
        app.settle().await;
    }

    async fn a_request_that_is_repeated_begins_one(app: &TestApp) {
        let tenant = ready(app, "pm_card_visa").await;
        let admin = app.token(Role::Admin, tenant);
        let path = format!("/api/v1/billing/tenants/{tenant}/subscription");
        let ask = || app.post(&path).bearer(&admin).header("idempotency-key", "begin").json(&pro());
        let first = ask().await.expect(201);
        assert_eq!(ask().await.expect(201), first);
        assert_eq!(live(app), 1);
        app.settle().await;
    }

    async fn an_open_page_is_closed_when_the_card_on_file_pays(app: &TestApp) {
        let tenant = ready(app, "pm_card_visa").await;
        let page = app.checkout(tenant, "pro").await;
        app.ask(tenant, "subscription", &pro()).await.expect(201);
        assert!(app.simulator.complete_checkout(&page, "pm_card_visa").is_err(), "the page is closed");
        app.settle().await;
        assert_eq!(live(app), 1);
    }

    async fn a_page_that_was_paid_a_moment_ago_stands_against_it(app: &TestApp) {
        let tenant = ready(app, "pm_card_visa").await;
        let page = app.checkout(tenant, "pro").await;
        app.simulator.complete_checkout(&page, "pm_card_visa").unwrap();
        // No webhook has come yet.
        app.ask(tenant, "subscription", &pro()).await.refused(409, "already_subscribed");
        app.settle().await;
        assert_eq!(live(app), 1);
    }

    async fn requests_at_once_begin_one(app: &TestApp) {
        let tenant = ready(app, "pm_card_visa").await;
        let order = pro();
        let ask = || app.ask(tenant, "subscription", &order);
        let (a, b, c, d) = tokio::join!(ask(), ask(), ask(), ask());
        let answers = [a, b, c, d];
        let begun = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!((begun, live(app)), (1, 1));
        for answer in answers.into_iter().filter(|answer| answer.status != 201) {
            assert_eq!(answer.status, 409, "{}", answer.text);
        }
        app.settle().await;
    }

    async fn an_answer_that_never_came_is_found_by_the_next_request(app: &TestApp) {
        let tenant = ready(app, "pm_card_visa").await;
        // Stripe does the work, and every answer to it is lost.
        app.simulator.add_fault(Fault {
            kind: FaultKind::DoneButUnanswered,
            times: 3,
            method: Some("POST".into()),
            path: Some("/v1/subscriptions".into()),
        });
        app.ask(tenant, "subscription", &pro()).await.refused(503, "stripe_unavailable");
        assert_eq!(live(app), 1, "begun, and nobody here knows");
        app.ask(tenant, "subscription", &pro()).await.refused(409, "already_subscribed");
        assert_eq!(live(app), 1);
        app.settle().await;
        assert_eq!(app.status(tenant).await["subscriptions"][0]["status"], "ACTIVE");
    }

    async fn a_bad_order_is_refused(app: &TestApp) {
        let tenant = ready(app, "pm_card_visa").await;
        for (body, field) in [
            (with("interval", json!("fortnight")), "interval"),
            (with("currency", json!("zzz")), "currency"),
            (with("seats", json!(0)), "seats"),
            (with("seats", json!(1_000_001)), "seats"),
            (with("trial_days", json!(731)), "trial_days"),
            (with("billing_email", json!("nobody")), "billing_email"),
            (with("payment_method", json!("")), "payment_method"),
            (with("payment_method", json!("pm_of_another")), "payment_method"),
            (with("plans", json!("pro")), "plans"),
            (json!({"interval": "month"}), "plan"),
        ] {
            let problem = app.ask(tenant, "subscription", &body).await.refused(422, "invalid_request");
            assert_eq!(problem["errors"][0]["field"], field, "{body}");
        }
        app.ask(tenant, "subscription", &with("plan", json!("gold"))).await.refused(422, "unknown_plan");
        app.ask(tenant, "subscription", &with("plan", json!("free"))).await.refused(422, "plan_not_sold");
        app.ask(tenant, "subscription", &with("currency", json!("jpy"))).await.refused(422, "plan_not_sold");
        app.ask(tenant, "subscription", &json!({"plan": "extra_storage", "interval": "month"}))
            .await
            .refused(422, "is_addon");
        let viewer = app.token(Role::Viewer, tenant);
        let path = format!("/api/v1/billing/tenants/{tenant}/subscription");
        app.post(&path).bearer(&viewer).json(&pro()).await.refused(403, "forbidden");
        assert_eq!(live(app), 0);
    }

    async fn a_secret_that_was_lost_is_told_again(app: &TestApp) {
        let tenant = ready(app, "pm_card_authenticationRequired").await;
        let admin = app.token(Role::Admin, tenant);
        let path = format!("/api/v1/billing/tenants/{tenant}/subscription");
        let ask = || app.post(&path).bearer(&admin).header("idempotency-key", "begin").json(&pro());
        // Begun at Stripe; then it cannot be read back.
        app.simulator.add_fault(Fault {
            kind: FaultKind::Error500,
            times: 3,
            method: Some("GET".into()),
            path: Some("/v1/subscriptions/".into()),
        });
        ask().await.refused(503, "stripe_unavailable");
        let again = ask().await.expect(201);
        assert_ne!(again["requires_action"], Value::Null, "{again}");
        assert_eq!(live(app), 1);
        app.ask(tenant, "addons", &json!({"plan": "extra_storage"})).await.refused(409, "subscription_state");
        app.settle().await;
    }

    async fn a_card_chosen_after_a_decline_is_asked_by_the_same_request(app: &TestApp) {
        let tenant = ready(app, "pm_card_visa").await;
        app.simulator.add_fault(Fault {
            kind: FaultKind::Unreachable,
            times: 3,
            method: Some("POST".into()),
            path: Some("/v1/subscriptions".into()),
        });
        let admin = app.token(Role::Admin, tenant);
        let path = format!("/api/v1/billing/tenants/{tenant}/subscription");
        let ask = || app.post(&path).bearer(&admin).header("idempotency-key", "begin").json(&pro());
        ask().await.refused(503, "stripe_unavailable");
        let other = app.card_on_file(tenant, "pm_card_mastercard").await;
        let begun = ask().await.expect(201);
        assert_eq!(begun["payment_method"]["id"], json!(other));
        app.settle().await;
    }
}
