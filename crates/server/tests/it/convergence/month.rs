//! A month of a few tenants, and what becomes of its webhooks: late, twice, in any order, never.

use serde_json::Value;
use tollhouse_domain::id::TenantId;
use tollhouse_server::tasks;
use tollhouse_simulator::{Fault, FaultKind, Outgoing};
use tollhouse_stripe::{Gateway, Method, signature::sign};

use crate::{
    harness::TestApp,
    reconcile::{LONG_ENOUGH, lose_webhooks, newest_run, reconcile},
};

const HOUR: i64 = 3600;
const TENANTS: usize = 5;
/// In steps of six hours.
const STEPS: usize = 38 * 4;

/// A month of a few tenants; chance decides what they do, and what becomes of the webhooks.
pub struct Month<'a> {
    pub app: &'a TestApp,
    pub chance: fastrand::Rng,
    pub tenants: Vec<TenantId>,
    /// Webhooks on their way.
    pub on_their_way: Vec<Outgoing>,
    pub lost: usize,
}

impl Month<'_> {
    fn happens(&mut self, percent: u32) -> bool {
        self.chance.u32(0..100) < percent
    }

    pub async fn live(&mut self) {
        for step in 0..STEPS {
            if step < TENANTS * 3 && step % 3 == 0 {
                self.somebody_comes().await;
            }
            if self.happens(15) {
                self.somebody_acts().await;
            }
            // A fault costs real time: the client waits before it asks again.
            if step > TENANTS * 3 && self.happens(3) {
                let kind =
                    if self.chance.bool() { FaultKind::Error500 } else { FaultKind::Error429 };
                let (times, method) = (self.chance.u32(1..5), Some("GET".to_owned()));
                self.app.simulator.add_fault(Fault { kind, times, method, path: None });
            }
            self.app.app.clock.advance(6 * HOUR);
            self.hand_over_some().await;
            if self.happens(3) {
                reconcile(self.app, false).await;
            }
        }
    }

    async fn somebody_comes(&mut self) {
        let tenant = self.app.tenant(&format!("T{}", self.tenants.len())).await;
        let plan = if self.chance.bool() { "pro" } else { "enterprise" };
        let session = self.app.checkout(tenant, plan).await;
        if !self.happens(10) {
            self.app.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
        }
        self.tenants.push(tenant);
    }

    /// At Stripe, behind our back. What makes no sense at the moment Stripe refuses.
    async fn somebody_acts(&mut self) {
        let subscriptions = self.app.simulator.objects("subscription");
        let Some(subscription) = self.chance.choice(&subscriptions) else { return };
        let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
        let item = subscription["items"]["data"][0]["id"].as_str().unwrap();
        match self.chance.u32(0..9) {
            0 => self.pay_with(subscription, "pm_card_chargeCustomerFail").await,
            1 | 2 => self.pay_with(subscription, "pm_card_visa").await,
            3 => {
                let prices = self.app.simulator.objects("price");
                let of_a_month = |price: &&Value| {
                    ["pro_v1_month_usd", "enterprise_v1_month_usd"]
                        .iter()
                        .any(|key| price["lookup_key"] == *key)
                };
                let prices: Vec<&Value> = prices.iter().filter(of_a_month).collect();
                let price = self.chance.choice(&prices).unwrap()["id"].as_str().unwrap();
                let change = [
                    ("items[0][id]", item),
                    ("items[0][price]", price),
                    ("proration_behavior", "always_invoice"),
                ];
                self.ask_stripe("POST", &path, &change).await;
            }
            4 => {
                let seats = self.chance.u32(1..9).to_string();
                self.ask_stripe(
                    "POST",
                    &path,
                    &[("items[0][id]", item), ("items[0][quantity]", &seats)],
                )
                .await;
            }
            5 => {
                let end = self.chance.bool().to_string();
                self.ask_stripe("POST", &path, &[("cancel_at_period_end", &end)]).await;
            }
            6 => {
                self.ask_stripe("DELETE", &path, &[]).await;
            }
            7 => {
                let payments = self.app.simulator.objects("invoice_payment");
                let Some(payment) = self.chance.choice(&payments) else { return };
                let intent = payment["payment"]["payment_intent"].as_str().unwrap().to_owned();
                let amount = self.chance.u32(100..2000).to_string();
                self.ask_stripe(
                    "POST",
                    "/v1/refunds",
                    &[("payment_intent", &intent), ("amount", &amount)],
                )
                .await;
            }
            _ => {
                let invoices = self.app.simulator.objects("invoice");
                let Some(invoice) = self.chance.choice(&invoices) else { return };
                let note = [("invoice", invoice["id"].as_str().unwrap()), ("amount", "100")];
                self.ask_stripe("POST", "/v1/credit_notes", &note).await;
            }
        }
    }

    async fn pay_with(&mut self, subscription: &Value, card: &str) {
        let customer = subscription["customer"].as_str().unwrap();
        let path = format!("/v1/payment_methods/{card}/attach");
        let card = self.ask_stripe("POST", &path, &[("customer", customer)]).await;
        let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
        let card = card["id"].as_str().unwrap();
        self.ask_stripe("POST", &path, &[("default_payment_method", card)]).await;
    }

    async fn ask_stripe(&self, method: &str, path: &str, params: &[(&str, &str)]) -> Value {
        let call = tollhouse_stripe::Call {
            method: if method == "DELETE" { Method::Delete } else { Method::Post },
            path: path.to_owned(),
            params: params.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            idempotency_key: None,
        };
        let answer = self.app.simulator.gateway().send(&call).await.unwrap();
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// A quarter of the webhooks is lost, a quarter comes twice, and any may wait for days.
    async fn hand_over_some(&mut self) {
        for delivery in self.app.simulator.due_deliveries() {
            self.app.simulator.delivery_answered(&delivery.id, Some(200));
            match self.chance.u32(0..4) {
                0 => self.lost += 1,
                1 => self.on_their_way.extend([delivery.clone(), delivery]),
                _ => self.on_their_way.push(delivery),
            }
        }
        self.chance.shuffle(&mut self.on_their_way);
        let rest = self.chance.usize(0..=self.on_their_way.len());
        for delivery in self.on_their_way.split_off(rest) {
            self.deliver(&delivery).await;
        }
        tasks::run_once(&self.app.app).await.unwrap();
    }

    /// Signed at this moment, as each attempt of Stripe's is.
    async fn deliver(&self, delivery: &Outgoing) {
        let body = std::str::from_utf8(&delivery.body).unwrap();
        let now = self.app.app.clock.now().as_second();
        let header = sign(&self.app.webhook_secret, now, body.as_bytes());
        let post = self.app.post("/webhook/stripe").header("stripe-signature", &header);
        assert_eq!(post.text(body).await.status, 200);
    }

    /// Nothing happens any more; what is on its way comes, and what was lost is looked for.
    pub async fn come_to_rest(&mut self, full: bool) {
        for delivery in std::mem::take(&mut self.on_their_way) {
            self.deliver(&delivery).await;
        }
        for _ in 0..30 {
            // Stripe's own changes go on with time; their webhooks are lost, all of them.
            lose_webhooks(self.app);
            self.app.app.clock.advance(LONG_ENOUGH);
            let run = reconcile(self.app, full).await;
            let is_quiet = self.app.simulator.due_deliveries().is_empty();
            if run["state"] == "done" && run["changed"] == 0 && run["lost"] == 0 && is_quiet {
                return;
            }
        }
        panic!("no end: {}", newest_run(self.app).await);
    }
}
