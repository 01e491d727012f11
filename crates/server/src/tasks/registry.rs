//! Every background task of the service, in one screen.

use std::time::Duration;

use super::Task;
use crate::{
    alerts::tasks::watch_usage,
    audit::tasks::seal_entries,
    credits::tasks::read_credits,
    entitlements::tasks::forget_old_reservations,
    events::tasks::place_events,
    export::tasks::export_usage,
    http::forget_old_keys,
    lago::tasks::forward_usage,
    nudge::Nudge,
    outbound::tasks::{deliver_events, forget_old_outbound_deliveries},
    platform::tasks::settle_tenants,
    reconcile::tasks::reconcile,
    retention::tasks::retain,
    revenue::tasks::count_revenue,
    sessions::tasks::forget_old_sessions,
    subscriptions::tasks::{follow_bases, note_revenue, tell_what_time_brings},
    usage::tasks::forget_old_minutes,
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
        name: "seal_entries",
        interval: Duration::from_secs(5),
        nudged_by: |_| false,
        work: |app| Box::pin(async move { seal_entries(&app).await }),
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
        name: "export_usage",
        interval: Duration::from_secs(10),
        nudged_by: |nudge| nudge == Nudge::Usage,
        work: |app| Box::pin(export_usage(app)),
    },
    Task {
        name: "forward_usage",
        interval: Duration::from_secs(5),
        nudged_by: |_| false,
        work: |app| Box::pin(forward_usage(app)),
    },
    Task {
        name: "tell_what_time_brings",
        interval: Duration::from_mins(1),
        nudged_by: |_| false,
        work: |app| Box::pin(async move { tell_what_time_brings(&app).await }),
    },
    Task {
        name: "note_revenue",
        interval: Duration::from_mins(1),
        nudged_by: |_| false,
        work: |app| Box::pin(async move { note_revenue(&app).await }),
    },
    Task {
        name: "count_revenue",
        interval: Duration::from_secs(10),
        nudged_by: |nudge| nudge == Nudge::Revenue,
        work: |app| Box::pin(async move { count_revenue(&app).await }),
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
        name: "watch_usage",
        interval: Duration::from_secs(10),
        nudged_by: |_| false,
        work: |app| Box::pin(watch_usage(app)),
    },
    Task {
        name: "read_credits",
        interval: Duration::from_mins(1),
        nudged_by: |_| false,
        work: |app| Box::pin(read_credits(app)),
    },
    Task {
        name: "forget_old_minutes",
        interval: Duration::from_mins(10),
        nudged_by: |_| false,
        work: |app| Box::pin(async move { forget_old_minutes(&app).await }),
    },
    Task {
        name: "forget_old_reservations",
        interval: Duration::from_hours(1),
        nudged_by: |_| false,
        work: |app| Box::pin(async move { forget_old_reservations(&app).await }),
    },
    Task {
        name: "retain",
        interval: Duration::from_mins(1),
        nudged_by: |nudge| nudge == Nudge::Retention,
        work: |app| Box::pin(retain(app)),
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
