//! A month of business whose webhooks come late, twice, in any order or never: after a comparison with Stripe
//! our tables say what Stripe has, and the history tells it once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tollhouse_domain::{id::TenantId, time::Timestamp};
use tollhouse_server::{
    db::Json,
    invoices::{parts, queries as invoices},
    subscriptions::queries as subscriptions,
    tasks,
};
use tollhouse_simulator::{Fault, FaultKind, Outgoing};
use tollhouse_stripe::{Gateway, InvoiceId, Method, SubscriptionId, signature::sign};

use crate::{
    harness::{Database, Kind, TestApp},
    reconcile::{LONG_ENOUGH, newest_run, reconcile},
};

const HOUR: i64 = 3600;
const TENANTS: usize = 5;
/// In steps of six hours.
const STEPS: usize = 38 * 4;

/// A month of a few tenants; chance decides what they do, and what becomes of the webhooks.
struct Month<'a> {
    app: &'a TestApp,
    chance: fastrand::Rng,
    tenants: Vec<TenantId>,
    /// Webhooks on their way.
    on_their_way: Vec<Outgoing>,
    lost: usize,
}

impl Month<'_> {
    fn happens(&mut self, percent: u32) -> bool {
        self.chance.u32(0..100) < percent
    }

    async fn live(&mut self) {
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
    async fn come_to_rest(&mut self, full: bool) {
        for delivery in std::mem::take(&mut self.on_their_way) {
            self.deliver(&delivery).await;
        }
        for _ in 0..30 {
            // Stripe's own changes go on with time; their webhooks are lost, all of them.
            crate::reconcile::lose_webhooks(self.app);
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

async fn assert_subscriptions_are_stripes(app: &TestApp) {
    let conn = &mut app.app.db.read().await.unwrap();
    for stripes in app.simulator.objects("subscription") {
        let id = SubscriptionId::new(stripes["id"].as_str().unwrap());
        let ours = subscriptions::find_shown(conn, &id).await.unwrap().unwrap();
        assert_same(&ours.stripe_object, &stripes, &["default_payment_method", "discounts"]);
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

async fn assert_invoices_are_stripes(app: &TestApp) {
    let conn = &mut app.app.db.read().await.unwrap();
    let (payments, refunds) =
        (app.simulator.objects("invoice_payment"), app.simulator.objects("refund"));
    let notes = app.simulator.objects("credit_note");
    for stripes in app.simulator.objects("invoice") {
        let id = InvoiceId::new(stripes["id"].as_str().unwrap());
        let ours = invoices::find_shown(conn, &id).await.unwrap().unwrap();
        assert_same(&ours.stripe_object, &stripes, &[]);
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

/// Every event of a tenant, oldest first.
async fn history(app: &TestApp, tenant: TenantId) -> Vec<Value> {
    let mut events = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/billing/tenants/{tenant}/events?limit=100{cursor}");
        let page = app.get(&path).bearer(&app.operator()).await.expect(200);
        events.extend(page["data"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    events.reverse();
    events
}

/// What can only happen once to one thing.
const ONCE: [&str; 10] = [
    "tenant.created",
    "tenant.customer_linked",
    "checkout.started",
    "checkout.completed",
    "subscription.created",
    "subscription.canceled",
    "invoice.created",
    "invoice.finalized",
    "invoice.paid",
    "invoice.voided",
];
/// After these nothing happens to it any more.
const LAST: [&str; 3] = ["subscription.canceled", "subscription.expired", "invoice.voided"];

fn assert_told_once(events: &[Value]) {
    let mut told: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut over: BTreeSet<String> = BTreeSet::new();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event["sequence"], index + 1, "numbers have no gaps");
        let (kind, subject) = (event["type"].as_str().unwrap(), event["subject"].to_string());
        assert!(!over.contains(&subject), "after its end: {event}");
        *told.entry((kind.to_owned(), subject.clone())).or_default() += 1;
        if LAST.contains(&kind) {
            over.insert(subject);
        }
    }
    for ((kind, subject), times) in told {
        assert!(
            times == 1 || !ONCE.contains(&kind.as_str()),
            "{kind} of {subject} was told {times} times"
        );
    }
}

/// The story of each thing ends where Stripe says that it is.
async fn assert_told_to_the_end(app: &TestApp, events: &[Value]) {
    let conn = &mut app.app.db.read().await.unwrap();
    let is_told = |kind: &str, id: &str| {
        events.iter().any(|event| event["type"] == kind && event["subject"]["id"] == id)
    };
    for stripes in app.simulator.objects("subscription") {
        let id = SubscriptionId::new(stripes["id"].as_str().unwrap());
        let ours = subscriptions::find_shown(conn, &id).await.unwrap().unwrap();
        let ours = ours.id.to_string();
        assert!(is_told("subscription.created", &ours));
        assert_eq!(is_told("subscription.canceled", &ours), stripes["status"] == "canceled");
    }
    for stripes in app.simulator.objects("invoice") {
        let id = InvoiceId::new(stripes["id"].as_str().unwrap());
        let ours = invoices::find_shown(conn, &id).await.unwrap().unwrap().id.to_string();
        assert!(is_told("invoice.created", &ours));
        assert_eq!(is_told("invoice.paid", &ours), stripes["status"] == "paid", "{stripes}");
        assert_eq!(is_told("invoice.voided", &ours), stripes["status"] == "void");
    }
    for refund in app.simulator.objects("refund") {
        let told =
            events.iter().filter(|event| event["data"]["stripe_refund_id"] == refund["id"]).count();
        assert_eq!(told, 1, "{refund}");
    }
}

async fn a_month_ends_as_stripe_has_it(kind: Kind, seed: u64) {
    let app = TestApp::start_with(Database::create(kind).await, |_| {}).await;
    let chance = fastrand::Rng::with_seed(seed);
    let mut month =
        Month { app: &app, chance, tenants: Vec::new(), on_their_way: Vec::new(), lost: 0 };
    reconcile(&app, false).await;
    month.live().await;
    assert!(month.lost > 20, "{} webhooks were lost", month.lost);
    // Stripe's events are enough by themselves, and so are the objects.
    month.come_to_rest(seed.is_multiple_of(2)).await;
    assert_subscriptions_are_stripes(&app).await;
    assert_invoices_are_stripes(&app).await;
    let mut everything = Vec::new();
    for tenant in &month.tenants {
        let events = history(&app, *tenant).await;
        assert_told_once(&events);
        everything.extend(events);
    }
    assert_told_to_the_end(&app, &everything).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    for seed in 0..6 {
        a_month_ends_as_stripe_has_it(Kind::Sqlite, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    for seed in 100..104 {
        a_month_ends_as_stripe_has_it(Kind::Postgres, seed).await;
    }
}
