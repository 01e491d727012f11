//! What is shown of invoices: as a list, and one in full with every line.

use serde_json::{Value, json};
use tollhouse_domain::actor::Role;

use super::*;
use crate::harness::{TestApp, on_both_databases};

on_both_databases! {
    async fn an_invoice_is_shown_with_all_that_belongs_to_it(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let invoice = newest(app, tenant).await;
        for (field, value) in [
            ("status", json!("paid")),
            ("billing_reason", json!("subscription_create")),
            ("total", json!(29.0)),
            ("amount_remaining", json!(0.0)),
            ("period_start", json!("2026-11-20T12:00:00Z")),
            ("paid_at", json!("2026-11-20T12:00:00Z")),
            ("voided_at", Value::Null),
            ("refunds", json!([])),
            ("credit_notes", json!([])),
        ] {
            assert_eq!(invoice[field], value, "{field}");
        }
        assert!(text(&invoice, "hosted_invoice_url").contains(text(&invoice, "stripe_invoice_id")));
        assert!(text(&invoice, "invoice_pdf").ends_with("/pdf"));
        let line = &rows(&invoice["lines"], "data")[0];
        assert_eq!((&line["plan"], &line["plan_code"]), (&json!("Pro"), &json!("pro")));
        assert_eq!((&line["quantity"], &line["meter"]), (&json!(1), &Value::Null));
        assert_eq!(line["period_end"], "2026-12-20T12:00:00Z");
        let payment = &rows(&invoice, "payments")[0];
        assert_eq!((&payment["status"], &payment["amount_paid"]), (&json!("paid"), &json!(29.0)));
        assert_adds_up(&invoice);
        // By Stripe's id too, which the brief list shows.
        assert_eq!(show(app, tenant, text(&invoice, "stripe_invoice_id")).await, invoice);
        let exact = app.get(&format!("{}/{}", path(tenant), text(&invoice, "id")));
        let exact = exact.bearer(&app.operator()).await.text;
        assert!(exact.contains(r#""total":29.00,"#) && exact.contains(r#""quantity":1,"#), "{exact}");
    }

    async fn what_a_meter_counts_is_named(app: &TestApp) {
        let tenant = app.subscriber("Acme", "metered").await;
        app.advance(30 * DAY + 2 * HOUR).await;
        let line = newest(app, tenant).await["lines"]["data"][0].clone();
        assert_eq!((&line["meter"], &line["quantity"]), (&json!("api_calls"), &json!(0)));
        assert_eq!(line["plan"], "Pay as you go");
    }

    async fn lists_come_page_by_page(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        for _ in 0..4 {
            app.advance(31 * DAY).await;
        }
        let all = list(app, tenant, "").await;
        assert_eq!((rows(&all, "data").len(), &all["next_cursor"]), (5, &Value::Null));
        let (mut found, mut query) = (Vec::new(), "limit=2".to_owned());
        loop {
            let page = list(app, tenant, &query).await;
            found.extend(rows(&page, "data").clone());
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            query = format!("limit=2&cursor={cursor}");
        }
        assert_eq!(json!(found), all["data"]);
        assert!(found.is_sorted_by(|a, b| text(a, "created") >= text(b, "created")), "newest first");
        let operators = format!("/api/v1/stripe/tenants/{tenant}/invoices");
        assert_eq!(app.get(&operators).bearer(&app.operator()).await.expect(200), all);
        let owner = app.token(Role::Owner, tenant);
        app.get(&operators).bearer(&owner).await.refused(403, "forbidden");
        for query in ["cursor=x", "limit=0", "cursor=0192f000-0000-7000-8000-000000000000", "before=x"] {
            let answer = app.get(&format!("{}?{query}", path(tenant))).bearer(&owner).await;
            answer.refused(422, "invalid_request");
        }
        let unknown = format!("{}/in_unknown", path(tenant));
        app.get(&unknown).bearer(&owner).await.refused(404, "not_found");
        let brief = app.get("/api/v1/billing/invoices?limit=3").bearer(&owner).await.expect(200);
        assert_eq!(brief.as_array().unwrap().len(), 3);
    }

    async fn every_line_is_taken_in_and_shown(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let subscription = app.simulator.objects("subscription")[0].clone();
        for number in 0..124 {
            let (amount, description) = (number.to_string(), format!("Extra {number}"));
            app.stripe("POST", "/v1/invoiceitems", &[
                ("customer", text(&subscription, "customer")),
                ("subscription", text(&subscription, "id")),
                ("amount", &amount),
                ("currency", "usd"),
                ("description", &description),
            ]).await;
        }
        app.advance(30 * DAY + 2 * HOUR).await;
        let invoice = newest(app, tenant).await;
        assert_eq!(rows(&invoice["lines"], "data").len(), 100);
        let viewer = app.token(Role::Viewer, tenant);
        let lines_path = format!("{}/{}/lines", path(tenant), text(&invoice, "id"));
        let next = format!("{lines_path}?cursor={}", text(&invoice["lines"], "next_cursor"));
        let rest = app.get(&next).bearer(&viewer).await.expect(200);
        assert_eq!((rows(&rest, "data").len(), &rest["next_cursor"]), (25, &Value::Null));
        let mut lines = rows(&invoice["lines"], "data").clone();
        lines.extend(rows(&rest, "data").clone());
        let total: i64 = lines.iter().map(|line| cents(line, "amount")).sum();
        assert_eq!((total, cents(&invoice, "total")), (2900 + 123 * 124 / 2, total));
        let mut ids: Vec<&str> = lines.iter().map(|line| text(line, "stripe_line_id")).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 125, "no line twice");
        let few = app.get(&format!("{lines_path}?limit=3")).bearer(&viewer).await.expect(200);
        assert_eq!(json!(rows(&few, "data")), json!(lines[..3]));
        app.get(&format!("{lines_path}?cursor=x")).bearer(&viewer).await.refused(422, "invalid_request");
    }
}
