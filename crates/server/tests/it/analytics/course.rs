//! Whatever subscriptions do, the figures add up, and are the same when they are made anew.

use serde_json::{Value, json};
use tollhouse_domain::id::TenantId;
use tollhouse_server::analytics::actions::rebuild;
use tollhouse_stripe::{Call, Gateway, Method};

use super::{cents, rows, shown, text};
use crate::harness::{TestApp, on_both_databases};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const STEPS: usize = 110;
/// Prices that subscriptions are moved between.
const PRICES: [&str; 4] =
    ["pro_v1_month_usd", "pro_v1_year_usd", "enterprise_v1_month_usd", "pro_v1_month_eur"];
const FIGURES: [&str; 12] = [
    "mrr",
    "mrr?group=day",
    "movements",
    "movements?group=day",
    "movements?plan=pro",
    "movements?plan=enterprise",
    "churn",
    "ltv",
    "cohorts",
    "trials",
    "payments",
    "renewals?within_days=366",
];

on_both_databases! {
    async fn figures_add_up_whatever_happens(app: &TestApp) {
        let mut chance = fastrand::Rng::with_seed(2027);
        app.stripe("POST", "/v1/coupons", &[("id", "TENTH"), ("percent_off", "10"), ("duration", "forever")]).await;
        app.stripe("POST", "/v1/coupons", &[("id", "ONCE"), ("percent_off", "50"), ("duration", "once")]).await;
        let mut tenants = Vec::new();
        for step in 0..STEPS {
            if step % 12 == 0 {
                tenants.push(somebody_comes(app, &mut chance, step).await);
            }
            if step > 12 {
                somebody_acts(app, &mut chance, &tenants).await;
            }
            app.advance(chance.i64(HOUR..3 * DAY)).await;
            if step % 10 == 0 {
                assert_is_what_subscriptions_say(app).await;
            }
        }
        assert_is_what_subscriptions_say(app).await;
        assert_add_up(app, &["expansion", "contraction", "churn", "reactivation"]).await;
        let before = figures(app).await;
        rebuild(&app.app).await.unwrap();
        assert_eq!(figures(app).await, before);
        // Once more, and nothing is counted twice by those who count what is new.
        app.advance(60).await;
        assert_eq!(figures(app).await, before);
    }
}

async fn figures(app: &TestApp) -> Vec<Value> {
    let mut all = Vec::new();
    for figure in FIGURES {
        all.push(shown(app, &format!("analytics/{figure}")).await);
    }
    all
}

async fn somebody_comes(app: &TestApp, chance: &mut fastrand::Rng, step: usize) -> TenantId {
    let tenant = app.tenant(&format!("T{step}")).await;
    app.card_on_file(tenant, "pm_card_visa").await;
    let (plan, interval) =
        *chance.choice(&[("pro", "month"), ("pro", "year"), ("enterprise", "month")]).unwrap();
    let trial_days = if chance.bool() { 0 } else { 5 };
    let order = json!({"plan": plan, "interval": interval, "trial_days": trial_days});
    app.ask(tenant, "subscription", &order).await.expect(201);
    tenant
}

/// At Stripe, behind our back; what makes no sense at the moment Stripe refuses.
async fn somebody_acts(app: &TestApp, chance: &mut fastrand::Rng, tenants: &[TenantId]) {
    let subscriptions = app.simulator.objects("subscription");
    let subscription = chance.choice(&subscriptions).unwrap();
    let path = format!("/v1/subscriptions/{}", text(subscription, "id"));
    let item = text(&subscription["items"]["data"][0], "id");
    match chance.u32(0..10) {
        0 => pay_with(app, subscription, "pm_card_chargeCustomerFail").await,
        1 | 2 => pay_with(app, subscription, "pm_card_visa").await,
        3 | 4 => {
            let prices = app.simulator.objects("price");
            let wanted = *chance.choice(&PRICES).unwrap();
            let price = prices.iter().find(|price| price["lookup_key"] == wanted).unwrap();
            try_at_stripe(
                app,
                "POST",
                &path,
                &[("items[0][id]", item), ("items[0][price]", text(price, "id"))],
            )
            .await;
        }
        5 | 6 => {
            let seats = chance.u32(1..9).to_string();
            try_at_stripe(
                app,
                "POST",
                &path,
                &[("items[0][id]", item), ("items[0][quantity]", &seats)],
            )
            .await;
        }
        7 => {
            let coupon = *chance.choice(&["TENTH", "ONCE"]).unwrap();
            try_at_stripe(app, "POST", &path, &[("discounts[0][coupon]", coupon)]).await;
        }
        8 => {
            try_at_stripe(app, "DELETE", &path, &[]).await;
        }
        // Somebody who left may come back.
        _ => {
            let tenant = *chance.choice(tenants).unwrap();
            app.ask(tenant, "subscription", &json!({"plan": "pro", "interval": "month"})).await;
        }
    }
}

async fn pay_with(app: &TestApp, subscription: &Value, card: &str) {
    let attach = format!("/v1/payment_methods/{card}/attach");
    let card =
        try_at_stripe(app, "POST", &attach, &[("customer", text(subscription, "customer"))]).await;
    let path = format!("/v1/subscriptions/{}", text(subscription, "id"));
    try_at_stripe(app, "POST", &path, &[("default_payment_method", text(&card, "id"))]).await;
}

async fn try_at_stripe(app: &TestApp, method: &str, path: &str, params: &[(&str, &str)]) -> Value {
    let call = Call {
        method: if method == "DELETE" { Method::Delete } else { Method::Post },
        path: path.to_owned(),
        params: params.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        idempotency_key: None,
    };
    let answer = app.simulator.gateway().send(&call).await.unwrap();
    serde_json::from_slice(&answer.body).unwrap()
}

/// MRR is what Stripe's subscriptions come to, worked out here once more in cents.
pub async fn assert_is_what_subscriptions_say(app: &TestApp) {
    let stats = shown(app, "billing/stats").await;
    for currency in ["usd", "eur"] {
        let mut expected = 0;
        for subscription in app.simulator.objects("subscription") {
            let price = &subscription["items"]["data"][0]["price"];
            if price["currency"] == currency && is_counted(app, &subscription).await {
                expected += month_of(app, &subscription);
            }
        }
        let of_it = rows(&stats, "currencies").iter().find(|row| row["currency"] == currency);
        let told = of_it.map_or(0, |row| cents(row, "monthly_revenue"));
        assert_eq!(told, expected, "{currency}: {stats}");
    }
}

async fn is_counted(app: &TestApp, subscription: &Value) -> bool {
    match text(subscription, "status") {
        "active" => true,
        "past_due" => {
            let tenant: TenantId = text(&subscription["metadata"], "tenant_id").parse().unwrap();
            app.subscription(tenant).await["access"] == "grace"
        }
        _ => false,
    }
}

fn month_of(app: &TestApp, subscription: &Value) -> i64 {
    let item = &subscription["items"]["data"][0];
    let period =
        item["price"]["unit_amount"].as_i64().unwrap() * item["quantity"].as_i64().unwrap();
    let discounts = rows(subscription, "discounts");
    let known = app.simulator.objects("discount");
    let is_tenth = |discount: &Value| {
        let id = discount.as_str().unwrap_or_default();
        known.iter().any(|known| known["id"] == id && known["source"]["coupon"] == "TENTH")
    };
    let tenth = if discounts.iter().any(is_tenth) { (period + 5) / 10 } else { 0 };
    let period = period - tenth;
    if item["price"]["recurring"]["interval"] == "year" { (period + 6) / 12 } else { period }
}

/// In every series each part is opened with what the one before was closed with, and the parts of the change sum
/// to it; and each of these happened.
pub async fn assert_add_up(app: &TestApp, happened: &[&str]) {
    let stats = shown(app, "billing/stats").await;
    for query in ["", "?group=day", "?plan=pro", "?plan=enterprise&group=day"] {
        let movements = shown(app, &format!("analytics/movements{query}")).await;
        for currency in rows(&movements, "currencies") {
            let mut level = 0;
            for point in rows(currency, "points") {
                let part = |field| cents(point, field);
                assert_eq!(part("opening"), level, "{point}");
                let moved = part("new") + part("expansion") - part("contraction") - part("churn")
                    + part("reactivation");
                assert_eq!(part("change"), moved + part("transferred"), "{point}");
                level += part("change");
                assert_eq!(part("closing"), level, "{point}");
                if !query.contains("plan") {
                    assert_eq!(part("transferred"), 0, "{point}");
                }
            }
            if !query.contains("plan") {
                let of_it = rows(&stats, "currencies")
                    .iter()
                    .find(|row| row["currency"] == currency["currency"]);
                assert_eq!(level, of_it.map_or(0, |row| cents(row, "monthly_revenue")), "{query}");
            }
        }
        if query.is_empty() {
            for movement in happened {
                let mut currencies = rows(&movements, "currencies").iter();
                let usd = currencies.find(|row| row["currency"] == "usd").unwrap();
                assert!(
                    rows(usd, "points").iter().any(|point| cents(point, movement) > 0),
                    "no {movement}: {usd}"
                );
            }
        }
    }
    let mrr = shown(app, "analytics/mrr").await;
    let cohorts = shown(app, "analytics/cohorts").await;
    for (currency, cohorts) in rows(&mrr, "currencies").iter().zip(rows(&cohorts, "currencies")) {
        let by_plan: i64 = rows(currency, "by_plan").iter().map(|plan| cents(plan, "mrr")).sum();
        assert_eq!(by_plan, cents(currency, "mrr"), "{currency}");
        assert_eq!(cents(currency, "arr"), by_plan * 12);
        let newest = |cohort: &Value| rows(cohort, "months").last().unwrap().clone();
        let left: Vec<Value> = rows(cohorts, "cohorts").iter().map(newest).collect();
        assert_eq!(left.iter().map(|left| cents(left, "mrr")).sum::<i64>(), by_plan, "{cohorts}");
        let tenants: i64 = left.iter().map(|left| left["tenants"].as_i64().unwrap()).sum();
        assert_eq!(tenants, currency["tenants"].as_i64().unwrap(), "{cohorts}");
    }
}
