//! Checkout: one customer, one page at a time, one subscription, whatever races or crashes.

use serde_json::json;
use tollhouse_domain::actor::Role;
use tollhouse_simulator::{Fault, FaultKind};

use crate::harness::{CHECKOUT, TestApp, on_both_databases, order};

on_both_databases! {
    async fn many_requests_at_once_make_one_customer(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let owner = app.token(Role::Owner, tenant);
        let body = order("pro");
        let ask = || async { app.post(CHECKOUT).bearer(&owner).json(&body).await.status };
        let (a, b, c, d) = tokio::join!(ask(), ask(), ask(), ask());
        // One at a time; the others are told so.
        assert!([a, b, c, d].iter().all(|status| matches!(status, 200 | 409)), "{:?}", [a, b, c, d]);
        assert!([a, b, c, d].contains(&200));
        assert_eq!(app.simulator.objects("customer").len(), 1);
        let open = app.simulator.objects("checkout.session").into_iter()
            .filter(|session| session["status"] == "open").count();
        assert_eq!(open, 1, "no two pages can be paid");
        let history = app.history(tenant).await;
        assert_eq!(history.iter().filter(|event| *event == "tenant.customer_linked").count(), 1);
    }

    async fn a_newer_page_closes_the_older_one(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let first = app.checkout(tenant, "pro").await;
        let second = app.checkout(tenant, "enterprise").await;
        let refused = app.simulator.complete_checkout(&first, "pm_card_visa");
        assert!(refused.is_err(), "the first page is closed");
        app.simulator.complete_checkout(&second, "pm_card_visa").unwrap();
        app.settle().await;
        let status = app.status(tenant).await;
        assert_eq!(status["subscriptions"].as_array().unwrap().len(), 1);
        assert_eq!(status["subscriptions"][0]["plan_id"], "enterprise");
        assert!(app.history(tenant).await.contains(&"checkout.expired".to_owned()));
    }

    async fn who_has_a_subscription_is_not_sold_another(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let owner = app.token(Role::Owner, tenant);
        app.post(CHECKOUT).bearer(&owner).json(&order("enterprise")).await.refused(409, "already_subscribed");
    }

    async fn paid_a_moment_ago_counts_before_the_webhook_comes(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let session = app.checkout(tenant, "pro").await;
        app.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
        let owner = app.token(Role::Owner, tenant);
        // The older page turns out to be paid when it is to be closed.
        app.post(CHECKOUT).bearer(&owner).json(&order("pro")).await.refused(409, "already_subscribed");
        assert_eq!(app.status(tenant).await["subscriptions"][0]["status"], "ACTIVE");
        app.settle().await;
        assert_eq!(app.simulator.objects("subscription").len(), 1);
    }

    async fn a_page_that_only_stripe_knows_is_closed_too(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let owner = app.token(Role::Owner, tenant);
        app.checkout(tenant, "pro").await;
        // The page is made, and we die before we hear of it.
        let unanswered = Fault {
            kind: FaultKind::DoneButUnanswered,
            times: 3,
            method: None, path: Some("/v1/checkout/sessions".to_owned()),
        };
        let request = order("enterprise");
        let ask = || app.post(CHECKOUT).bearer(&owner).json(&request);
        app.simulator.add_fault(unanswered);
        ask().await.refused(503, "stripe_unavailable");
        let page = ask().await.expect(200);
        let open: Vec<_> = app.simulator.objects("checkout.session").into_iter()
            .filter(|session| session["status"] == "open").collect();
        assert_eq!(open.len(), 1, "nobody can pay twice");
        assert_eq!(open[0]["id"], page["session_id"]);
    }

    async fn a_page_left_alone_expires(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        app.checkout(tenant, "pro").await;
        app.advance(25 * 3600).await;
        assert_eq!(app.history(tenant).await.last().unwrap(), "checkout.expired");
    }

    async fn seats_are_paid_each(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let owner = app.token(Role::Owner, tenant);
        let mut request = order("enterprise");
        request["quantity"] = json!(3);
        let page = app.post(CHECKOUT).bearer(&owner).json(&request).await.expect(200);
        app.simulator.complete_checkout(page["session_id"].as_str().unwrap(), "pm_card_visa").unwrap();
        app.settle().await;
        let brief = app.get("/api/v1/billing/subscription").bearer(&owner).await;
        assert!(brief.text.contains(r#""amount":147.00"#), "{}", brief.text);
    }

    async fn a_price_can_be_named_by_stripes_id(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let plans = app.get("/api/v1/billing/plans").await.expect(200);
        let pro = plans["plans"].as_array().unwrap().iter().find(|plan| plan["code"] == "pro").unwrap();
        let yearly = pro["prices"].as_array().unwrap().iter().find(|price| price["interval"] == "year").unwrap();
        let owner = app.token(Role::Owner, tenant);
        let request = json!({
            "price_id": yearly["price_id"],
            "success_url": "http://localhost:3000/",
            "cancel_url": "http://localhost:3000/",
        });
        let page = app.post(CHECKOUT).bearer(&owner).json(&request).await.expect(200);
        app.simulator.complete_checkout(page["session_id"].as_str().unwrap(), "pm_card_visa").unwrap();
        app.settle().await;
        let main = &app.status(tenant).await["subscriptions"][0];
        assert_eq!(main["term_end"], "2027-11-20T12:00:00Z");
    }

    async fn one_trial_ever(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let owner = app.token(Role::Owner, tenant);
        let mut with_trial = order("pro");
        with_trial["trial"] = json!(true);
        let page = app.post(CHECKOUT).bearer(&owner).json(&with_trial).await.expect(200);
        app.simulator.complete_checkout(page["session_id"].as_str().unwrap(), "pm_card_visa").unwrap();
        app.settle().await;
        let subscription = app.simulator.objects("subscription")[0].clone();
        app.stripe("DELETE", &format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap()), &[]).await;
        app.settle().await;
        assert_eq!(app.status(tenant).await["subscriptions"], json!([]));
        app.post(CHECKOUT).bearer(&owner).json(&with_trial).await.refused(409, "trial_already_used");
        app.post(CHECKOUT).bearer(&owner).json(&order("pro")).await.expect(200);
    }

    async fn what_is_metered_begins_at_nothing(app: &TestApp) {
        let tenant = app.subscriber("Acme", "metered").await;
        let owner = app.token(Role::Owner, tenant);
        let brief = app.get("/api/v1/billing/subscription").bearer(&owner).await;
        assert!(brief.text.contains(r#""amount":0.00"#), "{}", brief.text);
    }
}
