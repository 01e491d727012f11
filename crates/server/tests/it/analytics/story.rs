//! A year of three tenants, and what the figures say of it.

use serde_json::{Value, json};

use super::{cents, rows, shown};
use crate::harness::{TestApp, on_both_databases};

const DAY: i64 = 86_400;

/// What a series says of one month.
async fn month(app: &TestApp, what: &str, month: &str) -> Value {
    let series = shown(app, &format!("analytics/{what}")).await;
    let points = rows(&series["currencies"][0], "points").clone();
    let wanted = format!("{month}-01T00:00:00Z");
    points
        .into_iter()
        .find(|point| point["from"] == wanted)
        .unwrap_or_else(|| panic!("no {month}: {series}"))
}

on_both_databases! {
    async fn what_happened_has_its_word(app: &TestApp) {
        let acme = app.subscriber("Acme", "pro").await;
        let birch = app.tenant("Birch").await;
        app.card_on_file(birch, "pm_card_visa").await;
        app.ask(birch, "subscription", &json!({"plan": "pro", "interval": "month", "trial_days": 5})).await.expect(201);
        app.settle().await;
        let november = month(app, "movements", "2026-11").await;
        assert_eq!((cents(&november, "opening"), cents(&november, "new"), cents(&november, "closing")), (0, 2900, 2900));
        app.advance(6 * DAY).await;
        assert_eq!(cents(&month(app, "movements", "2026-11").await, "new"), 5800);
        let trials = month(app, "trials", "2026-11").await;
        assert_eq!((&trials["started"], &trials["converted"], &trials["conversion_rate"]), (&json!(1), &json!(1), &json!(1.0)));
        // In December one goes up, and the other leaves.
        app.advance(10 * DAY).await;
        app.ask(acme, "subscription/plan", &json!({"plan": "enterprise", "seats": 2, "when": "now"})).await.expect(200);
        app.ask(birch, "subscription/cancel", &json!({"at": "now"})).await.expect(200);
        app.settle().await;
        let now = cents(&app.subscription(acme).await, "amount");
        let december = month(app, "movements", "2026-12").await;
        assert_eq!((cents(&december, "opening"), cents(&december, "churn")), (5800, 2900), "{december}");
        assert_eq!((cents(&december, "expansion"), cents(&december, "closing")), (now - 2900, now), "{december}");
        let of_pro = month(app, "movements?plan=pro", "2026-12").await;
        assert_eq!((cents(&of_pro, "transferred"), cents(&of_pro, "churn"), cents(&of_pro, "closing")), (-2900, 2900, 0));
        let churn = month(app, "churn", "2026-12").await;
        assert_eq!((&churn["tenants_at_start"], &churn["tenants_lost"], &churn["tenant_churn_rate"]), (&json!(2), &json!(1), &json!(0.5)));
        assert_eq!((cents(&churn, "mrr_lost"), &churn["revenue_churn_rate"]), (2900, &json!(0.5)));
        let ltv = shown(app, "analytics/ltv?from=2026-12-01T00:00:00Z").await["currencies"][0].clone();
        // All that is left is one tenant's, and half of them leave in a month.
        assert_eq!((cents(&ltv, "average_mrr"), cents(&ltv, "lifetime_value")), (now, 2 * now), "{ltv}");
        app.ask(birch, "subscription", &json!({"plan": "pro", "interval": "year"})).await.expect(201);
        app.advance(60).await;
        let december = month(app, "movements", "2026-12").await;
        assert_eq!((cents(&december, "reactivation"), &december["reactivated_tenants"]), (2492, &json!(1)));
        let cohorts = shown(app, "analytics/cohorts").await;
        let of_november = &cohorts["currencies"][0]["cohorts"][0];
        assert_eq!((&of_november["tenants"], cents(of_november, "mrr")), (&json!(2), 5800));
        let left = &of_november["months"][1];
        assert_eq!((&left["tenants"], cents(left, "mrr")), (&json!(2), now + 2492), "{cohorts}");
    }

    async fn a_payment_that_fails_counts_until_grace_is_over(app: &TestApp) {
        let acme = app.subscriber("Acme", "pro").await;
        app.break_the_card().await;
        app.advance(31 * DAY).await;
        assert_eq!(app.subscription(acme).await["status"], "past_due");
        assert_eq!(cents(&month(app, "movements", "2026-12").await, "closing"), 2900);
        app.advance(4 * DAY).await;
        let december = month(app, "movements", "2026-12").await;
        assert_eq!((cents(&december, "churn"), cents(&december, "closing")), (2900, 0));
        let customer = app.simulator.objects("subscription")[0]["customer"].clone();
        let attach = "/v1/payment_methods/pm_card_visa/attach";
        let card = app.stripe("POST", attach, &[("customer", customer.as_str().unwrap())]).await;
        let invoices = app.simulator.objects("invoice");
        let open = invoices.iter().find(|invoice| invoice["status"] == "open").unwrap();
        let pay = format!("/v1/invoices/{}/pay", open["id"].as_str().unwrap());
        app.stripe("POST", &pay, &[("payment_method", card["id"].as_str().unwrap())]).await;
        app.settle().await;
        let december = month(app, "movements", "2026-12").await;
        assert_eq!((cents(&december, "reactivation"), cents(&december, "closing")), (2900, 2900), "{december}");
        let payments = month(app, "payments", "2026-12").await;
        assert!(payments["failed"].as_i64().unwrap() >= 1, "{payments}");
        assert_eq!((&payments["recovered"], cents(&payments, "recovered_amount")), (&json!(1), 2900));
    }

    async fn what_renews_is_forecast(app: &TestApp) {
        app.stripe("POST", "/v1/coupons", &[("id", "TEN"), ("percent_off", "10"), ("duration", "forever")]).await;
        app.subscriber("Acme", "pro").await;
        let path = format!("/v1/subscriptions/{}", app.simulator.objects("subscription")[0]["id"].as_str().unwrap());
        app.stripe("POST", &path, &[("discounts[0][coupon]", "TEN")]).await;
        let birch = app.subscriber("Birch", "pro").await;
        app.ask(birch, "subscription/cancel", &json!({"at": "period_end"})).await.expect(200);
        app.settle().await;
        let forecast = shown(app, "analytics/renewals").await;
        let usd = &forecast["currencies"][0];
        assert_eq!((&usd["renewals"], cents(usd, "amount")), (&json!(1), 2610), "{forecast}");
        assert_eq!(usd["days"][0]["day"], "2026-12-20T00:00:00Z");
        assert_eq!(shown(app, "analytics/renewals?within_days=5").await["currencies"], json!([]));
        assert_eq!(shown(app, "analytics/renewals?plan=enterprise").await["currencies"], json!([]));
        for query in ["renewals?within_days=0", "mrr?group=year", "mrr?from=soon", "mrr?currency=moon", "cohorts?plan=pro", "mrr?group=day&from=2020-01-01T00:00:00Z", "churn?by=day"] {
            app.get(&format!("/api/v1/admin/analytics/{query}")).bearer(&app.operator()).await.refused(422, "invalid_request");
        }
    }
}
