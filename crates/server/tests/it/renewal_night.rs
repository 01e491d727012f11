//! Many renewals at once: Stripe is asked by its lists, a few times for all of them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};
use tollhouse_domain::id::TenantId;
use tollhouse_server::{App, tasks};
use tollhouse_stripe::{Answer, BoxFuture, Call, Failure, Gateway};

use crate::harness::{TestApp, on_both_databases};

const TENANTS: usize = 14;
const MONTH: i64 = 31 * 86_400;
const HOURS: i64 = 2 * 3600;

/// Counts the calls.
struct Counted {
    stripe: Arc<dyn Gateway>,
    calls: AtomicUsize,
}

impl Gateway for Counted {
    fn send<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Answer, Failure>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.stripe.send(call)
    }
}

async fn receive(app: &TestApp) -> usize {
    let due = app.simulator.due_deliveries();
    for delivery in &due {
        assert_eq!(app.deliver(delivery).await.status, 200);
        app.simulator.delivery_answered(&delivery.id, Some(200));
    }
    due.len()
}

/// The newest invoice of each tenant, in full.
async fn invoices(app: &TestApp, tenants: &[TenantId]) -> Vec<Value> {
    let mut invoices = Vec::new();
    for tenant in tenants {
        let path = format!("/api/v1/billing/tenants/{tenant}/invoices");
        let page = app.get(&path).bearer(&app.operator()).await.expect(200);
        let path = format!("{path}/{}", page["data"][0]["id"].as_str().unwrap());
        invoices.push(app.get(&path).bearer(&app.operator()).await.expect(200));
    }
    invoices
}

on_both_databases! {
    async fn a_night_of_renewals_needs_few_calls_and_leaves_nothing_out(app: &TestApp) {
        let mut tenants = Vec::new();
        for number in 0..TENANTS {
            tenants.push(app.subscriber(&format!("T{number}"), "pro").await);
            app.app.clock.advance(1);
        }
        let stripe: Arc<dyn Gateway> = Arc::new(app.simulator.gateway());
        let gateway = Arc::new(Counted { stripe, calls: AtomicUsize::new(0) });
        let counted = App::start(
            app.app.config.clone(), app.app.clock.clone(), Some(Arc::<Counted>::clone(&gateway)),
        ).await.unwrap();
        let mut deliveries = 0;
        for seconds in [MONTH, HOURS] {
            app.app.clock.advance(seconds);
            deliveries += receive(app).await;
            tasks::run_once(&counted).await.unwrap();
        }
        let calls = gateway.calls.load(Ordering::Relaxed);
        assert!(deliveries >= 8 * TENANTS && calls * 10 <= deliveries, "{calls} for {deliveries}");
        for (invoice, tenant) in invoices(app, &tenants).await.iter().zip(&tenants) {
            assert_eq!((&invoice["status"], &invoice["amount_paid"]), (&json!("paid"), &json!(29.0)));
            assert_eq!(invoice["payments"].as_array().unwrap().len(), 1, "{invoice}");
            let history = app.history(*tenant).await;
            for event in ["subscription.renewed", "invoice.paid"] {
                let times = if event == "invoice.paid" { 2 } else { 1 };
                assert_eq!(history.iter().filter(|known| *known == event).count(), times, "{history:?}");
            }
        }

        // What is given back of one of many is not overlooked.
        let payments = app.simulator.objects("invoice_payment");
        let paid = payments.last().unwrap();
        let intent = paid["payment"]["payment_intent"].as_str().unwrap();
        app.stripe("POST", "/v1/refunds", &[("payment_intent", intent), ("amount", "500")]).await;
        let renewed = invoices(app, &tenants).await;
        for invoice in &renewed {
            let path = format!("/v1/invoices/{}", invoice["stripe_invoice_id"].as_str().unwrap());
            app.stripe("POST", &path, &[("metadata[seen]", "yes")]).await;
        }
        gateway.calls.store(0, Ordering::Relaxed);
        let told = receive(app).await;
        tasks::run_once(&counted).await.unwrap();
        // The refund and its charge are followed to their invoice one by one: twenty calls, not four for each.
        let calls = gateway.calls.load(Ordering::Relaxed);
        assert!(calls < 2 * TENANTS, "{calls} for {told}");
        let refunded = invoices(app, &tenants).await;
        let refunded: Vec<&Value> =
            refunded.iter().filter(|invoice| invoice["refunded"] == json!(5.0)).collect();
        assert_eq!(refunded.len(), 1);
        assert_eq!(refunded[0]["stripe_invoice_id"], paid["invoice"]);
        counted.db.close().await;
        app.settle().await;
    }
}
