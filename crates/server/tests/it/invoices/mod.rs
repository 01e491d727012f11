//! Invoices in full: every line, payment, refund and credit note, however often and in whatever order told.

mod adding_up;
mod deleted;
mod disputes;
mod money_back;
mod shown;

use serde_json::Value;
use tollhouse_domain::{actor::Role, id::TenantId, money::Money};

use crate::harness::TestApp;

const DAY: i64 = 86_400;
const HOUR: i64 = 3600;

fn path(tenant: TenantId) -> String {
    format!("/api/v1/billing/tenants/{tenant}/invoices")
}

async fn list(app: &TestApp, tenant: TenantId, query: &str) -> Value {
    let viewer = app.token(Role::Viewer, tenant);
    app.get(&format!("{}?{query}", path(tenant))).bearer(&viewer).await.expect(200)
}

async fn show(app: &TestApp, tenant: TenantId, id: &str) -> Value {
    let viewer = app.token(Role::Viewer, tenant);
    app.get(&format!("{}/{id}", path(tenant))).bearer(&viewer).await.expect(200)
}

/// A tenant's newest invoice, in full.
async fn newest(app: &TestApp, tenant: TenantId) -> Value {
    let page = list(app, tenant, "limit=1").await;
    show(app, tenant, page["data"][0]["id"].as_str().unwrap()).await
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no `{field}` in {value}"))
}

/// An amount of the API in cents.
fn cents(value: &Value, field: &str) -> i64 {
    Money::parse_major(&value[field].to_string(), "usd".parse().unwrap()).unwrap().minor()
}

fn rows<'a>(value: &'a Value, field: &str) -> &'a Vec<Value> {
    value[field].as_array().unwrap()
}

fn how_often(history: &[String], event: &str) -> usize {
    history.iter().filter(|known| *known == event).count()
}

fn subscription_path(app: &TestApp) -> String {
    format!("/v1/subscriptions/{}", text(&app.simulator.objects("subscription")[0], "id"))
}

/// What paid an invoice, by Stripe's id of the invoice.
fn intent_of(app: &TestApp, invoice: &str) -> String {
    let payments = app.simulator.objects("invoice_payment");
    let payment = payments.iter().find(|payment| payment["invoice"] == invoice).unwrap();
    text(&payment["payment"], "payment_intent").to_owned()
}

/// Gives money of an invoice back at Stripe.
async fn refund(app: &TestApp, invoice: &Value, amount: Option<i64>) {
    let intent = intent_of(app, text(invoice, "stripe_invoice_id"));
    let amount = amount.map(|amount| amount.to_string());
    let mut params = vec![("payment_intent", intent.as_str())];
    params.extend(amount.as_deref().map(|amount| ("amount", amount)));
    app.stripe("POST", "/v1/refunds", &params).await;
}

/// A subscriber whose first renewal could not be collected; the invoice is open.
async fn late_subscriber(app: &TestApp) -> (TenantId, Value) {
    let tenant = app.subscriber("Acme", "pro").await;
    app.break_the_card().await;
    app.advance(30 * DAY + 2 * HOUR).await;
    let invoice = newest(app, tenant).await;
    assert_eq!(invoice["status"], "open");
    (tenant, invoice)
}

/// Does something to an invoice at Stripe: `void`, `mark_uncollectible`, `pay`.
async fn at_stripe(app: &TestApp, invoice: &Value, verb: &str) {
    let path = format!("/v1/invoices/{}/{verb}", text(invoice, "stripe_invoice_id"));
    app.stripe("POST", &path, &[]).await;
    app.settle().await;
}

/// What must be true of the figures of every invoice.
fn assert_adds_up(invoice: &Value) {
    let amount = |field: &str| cents(invoice, field);
    let sum = |list: &str, field: &str, counts: fn(&Value) -> bool| -> i64 {
        rows(invoice, list).iter().filter(|row| counts(row)).map(|row| cents(row, field)).sum()
    };
    let of_lines = |field: &str| -> i64 {
        rows(&invoice["lines"], "data").iter().map(|line| cents(line, field)).sum()
    };
    assert_eq!(invoice["lines"]["next_cursor"], Value::Null);
    assert_eq!(of_lines("amount"), amount("subtotal"), "{invoice}");
    assert_eq!(of_lines("discount"), amount("discount"), "{invoice}");
    assert_eq!(of_lines("tax"), amount("tax"), "{invoice}");
    let on_top = amount("tax") - amount("tax_included");
    assert_eq!(amount("subtotal") - amount("discount") + on_top, amount("total"), "{invoice}");
    let still_counts = |note: &Value| note["status"] == "issued";
    let taken_off = sum("credit_notes", "before_payment", still_counts);
    if invoice["status"] != "draft" {
        let due = amount("total") - amount("balance_applied") - taken_off;
        assert_eq!(due, amount("amount_due"), "{invoice}");
    }
    if invoice["status"] != "void" {
        let settled = amount("amount_paid") + amount("amount_remaining");
        assert_eq!(settled, amount("amount_due"), "{invoice}");
    }
    assert_eq!(sum("payments", "amount_paid", |_| true), amount("amount_paid"), "{invoice}");
    let given = sum("refunds", "amount", |refund| refund["status"] == "succeeded");
    assert_eq!(given, amount("refunded"), "{invoice}");
    assert!(given <= amount("amount_paid"), "{invoice}");
    assert_eq!(sum("credit_notes", "total", still_counts), amount("credited"), "{invoice}");
    for note in rows(invoice, "credit_notes") {
        let parts = cents(note, "before_payment") + cents(note, "after_payment");
        assert_eq!(parts, cents(note, "total"), "{invoice}");
    }
}
