//! Billing summaries: what they count, and what they refuse. That they add up, `invoices::adding_up` tries.

use serde_json::json;
use tollhouse_domain::actor::Role;
use tollhouse_server::catalog::{actions::load, file, push::push};

use crate::{
    export::{LONG_ENOUGH, use_calls},
    harness::{CATALOG, TestApp, on_both_databases},
};

const DAY: i64 = 86_400;
const OF_ALL: &str = "/api/v1/stripe/platform/billing/summary";

on_both_databases! {
    async fn by_plan_meter_and_month(app: &TestApp) {
        let acme = app.subscriber("Acme", "pro").await;
        let birch = app.subscriber("Birch", "metered").await;
        app.advance(90).await;
        use_calls(app, birch, json!(1500), 5).await;
        app.advance(LONG_ENOUGH).await;
        let sum_up = async |path: &str, from: &str, to: &str| {
            let span = json!({"from": from, "to": to});
            app.post(path).bearer(&app.operator()).json(&span).await.expect(200)
        };
        let november = sum_up(OF_ALL, "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z").await;
        let usd = &november["currencies"][0];
        assert_eq!((&usd["currency"], &usd["invoiced"], &usd["paid"]), (&json!("usd"), &json!(29.0), &json!(29.0)));
        assert_eq!(usd["by_plan"], json!([{"plan": "pro", "amount": 29.0}]));
        app.advance(31 * DAY).await;
        let of_acme = format!("/api/v1/stripe/tenants/{acme}/billing/summary");
        let both = sum_up(&of_acme, "2026-11-01T00:00:00Z", "2027-01-01T00:00:00Z").await;
        assert_eq!(both["currencies"][0]["invoiced"], 58.0);
        assert_eq!(both["currencies"][0]["by_plan"], json!([{"plan": "pro", "amount": 58.0}]));
        let all = sum_up(OF_ALL, "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z").await;
        assert_eq!(all["currencies"][0]["usage_by_meter"], json!([{"meter": "api_calls", "amount": 25.0}]));
        let nothing = sum_up(&of_acme, "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z").await;
        assert_eq!(nothing["currencies"], json!([]));
        let this_month = app.post(OF_ALL).bearer(&app.operator()).json(&json!({})).await.expect(200);
        assert_eq!(this_month["from"], "2026-12-01T00:00:00Z");
    }

    async fn overage_is_what_goes_beyond_the_included(app: &TestApp) {
        let some_is_free = CATALOG
            .replace("code = \"metered\"", "code = \"metered\"\nversion = 2")
            .replace("unit_amount = \"0.02\"", "unit_amount = \"0.00\"");
        let counted = app.subscriber("Acme", "metered").await;
        load(&app.app, &file::parse(&some_is_free).unwrap(), &[].into()).await.unwrap();
        push(&app.app).await.unwrap();
        let included = app.subscriber("Birch", "metered").await;
        app.advance(90).await;
        for tenant in [counted, included] {
            use_calls(app, tenant, json!(1500), 5).await;
        }
        app.advance(LONG_ENOUGH).await;
        app.advance(31 * DAY).await;
        let summary = app.post(OF_ALL).bearer(&app.operator()).json(&json!({})).await.expect(200);
        let usd = &summary["currencies"][0];
        // A thousand at 0.02 or for nothing, and five hundred at 0.01.
        assert_eq!((&usd["usage"], &usd["overage"]), (&json!(30.0), &json!(5.0)));
    }

    async fn only_for_those_who_see_all(app: &TestApp) {
        let tenant = app.tenant("Acme").await;
        let of_tenant = format!("/api/v1/stripe/tenants/{tenant}/billing/summary");
        let owner = app.token(Role::Owner, tenant);
        for path in [OF_ALL, &of_tenant] {
            app.post(path).bearer(&owner).json(&json!({})).await.refused(403, "forbidden");
        }
        for span in [json!({"from": "yesterday"}), json!({"from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}), json!({"from": "1990-01-01T00:00:00Z"})] {
            app.post(OF_ALL).bearer(&app.operator()).json(&span).await.refused(422, "invalid_request");
        }
    }
}
