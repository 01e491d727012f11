//! Whatever happens to invoices, their figures add up.

use serde_json::{Value, json};
use tollhouse_stripe::{Call, Gateway, Method};

use super::*;
use crate::harness::{TestApp, on_both_databases};

on_both_databases! {
    async fn figures_add_up_whatever_happens(app: &TestApp) {
        let tenant = app.subscriber("Acme", "enterprise").await;
        let subscription = subscription_path(app);
        let rate = app.stripe("POST", "/v1/tax_rates", &[
            ("display_name", "VAT"), ("percentage", "19"), ("inclusive", "false"),
        ]).await;
        app.stripe("POST", "/v1/coupons", &[("id", "TEN"), ("percent_off", "10"), ("duration", "forever")]).await;
        app.stripe("POST", &subscription, &[
            ("default_tax_rates[0]", text(&rate, "id")), ("discounts[0][coupon]", "TEN"),
        ]).await;
        let mut chance = fastrand::Rng::with_seed(2026);
        for step in 0..96 {
            // Now and then a charge fails, and an invoice is left open for a while.
            match step % 12 {
                4 => {
                    app.break_the_card().await;
                    change_seats(app, 10, "always_invoice").await;
                }
                6 => mend_the_card(app, &subscription).await,
                _ => {}
            }
            one_thing_happens(app, &mut chance).await;
            app.advance(chance.i64(HOUR..3 * DAY)).await;
        }
        let mut invoices = Vec::new();
        for brief in rows(&list(app, tenant, "limit=100").await, "data") {
            invoices.push(show(app, tenant, text(brief, "id")).await);
        }
        assert!(invoices.len() >= 10, "{}", invoices.len());
        for field in ["refunds", "credit_notes"] {
            assert!(invoices.iter().any(|invoice| !rows(invoice, field).is_empty()), "no {field}");
        }
        for event in ["invoice.payment_failed", "invoice.voided", "invoice.uncollectible"] {
            let events = format!("/api/v1/billing/tenants/{tenant}/events?type={event}");
            let told = app.get(&events).bearer(&app.operator()).await.expect(200);
            assert_ne!(told["data"], json!([]), "{event} never happened");
        }
        for invoice in &invoices {
            assert_adds_up(invoice);
        }
        // Invoiced is paid, outstanding, void or given up.
        let final_ones = || invoices.iter().filter(|invoice| invoice["status"] != "draft");
        let left = |status: &str| -> i64 {
            let of_status = final_ones().filter(|invoice| invoice["status"] == status);
            of_status.map(|invoice| cents(invoice, "amount_due") - cents(invoice, "amount_paid")).sum()
        };
        let asked: i64 = final_ones().map(|invoice| cents(invoice, "amount_due")).sum();
        let paid: i64 = final_ones().map(|invoice| cents(invoice, "amount_paid")).sum();
        assert_eq!(asked, paid + left("open") + left("void") + left("uncollectible"));
        assert_eq!(left("paid"), 0);
        assert_summed_up(app, tenant, &final_ones().collect::<Vec<_>>()).await;
    }
}

/// The summary of a tenant, and of all, says what its invoices say one by one.
async fn assert_summed_up(app: &TestApp, tenant: TenantId, invoices: &[&Value]) {
    let of_tenant = format!("/api/v1/stripe/tenants/{tenant}/billing/summary");
    let span = json!({"from": "2026-01-01T00:00:00Z", "to": "2035-01-01T00:00:00Z"});
    let summary = app.post(&of_tenant).bearer(&app.operator()).json(&span).await.expect(200);
    let of_all = "/api/v1/stripe/platform/billing/summary";
    let of_all = app.post(of_all).bearer(&app.operator()).json(&span).await.expect(200);
    assert_eq!(summary, of_all, "there is one tenant");
    let sums = &summary["currencies"][0];
    let sum = |field: &str| invoices.iter().map(|invoice| cents(invoice, field)).sum::<i64>();
    for field in ["refunded", "credited", "tax", "discount"] {
        assert_eq!(cents(sums, field), sum(field), "{field}");
    }
    assert_eq!(sums["invoices"], invoices.len());
    assert_eq!(cents(sums, "invoiced"), sum("amount_due") + sum("balance_applied"));
    assert_eq!(cents(sums, "paid"), sum("amount_paid") + sum("balance_applied"));
    let parts = ["paid", "outstanding", "void", "uncollectible"];
    let parts = parts.map(|field| cents(sums, field));
    assert!(parts[2] > 0, "nothing was void: {sums}");
    assert_eq!(cents(sums, "invoiced"), parts.iter().sum::<i64>());
    let by_plan: i64 = rows(sums, "by_plan").iter().map(|plan| cents(plan, "amount")).sum();
    assert!(cents(sums, "credited_before_payment") > 0, "{sums}");
    assert_eq!(by_plan - cents(sums, "credited_before_payment"), cents(sums, "invoiced"));
    assert_eq!(by_plan, sum("total"));
}

/// The subscription is charged to a card that works again.
async fn mend_the_card(app: &TestApp, subscription: &str) {
    let customer = app.simulator.objects("subscription")[0]["customer"].clone();
    let params = [("customer", customer.as_str().unwrap())];
    let card = app.stripe("POST", "/v1/payment_methods/pm_card_visa/attach", &params).await;
    app.stripe("POST", subscription, &[("default_payment_method", text(&card, "id"))]).await;
}

/// Another number of seats, billed at once or with the next period.
async fn change_seats(app: &TestApp, seats: u32, proration_behavior: &str) {
    let item = app.simulator.objects("subscription")[0]["items"]["data"][0]["id"].clone();
    let (item, seats) = (item.as_str().unwrap().to_owned(), seats.to_string());
    try_at_stripe(
        app,
        &subscription_path(app),
        &[
            ("items[0][id]", &item),
            ("items[0][quantity]", &seats),
            ("proration_behavior", proration_behavior),
        ],
    )
    .await;
}

/// One of the things that happen to invoices, to one of the newest or to one that is not paid.
async fn one_thing_happens(app: &TestApp, chance: &mut fastrand::Rng) {
    let invoices = app.simulator.objects("invoice");
    let waits = |invoice: &&Value| matches!(text(invoice, "status"), "open" | "uncollectible");
    let newest = &invoices[invoices.len() - 1 - chance.usize(..invoices.len().min(3))];
    let invoice = invoices.iter().find(waits).filter(|_| chance.bool()).unwrap_or(newest);
    let (id, due) = (text(invoice, "id"), invoice["amount_due"].as_i64().unwrap());
    let part = chance.i64(1..=due.max(1)).to_string();
    let note = [("invoice", id), ("amount", part.as_str())];
    if waits(&invoice) {
        match chance.u8(..3) {
            0 => try_at_stripe(app, "/v1/credit_notes", &note).await,
            1 => try_at_stripe(app, &format!("/v1/invoices/{id}/mark_uncollectible"), &[]).await,
            _ => try_at_stripe(app, &format!("/v1/invoices/{id}/void"), &[]).await,
        }
        return;
    }
    let seats = chance.u32(1..9);
    match chance.u8(..6) {
        0 | 1 if due > 0 && invoice["status"] == "paid" => {
            let refund = [("payment_intent", &*intent_of(app, id)), ("amount", &*part)];
            try_at_stripe(app, "/v1/refunds", &refund).await;
        }
        2 => {
            let note = [note[0], note[1], ("refund_amount", part.as_str())];
            try_at_stripe(app, "/v1/credit_notes", &note).await;
        }
        3 => {
            let note = [note[0], note[1], ("credit_amount", part.as_str())];
            try_at_stripe(app, "/v1/credit_notes", &note).await;
        }
        4 => change_seats(app, seats, "always_invoice").await,
        _ => change_seats(app, seats, "create_prorations").await,
    }
}

/// What Stripe refuses does not happen.
async fn try_at_stripe(app: &TestApp, path: &str, params: &[(&str, &str)]) {
    let call = Call {
        method: Method::Post,
        path: path.to_owned(),
        params: params.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        idempotency_key: None,
    };
    app.simulator.gateway().send(&call).await.unwrap();
}
