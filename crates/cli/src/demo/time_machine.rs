//! The demo's time machine: a month, a failed payment and its recovery within a minute.
//!
//! Service and simulator share a clock that can be moved. It is moved in steps, and after each of them in which something
//! fell due that is done before the next: webhooks arrive, tasks run, so that all happens in the order in which it would.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tollhouse_domain::{id::TenantId, subscription::Status, time::Timestamp};
use tollhouse_server::{
    App,
    events::queries::any_unplaced,
    subscriptions::queries::{count_by_status, find_live_base},
    tasks,
    tenants::actions as tenants,
    webhooks::queries::backlog,
};
use tollhouse_simulator::Simulator;

use super::cards;

const DAY: i64 = 86_400;
/// A renewal's invoice is charged so long after it was made.
const CHARGED_AFTER: i64 = 3600;
/// Longer ways are gone in longer steps.
const STEPS_MAX: i64 = 62;
/// How often it is looked whether the work of a step is done, and how many times at most.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const LOOKS_MAX: u32 = 500;
/// Tasks make work for each other; more rounds than these are nobody's plan.
const ROUNDS_MAX: u32 = 10;
/// Who pressed a button waits so long for the end of it; then the page shows that it goes on.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a button wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    NextDay,
    /// To the end of a tenant's period, and a little further.
    NextRenewal,
    CardFails,
    CardRecovers,
}

/// One for a demo.
pub struct TimeMachine {
    pub app: Arc<App>,
    pub simulator: Simulator,
    /// Those of the demo, by name; the first is the one that has paid already.
    pub tenants: Vec<(TenantId, &'static str)>,
    standing: Mutex<Standing>,
}

/// What the panel says.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    pub is_busy: bool,
    pub said: Option<String>,
}

impl TimeMachine {
    pub fn new(
        app: Arc<App>,
        simulator: Simulator,
        tenants: Vec<(TenantId, &'static str)>,
    ) -> Arc<Self> {
        Arc::new(Self { app, simulator, tenants, standing: Mutex::default() })
    }

    pub fn now(&self) -> Timestamp {
        self.app.clock.now()
    }

    pub fn standing(&self) -> Standing {
        self.lock().clone()
    }

    /// Begins to do it, and waits a while for its end. One wish at a time: while another is being done, nothing.
    pub async fn wish(self: &Arc<Self>, wish: Wish, tenant: TenantId) {
        {
            let mut standing = self.lock();
            if standing.is_busy {
                return;
            }
            *standing = Standing { is_busy: true, said: None };
        }
        let machine = Arc::clone(self);
        let work = self.app.requests.spawn(async move {
            let said = match machine.fulfil(wish, tenant).await {
                Ok(said) => said,
                Err(error) => format!("That did not work: {error:#}"),
            };
            *machine.lock() = Standing { is_busy: false, said: Some(said) };
        });
        // Whether it ended in time is seen in the standing.
        let _ = timeout(PATIENCE, work).await;
    }

    /// Does it; says what was done.
    async fn fulfil(&self, wish: Wish, tenant: TenantId) -> anyhow::Result<String> {
        let name = tenants::get(&self.app, tenant).await?.name;
        match wish {
            Wish::NextDay => {
                self.move_to(self.now().plus_seconds(DAY)).await?;
                Ok("A day went by.".to_owned())
            }
            Wish::NextRenewal => {
                let mut conn = self.app.db.read().await?;
                let base = find_live_base(&mut conn, tenant).await?;
                drop(conn);
                let Some(base) = base else {
                    return Ok(format!("{name} has no subscription that could renew."));
                };
                self.move_to(base.period_end).await?;
                self.move_to(base.period_end.plus_seconds(CHARGED_AFTER)).await?;
                Ok(format!("The period of {name} ended on {}.", base.period_end.date()))
            }
            Wish::CardFails => {
                cards::replace(self, tenant, cards::FAILS).await?;
                self.settle().await?;
                Ok(format!("From now on every charge of {name} is declined."))
            }
            Wish::CardRecovers => {
                cards::replace(self, tenant, cards::PAYS).await?;
                let paid = cards::pay_what_is_owed(self, tenant).await?;
                self.settle().await?;
                let paid = if paid { ", and it has paid what was owed" } else { "" };
                Ok(format!("{name} has a card that works{paid}."))
            }
        }
    }

    async fn move_to(&self, until: Timestamp) -> anyhow::Result<()> {
        let step = DAY.max(until.seconds_since(self.now()) / STEPS_MAX + 1);
        while self.now() < until && !self.app.stop.is_cancelled() {
            let due = self.simulator.next_due();
            // A second more than is left of the last second.
            let left = until.seconds_since(self.now()) + 1;
            self.simulator.advance(left.min(step));
            let has_happened = due.is_some_and(|due| due <= self.now().as_second());
            if has_happened || self.now() >= until || self.time_alone_matters().await? {
                self.settle().await?;
            }
        }
        Ok(())
    }

    /// Whether a day may bring something of which Stripe says nothing: the end of grace, a word before a trial ends.
    async fn time_alone_matters(&self) -> anyhow::Result<bool> {
        let mut conn = self.app.db.read().await?;
        let counts = count_by_status(&mut conn).await?;
        Ok(counts.iter().any(|of| matches!(of.status, Status::PastDue | Status::Trialing)))
    }

    /// Waits until everything that fell due is done.
    async fn settle(&self) -> anyhow::Result<()> {
        self.deliveries_are_worked().await?;
        for _ in 0..ROUNDS_MAX {
            tasks::run_once(&self.app).await?;
            if self.deliveries_are_worked().await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Waits for webhooks on their way; whether there was none to wait for.
    async fn deliveries_are_worked(&self) -> anyhow::Result<bool> {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for look in 0..LOOKS_MAX {
            let mut conn = self.app.db.read().await?;
            let waiting = backlog(&mut conn, self.now()).await?.waiting;
            let unplaced = any_unplaced(&mut conn).await?;
            drop(conn);
            if waiting == 0 && !unplaced && self.simulator.unsettled_deliveries() == 0 {
                return Ok(look == 0);
            }
            looks.tick().await;
        }
        tracing::info!("some webhooks are still on their way; time goes on");
        Ok(true)
    }

    /// The customer at the simulator that a tenant is.
    pub async fn customer(&self, tenant: TenantId) -> anyhow::Result<String> {
        let tenant = tenants::get(&self.app, tenant).await?;
        let customer = tenant.stripe_customer_id.map(|id| id.to_string());
        customer.with_context(|| format!("{} has bought nothing yet", tenant.name))
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
