//! Previews of schedules, and of what does not exist yet: what is shown is what is billed later.

use serde_json::{Value, json};
use tollhouse_stripe::Method;

use crate::harness::{DAY, START, Stripe, id};

const HOUR: i64 = 3600;
const FEBRUARY: i64 = START + 31 * DAY;
const PATH: &str = "/v1/invoices/create_preview";

fn monthly(amount: i64) -> String {
    format!("unit_amount={amount}&recurring[interval]=month")
}

struct Case {
    stripe: Stripe,
    customer: String,
    subscription: String,
    schedule: String,
    /// 31 dollars a month, the present price.
    cheap: String,
    /// 62 dollars a month.
    dear: String,
}

impl Case {
    fn new() -> Self {
        let stripe = Stripe::new();
        let customer = stripe.customer_with("pm_card_visa");
        let (cheap, dear) = (stripe.price(&monthly(3100)), stripe.price(&monthly(6200)));
        let subscription = id(&stripe.subscribe(&customer, &cheap, ""));
        let form = format!("from_subscription={subscription}");
        let schedule = id(&stripe.post("/v1/subscription_schedules", &form));
        Self { stripe, customer, subscription, schedule, cheap, dear }
    }

    /// The present phase until `end`, and the dear price after it; `prefix` is where they stand.
    fn phases(&self, prefix: &str, end: i64, behavior: &str) -> String {
        let phases = if prefix.is_empty() { "phases".into() } else { format!("{prefix}[phases]") };
        format!(
            "{phases}[0][items][0][price]={}&{phases}[0][end_date]={end}\
             &{phases}[1][items][0][price]={}&{phases}[1][proration_behavior]={behavior}",
            self.cheap, self.dear
        )
    }

    fn preview(&self, more: &str) -> Value {
        self.stripe.post(PATH, &format!("schedule={}&{more}", self.schedule))
    }

    fn newest_invoice(&self) -> Value {
        self.stripe.get("/v1/invoices", "limit=1")["data"][0].clone()
    }
}

/// What makes two invoices the same to the one who pays.
fn essence(invoice: &Value) -> (Value, Vec<(Value, Value)>) {
    let lines = invoice["lines"]["data"].as_array().unwrap().iter();
    let lines = lines.map(|line| (line["description"].clone(), line["amount"].clone()));
    (invoice["total"].clone(), lines.collect())
}

#[test]
fn the_next_invoice_is_previewed_with_the_phases_as_they_would_be() {
    for (end, behavior, total, made_at) in [
        (FEBRUARY, "none", 6200, FEBRUARY),
        (START + 21 * DAY, "always_invoice", 1000, START + 21 * DAY),
        (START + 21 * DAY, "create_prorations", 6200 + 1000, FEBRUARY),
    ] {
        let case = Case::new();
        let before = case.stripe.event_count();
        let planned = case.preview(&case.phases("schedule_details", end, behavior));
        assert_eq!(case.stripe.event_count(), before, "nothing happened");
        assert_eq!(planned["total"], total, "{behavior}");
        assert_eq!(case.preview("")["total"], 3100, "the schedule itself is as it was");
        let path = format!("/v1/subscription_schedules/{}", case.schedule);
        case.stripe.post(&path, &case.phases("", end, behavior));
        let shown = case.preview("");
        let of_subscription =
            case.stripe.post(PATH, &format!("subscription={}", case.subscription));
        case.stripe.simulator.advance(made_at - START);
        let made = case.newest_invoice();
        for preview in [&planned, &shown, &of_subscription] {
            assert_eq!(essence(preview), essence(&made), "{behavior}");
        }
        assert_eq!(planned["created"], made_at);
    }
}

#[test]
fn a_schedule_that_cancels_has_no_renewal() {
    let case = Case::new();
    let form = format!("schedule={}&schedule_details[end_behavior]=cancel", case.schedule);
    let (status, error) = case.stripe.refused(Method::Post, PATH, &form);
    assert_eq!((status, &error["code"]), (404, &json!("invoice_upcoming_none")));
}

#[test]
fn the_first_invoice_of_what_does_not_exist_yet() {
    let case = Case::new();
    case.stripe.post("/v1/coupons", "id=HALF&percent_off=50&duration=once");
    let form = format!(
        "customer={}&{}&discounts[0][coupon]=HALF",
        case.customer,
        case.phases("schedule_details", FEBRUARY, "none")
    );
    let schedule = case.stripe.post(PATH, &form);
    assert_eq!((&schedule["subtotal"], &schedule["total"]), (&json!(3100), &json!(1550)));
    let form = format!(
        "customer={}&subscription_details[items][0][price]={}&discounts[0][coupon]=HALF",
        case.customer, case.dear
    );
    assert_eq!(case.stripe.post(PATH, &form)["total"], 3100);
    assert_eq!(case.stripe.get("/v1/coupons/HALF", "")["times_redeemed"], 0);
}

#[test]
fn of_a_customer_the_subscription_that_is_billed_next() {
    let case = Case::new();
    let weekly = case.stripe.price("unit_amount=700&recurring[interval]=week");
    let of_customer = format!("customer={}", case.customer);
    assert_eq!(case.stripe.post(PATH, &of_customer)["total"], 3100);
    case.stripe.subscribe(&case.customer, &weekly, "");
    let preview = case.stripe.post(PATH, &of_customer);
    assert_eq!(preview["total"], 700);
    assert_eq!(preview["next_payment_attempt"], START + 7 * DAY + HOUR);
    let nobody = id(&case.stripe.post("/v1/customers", ""));
    let (_, error) = case.stripe.refused(Method::Post, PATH, &format!("customer={nobody}"));
    assert_eq!(error["code"], "invoice_upcoming_none");
}

#[test]
fn a_subscription_is_previewed_by_itself_or_by_its_schedule() {
    let case = Case::new();
    let form = format!("schedule={}&subscription={}", case.schedule, case.subscription);
    let (_, error) = case.stripe.refused(Method::Post, PATH, &form);
    assert_eq!(error["code"], "parameters_exclusive");
    let wrong = case.phases("schedule_details", START, "none");
    let form = format!("schedule={}&{wrong}", case.schedule);
    let (_, error) = case.stripe.refused(Method::Post, PATH, &form);
    assert_eq!(error["param"], "schedule_details[phases][0][end_date]");
}

#[test]
fn a_new_subscription_is_previewed_with_its_anchor_and_its_end() {
    let case = Case::new();
    let new =
        format!("customer={}&subscription_details[items][0][price]={}", case.customer, case.cheap);
    for (more, total) in [
        (
            format!(
                "[billing_cycle_anchor][type]=timestamp&subscription_details[billing_cycle_anchor][timestamp]={}",
                START + 10 * DAY
            ),
            1000,
        ),
        (format!("[cancel_at]={}", START + 4 * DAY), 400),
        ("[cancel_at_period_end]=true".to_owned(), 3100),
        (format!("[trial_end]={}", START + DAY), 0),
    ] {
        let form = format!("{new}&subscription_details{more}");
        assert_eq!(case.stripe.post(PATH, &form)["total"], total, "{more}");
    }
    for more in
        ["[cancel_now]=true", "[proration_date]=5", "[billing_cycle_anchor][type]=timestamp"]
    {
        let form = format!("{new}&subscription_details{more}");
        assert_eq!(case.stripe.refused(Method::Post, PATH, &form).0, 400, "{more}");
    }
}
