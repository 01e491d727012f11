//! An operator's figures of many tenants and a year: each asked for a few times over HTTP, and the slowest of them told.
//!
//! The rows are written past the service, as a year of it would have left them: one subscription, invoice and payment
//! for each tenant, and the facts of each day for each plan.

use std::{sync::Arc, time::Duration};

use anyhow::ensure;
use axum::{body::Body, http::Request};
use serde_json::json;
use tollhouse_domain::{id::v7, revenue::Fact, time::Timestamp, usage::Window};
use tollhouse_server::{
    App,
    db::{Conn, Json},
    http::router,
};
use tower::ServiceExt;
use uuid::Uuid;

use crate::{database::Kind, generator::now, mark, milliseconds, say, token};

/// Rows of one statement.
const ROWS: usize = 500;
const DAYS: i64 = 365;
const ASKED: usize = 9;
/// What is shown by `/admin/billing` takes less than this, with 100,000 tenants.
const SHOWN_AIM: Duration = Duration::from_millis(50);
/// And any figure of a year less than this.
const FIGURE_AIM: Duration = Duration::from_millis(100);

const SHOWN: [&str; 4] = [
    "billing/stats",
    "billing/customers?limit=100",
    "billing/subscriptions?limit=100",
    "billing/recent-charges?limit=100",
];
const FIGURES: [&str; 8] =
    ["mrr", "movements", "churn", "ltv", "cohorts", "trials", "payments", "renewals"];

pub async fn measure(app: &Arc<App>, kind: Kind, tenants: i64) -> anyhow::Result<()> {
    fill(app, tenants).await?;
    let shown = SHOWN.map(str::to_owned);
    let figures = FIGURES.map(|name| format!("analytics/{name}"));
    for (what, paths, aim) in
        [("lists and counts", &shown[..], SHOWN_AIM), ("figures", &figures[..], FIGURE_AIM)]
    {
        let mut slowest = (Duration::ZERO, "");
        for path in paths {
            let took = ask(app, path).await?;
            slowest = slowest.max((took, path.as_str()));
        }
        say(&format!(
            "{}{}: {what} of {tenants} tenants, the slowest {} ({}; aim: {})",
            mark(slowest.0 < aim),
            kind.name(),
            milliseconds(slowest.0),
            slowest.1,
            milliseconds(aim),
        ));
    }
    Ok(())
}

/// The median of a few times.
async fn ask(app: &Arc<App>, path: &str) -> anyhow::Result<Duration> {
    let token = token(app)?;
    let router = router(app);
    let mut times = Vec::new();
    for _ in 0..ASKED {
        let request = Request::get(format!("/api/v1/admin/{path}"))
            .header("authorization", format!("Bearer {token}"))
            .body(Body::empty())?;
        let began = now();
        let answer = router.clone().oneshot(request).await?;
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await?;
        times.push(began.elapsed());
        ensure!(status == 200, "{path}: {}", String::from_utf8_lossy(&body));
    }
    times.sort_unstable();
    Ok(times[ASKED / 2])
}

/// One tenant, and what belongs to it. Ids of all kinds are made of its number.
struct Row {
    id: Uuid,
    number: i64,
    at: Timestamp,
}

impl Row {
    fn named(&self, prefix: &str) -> String {
        format!("{prefix}_{}", self.number)
    }
}

async fn fill(app: &App, tenants: i64) -> anyhow::Result<()> {
    let today = app.clock.now();
    let rows: Vec<Row> = (0..tenants)
        .map(|number| {
            let at = today.plus_days(-(number % DAYS));
            let mut random = [1; 10];
            random[2..].copy_from_slice(&number.to_be_bytes());
            Row { id: v7(at.as_millisecond().unsigned_abs(), random), number, at }
        })
        .collect();
    for rows in rows.chunks(ROWS) {
        let mut tx = app.db.begin().await?;
        customers(&mut tx, rows).await?;
        subscriptions(&mut tx, rows, today).await?;
        revenue(&mut tx, rows, today).await?;
        invoices(&mut tx, rows).await?;
        tx.commit().await?;
    }
    let mut tx = app.db.begin().await?;
    tx.query("UPDATE revenue_counting SET looked = TRUE WHERE id = 1").execute().await?;
    days(&mut tx, today).await?;
    cohorts(&mut tx, today).await?;
    Ok(tx.commit().await?)
}

async fn customers(conn: &mut Conn, rows: &[Row]) -> anyhow::Result<()> {
    let nothing = Json::of(&json!({}))?;
    conn.query(
        "INSERT INTO tenants (id, name, contact_email, status, support_tier, sla_level, metadata,
             stripe_customer_id, customer_named, created_at, updated_at, search_text)",
    )
    .values(rows, |values, row| {
        let name = row.named("Tenant");
        values
            .column(&row.id)
            .column(&name)
            .column(&format!("{}@example.com", row.number))
            .column(&"active")
            .column(&"standard")
            .column(&1_i64)
            .column(&nothing)
            .column(&row.named("cus"))
            .column(&true)
            .column(&row.at)
            .column(&row.at)
            .column(&name.to_lowercase())
    })
    .execute()
    .await?;
    Ok(())
}

async fn subscriptions(conn: &mut Conn, rows: &[Row], today: Timestamp) -> anyhow::Result<()> {
    let nothing = Json::of(&json!({}))?;
    conn.query(
        "INSERT INTO subscriptions (id, tenant_id, stripe_subscription_id, kind, price_lookup_key, plan_code,
             plan_version, status, quantity, amount, currency, period_start, period_end, cancel_at_period_end,
             started_at, version, stripe_object, updated_at)",
    )
    .values(rows, |values, row| {
        values
            .column(&row.id)
            .column(&row.id)
            .column(&row.named("sub"))
            .column(&"base")
            .column(&"pro_v1_month_usd")
            .column(&"pro")
            .column(&1_i64)
            .column(&"active")
            .column(&1_i64)
            .column(&2900_i64)
            .column(&"usd")
            .column(&today.plus_days(-10))
            .column(&today.plus_days(20))
            .column(&false)
            .column(&row.at)
            .column(&1_i64)
            .column(&nothing)
            .column(&row.at)
    })
    .execute()
    .await?;
    Ok(())
}

async fn revenue(conn: &mut Conn, rows: &[Row], today: Timestamp) -> anyhow::Result<()> {
    conn.query(
        "INSERT INTO recurring_revenue (subscription_id, tenant_id, plan_code, tier, status, currency, mrr,
             renews_on, renewal_amount)",
    )
    .values(rows, |values, row| {
        let renews_on = Window::Day.start(today.plus_days(row.number % 30));
        values
            .column(&row.id)
            .column(&row.id)
            .column(&"pro")
            .column(&"pro")
            .column(&"active")
            .column(&"usd")
            .column(&2900_i64)
            .column(&renews_on)
            .column(&2900_i64)
    })
    .execute()
    .await?;
    Ok(())
}

async fn invoices(conn: &mut Conn, rows: &[Row]) -> anyhow::Result<()> {
    let nothing = Json::of(&json!({}))?;
    conn.query(
        "INSERT INTO invoices (id, tenant_id, stripe_invoice_id, number, status, currency, amount_due, amount_paid,
             total, attempt_count, created_at, version, stripe_object)",
    )
    .values(rows, |values, row| {
        values
            .column(&row.id)
            .column(&row.id)
            .column(&row.named("in"))
            .column(&row.named("INV"))
            .column(&"paid")
            .column(&"usd")
            .column(&2900_i64)
            .column(&2900_i64)
            .column(&2900_i64)
            .column(&1_i64)
            .column(&row.at)
            .column(&1_i64)
            .column(&nothing)
    })
    .execute()
    .await?;
    conn.query(
        "INSERT INTO invoice_payments (invoice_id, stripe_payment_id, status, kind, amount_requested, amount_paid,
             created_at, settled_at)",
    )
    .values(rows, |values, row| {
        values
            .column(&row.id)
            .column(&row.named("inpay"))
            .column(&"paid")
            .column(&"payment_intent")
            .column(&2900_i64)
            .column(&2900_i64)
            .column(&row.at)
            .column(&row.at)
    })
    .execute()
    .await?;
    Ok(())
}

/// Every fact on every day, for each plan.
async fn days(conn: &mut Conn, today: Timestamp) -> anyhow::Result<()> {
    let all: Vec<(Timestamp, &str, Fact)> = (0..DAYS)
        .flat_map(|ago| {
            let day = Window::Day.start(today.plus_days(-ago));
            let plans = ["pro", "enterprise", "extra_storage", "metered"];
            plans
                .into_iter()
                .flat_map(move |plan| Fact::ALL.iter().map(move |fact| (day, plan, *fact)))
        })
        .collect();
    for rows in all.chunks(ROWS) {
        conn.query(
            "INSERT INTO revenue_days (day, month, currency, plan_code, fact, facts, amount, tenants, subscriptions)",
        )
        .values(rows, |values, (day, plan, fact)| {
            values
                .column(day)
                .column(&Window::Month.start(*day))
                .column(&"usd")
                .column(plan)
                .column(&fact.as_str())
                .column(&10_i64)
                .column(&29_000_i64)
                .column(&10_i64)
                .column(&10_i64)
        })
        .execute()
        .await?;
    }
    Ok(())
}

async fn cohorts(conn: &mut Conn, today: Timestamp) -> anyhow::Result<()> {
    let months: Vec<Timestamp> =
        (0..12).map(|ago| Window::Month.start(today.plus_days(-30 * ago))).collect();
    let mut pairs: Vec<(Timestamp, Timestamp)> = Vec::new();
    for cohort in &months {
        pairs.extend(months.iter().filter(|month| *month >= cohort).map(|month| (*cohort, *month)));
    }
    pairs.sort_unstable();
    pairs.dedup();
    conn.query("INSERT INTO revenue_cohorts (currency, cohort, month, amount, tenants)")
        .values(&pairs, |values, (cohort, month)| {
            values.column(&"usd").column(cohort).column(month).column(&29_000_i64).column(&10_i64)
        })
        .execute()
        .await?;
    Ok(())
}
