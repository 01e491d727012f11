//! What an operator should look at before it ends or renews.

use serde_json::{Value, json};
use tollhouse_domain::id::TenantId;

use crate::harness::{TestApp, on_both_databases};

const DAY: i64 = 86_400;
const PATH: &str = "/api/v1/stripe/subscriptions/renewal-needed";

async fn needed(app: &TestApp, query: &str) -> Value {
    app.get(&format!("{PATH}?{query}")).bearer(&app.operator()).await.expect(200)
}

fn reasons(page: &Value) -> Vec<(&str, &str)> {
    let rows = page["data"].as_array().unwrap().iter();
    rows.map(|row| (row["tenant_name"].as_str().unwrap(), row["reason"].as_str().unwrap()))
        .collect()
}

/// Stripe's id of the card that a tenant's subscription is charged to.
fn card_of(app: &TestApp, tenant: TenantId) -> String {
    let subscriptions = app.simulator.objects("subscription");
    let of_tenant = |customer: &Value| {
        let customers = app.simulator.objects("customer");
        let customer = customers.iter().find(|known| known["id"] == *customer).unwrap();
        customer["metadata"]["tenant_id"] == tenant.to_string()
    };
    let subscription = subscriptions.iter().find(|one| of_tenant(&one["customer"])).unwrap();
    subscription["default_payment_method"].as_str().unwrap().to_owned()
}

on_both_databases! {
    async fn what_ends_and_what_cannot_be_charged(app: &TestApp) {
        let (fine, ends) = (app.subscriber("Fine", "pro").await, app.subscriber("Ends", "pro").await);
        let (expires, bare) = (app.subscriber("Expires", "pro").await, app.subscriber("Bare", "pro").await);
        app.ask(ends, "subscription/cancel", &json!({"at": "period_end"})).await.expect(200);
        let card = format!("/v1/payment_methods/{}", card_of(app, expires));
        app.stripe("POST", &card, &[("card[exp_month]", "11"), ("card[exp_year]", "2026")]).await;
        app.stripe("POST", &format!("/v1/payment_methods/{}/detach", card_of(app, bare)), &[]).await;
        app.settle().await;
        assert_eq!(reasons(&needed(app, "").await), [], "nothing within a week");
        app.advance(24 * DAY).await;
        let page = needed(app, "within_days=7").await;
        let mut found = reasons(&page);
        found.sort_unstable();
        assert_eq!(found, [("Bare", "no_payment_method"), ("Ends", "ends"), ("Expires", "card_expires")]);
        let row = page["data"].as_array().unwrap().iter().find(|row| row["reason"] == "card_expires").unwrap();
        assert_eq!((&row["at"], &row["amount"]), (&json!("2026-12-20T12:00:00Z"), &json!(29.0)));
        assert_eq!((&row["card"]["exp_month"], &row["plan"]), (&json!(11), &json!("pro")));
        assert_eq!(reasons(&needed(app, "within_days=5").await), []);
        let first = needed(app, "limit=2").await;
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = needed(app, &format!("limit=2&cursor={cursor}")).await;
        assert_eq!(reasons(&first).len() + reasons(&second).len(), 3);
        // Another card, and the customer's default where the subscription has none of its own.
        app.card_on_file(bare, "pm_card_visa").await;
        app.settle().await;
        assert_eq!(reasons(&needed(app, "").await).len(), 2, "{bare} can be charged, and {fine} could");
        for query in ["within_days=0", "within_days=400", "cursor=x", "limit=0"] {
            app.get(&format!("{PATH}?{query}")).bearer(&app.operator()).await.refused(422, "invalid_request");
        }
    }
}
