//! Our tables against the simulator's objects, field by field.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tollhouse_domain::time::Timestamp;
use tollhouse_server::{
    db::Json,
    invoices::{parts, queries as invoices},
    subscriptions::queries as subscriptions,
};
use tollhouse_stripe::{InvoiceId, SubscriptionId};

use crate::harness::TestApp;

/// Equal but for what is asked for in full by the sync alone.
fn assert_same(ours: &Json, stripes: &Value, expanded: &[&str]) {
    let mut ours: Value = ours.to().unwrap();
    let mut stripes = stripes.clone();
    for field in expanded {
        ours[*field] = Value::Null;
        stripes[*field] = Value::Null;
    }
    assert_eq!(ours, stripes);
}

fn second(value: &Value) -> Option<Timestamp> {
    value.as_i64().map(|second| Timestamp::from_second(second).unwrap())
}

pub async fn assert_subscriptions_are_stripes(app: &TestApp) {
    let conn = &mut app.app.db.read().await.unwrap();
    for stripes in app.simulator.objects("subscription") {
        let id = SubscriptionId::new(stripes["id"].as_str().unwrap());
        let ours = subscriptions::find_shown(conn, &id).await.unwrap().unwrap();
        let expanded = ["customer", "default_payment_method", "discounts"];
        assert_same(&ours.stripe_object, &stripes, &expanded);
        assert_eq!(
            ours.stripe_object.to::<Value>().unwrap()["customer"]["id"],
            stripes["customer"]
        );
        let item = &stripes["items"]["data"][0];
        assert_eq!(stripes["status"], ours.status.to_string());
        assert_eq!(item["price"]["lookup_key"], ours.price_lookup_key);
        assert_eq!(item["quantity"], ours.quantity);
        assert_eq!(ours.amount, item["price"]["unit_amount"].as_i64().unwrap() * ours.quantity);
        assert_eq!(second(&item["current_period_start"]), Some(ours.period_start));
        assert_eq!(second(&item["current_period_end"]), Some(ours.period_end));
        assert_eq!(second(&stripes["canceled_at"]), ours.canceled_at);
        assert_eq!(second(&stripes["ended_at"]), ours.ended_at);
        assert_eq!(stripes["cancel_at_period_end"], ours.cancel_at_period_end);
    }
}

pub async fn assert_invoices_are_stripes(app: &TestApp) {
    let conn = &mut app.app.db.read().await.unwrap();
    let (payments, refunds) =
        (app.simulator.objects("invoice_payment"), app.simulator.objects("refund"));
    let notes = app.simulator.objects("credit_note");
    for stripes in app.simulator.objects("invoice") {
        let id = InvoiceId::new(stripes["id"].as_str().unwrap());
        let ours = invoices::find_shown(conn, &id).await.unwrap().unwrap();
        assert_same(&ours.stripe_object, &stripes, &["payments"]);
        assert_eq!(stripes["status"], ours.status.to_string());
        assert_eq!(stripes["number"], json!(ours.number));
        let amounts = json!({
            "subtotal": ours.subtotal, "total": ours.total, "amount_due": ours.amount_due,
            "amount_paid": ours.amount_paid, "amount_remaining": ours.amount_remaining,
            "attempt_count": ours.attempt_count,
        });
        for (field, amount) in amounts.as_object().unwrap() {
            assert_eq!(stripes[field], *amount, "{field} of {id}");
        }
        assert_eq!(second(&stripes["next_payment_attempt"]), ours.next_payment_attempt);
        assert_eq!(second(&stripes["status_transitions"]["paid_at"]), ours.paid_at);
        let lines: Vec<i64> = parts::lines(conn, ours.id, 0, 100)
            .await
            .unwrap()
            .iter()
            .map(|line| line.amount)
            .collect();
        let theirs: Vec<i64> = stripes["lines"]["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["amount"].as_i64().unwrap())
            .collect();
        assert_eq!(lines, theirs);
        let intents: BTreeSet<&str> = payments
            .iter()
            .filter(|payment| payment["invoice"] == id.as_str())
            .filter_map(|payment| payment["payment"]["payment_intent"].as_str())
            .collect();
        let is_of_it = |refund: &&Value| {
            refund["payment_intent"].as_str().is_some_and(|intent| intents.contains(intent))
        };
        let refunded: i64 =
            refunds.iter().filter(is_of_it).map(|refund| refund["amount"].as_i64().unwrap()).sum();
        let credited: i64 = notes
            .iter()
            .filter(|note| note["invoice"] == id.as_str() && note["status"] == "issued")
            .map(|note| note["total"].as_i64().unwrap())
            .sum();
        assert_eq!((ours.refunded, ours.credited), (refunded, credited), "{id}");
    }
}
