//! What is given back, taken off, taken back or given up; and that it is told once.

use serde_json::{Value, json};
use tollhouse_server::tasks;
use tollhouse_simulator::Outgoing;

use super::*;
use crate::harness::{TestApp, on_both_databases};

on_both_databases! {
    async fn money_is_given_back_in_parts_and_wholly(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let invoice = newest(app, tenant).await;
        refund(app, &invoice, Some(1000)).await;
        app.settle().await;
        let partly = newest(app, tenant).await;
        assert_eq!((&partly["refunded"], &partly["status"]), (&json!(10.0), &json!("paid")));
        assert_adds_up(&partly);
        app.advance(HOUR).await;
        refund(app, &invoice, None).await;
        app.settle().await;
        let wholly = newest(app, tenant).await;
        assert_eq!((&wholly["refunded"], rows(&wholly, "refunds").len()), (&json!(29.0), 2));
        assert_eq!(wholly["refunds"][1]["amount"], 19.0);
        assert_adds_up(&wholly);
        let history = app.history(tenant).await;
        assert_eq!(how_often(&history, "invoice.refunded"), 2);
        assert_eq!(how_often(&history, "invoice.paid"), 1);
        let events = format!("/api/v1/billing/tenants/{tenant}/events?type=invoice.refunded");
        let told = app.get(&events).bearer(&app.operator()).await.expect(200)["data"][0].clone();
        assert_eq!((&told["data"]["amount_minor"], &told["data"]["refunded_minor"]), (&json!(1900), &json!(2900)));
        assert!(text(&told, "summary").starts_with("19.00 USD of invoice "), "{told}");
    }

    async fn a_credit_note_on_an_open_invoice_asks_for_less(app: &TestApp) {
        let (tenant, invoice) = late_subscriber(app).await;
        let id = text(&invoice, "stripe_invoice_id");
        let note = app.stripe("POST", "/v1/credit_notes", &[
            ("invoice", id), ("amount", "900"), ("reason", "order_change"), ("memo", "Sorry"),
        ]).await;
        app.settle().await;
        let credited = newest(app, tenant).await;
        assert_eq!((&credited["credited"], &credited["amount_remaining"]), (&json!(9.0), &json!(20.0)));
        let shown = &rows(&credited, "credit_notes")[0];
        for (field, value) in [
            ("status", "issued"), ("number", text(&note, "number")), ("reason", "order_change"), ("memo", "Sorry"),
        ] {
            assert_eq!(shown[field], value);
        }
        assert_eq!((&shown["before_payment"], &shown["after_payment"]), (&json!(9.0), &json!(0.0)));
        assert_adds_up(&credited);
        app.stripe("POST", &format!("/v1/credit_notes/{}/void", text(&note, "id")), &[]).await;
        app.settle().await;
        let withdrawn = newest(app, tenant).await;
        assert_eq!((&withdrawn["credited"], &withdrawn["amount_remaining"]), (&json!(0.0), &json!(29.0)));
        assert_eq!(withdrawn["credit_notes"][0]["status"], "void");
        assert_adds_up(&withdrawn);
        let history = app.history(tenant).await;
        assert_eq!(how_often(&history, "invoice.credited"), 1);
        assert_eq!(how_often(&history, "invoice.credit_voided"), 1);
    }

    async fn a_credit_note_on_a_paid_invoice_gives_back(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let invoice = newest(app, tenant).await;
        app.stripe("POST", "/v1/credit_notes", &[
            ("invoice", text(&invoice, "stripe_invoice_id")), ("amount", "1000"),
            ("refund_amount", "400"), ("credit_amount", "350"), ("out_of_band_amount", "250"),
        ]).await;
        app.settle().await;
        let credited = newest(app, tenant).await;
        assert_eq!((&credited["credited"], &credited["refunded"]), (&json!(10.0), &json!(4.0)));
        assert_eq!((&credited["status"], &credited["amount_paid"]), (&json!("paid"), &json!(29.0)));
        assert_adds_up(&credited);
        let history = app.history(tenant).await;
        assert_eq!((how_often(&history, "invoice.credited"), how_often(&history, "invoice.refunded")), (1, 1));
        // What went to the balance pays a part of the next one.
        app.advance(30 * DAY + 2 * HOUR).await;
        let next = newest(app, tenant).await;
        assert_eq!((&next["balance_applied"], &next["amount_due"]), (&json!(3.5), &json!(25.5)));
        assert_adds_up(&next);
    }

    async fn what_is_void_or_given_up_says_so(app: &TestApp) {
        let (tenant, invoice) = late_subscriber(app).await;
        at_stripe(app, &invoice, "mark_uncollectible").await;
        let given_up = newest(app, tenant).await;
        assert_eq!((&given_up["status"], &given_up["amount_remaining"]), (&json!("uncollectible"), &json!(29.0)));
        assert_ne!(given_up["uncollectible_at"], Value::Null);
        assert_adds_up(&given_up);
        at_stripe(app, &invoice, "void").await;
        let void = newest(app, tenant).await;
        assert_eq!((&void["status"], &void["payments"][0]["status"]), (&json!("void"), &json!("canceled")));
        assert_ne!(void["voided_at"], Value::Null);
        assert_adds_up(&void);
        let history = app.history(tenant).await;
        for event in ["invoice.uncollectible", "invoice.voided"] {
            assert_eq!(how_often(&history, event), 1, "{event}");
        }
    }

    async fn copies_and_another_order_lead_to_the_same_end(app: &TestApp) {
        let tenant = app.subscriber("Acme", "pro").await;
        let first = newest(app, tenant).await;
        app.break_the_card().await;
        app.settle().await;
        // A month of trouble of which nothing is delivered.
        app.app.clock.advance(30 * DAY + 2 * HOUR);
        refund(app, &first, Some(500)).await;
        refund(app, &first, Some(700)).await;
        let open = app.simulator.objects("invoice")[1].clone();
        let open = text(&open, "id");
        let note = app.stripe("POST", "/v1/credit_notes", &[("invoice", open), ("amount", "900")]).await;
        app.stripe("POST", "/v1/credit_notes", &[("invoice", open), ("amount", "100")]).await;
        app.stripe("POST", &format!("/v1/credit_notes/{}/void", text(&note, "id")), &[]).await;
        app.stripe("POST", &format!("/v1/invoices/{open}/mark_uncollectible"), &[]).await;
        let deliveries = app.simulator.due_deliveries();
        let mut copies: Vec<&Outgoing> = deliveries.iter().rev().chain(&deliveries).collect();
        fastrand::Rng::with_seed(3).shuffle(&mut copies[deliveries.len()..]);
        let mut states = Vec::new();
        for delivery in copies {
            assert_eq!(app.deliver(delivery).await.status, 200);
            tasks::run_once(&app.app).await.unwrap();
            states.push((show(app, tenant, text(&first, "id")).await, newest(app, tenant).await));
        }
        for delivery in &deliveries {
            app.simulator.delivery_answered(&delivery.id, Some(200));
        }
        app.settle().await;
        let (refunded, given_up) = states.last().unwrap();
        assert_eq!((&refunded["refunded"], rows(refunded, "refunds").len()), (&json!(12.0), 2));
        assert_eq!((&given_up["status"], &given_up["credited"]), (&json!("uncollectible"), &json!(1.0)));
        assert_eq!(rows(given_up, "credit_notes").len(), 2);
        assert!(states[deliveries.len()..].iter().all(|state| state == states.last().unwrap()));
        assert_adds_up(refunded);
        assert_adds_up(given_up);
        let history = app.history(tenant).await;
        for (event, times) in [
            ("invoice.created", 2),
            ("invoice.finalized", 2),
            ("invoice.paid", 1),
            ("invoice.payment_failed", 1),
            ("invoice.uncollectible", 1),
            ("invoice.refunded", 2),
            ("invoice.credited", 2),
            ("invoice.credit_voided", 1),
        ] {
            assert_eq!(how_often(&history, event), times, "{event} in {history:?}");
        }
    }
}
