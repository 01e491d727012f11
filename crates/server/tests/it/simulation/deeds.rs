//! Doing one step of a story: who asks, at which path, and what is remembered of the answer.

use serde_json::{Value, json};
use tollhouse_domain::actor::Role;
use tollhouse_simulator::{DeliveryFault, DeliveryFaultKind, Fault, FaultKind, Trouble};
use tollhouse_stripe::Method;

use super::{
    script::{Deed, Step},
    usage,
    world::{DAY, HOUR, World},
};
use crate::{
    harness::{Answer, CHECKOUT},
    reconcile::RECONCILE,
};

impl World {
    pub async fn play(&mut self, step: Step) {
        let tenant = step.tenant;
        match step.deed {
            Deed::Wait { hours } => self.wait(i64::from(hours) * HOUR).await,
            Deed::Report { .. }
            | Deed::Batch { .. }
            | Deed::Track { .. }
            | Deed::Reserve { .. }
            | Deed::Settle { .. }
            | Deed::Release
            | Deed::Check { .. } => usage::play(self, tenant, step.deed).await,
            Deed::Suspend
            | Deed::Reactivate
            | Deed::Terminate
            | Deed::Limit { .. }
            | Deed::Grant { .. }
            | Deed::Replay
            | Deed::Reconcile { .. } => self.operate(tenant, step.deed).await,
            Deed::CardFails
            | Deed::CardRecovers
            | Deed::Discount { .. }
            | Deed::Refund { .. }
            | Deed::CreditNote { .. }
            | Deed::EndAtStripe => self.befall(tenant, step.deed).await,
            Deed::Faults { .. }
            | Deed::Strays { .. }
            | Deed::Storm { .. }
            | Deed::Calm
            | Deed::DiesAtCall { .. }
            | Deed::DiesAtCommit { .. }
            | Deed::Restart => self.trouble(step.deed).await,
            deed => self.decide(tenant, deed).await,
        }
        self.turn().await;
    }

    /// As the tenant's admin.
    pub async fn admin(
        &mut self,
        tenant: usize,
        method: &'static str,
        rest: &str,
        body: Value,
    ) -> Option<Answer> {
        let token = self.app.token(Role::Admin, self.tenants[tenant]);
        let path = self.path(tenant, rest);
        self.ask(&token, method, &path, &body).await
    }

    async fn decide(&mut self, tenant: usize, deed: Deed) {
        let (method, rest, body) = match deed {
            Deed::Checkout { plan, interval, card } => {
                return self.check_out(tenant, (plan, interval), card).await;
            }
            Deed::CardOnFile { card } => return self.put_on_file(tenant, card).await,
            Deed::EndAddon => return self.end_addon(tenant).await,
            Deed::Start { plan, interval, seats, trial_days } => {
                let mut body =
                    json!({"plan": plan, "interval": interval, "trial_days": trial_days});
                if seats > 1 {
                    body["seats"] = json!(seats);
                }
                ("POST", "subscription", body)
            }
            Deed::ChangePlan { plan, interval, seats, when } => {
                let mut body = json!({"plan": plan, "interval": interval, "when": when});
                if plan == "enterprise" {
                    body["seats"] = json!(seats);
                }
                ("POST", "subscription/plan", body)
            }
            Deed::Seats { seats } => ("PATCH", "subscription", json!({ "seats": seats })),
            Deed::AutoRenew { on } => ("PATCH", "subscription", json!({ "auto_renew": on })),
            Deed::Cancel { at } => ("POST", "subscription/cancel", json!({ "at": at })),
            Deed::Resume => ("POST", "subscription/resume", json!({})),
            Deed::Pause => ("POST", "subscription/pause", json!({})),
            Deed::DropPending => ("DELETE", "subscription/pending", Value::Null),
            Deed::BuyAddon => ("POST", "addons", json!({"plan": "extra_storage"})),
            Deed::Claim { resource } => return self.claim(tenant, resource).await,
            Deed::GiveBack { resource } => return self.give_back(tenant, resource).await,
            other => unreachable!("{other:?} is nobody's decision"),
        };
        self.admin(tenant, method, rest, body).await;
    }

    async fn check_out(
        &mut self,
        tenant: usize,
        (plan, interval): (&str, &str),
        card: Option<&str>,
    ) {
        let token = self.app.token(Role::Owner, self.tenants[tenant]);
        let order = json!({"plan": plan, "interval": interval,
            "success_url": "http://localhost:3000/done", "cancel_url": "http://localhost:3000/"});
        let Some(answer) = self.ask(&token, "POST", CHECKOUT, &order).await else { return };
        if let (200, Some(card)) = (answer.status, card) {
            let page = answer.json();
            // A page that was closed meanwhile, or a card that is declined, is refused.
            let _ =
                self.app.simulator.complete_checkout(page["session_id"].as_str().unwrap(), card);
        }
    }

    async fn put_on_file(&mut self, tenant: usize, card: &str) {
        self.admin(tenant, "POST", "payment-methods/setup-intent", Value::Null).await;
        let Some(customer) = self.customer(tenant) else { return };
        let attach = format!("/v1/payment_methods/{card}/attach");
        let own = [("customer", customer.as_str())];
        let Some(card) = self.at_stripe(Method::Post, &attach, &own).await else { return };
        let rest = format!("payment-methods/{}/default", card["id"].as_str().unwrap());
        self.admin(tenant, "POST", &rest, Value::Null).await;
    }

    async fn end_addon(&mut self, tenant: usize) {
        let Some(answer) = self.admin(tenant, "GET", "addons", Value::Null).await else { return };
        if let Some(id) = answer.json()["data"][0]["id"].as_str() {
            self.admin(tenant, "DELETE", &format!("addons/{id}"), Value::Null).await;
        }
    }

    async fn claim(&mut self, tenant: usize, resource: u32) {
        let device = format!("device-{resource}");
        let body = json!({"tier": "edge", "resource_id": device});
        let answer = self.admin(tenant, "POST", "slots", body).await;
        if answer.is_some_and(|answer| answer.status < 300) {
            self.told[tenant].devices.insert(device);
        }
    }

    async fn give_back(&mut self, tenant: usize, resource: u32) {
        let device = format!("device-{resource}");
        let rest = format!("slots/edge/{device}");
        let answer = self.admin(tenant, "DELETE", &rest, Value::Null).await;
        if answer.is_some_and(|answer| answer.status < 300) {
            self.told[tenant].devices.remove(&device);
        }
    }

    async fn operate(&mut self, tenant: usize, deed: Deed) {
        let own = |what: &str| format!("/api/v1/stripe/tenants/{}{what}", self.tenants[tenant]);
        let reason = json!({"reason": "did not answer"});
        let (method, path, body) = match deed {
            Deed::Suspend => ("POST", own("/suspend"), reason),
            Deed::Terminate => ("POST", own("/terminate"), reason),
            Deed::Reactivate => ("POST", own("/reactivate"), Value::Null),
            Deed::Limit { max } => {
                let limit = json!({"meter": "inference", "per": "day", "max": max, "hard": true});
                ("PATCH", own(""), json!({"overrides": {"limits": [limit]}}))
            }
            Deed::Grant { amount, days } => {
                let mut body = json!({ "amount": amount });
                if days > 0 {
                    body["expires_at"] = json!(self.now().plus_days(i64::from(days)));
                }
                ("POST", self.path(tenant, "credits/grants"), body)
            }
            Deed::Replay => {
                let body = json!({"state": "done"});
                ("POST", "/api/v1/admin/deliveries/replay".to_owned(), body)
            }
            Deed::Reconcile { full } => ("POST", RECONCILE.to_owned(), json!({ "full": full })),
            other => unreachable!("{other:?} is no operator's"),
        };
        let operator = self.app.operator();
        let answer = self.ask(&operator, method, &path, &body).await;
        let Some(answer) = answer.filter(|answer| answer.status < 300) else { return };
        let told = &mut self.told[tenant];
        match deed {
            Deed::Limit { max } => told.limit = Some(max),
            Deed::Grant { amount, .. } => told.granted += u64::from(amount),
            Deed::Suspend | Deed::Reactivate | Deed::Terminate => {
                told.standing = match answer.json()["status"].as_str().unwrap() {
                    "active" => "active",
                    "suspended" => "suspended",
                    _ => "terminated",
                };
            }
            _ => {}
        }
    }

    async fn befall(&mut self, tenant: usize, deed: Deed) {
        let live = self.live_subscriptions(tenant);
        let of = |it: &Value| format!("/v1/subscriptions/{}", it["id"].as_str().unwrap());
        match deed {
            Deed::CardFails => self.pay_with(tenant, "pm_card_chargeCustomerFail").await,
            Deed::CardRecovers => self.pay_with(tenant, "pm_card_visa").await,
            Deed::Discount { coupon } => {
                let Some(one) = live.first() else { return };
                let discount = [("discounts[0][coupon]", coupon)];
                self.at_stripe(Method::Post, &of(one), &discount).await;
            }
            Deed::EndAtStripe => {
                let Some(one) = live.last() else { return };
                self.at_stripe(Method::Delete, &of(one), &[]).await;
            }
            Deed::Refund { amount } => {
                let charges = self.objects_of(tenant, "charge");
                let Some(charge) = charges.last() else { return };
                let (charge, amount) = (charge["id"].as_str().unwrap(), amount.to_string());
                let refund = [("charge", charge), ("amount", &amount)];
                self.at_stripe(Method::Post, "/v1/refunds", &refund).await;
            }
            Deed::CreditNote { amount } => {
                let invoices = self.objects_of(tenant, "invoice");
                let Some(invoice) = invoices.last() else { return };
                let (invoice, amount) = (invoice["id"].as_str().unwrap(), amount.to_string());
                let note = [("invoice", invoice), ("amount", &amount)];
                self.at_stripe(Method::Post, "/v1/credit_notes", &note).await;
            }
            other => unreachable!("{other:?} befalls nobody"),
        }
    }

    /// Every subscription of the tenant's is paid with another card from now on.
    async fn pay_with(&mut self, tenant: usize, card: &str) {
        let Some(customer) = self.customer(tenant) else { return };
        let attach = format!("/v1/payment_methods/{card}/attach");
        let own = [("customer", customer.as_str())];
        let Some(card) = self.at_stripe(Method::Post, &attach, &own).await else { return };
        let card = [("default_payment_method", card["id"].as_str().unwrap())];
        for one in self.live_subscriptions(tenant) {
            let path = format!("/v1/subscriptions/{}", one["id"].as_str().unwrap());
            self.at_stripe(Method::Post, &path, &card).await;
        }
    }

    async fn trouble(&mut self, deed: Deed) {
        self.is_troubled = true;
        let simulator = &self.app.simulator;
        match deed {
            Deed::Faults { kind, times } => {
                let kind = match kind {
                    "error_500" => FaultKind::Error500,
                    "error_429" => FaultKind::Error429,
                    "error_409" => FaultKind::Error409,
                    "unreachable" => FaultKind::Unreachable,
                    _ => FaultKind::DoneButUnanswered,
                };
                simulator.add_fault(Fault { kind, times, method: None, path: None });
            }
            Deed::Strays { kind, times } => {
                let kind = match kind {
                    "duplicate" => DeliveryFaultKind::Duplicate,
                    "drop" => DeliveryFaultKind::Drop,
                    "reverse" => DeliveryFaultKind::Reverse,
                    "delay" => DeliveryFaultKind::Delay,
                    _ => DeliveryFaultKind::UnknownStatus,
                };
                simulator.add_delivery_fault(DeliveryFault { kind, times });
            }
            Deed::Storm { seed, percent } => simulator.add_trouble(Trouble { seed, percent }),
            Deed::DiesAtCall { call, worked } => self.process.dies_at_call(call, worked),
            Deed::DiesAtCommit { commit } => self.process.dies_at_commit(commit),
            Deed::Restart => self.rise().await,
            Deed::Calm => self.calm().await,
            other => unreachable!("{other:?} is no trouble"),
        }
    }

    /// Trouble stops, and its traces are looked for until there are none.
    pub async fn calm(&mut self) {
        self.stop_trouble().await;
        let operator = self.app.operator();
        for round in 0..30 {
            // A delivery that failed often is tried again within an hour.
            self.wait(if round < 3 { 600 } else { 2 * HOUR }).await;
            let full = json!({"full": true});
            self.ask(&operator, "POST", RECONCILE, &full).await;
            self.turn().await;
            let run = crate::reconcile::newest_run(&self.app).await;
            let is_quiet = run["state"] == "done" && run["changed"] == 0 && run["lost"] == 0;
            if is_quiet && self.is_settled().await && round > 2 {
                self.is_troubled = false;
                return;
            }
        }
        let run = crate::reconcile::newest_run(&self.app).await;
        panic!("no end after {} days: {run}", 30 * 2 * HOUR / DAY);
    }
}
