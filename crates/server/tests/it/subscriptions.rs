//! What a billing owner does with a subscription.

use serde_json::{Value, json};
use tollhouse_domain::{actor::Role, id::TenantId};

use crate::harness::{Answer, TestApp, on_both_databases};

async fn ask(app: &TestApp, tenant: TenantId, verb: &str, body: &Value) -> Answer {
    let admin = app.token(Role::Admin, tenant);
    let path = format!("/api/v1/billing/tenants/{tenant}/subscription/{verb}");
    app.post(&path).bearer(&admin).json(body).await
}

async fn upcoming(app: &TestApp, tenant: TenantId, body: &Value) -> Answer {
    let viewer = app.token(Role::Viewer, tenant);
    let path = format!("/api/v1/billing/tenants/{tenant}/upcoming-invoice");
    app.post(&path).bearer(&viewer).json(body).await
}

on_both_databases! {
    async fn an_end_at_the_period_end_can_be_taken_back(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let end = json!({"at": "period_end", "reason": "too_expensive", "comment": "Maybe next year"});
        let ending = ask(app, tenant, "cancel", &end).await.expect(200);
        assert_eq!(ending["auto_renew"], false);
        assert_eq!(ending["cancel_at"], "2026-12-20T12:00:00Z");
        assert_eq!(ending["access"], "full", "until then everything stays");
        let going_on = ask(app, tenant, "resume", &json!({})).await.expect(200);
        assert_eq!((&going_on["auto_renew"], &going_on["cancel_at"]), (&json!(true), &Value::Null));
        ask(app, tenant, "resume", &json!({})).await.expect(200);
        app.settle().await;
        let history = app.history(tenant).await;
        assert_eq!(history[history.len() - 2..], ["subscription.cancel_scheduled", "subscription.cancel_revoked"]);
    }

    async fn an_end_that_comes_ends_access(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        ask(app, tenant, "cancel", &json!({"at": "period_end"})).await.expect(200);
        app.advance(29 * 86_400).await;
        assert_eq!(app.status(tenant).await["subscriptions"][0]["status"], "ACTIVE");
        app.advance(2 * 86_400).await;
        assert_eq!(app.status(tenant).await["subscriptions"], json!([]));
        assert_eq!(app.history(tenant).await.last().unwrap(), "subscription.canceled");
        ask(app, tenant, "resume", &json!({})).await.refused(409, "not_subscribed");
    }

    async fn an_end_now_is_now(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let over = ask(app, tenant, "cancel", &json!({"at": "now"})).await.expect(200);
        assert_eq!((&over["status"], &over["access"]), (&json!("canceled"), &json!("none")));
        assert_eq!(app.status(tenant).await["subscriptions"], json!([]), "before any webhook came");
        ask(app, tenant, "cancel", &json!({"at": "now"})).await.refused(409, "not_subscribed");
        app.settle().await;
        app.subscribe(tenant, "enterprise").await;
        assert_eq!(app.status(tenant).await["subscriptions"][0]["plan_id"], "enterprise");
    }

    async fn the_portals_way_of_ending_is_seen_and_taken_back_too(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let subscription = app.simulator.objects("subscription")[0].clone();
        let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
        let end = "1797768000"; // 2026-12-20T12:00:00Z
        app.stripe("POST", &path, &[("cancel_at", end), ("proration_behavior", "none")]).await;
        app.settle().await;
        let viewer = app.token(Role::Viewer, tenant);
        let shown = format!("/api/v1/billing/tenants/{tenant}/subscription");
        assert_eq!(app.get(&shown).bearer(&viewer).await.expect(200)["auto_renew"], false);
        let going_on = ask(app, tenant, "resume", &json!({})).await.expect(200);
        assert_eq!(going_on["auto_renew"], true);
    }

    async fn the_amount_previewed_is_the_amount_charged(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        app.advance(10 * 86_400 + 1234).await;
        let change = json!({"plan": "enterprise", "seats": 3});
        let preview = upcoming(app, tenant, &change).await.expect(200);
        assert_eq!(preview["lines"].as_array().unwrap().len(), 2, "{preview}");
        assert!(preview["lines"].as_array().unwrap().iter().all(|line| line["proration"] == true));
        let plans: Vec<&str> =
            preview["lines"].as_array().unwrap().iter().map(|line| line["plan"].as_str().unwrap()).collect();
        assert_eq!(plans, ["Enterprise", "Pro"], "newest first, as Stripe has them");

        // The owner thinks about it; every second makes the rest of the period cheaper.
        app.advance(25 * 60).await;
        let mut confirmed = change.clone();
        confirmed["preview_token"] = preview["preview_token"].clone();
        let changed = ask(app, tenant, "plan", &confirmed).await.expect(200);
        assert_eq!((&changed["plan"]["code"], &changed["seats"]), (&json!("enterprise"), &json!(3)));
        assert_eq!(changed["amount"], 147.0);
        app.settle().await;
        let viewer = app.token(Role::Viewer, tenant);
        let invoices = app.get("/api/v1/billing/invoices").bearer(&viewer).await.expect(200);
        assert_eq!(invoices[0]["amount_paid"], preview["total"]);
        let history = app.history(tenant).await;
        assert_eq!(history.iter().filter(|event| *event == "subscription.plan_changed").count(), 1);
        assert!(history.contains(&"subscription.quantity_changed".to_owned()));
    }

    async fn an_upgrade_that_cannot_be_paid_stays_and_says_so(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        app.break_the_card().await;
        app.advance(86_400).await;
        let changed = ask(app, tenant, "plan", &json!({"plan": "enterprise"})).await.expect(200);
        assert_eq!((&changed["plan"]["code"], &changed["status"]), (&json!("enterprise"), &json!("past_due")));
        assert_eq!(changed["access"], "grace");
        app.settle().await;
        assert!(app.history(tenant).await.contains(&"invoice.payment_failed".to_owned()));
    }

    async fn a_token_holds_for_what_it_was_a_change_of(app: &TestApp) {
        let tenant = app.subscriber("Acme", "enterprise").await;
        let three = json!({"seats": 3});
        let token = upcoming(app, tenant, &three).await.expect(200)["preview_token"].clone();
        ask(app, tenant, "plan", &json!({"seats": 2})).await.expect(200);
        // From two to three costs less than from one.
        let with = json!({"seats": 3, "preview_token": token});
        ask(app, tenant, "plan", &with).await.refused(409, "preview_outdated");
        let token = upcoming(app, tenant, &three).await.expect(200)["preview_token"].clone();
        app.settle().await;
        ask(app, tenant, "plan", &json!({"seats": 3, "preview_token": token})).await.expect(200);
        app.settle().await;
    }

    async fn another_interval_is_a_change_and_no_renewal(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        app.advance(86_400).await;
        ask(app, tenant, "plan", &json!({"interval": "year"})).await.expect(200);
        app.settle().await;
        let history = app.history(tenant).await;
        assert!(history.contains(&"subscription.plan_changed".to_owned()));
        assert!(!history.contains(&"subscription.renewed".to_owned()), "{history:?}");
    }

    async fn a_token_holds_for_one_change_and_one_hour(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let change = json!({"plan": "enterprise", "seats": 3});
        let token = upcoming(app, tenant, &change).await.expect(200)["preview_token"].clone();
        let with = |seats: u64, token: &Value| json!({"plan": "enterprise", "seats": seats, "preview_token": token});
        ask(app, tenant, "plan", &with(4, &token)).await.refused(409, "preview_outdated");
        ask(app, tenant, "plan", &with(3, &json!("forged"))).await.refused(409, "preview_outdated");
        let other = app.subscriber("Birch", "pro").await;
        ask(app, other, "plan", &with(3, &token)).await.refused(409, "preview_outdated");
        app.advance(3600).await;
        ask(app, tenant, "plan", &with(3, &token)).await.refused(409, "preview_outdated");
        assert_eq!(app.status(tenant).await["subscriptions"][0]["plan_id"], "pro");
    }

    async fn seats_and_intervals_change_alone(app: &TestApp) {
        let tenant = app.subscriber("Acme", "enterprise").await;
        let more = ask(app, tenant, "plan", &json!({"seats": 5})).await.expect(200);
        assert_eq!((&more["seats"], &more["amount"]), (&json!(5), &json!(245.0)));
        let yearly = ask(app, tenant, "plan", &json!({"interval": "year"})).await.expect(200);
        assert_eq!((&yearly["interval"], &yearly["seats"]), (&json!("year"), &json!(5)));
        assert_eq!(yearly["amount"], 2450.0);
        app.settle().await;
    }

    async fn many_may_look_at_once(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let viewer = app.token(Role::Viewer, tenant);
        let path = format!("/api/v1/billing/tenants/{tenant}/subscription");
        // More than there are connections: nobody may hold one while waiting for a second.
        let router = tollhouse_server::router(&app.app);
        let mut looking = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let request = axum::http::Request::get(&path).header("authorization", format!("Bearer {viewer}"));
            looking.spawn(Answer::of(router.clone(), request.body(axum::body::Body::empty()).unwrap()));
        }
        while let Some(answer) = looking.join_next().await {
            answer.unwrap().expect(200);
        }
    }

    async fn the_switches_do_what_they_say(app: &TestApp) {
        let tenant = app.subscriber("Acme", "enterprise").await;
        let admin = app.token(Role::Admin, tenant);
        let path = format!("/api/v1/billing/tenants/{tenant}/subscription");
        let switch = |body: Value| app.call("PATCH", &path).bearer(&admin).json(&body);
        let off = switch(json!({"auto_renew": false, "seats": 2})).await.expect(200);
        assert_eq!((&off["auto_renew"], &off["seats"]), (&json!(false), &json!(2)));
        switch(json!({"auto_renew": false})).await.expect(200);
        assert_eq!(switch(json!({"auto_renew": true})).await.expect(200)["auto_renew"], true);
        switch(json!({"billing_email": "nowhere"})).await.refused(422, "invalid_request");
        switch(json!({"billing_email": "money@acme.example"})).await.expect(200);
        assert_eq!(app.status(tenant).await["billing_email"], "money@acme.example");
        assert_eq!(app.simulator.objects("customer")[0]["email"], "money@acme.example");
        app.settle().await;
        assert!(app.history(tenant).await.contains(&"tenant.updated".to_owned()));
        switch(json!({"auto_renewal": true})).await.refused(422, "invalid_request");
    }

    async fn without_a_change_the_next_period_is_previewed(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let next = upcoming(app, tenant, &json!({})).await.expect(200);
        assert_eq!((&next["total"], &next["preview_token"]), (&json!(29.0), &Value::Null));
    }

    async fn a_bad_change_is_refused(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        for (body, field) in [
            (json!({}), "plan"),
            (json!({"seats": 0}), "seats"),
            (json!({"seats": 1_000_001}), "seats"),
            (json!({"seats": 2}), "seats"),
            (json!({"interval": "fortnight"}), "interval"),
            (json!({"plan": "extra_storage"}), "plan"),
            (json!({"plan": "enterprise", "when": "soon"}), "when"),
            (json!({"plan": "enterprise", "when": "period_end", "preview_token": "x"}), "preview_token"),
            (json!({"plan": "pro", "when": "period_end"}), "plan"),
            (json!({"plan": "enterprise", "when": "period_end", "promotion_code": "X"}), "promotion_code"),
        ] {
            let problem = ask(app, tenant, "plan", &body).await.refused(422, "invalid_request");
            assert_eq!(problem["errors"][0]["field"], field, "{body}");
        }
        ask(app, tenant, "plan", &json!({"plan": "gold"})).await.refused(422, "unknown_plan");
        ask(app, tenant, "plan", &json!({"plan": "free"})).await.refused(422, "plan_not_sold");
        let nobody = app.tenant("Birch").await;
        ask(app, nobody, "plan", &json!({"plan": "enterprise"})).await.refused(409, "not_subscribed");
        upcoming(app, nobody, &json!({})).await.refused(409, "not_subscribed");
    }

    async fn who_may_end_it_and_how(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let path = format!("/api/v1/billing/tenants/{tenant}/subscription/cancel");
        for role in [Role::Viewer, Role::Member] {
            app.post(&path).bearer(&app.token(role, tenant)).await.refused(403, "forbidden");
        }
        for (body, field) in [
            (json!({}), "at"),
            (json!({"at": "tomorrow"}), "at"),
            (json!({"at": "now", "reason": "boredom"}), "reason"),
            (json!({"at": "now", "when": "now"}), "when"),
        ] {
            let problem = ask(app, tenant, "cancel", &body).await.refused(422, "invalid_request");
            assert_eq!(problem["errors"][0]["field"], field);
        }
        assert_eq!(app.status(tenant).await["subscriptions"][0]["status"], "ACTIVE");
    }
}
