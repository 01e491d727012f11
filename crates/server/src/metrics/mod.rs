//! What is counted while the service runs, for Prometheus.
//!
//! Owns: nothing.
//! Does not own: what is read from the database when Prometheus asks, nor the route; that is `monitoring`.
//! Invariant: labels have few values: templates instead of paths, our words instead of strangers', never a tenant.
//! Invariant: counting neither waits nor fails. Where it is much, handles are made once, or one adds up first.
//!
//! Beside the usual files: `list.rs` (every metric, and what it means), `registry.rs` (where they are kept),
//! `gateway.rs` (calls to Stripe).

mod gateway;
pub mod list;
mod registry;

use std::{sync::Arc, time::Duration};

use metrics::{Counter, Gauge, Histogram};
use tollhouse_domain::{entitlement::Reason, time::Timestamp};

pub use gateway::Measured;
use list::Metric;
use registry::{Family, Registry};

use crate::error::Error;

/// All that one service counts.
pub struct Metrics {
    registry: Registry,
    routes: Family<String, Arc<Route>>,
    denied: Family<&'static str, Counter>,
    stripe: Family<String, Histogram>,
    stripe_outcomes: Family<(String, &'static str), Counter>,
    tasks: Family<&'static str, Task>,
    reservations: Family<&'static str, Counter>,
    checks: Family<&'static str, Counter>,
    usage: Usage,
    pub deliveries: Deliveries,
    pub outbound_delivered: Counter,
    pub outbound_failed: Counter,
}

/// Of one route, by method and status.
#[derive(Default)]
struct Route(Family<(&'static str, u16), (Counter, Histogram)>);

struct Usage {
    counted: Counter,
    duplicate: Counter,
    refused: Counter,
}

/// Deliveries of Stripe's, by type.
pub struct Deliveries {
    received: Family<&'static str, Counter>,
    settled: Family<(&'static str, &'static str), Counter>,
    pub repeated: Counter,
    pub coalesced: Counter,
    /// In seconds.
    pub duration: Histogram,
}

/// One background task.
#[derive(Clone)]
pub struct Task {
    pub ok: Counter,
    pub failed: Counter,
    pub last_success: Gauge,
}

impl Metrics {
    /// Starts to count; what is measured is sorted until the last copy is dropped.
    ///
    /// # Errors
    /// As [`Registry::of_the_list`].
    pub fn start(now: Timestamp, database: &'static str) -> anyhow::Result<Arc<Self>> {
        let registry = Registry::of_the_list()?;
        registry.gauge(&list::BUILD_INFO, &[env!("CARGO_PKG_VERSION"), database]).set(1);
        registry.gauge(&list::PROCESS_START, &[]).set(seconds(now));
        let usage = |outcome| registry.counter(&list::USAGE_EVENTS, &[outcome]);
        let attempts = |outcome| registry.counter(&list::OUTBOUND_ATTEMPTS, &[outcome]);
        let metrics = Arc::new(Self {
            routes: Family::default(),
            denied: Family::default(),
            stripe: Family::default(),
            stripe_outcomes: Family::default(),
            tasks: Family::default(),
            reservations: Family::default(),
            checks: Family::default(),
            usage: Usage {
                counted: usage("counted"),
                duplicate: usage("duplicate"),
                refused: usage("refused"),
            },
            deliveries: Deliveries {
                received: Family::default(),
                settled: Family::default(),
                repeated: registry.counter(&list::DELIVERIES_REPEATED, &[]),
                coalesced: registry.counter(&list::DELIVERIES_COALESCED, &[]),
                duration: registry.histogram(&list::DELIVERY_DURATION, &[]),
            },
            outbound_delivered: attempts("delivered"),
            outbound_failed: attempts("failed"),
            registry,
        });
        tokio::spawn(registry::sort_measurements(Arc::downgrade(&metrics)));
        Ok(metrics)
    }

    /// A request was answered, after so long.
    pub fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        let method = known_method(method);
        let of_route = self.routes.get(route, Arc::default);
        let (requests, duration) = of_route.0.get(&(method, status), || {
            // Not every reader of the format bears braces in a label.
            let route = route.replace('{', ":").replace('}', "");
            let requests = [method, &route, &status.to_string()];
            (
                self.registry.counter(&list::HTTP_REQUESTS, &requests),
                self.registry.histogram(&list::HTTP_DURATION, &[method, &route]),
            )
        });
        requests.increment(1);
        duration.record(took);
    }

    /// A request was refused for who sent it, or how often.
    pub fn denied(&self, code: &'static str) {
        self.denied
            .get(&code, || self.registry.counter(&list::ACCESS_DENIED, &[code]))
            .increment(1);
    }

    /// Stripe was asked once.
    fn asked(&self, operation: &str, outcome: &'static str, took: Duration) {
        let duration = self
            .stripe
            .get(operation, || self.registry.histogram(&list::STRIPE_DURATION, &[operation]));
        duration.record(took);
        let key = (operation.to_owned(), outcome);
        let calls = self
            .stripe_outcomes
            .get(&key, || self.registry.counter(&list::STRIPE_CALLS, &[operation, outcome]));
        calls.increment(1);
    }

    /// A delivery that was not known before is stored.
    pub fn received(&self, event_type: &'static str) {
        let counter = self
            .deliveries
            .received
            .get(&event_type, || self.registry.counter(&list::DELIVERIES_RECEIVED, &[event_type]));
        counter.increment(1);
    }

    /// An attempt to work a delivery came to an end.
    pub fn settled(&self, event_type: &'static str, state: &'static str) {
        let counter = self.deliveries.settled.get(&(event_type, state), || {
            self.registry.counter(&list::DELIVERIES_SETTLED, &[event_type, state])
        });
        counter.increment(1);
    }

    /// What became of the reports of one request.
    pub fn used(&self, counted: u64, duplicate: u64, refused: u64) {
        self.usage.counted.increment(counted);
        self.usage.duplicate.increment(duplicate);
        self.usage.refused.increment(refused);
    }

    /// «May they?» was answered.
    pub fn checked(&self, allowed: bool, reason: Reason) {
        let reason = reason.as_str();
        let counter = self.checks.get(&reason, || {
            let allowed = if allowed { "true" } else { "false" };
            self.registry.counter(&list::CHECKS, &[allowed, reason])
        });
        counter.increment(1);
    }

    /// A wish to hold something was decided.
    pub fn reserved<T>(&self, outcome: &Result<T, Error>) {
        let outcome = outcome.as_ref().map_or_else(|error| error.kind().1, |_| "held");
        let counter = self
            .reservations
            .get(&outcome, || self.registry.counter(&list::RESERVATIONS, &[outcome]));
        counter.increment(1);
    }

    /// What is counted of a task that runs at least every `interval`.
    pub fn task(&self, name: &'static str, interval: Duration) -> Task {
        self.tasks.get(&name, || {
            self.registry.gauge(&list::TASK_INTERVAL, &[name]).set(interval);
            Task {
                ok: self.registry.counter(&list::TASK_RUNS, &[name, "ok"]),
                failed: self.registry.counter(&list::TASK_RUNS, &[name, "failed"]),
                last_success: self.registry.gauge(&list::TASK_LAST_SUCCESS, &[name]),
            }
        })
    }

    /// Says what is so at this moment; for what is looked up when Prometheus asks.
    pub fn set(&self, metric: &Metric, labels: &[&str], value: i64) {
        self.registry.gauge(metric, labels).set(number(value));
    }

    /// All that was counted, in Prometheus' text format.
    pub fn render(&self) -> String {
        self.registry.render()
    }
}

/// Methods of our routes; strangers may send any word.
fn known_method(method: &str) -> &'static str {
    const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    METHODS.into_iter().find(|known| *known == method).unwrap_or("other")
}

/// Seconds since 1970, for a gauge.
pub fn seconds(moment: Timestamp) -> f64 {
    number(moment.as_second())
}

/// Prometheus knows floats only; whole numbers of this size are exact in them.
fn number(value: i64) -> f64 {
    f64::from(u32::try_from(value.max(0)).unwrap_or(u32::MAX))
}
