//! Disputes, what they do to the balance, and refunds that turn out otherwise.

use serde_json::{Value, json};
use tollhouse_stripe::Method;

use crate::harness::{Stripe, id};

fn pay(stripe: &Stripe, card: &str) -> Value {
    let form = format!("amount=5000&currency=usd&payment_method=pm_card_{card}&confirm=true");
    stripe.post("/v1/payment_intents", &form)
}

fn dispute_of(stripe: &Stripe, intent: &Value) -> Value {
    let form = format!("payment_intent={}", id(intent));
    stripe.get("/v1/disputes", &form)["data"][0].clone()
}

/// Amount and reporting category of what the source did, oldest first.
fn booked(stripe: &Stripe, source: &str) -> Vec<(i64, String)> {
    let list = stripe.get("/v1/balance_transactions", &format!("source={source}"));
    let rows = list["data"].as_array().unwrap().iter().rev();
    rows.map(|row| {
        let category = row["reporting_category"].as_str().unwrap().to_owned();
        (row["amount"].as_i64().unwrap(), category)
    })
    .collect()
}

#[test]
fn a_dispute_takes_the_money_and_evidence_decides() {
    for (text, status, told, returned) in [
        ("winning_evidence", "won", vec!["charge.dispute.funds_reinstated"], true),
        ("losing_evidence", "lost", vec![], false),
    ] {
        let stripe = Stripe::new();
        let since = stripe.event_count();
        let intent = pay(&stripe, "createDisputeProductNotReceived");
        assert_eq!(
            stripe.types_after(since)[3..],
            ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
        );
        let dispute = dispute_of(&stripe, &intent);
        assert_eq!(
            (&dispute["status"], &dispute["reason"], &dispute["amount"]),
            (&json!("needs_response"), &json!("product_not_received"), &json!(5000))
        );
        let charge = intent["latest_charge"].as_str().unwrap();
        let (_, error) = stripe.refused(Method::Post, "/v1/refunds", &format!("charge={charge}"));
        assert_eq!(error["code"], "charge_disputed");
        let path = format!("/v1/disputes/{}", id(&dispute));
        let draft = stripe.post(&path, "evidence[customer_name]=Ann&submit=false");
        assert_eq!(
            (&draft["status"], &draft["evidence"]["customer_name"]),
            (&json!("needs_response"), &json!("Ann"))
        );
        let since = stripe.event_count();
        let closed = stripe.post(&path, &format!("evidence[uncategorized_text]={text}"));
        assert_eq!(closed["status"], status);
        let mut expected = vec!["charge.dispute.updated", "charge.dispute.closed"];
        expected.extend(told);
        assert_eq!(stripe.types_after(since), expected);
        let mut kept = vec![(-5000, "dispute".to_owned())];
        kept.extend(returned.then(|| (5000, "dispute_reversal".to_owned())));
        assert_eq!(booked(&stripe, &id(&dispute)), kept);
        assert_eq!(stripe.refused(Method::Post, &format!("{path}/close"), "").0, 400);
        let late = stripe.refused(Method::Post, &path, "evidence[customer_name]=Bea");
        assert_eq!(late.0, 400);
    }
}

#[test]
fn an_inquiry_takes_nothing_and_can_be_given_in_to() {
    let stripe = Stripe::new();
    let since = stripe.event_count();
    let intent = pay(&stripe, "createDisputeInquiry");
    assert_eq!(stripe.types_after(since)[3..], ["charge.dispute.created"]);
    let dispute = dispute_of(&stripe, &intent);
    assert_eq!(dispute["status"], "warning_needs_response");
    assert!(booked(&stripe, &id(&dispute)).is_empty());
    let closed = stripe.post(&format!("/v1/disputes/{}/close", id(&dispute)), "");
    assert_eq!(closed["status"], "warning_closed");
    let charge = intent["latest_charge"].as_str().unwrap();
    stripe.post("/v1/refunds", &format!("charge={charge}"));
}

#[test]
fn charges_and_refunds_are_booked_with_their_fees() {
    let stripe = Stripe::new();
    let intent = pay(&stripe, "visa");
    let charge = intent["latest_charge"].as_str().unwrap();
    let form = "expand[0]=balance_transaction";
    let shown = stripe.get(&format!("/v1/charges/{charge}"), form);
    let booking = &shown["balance_transaction"];
    assert_eq!(
        (&booking["amount"], &booking["fee"], &booking["net"], &booking["status"]),
        (&json!(5000), &json!(175), &json!(4825), &json!("pending"))
    );
    stripe.simulator.advance(2 * 86_400);
    let path = format!("/v1/balance_transactions/{}", id(booking));
    assert_eq!(stripe.get(&path, "")["status"], "available");
    let refund = stripe.post("/v1/refunds", &format!("charge={charge}&amount=1000"));
    assert_eq!(booked(&stripe, &id(&refund)), [(-1000, "refund".to_owned())]);
    let charges = stripe.get("/v1/balance_transactions", "type=charge");
    assert_eq!(charges["data"].as_array().unwrap().len(), 1);
}

#[test]
fn some_cards_refund_late_or_not_at_all() {
    for (card, first, then, left) in
        [("pendingRefund", "pending", "succeeded", 5000), ("refundFail", "succeeded", "failed", 0)]
    {
        let stripe = Stripe::new();
        let intent = pay(&stripe, card);
        let refund = stripe.post("/v1/refunds", &format!("payment_intent={}", id(&intent)));
        assert_eq!(refund["status"], first, "{card}");
        let since = stripe.event_count();
        stripe.simulator.advance(3600);
        let now = stripe.get(&format!("/v1/refunds/{}", id(&refund)), "");
        assert_eq!(now["status"], then, "{card}");
        let charge = intent["latest_charge"].as_str().unwrap();
        let charge = stripe.get(&format!("/v1/charges/{charge}"), "");
        assert_eq!(charge["amount_refunded"], left, "{card}");
        let mut expected = vec!["refund.updated", "charge.refund.updated"];
        expected.extend((then == "failed").then_some("refund.failed"));
        assert_eq!(stripe.types_after(since), expected);
        let failed = (then == "failed").then(|| (5000, "refund_failure".to_owned()));
        let kept: Vec<_> = std::iter::once((-5000, "refund".to_owned())).chain(failed).collect();
        assert_eq!(booked(&stripe, &id(&refund)), kept);
    }
}
