//! Every metric there is, in one screen: what is exposed, and what `docs/reference/metrics.md` says of it.

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only grows, and begins anew with the process.
    Counter,
    /// What is so at this moment.
    Gauge,
    /// Durations in seconds, sorted into these buckets.
    Histogram(&'static [f64]),
}

impl Kind {
    /// Prometheus' word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

impl Metric {
    /// What its values are counted in.
    pub fn unit(&self) -> &'static str {
        if self.name.ends_with("_timestamp_seconds") || *self == PROCESS_START {
            "seconds since 1970"
        } else if self.name.ends_with("_seconds") {
            "seconds"
        } else {
            "number"
        }
    }
}

/// Who knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Each process, of what went through it: add up over instances.
    Process,
    /// The database, when it is asked: the same on every instance, so take `max`.
    Database,
}

/// One metric.
#[derive(Debug, PartialEq)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub source: Source,
    pub labels: &'static [&'static str],
    /// For people: one sentence.
    pub meaning: &'static str,
}

const fn counter(
    name: &'static str,
    labels: &'static [&'static str],
    meaning: &'static str,
) -> Metric {
    Metric { name, kind: Kind::Counter, source: Source::Process, labels, meaning }
}

const fn histogram(
    name: &'static str,
    labels: &'static [&'static str],
    buckets: &'static [f64],
    meaning: &'static str,
) -> Metric {
    Metric { name, kind: Kind::Histogram(buckets), source: Source::Process, labels, meaning }
}

const fn gauge(
    name: &'static str,
    labels: &'static [&'static str],
    meaning: &'static str,
) -> Metric {
    Metric { name, kind: Kind::Gauge, source: Source::Process, labels, meaning }
}

const fn stored(
    name: &'static str,
    labels: &'static [&'static str],
    meaning: &'static str,
) -> Metric {
    Metric { name, kind: Kind::Gauge, source: Source::Database, labels, meaning }
}

/// From a check that only reads to a request that is given up.
const OF_REQUESTS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Stripe takes tenths of a second; what takes twenty is given up.
const OF_STRIPE: &[f64] = &[0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0];
/// From at once to what waited for days.
const OF_DELIVERIES: &[f64] =
    &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 86_400.0];

pub const HTTP_REQUESTS: Metric = counter(
    "tollhouse_http_requests_total",
    &["method", "route", "status"],
    "Requests answered. `route` is the template, as `/api/v1/admin/deliveries/:id`, never the path; `unmatched` where there is none.",
);
pub const HTTP_DURATION: Metric = histogram(
    "tollhouse_http_request_duration_seconds",
    &["method", "route"],
    OF_REQUESTS,
    "From a request's head to the head of its answer.",
);
pub const ACCESS_DENIED: Metric = counter(
    "tollhouse_access_denied_total",
    &["reason"],
    "Requests refused for who sent them or how often: every 401, 403 and 429, and forged webhooks. `reason` is the \
     error's code.",
);
pub const STRIPE_CALLS: Metric = counter(
    "tollhouse_stripe_calls_total",
    &["operation", "outcome"],
    "Calls to Stripe, each attempt by itself. `outcome` is `ok`, `declined`, `missing`, `limited`, `refused` (any \
     other 4xx), `failed` (5xx) or `unreachable`.",
);
pub const STRIPE_DURATION: Metric = histogram(
    "tollhouse_stripe_call_duration_seconds",
    &["operation"],
    OF_STRIPE,
    "From asking Stripe to its whole answer, or to giving up; without waiting for a turn, or between attempts.",
);
pub const DELIVERIES_RECEIVED: Metric = counter(
    "tollhouse_deliveries_received_total",
    &["type"],
    "Deliveries from Stripe that were stored. `type` is the event's where we work it, else `other` or `unreadable`.",
);
pub const DELIVERIES_REPEATED: Metric = counter(
    "tollhouse_deliveries_repeated_total",
    &[],
    "Deliveries of an event that was stored before; they change nothing.",
);
pub const DELIVERIES_SETTLED: Metric = counter(
    "tollhouse_deliveries_settled_total",
    &["type", "state"],
    "What attempts to work deliveries came to: `done`, `ignored`, `failed` (will be tried again) or `dead`.",
);
pub const DELIVERIES_COALESCED: Metric = counter(
    "tollhouse_deliveries_coalesced_total",
    &[],
    "Deliveries that ended with the work on another one about the same object.",
);
pub const DELIVERY_DURATION: Metric = histogram(
    "tollhouse_delivery_duration_seconds",
    &[],
    OF_DELIVERIES,
    "From a delivery's receipt to its end as `done`, `ignored` or `dead`.",
);
pub const DELIVERIES_WAITING: Metric = stored(
    "tollhouse_deliveries_waiting",
    &[],
    "Deliveries that are stored and not settled, counted up to 100,000.",
);
pub const DELIVERIES_OLDEST: Metric = stored(
    "tollhouse_deliveries_oldest_waiting_seconds",
    &[],
    "How long the oldest of them has waited: the lag behind Stripe. 0 where none waits.",
);
pub const DELIVERIES_DEAD: Metric = stored(
    "tollhouse_deliveries_dead",
    &[],
    "Deliveries that wait for a person, counted up to 100,000.",
);
pub const DELIVERIES_NEWEST: Metric = stored(
    "tollhouse_deliveries_newest_timestamp_seconds",
    &[],
    "When the newest delivery came. Absent before the first.",
);
pub const USAGE_EVENTS: Metric = counter(
    "tollhouse_usage_events_total",
    &["outcome"],
    "Reports of usage that were looked up: `counted`, `duplicate` (its key is known) or `refused`.",
);
pub const CHECKS: Metric = counter(
    "tollhouse_entitlement_checks_total",
    &["allowed", "reason"],
    "Answers to «may they?». `allowed` is `true` or `false`.",
);
pub const RESERVATIONS: Metric = counter(
    "tollhouse_reservations_total",
    &["outcome"],
    "Wishes to hold units: `held`, or the code of the error.",
);
pub const OUTBOUND_ATTEMPTS: Metric = counter(
    "tollhouse_outbound_attempts_total",
    &["outcome"],
    "Events posted to endpoints of the application: `delivered` or `failed`.",
);
pub const OUTBOUND_WAITING: Metric = stored(
    "tollhouse_outbound_events_waiting",
    &[],
    "Events that some endpoint was not told of yet, or does not want; one for each endpoint. Of up to 100,000 lanes.",
);
pub const OUTBOUND_FAILING: Metric = stored(
    "tollhouse_outbound_lanes_failing",
    &[],
    "Lanes (a tenant's events on their way to an endpoint) whose next event was sent and not taken.",
);
pub const OUTBOUND_ENDPOINTS: Metric = stored(
    "tollhouse_outbound_endpoints",
    &["state"],
    "Webhook endpoints of the application: `enabled`, or `disabled`, by us or by an operator.",
);
pub const EXPORT_OLDEST: Metric = stored(
    "tollhouse_export_oldest_due_seconds",
    &[],
    "For how long the oldest usage that Stripe is to be told of has been due. 0 where none is.",
);
pub const EXPORT_METER_EVENTS: Metric = stored(
    "tollhouse_export_meter_events",
    &["state"],
    "Meter events that Stripe has not taken: `pending`; `refused` and `unclear` wait for a person. Each counted up to 100,000.",
);
pub const DRIFT_OPEN: Metric =
    stored("tollhouse_drift_open", &[], "Differences from Stripe that wait for a person.");
pub const EVENTS_UNPLACED: Metric = stored(
    "tollhouse_events_unplaced",
    &[],
    "Events without a place among those of all tenants, counted up to 100,000.",
);
pub const EVENTS_OLDEST: Metric = stored(
    "tollhouse_events_oldest_unplaced_seconds",
    &[],
    "How long the oldest of them has waited. 0 where none does.",
);
pub const TASK_RUNS: Metric = counter(
    "tollhouse_task_runs_total",
    &["task", "outcome"],
    "Runs of a background task: `ok` or `failed`.",
);
pub const TASK_LAST_SUCCESS: Metric = gauge(
    "tollhouse_task_last_success_timestamp_seconds",
    &["task"],
    "When a task last ran without failing. 0 before; absent in a process that runs no tasks.",
);
pub const TASK_INTERVAL: Metric =
    gauge("tollhouse_task_interval_seconds", &["task"], "A task runs at least this often.");
pub const STREAMS_OPEN: Metric =
    gauge("tollhouse_streams_open", &[], "Live streams that are open.");
pub const CONNECTIONS: Metric = gauge(
    "tollhouse_database_connections",
    &["pool", "state"],
    "Connections to the database, `used` or `idle`. `pool` is `readers` or `writer` of SQLite, `all` of Postgres.",
);
pub const BUILD_INFO: Metric = gauge(
    "tollhouse_build_info",
    &["version", "database"],
    "1; the labels say which release runs on what.",
);
pub const PROCESS_START: Metric =
    gauge("process_start_time_seconds", &[], "When the service started.");

/// All of them, in the order of the page.
pub const METRICS: &[&Metric] = &[
    &HTTP_REQUESTS,
    &HTTP_DURATION,
    &ACCESS_DENIED,
    &STRIPE_CALLS,
    &STRIPE_DURATION,
    &DELIVERIES_RECEIVED,
    &DELIVERIES_REPEATED,
    &DELIVERIES_SETTLED,
    &DELIVERIES_COALESCED,
    &DELIVERY_DURATION,
    &DELIVERIES_WAITING,
    &DELIVERIES_OLDEST,
    &DELIVERIES_DEAD,
    &DELIVERIES_NEWEST,
    &USAGE_EVENTS,
    &CHECKS,
    &RESERVATIONS,
    &OUTBOUND_ATTEMPTS,
    &OUTBOUND_WAITING,
    &OUTBOUND_FAILING,
    &OUTBOUND_ENDPOINTS,
    &EXPORT_OLDEST,
    &EXPORT_METER_EVENTS,
    &DRIFT_OPEN,
    &EVENTS_UNPLACED,
    &EVENTS_OLDEST,
    &TASK_RUNS,
    &TASK_LAST_SUCCESS,
    &TASK_INTERVAL,
    &STREAMS_OPEN,
    &CONNECTIONS,
    &BUILD_INFO,
    &PROCESS_START,
];
