//! Payment intents of one's own: made, paid, authorised, captured, given up.

use serde_json::{Value, json};
use tollhouse_stripe::Method;

use crate::harness::{Stripe, id};

fn intent(stripe: &Stripe, more: &str) -> Value {
    stripe.post("/v1/payment_intents", &format!("amount=2000&currency=usd&{more}"))
}

#[test]
fn an_intent_is_made_changed_and_confirmed() {
    let stripe = Stripe::new();
    let customer = stripe.customer_with("pm_card_visa");
    let form = format!("customer={customer}&metadata[a]=1&automatic_payment_methods[enabled]=true");
    let made = intent(&stripe, &form);
    assert_eq!(made["status"], "requires_payment_method");
    let path = format!("/v1/payment_intents/{}", id(&made));
    let (_, error) = stripe.refused(Method::Post, &format!("{path}/confirm"), "");
    assert_eq!(error["code"], "payment_intent_unexpected_state");
    let changed = stripe.post(&path, "amount=2500&payment_method=pm_card_visa&metadata[b]=2");
    assert_eq!(
        (&changed["status"], &changed["amount"], &changed["metadata"]),
        (&json!("requires_confirmation"), &json!(2500), &json!({"a": "1", "b": "2"}))
    );
    let since = stripe.event_count();
    let paid = stripe.post(&format!("{path}/confirm"), "");
    assert_eq!((&paid["status"], &paid["amount_received"]), (&json!("succeeded"), &json!(2500)));
    assert_eq!(stripe.types_after(since), ["payment_intent.succeeded", "charge.succeeded"]);
    for (at, form) in [(path.clone(), "amount=1"), (format!("{path}/cancel"), "")] {
        let (_, error) = stripe.refused(Method::Post, &at, form);
        assert_eq!(error["code"], "payment_intent_unexpected_state", "{at}");
    }
    stripe.post(&path, "description=Paid");
}

#[test]
fn confirmed_at_once_it_is_paid_declined_or_wants_the_customer() {
    let stripe = Stripe::new();
    let confirm = |card: &str| format!("confirm=true&payment_method=pm_card_{card}");
    let shipping = "shipping[name]=Ann&shipping[address][line1]=1 High Street";
    let paid = intent(&stripe, &format!("{}&{shipping}", confirm("visa")));
    assert_eq!((&paid["status"], &paid["shipping"]["name"]), (&json!("succeeded"), &json!("Ann")));
    let waits = intent(&stripe, &confirm("authenticationRequired"));
    assert_eq!(waits["status"], "requires_action");
    stripe.simulator.authenticate(&id(&waits), true).unwrap();
    let now = stripe.get(&format!("/v1/payment_intents/{}", id(&waits)), "");
    assert_eq!(now["status"], "succeeded");
    let form = format!("amount=2000&currency=usd&{}", confirm("chargeDeclined"));
    let (status, error) = stripe.refused(Method::Post, "/v1/payment_intents", &form);
    assert_eq!(
        (status, &error["payment_intent"]["status"]),
        (402, &json!("requires_payment_method"))
    );
}

#[test]
fn what_is_authorised_is_captured_in_whole_or_in_part_or_given_up() {
    let stripe = Stripe::new();
    let held = || intent(&stripe, "confirm=true&payment_method=pm_card_visa&capture_method=manual");
    for (form, captured) in [("", 2000), ("amount_to_capture=1500", 1500)] {
        let since = stripe.event_count();
        let made = held();
        assert_eq!(
            (&made["status"], &made["amount_capturable"]),
            (&json!("requires_capture"), &json!(2000))
        );
        let path = format!("/v1/payment_intents/{}", id(&made));
        assert_eq!(stripe.refused(Method::Post, &format!("{path}/confirm"), "").0, 400);
        let too_much = format!("{path}/capture");
        assert_eq!(stripe.refused(Method::Post, &too_much, "amount_to_capture=2001").0, 400);
        let taken = stripe.post(&format!("{path}/capture"), form);
        assert_eq!(
            (&taken["status"], &taken["amount_received"]),
            (&json!("succeeded"), &json!(captured))
        );
        assert_eq!(
            stripe.types_after(since),
            [
                "payment_intent.created",
                "payment_intent.amount_capturable_updated",
                "charge.succeeded",
                "charge.captured",
                "payment_intent.succeeded",
            ]
        );
        let charge =
            stripe.get(&format!("/v1/charges/{}", made["latest_charge"].as_str().unwrap()), "");
        assert_eq!(
            (&charge["amount_captured"], &charge["amount_refunded"]),
            (&json!(captured), &json!(2000 - captured))
        );
    }
    let path = format!("/v1/payment_intents/{}/cancel", id(&held()));
    let canceled = stripe.post(&path, "cancellation_reason=duplicate");
    assert_eq!(
        (&canceled["status"], &canceled["cancellation_reason"]),
        (&json!("canceled"), &json!("duplicate"))
    );
}
