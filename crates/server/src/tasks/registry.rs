//! Every background task of the service, in one screen.

use std::time::Duration;

use super::Task;
use crate::{
    events::tasks::place_events,
    http::forget_old_keys,
    nudge::Nudge,
    outbound::tasks::{deliver_events, forget_old_outbound_deliveries},
    platform::tasks::settle_tenants,
    reconcile::tasks::reconcile,
    sessions::tasks::forget_old_sessions,
    subscriptions::tasks::{follow_bases, tell_what_time_brings},
    webhooks::tasks::work_deliveries,
};

/// All tasks. Each may run on every instance at once.
pub const TASKS: &[Task] = &[
    Task {
        name: "work_deliveries",
        interval: Duration::from_secs(2),
        nudged_by: |nudge| nudge == Nudge::Deliveries,
        work: |app| Box::pin(work_deliveries(app)),
    },
    Task {
        name: "deliver_events",
        interval: Duration::from_secs(2),
        nudged_by: |nudge| {
            matches!(nudge, Nudge::Events(_) | Nudge::EventsElsewhere(_) | Nudge::Outbound)
        },
        work: |app| Box::pin(deliver_events(app)),
    },
    Task {
        name: "place_events",
        interval: Duration::from_secs(1),
        nudged_by: |nudge| matches!(nudge, Nudge::Events(_) | Nudge::EventsElsewhere(_)),
        work: |app| Box::pin(async move { place_events(&app).await }),
    },
    Task {
        name: "follow_bases",
        interval: Duration::from_secs(10),
        nudged_by: |nudge| nudge == Nudge::Addons,
        work: |app| Box::pin(follow_bases(app)),
    },
    Task {
        name: "settle_tenants",
        interval: Duration::from_secs(10),
        nudged_by: |nudge| nudge == Nudge::Tenants,
        work: |app| Box::pin(settle_tenants(app)),
    },
    Task {
        name: "tell_what_time_brings",
        interval: Duration::from_mins(1),
        nudged_by: |_| false,
        work: |app| Box::pin(async move { tell_what_time_brings(&app).await }),
    },
    Task {
        name: "reconcile",
        interval: Duration::from_secs(30),
        nudged_by: |nudge| nudge == Nudge::Reconcile,
        work: |app| Box::pin(reconcile(app)),
    },
    Task {
        name: "forget_old_outbound_deliveries",
        interval: Duration::from_hours(1),
        nudged_by: |_| false,
        work: |app| Box::pin(async move { forget_old_outbound_deliveries(&app).await }),
    },
    Task {
        name: "forget_old_sessions",
        interval: Duration::from_hours(1),
        nudged_by: |_| false,
        work: |app| Box::pin(async move { forget_old_sessions(&app).await }),
    },
    Task {
        name: "forget_old_keys",
        interval: Duration::from_hours(1),
        nudged_by: |_| false,
        work: |app| Box::pin(async move { forget_old_keys(&app).await }),
    },
];
