//! A simulator on a clock the test holds; every answer and event checked against the schema.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use serde_json::Value;
use tollhouse_simulator::{Options, Simulator};
use tollhouse_stripe::{Answer, Call, Failure, Gateway, IdempotencyKey, Method, form};

use crate::schema;

/// 1 January 2027, 00:00 UTC.
pub const START: i64 = 1_798_761_600;
pub const DAY: i64 = 86_400;

pub struct Stripe {
    pub simulator: Simulator,
    pub wall: Arc<AtomicI64>,
}

impl Stripe {
    pub fn new() -> Self {
        Self::with_seed(1)
    }

    pub fn with_seed(seed: u64) -> Self {
        let wall = Arc::new(AtomicI64::new(START));
        let clock = Arc::clone(&wall);
        let simulator = Simulator::new(Options {
            seed,
            secret_key: "sk_test_tollhouse".to_owned(),
            base_url: "http://127.0.0.1:12111".to_owned(),
            wall_clock: Arc::new(move || clock.load(Ordering::SeqCst)),
        });
        Self { simulator, wall }
    }

    pub fn get(&self, path: &str, form: &str) -> Value {
        self.good(Method::Get, path, form)
    }

    pub fn post(&self, path: &str, form: &str) -> Value {
        self.good(Method::Post, path, form)
    }

    pub fn delete(&self, path: &str) -> Value {
        self.good(Method::Delete, path, "")
    }

    fn good(&self, method: Method, path: &str, form: &str) -> Value {
        let (status, body) = self.call(method, path, form);
        assert_eq!(status, 200, "{} {path} {form}: {body:#}", method.as_str());
        schema::check_answer(method.as_str(), path, &body);
        body
    }

    /// The status and the `error` of a call that must fail.
    pub fn refused(&self, method: Method, path: &str, form: &str) -> (u16, Value) {
        let (status, body) = self.call(method, path, form);
        assert!(status >= 400, "{} {path} {form} should fail: {body:#}", method.as_str());
        (status, body["error"].clone())
    }

    fn call(&self, method: Method, path: &str, form: &str) -> (u16, Value) {
        let answer = self.send(method, path, form, None).expect("an answer");
        (answer.status, serde_json::from_slice(&answer.body).expect("JSON"))
    }

    pub fn send(
        &self,
        method: Method,
        path: &str,
        form: &str,
        key: Option<&str>,
    ) -> Result<Answer, Failure> {
        let call = Call {
            method,
            path: path.to_owned(),
            params: form::decode(form),
            idempotency_key: key.map(|key| IdempotencyKey::new("test", key)),
        };
        // The simulator's gateway never waits.
        poll(self.simulator.gateway().send(&call))
    }

    /// A product sold at 29 dollars a month, or as `more` says.
    pub fn price(&self, more: &str) -> String {
        let more =
            if more.is_empty() { "unit_amount=2900&recurring[interval]=month" } else { more };
        let price = self.post("/v1/prices", &format!("currency=usd&product_data[name]=Pro&{more}"));
        id(&price)
    }

    pub fn session(&self, price: &str, more: &str) -> String {
        let form = format!(
            "mode=subscription&line_items[0][price]={price}&line_items[0][quantity]=1\
             &success_url=https://app.example/done?s={{CHECKOUT_SESSION_ID}}\
             &cancel_url=https://app.example/plans&{more}"
        );
        id(&self.post("/v1/checkout/sessions", &form))
    }

    /// A customer with a default card.
    pub fn customer_with(&self, card: &str) -> String {
        let customer = id(&self.post("/v1/customers", "email=ann@example.com&name=Ann"));
        let method = self
            .post(&format!("/v1/payment_methods/{card}/attach"), &format!("customer={customer}"));
        let form = format!("invoice_settings[default_payment_method]={}", id(&method));
        self.post(&format!("/v1/customers/{customer}"), &form);
        customer
    }

    pub fn subscribe(&self, customer: &str, price: &str, more: &str) -> Value {
        let form = format!("customer={customer}&items[0][price]={price}&{more}");
        self.post("/v1/subscriptions", &form)
    }

    /// Everything that happened since `since` events ago, oldest first; each checked.
    pub fn events_after(&self, since: usize) -> Vec<Value> {
        let events = self.simulator.objects("event").split_off(since);
        events.iter().for_each(schema::check_event);
        events
    }

    pub fn event_count(&self) -> usize {
        self.simulator.objects("event").len()
    }

    pub fn types_after(&self, since: usize) -> Vec<String> {
        let events = self.events_after(since);
        events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }
}

pub fn id(object: &Value) -> String {
    object["id"].as_str().expect("an id").to_owned()
}

/// The result of a future that is ready at once.
fn poll<T>(future: tollhouse_stripe::BoxFuture<'_, T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut future = future;
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the simulator's gateway waits for nothing"),
    }
}
