//! Whoever dies, and wherever: usage is billed once.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::json;
use tokio::sync::Notify;
use tollhouse_domain::id::TenantId;
use tollhouse_server::export::{actions::cut, tasks::export_usage};
use tollhouse_stripe::{Answer, BoxFuture, Call, Failure, Gateway};

use super::{
    DAY, HOUR, LONG_ENOUGH, another, at_stripe, backlog, customer, meter_events, use_calls,
};
use crate::harness::{TestApp, on_both_databases};

/// Until another process takes over what one had in hand.
const CLAIM: i64 = 301;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Dies {
    BeforeStripeHears,
    BeforeTheAnswerComes,
}

/// The process dies at its `last` report of usage: it never comes back from it.
struct Dying {
    stripe: Arc<dyn Gateway>,
    dies: Dies,
    left: AtomicUsize,
    over: Arc<Notify>,
}

impl Gateway for Dying {
    fn send<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            let is_report = call.path == "/v1/billing/meter_events";
            if !is_report || self.left.fetch_sub(1, Ordering::SeqCst) != 1 {
                return self.stripe.send(call).await;
            }
            if self.dies == Dies::BeforeTheAnswerComes {
                self.stripe.send(call).await?;
            }
            self.over.notify_one();
            std::future::pending().await
        })
    }
}

/// A process that works until it dies at its report of that number.
async fn work_until_death(app: &TestApp, dies: Dies, report: usize) {
    let over = Arc::new(Notify::new());
    let stripe: Arc<dyn Gateway> = Arc::new(app.simulator.gateway());
    let dying = Dying { stripe, dies, left: AtomicUsize::new(report), over: Arc::clone(&over) };
    let process = another(app, Arc::new(dying)).await;
    let work = tokio::spawn(export_usage(Arc::clone(&process)));
    over.notified().await;
    work.abort();
    let _ = work.await;
    process.db.close().await;
}

/// Calls in three hours of a subscriber.
async fn three_hours(app: &TestApp, tenant: TenantId) {
    for quantity in [1, 20, 300] {
        use_calls(app, tenant, json!(quantity), 0).await;
        app.app.clock.advance(HOUR);
    }
}

on_both_databases! {
    async fn a_process_that_dies_between_any_two_steps(app: &TestApp) {
        let tenant = app.subscriber("Acme", "metered").await;
        let mut expected = 0;
        for dies in [Dies::BeforeStripeHears, Dies::BeforeTheAnswerComes] {
            for report in [1, 2, 3] {
                three_hours(app, tenant).await;
                work_until_death(app, dies, report).await;
                expected += 321;
                let told: u64 = at_stripe(app, tenant, "api_calls").await.parse().unwrap();
                assert!(told < expected || dies == Dies::BeforeTheAnswerComes, "{dies:?} at {report}");
                // Nobody touches what it had in hand before its claim runs out.
                export_usage(Arc::clone(&app.app)).await.unwrap();
                assert!(backlog(app).await["pending"] != 0, "{dies:?} at {report}");
                app.advance(CLAIM).await;
                assert_eq!(at_stripe(app, tenant, "api_calls").await, expected.to_string(), "{dies:?} at {report}");
                assert_eq!(backlog(app).await["pending"], 0);
            }
        }
        // And one that dies after cutting, before it claims what it cut.
        three_hours(app, tenant).await;
        assert_eq!(cut(&app.app, 100).await.unwrap(), 3);
        assert_eq!(cut(&app.app, 100).await.unwrap(), 0);
        app.advance(1).await;
        assert_eq!(at_stripe(app, tenant, "api_calls").await, (expected + 321).to_string());
        assert_eq!(meter_events(app, "state=sent").await.len(), 21);
    }

    async fn two_processes_at_once_tell_it_once(app: &TestApp) {
        let tenant = app.subscriber("Acme", "metered").await;
        three_hours(app, tenant).await;
        let other = another(app, Arc::new(app.simulator.gateway())).await;
        let (one, two) = tokio::join!(export_usage(Arc::clone(&app.app)), export_usage(Arc::clone(&other)));
        one.unwrap();
        two.unwrap();
        assert_eq!(at_stripe(app, tenant, "api_calls").await, "321");
        assert_eq!(meter_events(app, "state=sent").await.len(), 3);
        other.db.close().await;
    }

    async fn after_a_day_stripe_is_asked_before_it_is_told(app: &TestApp) {
        for (dies, name) in [(Dies::BeforeStripeHears, "Acme"), (Dies::BeforeTheAnswerComes, "Birch")] {
            let tenant = app.subscriber(name, "metered").await;
            use_calls(app, tenant, json!(5), 0).await;
            app.app.clock.advance(LONG_ENOUGH);
            work_until_death(app, dies, 1).await;
            // By now Stripe has forgotten the identifier, and would count a second one.
            app.advance(DAY + HOUR).await;
            assert_eq!(at_stripe(app, tenant, "api_calls").await, "5", "{dies:?}");
            let told = meter_events(app, &format!("tenant_id={tenant}")).await;
            assert_eq!((told.len(), &told[0]["state"]), (1, &json!("sent")), "{dies:?}");
        }
    }

    async fn what_cannot_be_found_out_waits_for_a_person(app: &TestApp) {
        let tenant = app.subscriber("Acme", "metered").await;
        use_calls(app, tenant, json!(5), 0).await;
        app.app.clock.advance(LONG_ENOUGH);
        work_until_death(app, Dies::BeforeTheAnswerComes, 1).await;
        // Somebody else reports to the same meter, in the same minute.
        let at = app.app.clock.now().as_second() - LONG_ENOUGH;
        app.stripe("POST", "/v1/billing/meter_events", &[
            ("event_name", "api_calls"), ("timestamp", &at.to_string()), ("payload[value]", "2"),
            ("payload[stripe_customer_id]", customer(app, tenant).as_str()),
        ]).await;
        app.advance(DAY + HOUR).await;
        let told = meter_events(app, "state=unclear").await;
        assert_eq!(told.len(), 1);
        assert!(told[0]["reason"].as_str().unwrap().contains("Stripe counted 7"), "{}", told[0]);
        assert!(app.history(tenant).await.contains(&"usage.export_unclear".to_owned()));
        assert_eq!(at_stripe(app, tenant, "api_calls").await, "7", "it is not told again");

        let path = format!("/api/v1/admin/meter-events/{}/settle", told[0]["id"].as_str().unwrap());
        let body = json!({"outcome": "take_as_sent"});
        let settled = app.post(&path).bearer(&app.operator()).json(&body).await.expect(200);
        assert_eq!(settled["state"], "sent");
        app.post(&path).bearer(&app.operator()).json(&body).await.refused(409, "meter_event_settled");
        app.advance(DAY).await;
        assert_eq!(at_stripe(app, tenant, "api_calls").await, "7");
    }

    async fn a_stripe_that_turns_away_is_told_later(app: &TestApp) {
        let tenant = app.subscriber("Acme", "metered").await;
        use_calls(app, tenant, json!(5), 0).await;
        app.app.clock.advance(LONG_ENOUGH);
        let process = another(app, Arc::new(Busy)).await;
        export_usage(Arc::clone(&process)).await.unwrap();
        let waiting = meter_events(app, "state=pending").await;
        assert!(waiting[0]["reason"].as_str().unwrap().contains("rate limited"), "{}", waiting[0]);
        // However long it lasts: Stripe did not look at it, so nothing has to be looked up.
        app.app.clock.advance(2 * DAY);
        export_usage(Arc::clone(&process)).await.unwrap();
        assert_eq!(meter_events(app, "state=pending").await[0]["attempts"], 2);
        process.db.close().await;
        app.advance(60).await;
        assert_eq!(at_stripe(app, tenant, "api_calls").await, "5");
    }
}

/// Too many requests, for a long time.
struct Busy;

impl Gateway for Busy {
    fn send<'a>(&'a self, _: &'a Call) -> BoxFuture<'a, Result<Answer, Failure>> {
        let headers = [("retry-after", "3600")]
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let answer = Answer {
            status: 429,
            headers: headers.into_iter().collect(),
            body: b"{}".as_slice().into(),
        };
        Box::pin(std::future::ready(Ok(answer)))
    }
}
