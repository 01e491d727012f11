//! An instance that stands still, or dies, between asking Stripe and writing what it was told.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tollhouse_domain::id::TenantId;
use tollhouse_server::{App, audit, tasks, webhooks::State, webhooks::queries::Filter};
use tollhouse_stripe::{Answer, BoxFuture, Call, Failure, Gateway, Method};

use crate::harness::{Kind, TestApp};

/// Lets an instance read one of Stripe's objects, and then stand still until it is woken.
struct Frozen {
    stripe: Arc<dyn Gateway>,
    path: &'static str,
    reached: Semaphore,
    woken: Semaphore,
}

impl Gateway for Frozen {
    fn send<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            let answer = self.stripe.send(call).await;
            if call.method == Method::Get && call.path.starts_with(self.path) {
                self.reached.add_permits(1);
                // Whoever is woken never waits again.
                drop(self.woken.acquire().await);
            }
            answer
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Wakes,
    Dies,
}

/// Where an instance may stop: with each of Stripe's objects in its hands, and not yet written.
const PLACES: [&str; 4] =
    ["/v1/checkout/sessions/", "/v1/subscriptions/", "/v1/invoices/", "/v1/credit_notes"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_instance_held_when_it_froze_is_worked_by_the_others_and_not_overwritten() {
    for path in PLACES {
        stops_in_the_middle(path, Then::Wakes).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_instance_held_when_it_died_is_worked_by_the_others() {
    for path in PLACES {
        stops_in_the_middle(path, Then::Dies).await;
    }
}

/// One of three instances stops; the other two go on.
async fn stops_in_the_middle(path: &'static str, then: Then) {
    let here = TestApp::start(Kind::Postgres).await;
    let there = another(&here, Arc::new(here.simulator.gateway())).await;
    let gateway = Arc::new(Frozen {
        stripe: Arc::new(here.simulator.gateway()),
        path,
        reached: Semaphore::new(0),
        woken: Semaphore::new(0),
    });
    let stopping = another(&here, Arc::<Frozen>::clone(&gateway)).await;

    let mut tenants = Vec::new();
    for name in ["Acme", "Birch", "Cedar"] {
        let tenant = here.tenant(name).await;
        let session = here.checkout(tenant, "pro").await;
        here.simulator.complete_checkout(&session, "pm_card_visa").unwrap();
        tenants.push(tenant);
    }
    receive(&here).await;
    let run = tokio::spawn({
        let stopping = Arc::clone(&stopping);
        async move { tasks::run_once(&stopping).await }
    });
    gateway.reached.acquire().await.unwrap().forget();
    // Behind its back everything becomes something else.
    for subscription in here.simulator.objects("subscription") {
        let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
        here.stripe("POST", &path, &[("cancel_at_period_end", "true")]).await;
    }
    receive(&here).await;
    for other in [&here.app, &there] {
        tasks::run_once(other).await.unwrap();
    }
    assert!(held(&here).await > 0, "{path}: it was to hold something");

    // Not a second longer than the lease.
    here.app.clock.advance(here.app.config.webhooks.claim_seconds - 1);
    tasks::run_once(&there).await.unwrap();
    assert!(held(&here).await > 0, "{path}: its claim still holds");
    here.app.clock.advance(1);
    let (one, other) = tokio::join!(tasks::run_once(&here.app), tasks::run_once(&there));
    one.unwrap();
    other.unwrap();
    assert_eq!(held(&here).await, 0, "{path}");
    let before = what_is_told(&here, &tenants).await;

    match then {
        Then::Wakes => {
            gateway.woken.close();
            run.await.unwrap().unwrap();
        }
        Then::Dies => run.abort(),
    }
    assert_eq!(what_is_told(&here, &tenants).await, before, "{path}: the awakened told it again");
    for tenant in tenants {
        let subscription = here.subscription(tenant).await;
        assert_eq!(subscription["auto_renew"], false, "{path}: {subscription}");
    }
    here.settle().await;
    stopping.db.close().await;
    there.db.close().await;
    here.finish().await;
}

async fn another(here: &TestApp, gateway: Arc<dyn Gateway>) -> Arc<App> {
    App::start(here.app.config.clone(), here.app.clock.clone(), Some(gateway)).await.unwrap()
}

/// Takes in what Stripe has told, without working it.
async fn receive(here: &TestApp) {
    for delivery in here.simulator.due_deliveries() {
        assert_eq!(here.deliver(&delivery).await.status, 200);
        here.simulator.delivery_answered(&delivery.id, Some(200));
    }
}

/// How many deliveries are not settled.
async fn held(here: &TestApp) -> i64 {
    let mut conn = here.app.db.read().await.unwrap();
    let counts = tollhouse_server::webhooks::queries::counts(&mut conn, &Filter::default()).await;
    let open = |state: State| !matches!(state, State::Done | State::Ignored);
    counts.unwrap().iter().filter(|count| open(count.state)).map(|count| count.deliveries).sum()
}

/// Each tenant's history, with an audit row for each event of it, and nothing told twice.
async fn what_is_told(here: &TestApp, tenants: &[TenantId]) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for tenant in tenants {
        let history = here.history(*tenant).await;
        for event in ["checkout.completed", "subscription.created", "subscription.activated"]
            .iter()
            .chain(&["subscription.cancel_scheduled", "invoice.created", "invoice.paid"])
        {
            assert_eq!(history.iter().filter(|known| known == event).count(), 1, "{history:?}");
        }
        let mut conn = here.app.db.read().await.unwrap();
        let audited = audit::queries::list(&mut conn, Some(*tenant), None, 100).await.unwrap();
        assert_eq!(audited.len(), history.len(), "{history:?}");
        all.push(history);
    }
    all
}
