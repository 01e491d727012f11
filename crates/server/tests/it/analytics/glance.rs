//! Stats, customers, subscriptions and charges, exactly as they are written.

use serde_json::{Value, json};
use tollhouse_domain::actor::Role;

use super::{rows, shown, text};
use crate::harness::{TestApp, on_both_databases};

const DAY: i64 = 86_400;

/// The names of an object's fields, in the order of the alphabet.
fn fields(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// Every row of a list, page by page.
async fn pages(app: &TestApp, path: &str, field: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = shown(app, &format!("{path}limit=2{cursor}")).await;
        assert!(rows(&page, field).len() <= 2);
        all.extend(rows(&page, field).clone());
        let Some(next) = page["next_cursor"].as_str() else { return all };
        cursor = format!("&cursor={next}");
    }
}

on_both_databases! {
    async fn an_installation_with_nothing_says_so(app: &TestApp) {
        let stats = app.get("/api/v1/admin/billing/stats").bearer(&app.operator()).await;
        assert_eq!(
            stats.text,
            r#"{"total_customers":0,"active_subscriptions":0,"trial_subscriptions":0,"currency":"usd","monthly_revenue":0.00,"tier_breakdown":{},"currencies":[]}"#
        );
        for (path, field) in [("customers", "customers"), ("subscriptions", "subscriptions"), ("recent-charges", "charges")] {
            let list = shown(app, &format!("billing/{path}")).await;
            assert_eq!(list, json!({field: [], "total": 0, "next_cursor": null}), "{path}");
        }
    }

    async fn stats_are_by_tier_and_currency(app: &TestApp) {
        app.subscriber("Acme", "pro").await;
        let birch = app.subscriber("Birch", "enterprise").await;
        app.ask(birch, "subscription/plan", &json!({"plan": "enterprise", "seats": 3, "when": "now"})).await.expect(200);
        app.settle().await;
        let cedar = app.tenant("Cedar").await;
        app.card_on_file(cedar, "pm_card_visa").await;
        let yearly = json!({"plan": "pro", "interval": "year", "trial_days": 0});
        app.ask(cedar, "subscription", &yearly).await.expect(201);
        let doria = app.tenant("Doria").await;
        app.card_on_file(doria, "pm_card_visa").await;
        app.ask(doria, "subscription", &json!({"plan": "pro", "interval": "month", "trial_days": 14})).await.expect(201);
        let elm = app.tenant("Elm").await;
        app.card_on_file(elm, "pm_card_visa").await;
        let euros = json!({"plan": "pro", "interval": "month", "currency": "eur", "trial_days": 0});
        app.ask(elm, "subscription", &euros).await.expect(201);
        app.settle().await;
        let answer = app.get("/api/v1/admin/billing/stats").bearer(&app.operator()).await;
        let stats = answer.json();
        assert_eq!((&stats["total_customers"], &stats["active_subscriptions"]), (&json!(5), &json!(4)), "{stats}");
        assert_eq!(stats["trial_subscriptions"], 1);
        // 299.00 a year are 24.92 a month; three seats are 99.00 each.
        let of_birch = app.subscription(birch).await["amount"].as_f64().unwrap();
        let usd = json!({"pro": {"count": 2, "revenue": 53.92}, "enterprise": {"count": 1, "revenue": of_birch}});
        assert_eq!((&stats["currency"], &stats["tier_breakdown"]), (&json!("usd"), &usd), "{stats}");
        assert!(answer.text.contains(r#""pro":{"count":2,"revenue":53.92}"#), "{}", answer.text);
        let of_euros = shown(app, "billing/stats?currency=eur").await;
        assert_eq!((&of_euros["currency"], &of_euros["monthly_revenue"]), (&json!("eur"), &json!(27.0)));
        let codes: Vec<&str> = rows(&stats, "currencies").iter().map(|row| text(row, "currency")).collect();
        assert_eq!(codes, ["eur", "usd"]);
        assert_eq!(stats["currencies"][1]["monthly_revenue"], stats["monthly_revenue"]);
        app.get("/api/v1/admin/billing/stats?currency=moon").bearer(&app.operator()).await.refused(422, "invalid_request");
        // Asked again after the trial, by those who look on.
        app.advance(15 * DAY).await;
        let support = app.sign(Role::Support, None);
        let later = app.get("/api/v1/admin/billing/stats").bearer(&support).await.expect(200);
        assert_eq!((&later["active_subscriptions"], &later["trial_subscriptions"]), (&json!(5), &json!(0)));
        assert_eq!(later["tier_breakdown"]["pro"], json!({"count": 3, "revenue": 82.92}));
    }

    async fn customers_newest_first(app: &TestApp) {
        app.tenant("Nobody").await;
        let mut ids = Vec::new();
        for name in ["Acme", "Birch", "Cedar"] {
            ids.push(app.subscriber(name, "pro").await.to_string());
            app.advance(60).await;
        }
        let list = shown(app, "billing/customers").await;
        assert_eq!((&list["total"], &list["next_cursor"]), (&json!(3), &Value::Null));
        let names: Vec<&str> = rows(&list, "customers").iter().map(|row| text(row, "name")).collect();
        assert_eq!(names, ["Cedar", "Birch", "Acme"]);
        let acme = &list["customers"][2];
        assert_eq!(fields(acme), ["created", "email", "id", "metadata", "name", "tenant_id"]);
        assert_eq!((&acme["email"], &acme["metadata"]), (&json!("acme@example.com"), &json!({})));
        assert_eq!(acme["tenant_id"], ids[0]);
        assert!(text(acme, "id").starts_with("cus_"), "{acme}");
        assert_eq!(pages(app, "billing/customers?", "customers").await, *rows(&list, "customers"));
        for query in ["limit=0", "limit=101", "cursor=nowhere", "page=2"] {
            app.get(&format!("/api/v1/admin/billing/customers?{query}")).bearer(&app.operator()).await.refused(422, "invalid_request");
        }
    }

    async fn subscriptions_by_status(app: &TestApp) {
        let acme = app.subscriber("Acme", "pro").await;
        app.advance(60).await;
        app.subscriber("Birch", "enterprise").await;
        app.advance(60).await;
        app.subscriber("Cedar", "pro").await;
        app.ask(acme, "subscription/cancel", &json!({"at": "period_end"})).await.expect(200);
        app.settle().await;
        let list = shown(app, "billing/subscriptions?status=active&limit=100").await;
        assert_eq!(list["total"], 3);
        let first = &list["subscriptions"][2];
        let named = [
            "amount", "cancel_at_period_end", "currency", "current_period_end", "customer", "id", "interval",
            "interval_count", "kind", "plan", "status", "subscription_id", "tenant_id", "tier",
        ];
        assert_eq!(fields(first), named);
        let full = app.subscription(acme).await;
        for (field, same) in [("id", "stripe_subscription_id"), ("subscription_id", "id"), ("amount", "amount"), ("current_period_end", "current_period_end"), ("interval", "interval")] {
            assert_eq!(first[field], full[same], "{field}");
        }
        assert_eq!((&first["tier"], &first["cancel_at_period_end"]), (&json!("pro"), &json!(true)));
        assert_eq!(list["subscriptions"][0]["cancel_at_period_end"], false);
        assert_eq!(pages(app, "billing/subscriptions?", "subscriptions").await, *rows(&list, "subscriptions"));
        app.advance(31 * DAY).await;
        let over = shown(app, "billing/subscriptions?status=canceled").await;
        assert_eq!((&over["total"], &over["subscriptions"][0]["subscription_id"]), (&json!(1), &full["id"]));
        assert_eq!(shown(app, "billing/subscriptions?status=all").await["total"], 3);
        let refused = app.get("/api/v1/admin/billing/subscriptions?status=gone").bearer(&app.operator()).await;
        let problem = refused.refused(422, "invalid_request");
        assert!(problem["errors"][0]["message"].as_str().unwrap().ends_with("or `all`"), "{problem}");
    }

    async fn charges_that_came_and_that_did_not(app: &TestApp) {
        let acme = app.subscriber("Acme", "pro").await;
        let invoice = app.simulator.objects("invoice_payment")[0].clone();
        let intent = invoice["payment"]["payment_intent"].as_str().unwrap();
        app.stripe("POST", "/v1/refunds", &[("payment_intent", intent)]).await;
        app.settle().await;
        let charges = shown(app, "billing/recent-charges").await;
        assert_eq!((&charges["total"], &charges["next_cursor"]), (&json!(1), &Value::Null));
        let first = &charges["charges"][0];
        let named = [
            "amount", "created", "currency", "customer", "description", "id", "invoice_id", "paid", "refunded",
            "status", "tenant_id",
        ];
        assert_eq!(fields(first), named);
        assert_eq!((&first["amount"], &first["currency"], &first["status"]), (&json!(29.0), &json!("usd"), &json!("succeeded")));
        assert_eq!((&first["paid"], &first["refunded"], &first["tenant_id"]), (&json!(true), &json!(true), &json!(acme)));
        assert!(text(first, "description").starts_with("Invoice "), "{first}");
        app.break_the_card().await;
        app.advance(31 * DAY).await;
        let charges = shown(app, "billing/recent-charges?limit=20").await;
        // The first one is too long ago now.
        assert_eq!(charges["total"], 1, "{charges}");
        let failed = &charges["charges"][0];
        assert_eq!((&failed["status"], &failed["paid"], &failed["refunded"]), (&json!("failed"), &json!(false), &json!(false)));
        for name in ["Birch", "Cedar", "Doria"] {
            app.subscriber(name, "pro").await;
            app.advance(60).await;
        }
        let all = shown(app, "billing/recent-charges").await;
        assert_eq!(rows(&all, "charges").len(), 4);
        assert_eq!(pages(app, "billing/recent-charges?", "charges").await, *rows(&all, "charges"));
        app.get("/api/v1/admin/billing/recent-charges?cursor=1").bearer(&app.operator()).await.refused(422, "invalid_request");
    }
}
