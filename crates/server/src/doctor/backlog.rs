//! What waits, and whether anybody works.

use tollhouse_domain::time::Timestamp;

use super::Finding;
use crate::{
    App,
    config::WorkerMode,
    error::Result,
    events::queries as events,
    outbound::lanes::queries as lanes,
    reconcile::{drift::queries as drift, queries as reconcile},
    webhooks::queries as webhooks,
};

/// Work that is due is begun within seconds; after so many nobody does it.
pub const OVERDUE_SECONDS: i64 = 120;

pub async fn examine(app: &App) -> Result<Vec<Finding>> {
    let now = app.clock.now();
    let since = now.plus_seconds(-OVERDUE_SECONDS);
    let mut conn = app.db.read().await?;
    let received = webhooks::backlog(&mut conn, since).await?;
    let unplaced = events::unplaced(&mut conn).await?;
    let open = drift::count_open(&mut conn).await?;
    let behind = lanes::behind(&mut conn, since).await?;
    let compared = reconcile::find_newest(&mut conn).await?.map(|run| run.started_at);
    drop(conn);
    let idle = received.overdue > 0
        || behind.overdue > 0
        || unplaced.oldest.is_some_and(|oldest| oldest <= since);
    Ok(vec![
        tasks(app, idle, compared, now),
        deliveries(received, now),
        places(unplaced, since),
        differences(open),
        outbound(behind),
    ])
}

/// Whether the tasks run anywhere, by what they leave behind.
fn tasks(app: &App, idle: bool, compared: Option<Timestamp>, now: Timestamp) -> Finding {
    const CHECK: &str = "tasks";
    const REMEDY: &str = "Run `tollhouse serve --only tasks` beside the service, or set `webhooks.worker` to true and \
        `webhooks.mode` to `inline`. Where one runs, see its log.";
    let webhooks = &app.config.webhooks;
    let inline = webhooks.worker && webhooks.mode == WorkerMode::Inline;
    if idle {
        let means =
            "Work has been due for more than two minutes: no process runs the tasks, or they fail.";
        return Finding::problem(CHECK, means, REMEDY);
    }
    if inline {
        return Finding::ok(
            CHECK,
            "The process that serves runs them too, and nothing is overdue.",
        );
    }
    let settings = &app.config.reconcile;
    let interval = i64::from(settings.interval_seconds);
    let is_heard = compared.is_some_and(|at| now.seconds_since(at) <= 2 * interval);
    if is_heard || !settings.enabled {
        return Finding::ok(CHECK, "Left to a process of their own, and nothing is overdue.");
    }
    Finding::warning(
        CHECK,
        "The process that serves leaves the tasks to another, and there is no sign of that one.",
        REMEDY,
    )
}

fn deliveries(backlog: webhooks::Backlog, now: Timestamp) -> Finding {
    const CHECK: &str = "deliveries";
    let waiting = match backlog.oldest {
        Some(oldest) => {
            format!("{} wait, the oldest for {} s", backlog.waiting, now.seconds_since(oldest))
        }
        None => "None waits".to_owned(),
    };
    if backlog.dead > 0 {
        return Finding::warning(
            CHECK,
            format!("{waiting}; {} could not be worked and wait for a person.", backlog.dead),
            "`tollhouse deliveries list --state dead` says why; then `tollhouse deliveries replay`.",
        );
    }
    if backlog.overdue > 0 {
        let remedy = "See to the tasks; nothing of it is lost.";
        return Finding::problem(
            CHECK,
            format!("{waiting}; {} are overdue.", backlog.overdue),
            remedy,
        );
    }
    Finding::ok(CHECK, format!("{waiting}; none is dead."))
}

fn places(unplaced: events::Unplaced, since: Timestamp) -> Finding {
    const CHECK: &str = "events";
    match unplaced.oldest {
        Some(oldest) if oldest <= since => Finding::problem(
            CHECK,
            format!(
                "{} have no place among those of all tenants, the oldest since {oldest}: streams of \
                all tenants stand still.",
                unplaced.events
            ),
            "See to the tasks; nothing of it is lost.",
        ),
        _ => Finding::ok(CHECK, "All have their place."),
    }
}

fn differences(open: i64) -> Finding {
    const CHECK: &str = "drift";
    if open == 0 {
        return Finding::ok(CHECK, "Nothing differs from Stripe that needs a person.");
    }
    Finding::warning(
        CHECK,
        format!("{open} differences from Stripe wait for a person."),
        "`GET /api/v1/admin/drift?state=needs_person` says what stands against healing each.",
    )
}

fn outbound(behind: lanes::Behind) -> Finding {
    const CHECK: &str = "outbound webhooks";
    let remedy = "See the endpoint's deliveries: `GET /api/v1/admin/webhook-endpoints`.";
    match (behind.failing, behind.overdue) {
        (0, 0) => {
            Finding::ok(CHECK, "Every endpoint of the application was told what there is to tell.")
        }
        (0, overdue) => Finding::problem(
            CHECK,
            format!("{overdue} tenants' events are overdue at an endpoint of the application."),
            "See to the tasks; nothing of it is lost.",
        ),
        (failing, _) => {
            let since = behind
                .failing_since
                .map(|at| format!(", the first since {at}"))
                .unwrap_or_default();
            let means = format!(
                "{failing} tenants' events are not taken by an endpoint of the application{since}."
            );
            Finding::warning(CHECK, means, remedy)
        }
    }
}
