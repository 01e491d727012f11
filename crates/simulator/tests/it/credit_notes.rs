//! Credit notes: off an open invoice first, and the rest exactly where the caller says.

use serde_json::{Value, json};
use tollhouse_stripe::Method;

use crate::harness::{DAY, Stripe, id};

const HOUR: i64 = 3600;
const PATH: &str = "/v1/credit_notes";

struct Case {
    stripe: Stripe,
    customer: String,
    subscription: String,
    invoice: String,
}

impl Case {
    /// Three seats at ten dollars, with what `more` says.
    fn paid(more: &str) -> Self {
        let stripe = Stripe::new();
        let customer = stripe.customer_with("pm_card_visa");
        let price = stripe.price("unit_amount=1000&recurring[interval]=month");
        let form = format!("items[0][quantity]=3&{more}");
        let subscription = stripe.subscribe(&customer, &price, &form);
        let invoice = subscription["latest_invoice"].as_str().unwrap().to_owned();
        Self { stripe, customer, subscription: id(&subscription), invoice }
    }

    /// The same, and its first renewal failed.
    fn late() -> Self {
        let case = Self::paid("");
        let card = case.stripe.post(
            "/v1/payment_methods/pm_card_chargeCustomerFail/attach",
            &format!("customer={}", case.customer),
        );
        let path = format!("/v1/customers/{}", case.customer);
        let form = format!("invoice_settings[default_payment_method]={}", id(&card));
        case.stripe.post(&path, &form);
        case.stripe.simulator.advance(31 * DAY + HOUR);
        let invoice = id(&case.stripe.get("/v1/invoices", "limit=1")["data"][0]);
        assert_eq!(case.status(), "past_due");
        Self { invoice, ..case }
    }

    fn form(&self, more: &str) -> String {
        format!("invoice={}&{more}", self.invoice)
    }

    fn status(&self) -> Value {
        let path = format!("/v1/subscriptions/{}", self.subscription);
        self.stripe.get(&path, "")["status"].clone()
    }

    fn invoice(&self, more: &str) -> Value {
        self.stripe.get(&format!("/v1/invoices/{}", self.invoice), more)
    }

    fn balance(&self) -> Value {
        self.stripe.get(&format!("/v1/customers/{}", self.customer), "")["balance"].clone()
    }
}

#[test]
fn a_paid_invoice_is_split_over_card_balance_and_elsewhere() {
    let case = Case::paid("");
    let before = case.stripe.event_count();
    let form = case.form(
        "amount=1000&refund_amount=500&credit_amount=300&out_of_band_amount=200\
         &reason=order_change&memo=Sorry&metadata[ticket]=7",
    );
    let preview = case.stripe.get(&format!("{PATH}/preview"), &form);
    assert_eq!(case.stripe.event_count(), before, "nothing happened");
    let note = case.stripe.post(PATH, &format!("{form}&expand[]=refunds.refund"));
    assert_eq!(
        case.stripe.types_after(before),
        [
            "refund.created",
            "charge.refunded",
            "customer.updated",
            "credit_note.created",
            "invoice.updated"
        ]
    );
    for (field, expected) in [
        ("amount", json!(1000)),
        ("pre_payment_amount", json!(0)),
        ("post_payment_amount", json!(1000)),
        ("out_of_band_amount", json!(200)),
        ("type", json!("post_payment")),
        ("status", json!("issued")),
        ("memo", json!("Sorry")),
        ("metadata", json!({"ticket": "7"})),
    ] {
        assert_eq!((&note[field], &preview[field]), (&expected, &expected), "{field}");
    }
    assert!(note["number"].as_str().unwrap().ends_with("-0001-CN-01"));
    assert_eq!(note["refunds"][0]["refund"]["amount"], 500);
    assert_eq!(case.balance(), -300);
    let invoice = case.invoice("");
    assert_eq!(
        (&invoice["post_payment_credit_notes_amount"], &invoice["amount_paid"]),
        (&json!(1000), &json!(3000))
    );
    let path = format!("{PATH}/{}", id(&note));
    assert_eq!(case.stripe.refused(Method::Post, &format!("{path}/void"), "").0, 400);
    let before = case.stripe.event_count();
    assert_eq!(case.stripe.post(&path, "memo=Very sorry")["memo"], "Very sorry");
    assert_eq!(case.stripe.types_after(before), ["credit_note.updated"]);
    let again = case.stripe.post(PATH, &case.form("amount=2000&refund_amount=2000"));
    assert!(again["number"].as_str().unwrap().ends_with("-0001-CN-02"));
    let listed = case.stripe.get(PATH, &format!("invoice={}", case.invoice));
    assert_eq!((&listed["data"][0]["id"], &listed["data"][1]["id"]), (&again["id"], &note["id"]));
    assert_eq!(case.stripe.get(PATH, "customer=cus_other")["data"], json!([]));
}

#[test]
fn lines_bring_their_part_of_discount_and_tax() {
    let stripe = Stripe::new();
    let rate = id(&stripe.post("/v1/tax_rates", "display_name=VAT&percentage=20&inclusive=false"));
    stripe.post("/v1/coupons", "id=TEN&percent_off=10&duration=once");
    let customer = stripe.customer_with("pm_card_visa");
    let price = stripe.price("unit_amount=1000&recurring[interval]=month");
    let form = format!(
        "items[0][quantity]=3&default_tax_rates[0]={rate}&discounts[0][coupon]=TEN\
         &expand[]=latest_invoice"
    );
    let invoice = stripe.subscribe(&customer, &price, &form)["latest_invoice"].clone();
    assert_eq!(invoice["total"], 3240);
    let line = id(&invoice["lines"]["data"][0]);
    let form = format!(
        "invoice={}&lines[0][type]=invoice_line_item&lines[0][invoice_line_item]={line}\
         &lines[0][quantity]=2&lines[1][type]=custom_line_item&lines[1][description]=Goodwill\
         &lines[1][unit_amount]=50&lines[1][quantity]=2&lines[1][tax_rates][0]={rate}\
         &credit_amount=2280",
        id(&invoice)
    );
    let note = stripe.post(PATH, &form);
    let shown = |field: &str| note[field].as_i64().unwrap();
    assert_eq!(
        [shown("subtotal"), shown("discount_amount"), shown("total_excluding_tax"), shown("total"),],
        [2100, 200, 1900, 2280]
    );
    assert_eq!(note["total_taxes"][0]["amount"], 380);
    let path = format!("{PATH}/{}/lines", id(&note));
    let first = stripe.get(&path, "limit=1");
    assert_eq!(first["data"][0]["invoice_line_item"], line.as_str());
    let rest = stripe.get(&path, &format!("starting_after={}", id(&first["data"][0])));
    assert_eq!(rest["data"][0]["description"], "Goodwill");
    let more = format!(
        "invoice={}&lines[0][type]=invoice_line_item&lines[0][invoice_line_item]={line}\
         &lines[0][amount]=1000&credit_amount=1080",
        id(&invoice)
    );
    let (_, error) = stripe.refused(Method::Post, PATH, &more);
    assert_eq!(error["param"], "amount", "the invoice has 960 left: {error}");
    let more = more.replace("[amount]=1000", "[amount]=1001");
    let (_, error) = stripe.refused(Method::Post, PATH, &more);
    assert_eq!(error["param"], "lines[0][invoice_line_item]", "the line has 1000 left: {error}");
    let preview = format!(
        "invoice={}&lines[0][type]=invoice_line_item&lines[0][invoice_line_item]={line}\
         &lines[0][amount]=500&credit_amount=540",
        id(&invoice)
    );
    let lines = stripe.get(&format!("{PATH}/preview/lines"), &preview);
    assert_eq!(lines["data"][0]["taxes"][0]["amount"], 90);
}

#[test]
fn an_open_invoice_asks_for_less_and_for_more_again() {
    let case = Case::late();
    let before = case.stripe.event_count();
    let note = case.stripe.post(PATH, &case.form("amount=1200"));
    assert_eq!((&note["type"], &note["pre_payment_amount"]), (&json!("pre_payment"), &json!(1200)));
    assert_eq!(case.stripe.types_after(before), ["credit_note.created", "invoice.updated"]);
    let invoice = case.invoice("expand[]=payments.data.payment.payment_intent");
    assert_eq!(
        (&invoice["amount_due"], &invoice["amount_remaining"], &invoice["total"]),
        (&json!(1800), &json!(1800), &json!(3000))
    );
    assert_eq!(invoice["payments"]["data"][0]["payment"]["payment_intent"]["amount"], 1800);
    let void = format!("{PATH}/{}/void", id(&note));
    let before = case.stripe.event_count();
    assert_eq!(case.stripe.post(&void, "")["status"], "void");
    assert_eq!(case.stripe.types_after(before), ["credit_note.voided", "invoice.updated"]);
    assert_eq!(case.invoice("")["amount_remaining"], 3000);
    assert_eq!(case.stripe.refused(Method::Post, &void, "").0, 400);
}

#[test]
fn an_open_invoice_that_is_credited_whole_is_paid() {
    let case = Case::late();
    let before = case.stripe.event_count();
    case.stripe.post(PATH, &case.form("amount=3000"));
    assert_eq!(
        case.stripe.types_after(before),
        [
            "customer.updated",
            "credit_note.created",
            "payment_intent.canceled",
            "invoice.updated",
            "invoice.paid",
            "invoice.payment_succeeded",
            "customer.subscription.updated",
        ]
    );
    let invoice = case.invoice("");
    assert_eq!(
        (&invoice["status"], &invoice["amount_due"], &invoice["amount_paid"]),
        (&json!("paid"), &json!(0), &json!(0))
    );
    assert_eq!(case.status(), "active");
}

#[test]
fn what_cannot_be_credited_is_refused() {
    let case = Case::paid("");
    for (form, param) in [
        ("", json!("amount")),
        ("amount=0", json!("amount")),
        ("amount=3001&refund_amount=3001", json!("amount")),
        ("amount=1000&refund_amount=999", json!(null)),
        ("amount=1000", json!(null)),
        ("amount=1000&credit_amount=-5&out_of_band_amount=1005", json!("credit_amount")),
        ("amount=10&lines[0][type]=custom_line_item", json!(null)),
        ("lines[0][type]=invoice_line_item", json!("lines[0][invoice_line_item]")),
        ("lines[0][type]=custom_line_item", json!("lines[0][unit_amount]")),
        ("amount=10&refunds[0][refund]=re_1", json!("refunds[0][refund]")),
    ] {
        let (_, error) = case.stripe.refused(Method::Post, PATH, &case.form(form));
        assert_eq!(error["param"], param, "{form}: {error}");
    }
    let intent =
        case.invoice("expand[]=payments")["payments"]["data"][0]["payment"]["payment_intent"]
            .clone();
    let form = format!("payment_intent={}&amount=2500", intent.as_str().unwrap());
    case.stripe.post("/v1/refunds", &form);
    let form = case.form("amount=1000&refund_amount=1000");
    let (_, error) = case.stripe.refused(Method::Post, PATH, &form);
    assert_eq!(error["param"], "refund_amount", "the charge has 500 left");
    case.stripe.simulator.advance(31 * DAY);
    let draft = id(&case.stripe.get("/v1/invoices", "limit=1")["data"][0]);
    let (_, error) =
        case.stripe.refused(Method::Post, PATH, &format!("invoice={draft}&amount=100"));
    assert_eq!(error["param"], "invoice");
}

#[test]
fn a_refund_that_was_there_before_gets_its_paper() {
    let case = Case::paid("");
    let payments = case.invoice("expand[]=payments")["payments"]["data"].clone();
    let intent = payments[0]["payment"]["payment_intent"].as_str().unwrap().to_owned();
    let form = format!("payment_intent={intent}&amount=1000");
    let refund = id(&case.stripe.post("/v1/refunds", &form));
    let link = |amount: i64| {
        case.form(&format!(
            "amount={}&refunds[0][refund]={refund}&refunds[0][amount_refunded]={amount}\
             &refund_amount=200",
            amount + 200
        ))
    };
    let before = case.stripe.event_count();
    let note = case.stripe.post(PATH, &link(700));
    assert_eq!(
        case.stripe.types_after(before),
        ["refund.created", "charge.refunded", "credit_note.created", "invoice.updated"]
    );
    assert_eq!(note["post_payment_amount"], 900);
    let shown = note["refunds"].as_array().unwrap();
    assert_eq!((&shown[0]["refund"], &shown[0]["amount_refunded"]), (&json!(refund), &json!(700)));
    assert_eq!(shown[1]["amount_refunded"], 200);
    let (_, error) = case.stripe.refused(Method::Post, PATH, &link(301));
    assert_eq!(error["param"], "refunds[0][amount_refunded]");
    let other = Case::paid("");
    let (_, error) = other.stripe.refused(Method::Post, PATH, &other.form("amount=5"));
    assert_eq!(error["param"], json!(null), "nothing says where it goes");
    case.stripe.post(PATH, &link(300));
    let second = case.stripe.subscribe(&case.customer, &case.stripe.price(""), "");
    let form = format!(
        "invoice={}&amount=100&refunds[0][refund]={refund}",
        second["latest_invoice"].as_str().unwrap()
    );
    let (_, error) = case.stripe.refused(Method::Post, PATH, &form);
    assert_eq!(error["param"], "refunds[0][refund]", "of another charge");
}
