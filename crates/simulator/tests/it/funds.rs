//! The account's own money: what is there, what goes to the bank or to connected accounts, what comes back.

use serde_json::json;
use tollhouse_stripe::Method;

use crate::harness::{DAY, Stripe, id};

/// A charge of 20 dollars whose money is there at once: 19.12 after the fee.
fn earn(stripe: &Stripe) {
    let form = "amount=2000&currency=usd&confirm=true&payment_method=pm_card_bypassPending";
    stripe.post("/v1/payment_intents", form);
}

fn available(stripe: &Stripe) -> i64 {
    stripe.get("/v1/balance", "")["available"][0]["amount"].as_i64().unwrap()
}

#[test]
fn the_balance_counts_what_is_there_and_what_is_pending() {
    let stripe = Stripe::new();
    let since = stripe.event_count();
    earn(&stripe);
    assert!(stripe.types_after(since).contains(&"balance.available".to_owned()));
    stripe.post(
        "/v1/payment_intents",
        "amount=1000&currency=usd&confirm=true&payment_method=pm_card_visa",
    );
    let balance = stripe.get("/v1/balance", "");
    assert_eq!(balance["available"][0]["amount"], 1912);
    assert_eq!(balance["pending"][0]["amount"], 941);
    stripe.simulator.advance(2 * DAY);
    assert_eq!(available(&stripe), 1912 + 941);
}

#[test]
fn a_payout_arrives_a_day_later_unless_it_is_canceled() {
    let stripe = Stripe::new();
    let (_, error) = stripe.refused(Method::Post, "/v1/payouts", "amount=1100&currency=usd");
    assert_eq!(error["code"], "balance_insufficient");
    earn(&stripe);
    let since = stripe.event_count();
    let payout = stripe.post("/v1/payouts", "amount=1100&currency=usd&description=Rent");
    assert_eq!((&payout["status"], available(&stripe)), (&json!("pending"), 812));
    let path = format!("/v1/payouts/{}", id(&payout));
    stripe.post(&path, "metadata[a]=1");
    stripe.simulator.advance(DAY);
    assert_eq!(stripe.get(&path, "")["status"], "paid");
    assert_eq!(stripe.refused(Method::Post, &format!("{path}/cancel"), "").0, 400);
    let second = id(&stripe.post("/v1/payouts", "amount=800&currency=usd"));
    let canceled = stripe.post(&format!("/v1/payouts/{second}/cancel"), "");
    assert_eq!((&canceled["status"], available(&stripe)), (&json!("canceled"), 812));
    stripe.simulator.advance(DAY);
    assert_eq!(stripe.get("/v1/payouts", "status=paid")["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        stripe.types_after(since),
        ["payout.created", "payout.updated", "payout.paid", "payout.created", "payout.canceled"]
    );
}

#[test]
fn a_topup_is_there_five_days_later_unless_it_is_canceled() {
    let stripe = Stripe::new();
    let since = stripe.event_count();
    let topup = id(&stripe.post("/v1/topups", "amount=2000&currency=usd"));
    let other = id(&stripe.post("/v1/topups", "amount=500&currency=usd"));
    stripe.post(&format!("/v1/topups/{topup}"), "metadata[a]=1&description=Float");
    stripe.post(&format!("/v1/topups/{other}/cancel"), "");
    stripe.simulator.advance(5 * DAY);
    let arrived = stripe.get(&format!("/v1/topups/{topup}"), "");
    assert_eq!((&arrived["status"], available(&stripe)), (&json!("succeeded"), 2000));
    assert_eq!(stripe.refused(Method::Post, &format!("/v1/topups/{topup}/cancel"), "").0, 400);
    assert_eq!(stripe.get("/v1/topups", "")["data"].as_array().unwrap().len(), 2);
    let told = ["topup.created", "topup.created", "topup.canceled", "topup.succeeded"];
    assert_eq!(stripe.types_after(since), told);
}

#[test]
fn a_transfer_goes_to_a_connected_account_and_comes_back_in_part() {
    let stripe = Stripe::new();
    earn(&stripe);
    let account = id(&stripe.post("/v1/accounts", "type=express&email=shop@example.com"));
    let since = stripe.event_count();
    let form = format!("amount=1000&currency=usd&destination={account}");
    let transfer = id(&stripe.post("/v1/transfers", &form));
    assert_eq!(available(&stripe), 912);
    let path = format!("/v1/transfers/{transfer}");
    stripe.post(&path, "metadata[a]=1");
    let reversal = stripe.post(&format!("{path}/reversals"), "amount=100");
    assert_eq!((&reversal["transfer"], available(&stripe)), (&json!(transfer), 1012));
    assert_eq!(stripe.get(&path, "")["amount_reversed"], 100);
    let again = format!("{path}/reversals");
    assert_eq!(stripe.refused(Method::Post, &again, "amount=901").0, 400);
    stripe.post(&again, "");
    assert_eq!(stripe.get(&path, "")["reversed"], true);
    assert_eq!(stripe.get(&again, "")["data"].as_array().unwrap().len(), 2);
    assert_eq!(stripe.get(&format!("{again}/{}", id(&reversal)), ""), reversal);
    let listed = stripe.get("/v1/transfers", &format!("destination={account}"));
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    let told = ["transfer.created", "transfer.updated", "transfer.reversed", "transfer.reversed"];
    assert_eq!(stripe.types_after(since), told);
    let form = "amount=1&currency=usd&destination=acct_x";
    assert_eq!(stripe.refused(Method::Post, "/v1/transfers", form).0, 404);
}

#[test]
fn connected_accounts_are_changed_listed_and_let_go() {
    let stripe = Stripe::new();
    let since = stripe.event_count();
    let path = format!("/v1/accounts/{}", id(&stripe.post("/v1/accounts", "type=standard")));
    assert_eq!(stripe.post(&path, "metadata[a]=1")["metadata"]["a"], "1");
    assert_eq!(stripe.get("/v1/accounts", "")["data"][0]["type"], "standard");
    assert_eq!(stripe.delete(&path)["deleted"], true);
    assert_eq!(stripe.refused(Method::Get, &path, "").0, 404);
    assert_eq!(stripe.types_after(since), ["account.updated", "account.application.deauthorized"]);
}

#[test]
fn a_customers_bank_transfers_are_kept_as_their_cash_balance() {
    let stripe = Stripe::new();
    let customer = id(&stripe.post("/v1/customers", ""));
    let path = format!("/v1/customers/{customer}");
    assert_eq!(stripe.get(&format!("{path}/cash_balance"), "")["available"], json!(null));
    let fund = format!("/v1/test_helpers/customers/{customer}/fund_cash_balance");
    let since = stripe.event_count();
    stripe.post(&fund, "amount=1000&currency=usd");
    let second = stripe.post(&fund, "amount=500&currency=usd&reference=R1");
    assert_eq!(second["ending_balance"], 1500);
    let shown = stripe.get(&format!("{path}/cash_balance"), "");
    assert_eq!(shown["available"], json!({ "usd": 1500 }));
    let transactions = format!("{path}/cash_balance_transactions");
    assert_eq!(stripe.get(&transactions, "")["data"].as_array().unwrap().len(), 2);
    assert_eq!(stripe.get(&format!("{transactions}/{}", id(&second)), ""), second);
    let each = ["customer_cash_balance_transaction.created", "cash_balance.funds_available"];
    assert_eq!(stripe.types_after(since), [each, each].concat());
}
