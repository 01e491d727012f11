//! Every background task of the service, in one screen.

use std::time::Duration;

use super::Task;
use crate::{http::forget_old_keys, nudge::Nudge, webhooks::tasks::work_deliveries};

/// All tasks. Each may run on every instance at once.
pub const TASKS: &[Task] = &[
    Task {
        name: "work_deliveries",
        interval: Duration::from_secs(2),
        nudged_by: |nudge| nudge == Nudge::Deliveries,
        work: |app| Box::pin(work_deliveries(app)),
    },
    Task {
        name: "forget_old_keys",
        interval: Duration::from_hours(1),
        nudged_by: |_| false,
        work: |app| Box::pin(async move { forget_old_keys(&app).await }),
    },
];
