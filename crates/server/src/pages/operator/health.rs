//! Whether the installation is well: what the doctor finds of it, and when each task ran last.

use std::{sync::Arc, time::Duration};

use axum::{extract::State, response::Html};
use maud::{Markup, html};
use tokio::time::timeout;
use tollhouse_domain::{actor::Permission, usage::MeterEventState};

use crate::{
    app::App,
    doctor::{Finding, Verdict, backlog, redis, schema, stripe},
    error::Result,
    export::queries::{Count, counts_left},
    pages::{
        frame::Frame,
        show::{
            self,
            Column::{Numbers, Words},
        },
        visitor::Visitor,
    },
    tasks::{TASKS, Task},
};

/// A page waits no longer for Stripe.
const STRIPE_TIMEOUT: Duration = Duration::from_secs(5);

pub async fn show(State(app): State<Arc<App>>, visitor: Visitor) -> Result<Html<String>> {
    visitor.caller.require(Permission::ReadAnyTenant)?;
    let mut findings = vec![
        Finding::ok("database", format!("{}, which answers.", database(&app))),
        schema::judge(app.db.standing().await?),
    ];
    findings.extend(redis::examine(&app.config).await);
    findings.extend(at_stripe(&app).await);
    findings.extend(backlog::examine(&app).await?);
    let mut conn = app.db.read().await?;
    findings.push(export(&counts_left(&mut conn).await?));
    drop(conn);
    let lines: Vec<Vec<Markup>> = findings.iter().map(line).collect();
    let tasks: Vec<Vec<Markup>> = TASKS.iter().map(|task| run(&app, task)).collect();
    Ok(Frame { visitor: &visitor, title: "Health", place: "/pages/health", live: None }.page(&html! {
        h1 { "Health" }
        (summary(&findings))
        (show::table("Findings", &[Words("What"), Words("Stands"), Words("That means")], &lines, "Nothing was looked at."))
        h2 { "Tasks" }
        p.quiet { "As they ran in the process that made this page." }
        (show::table(
            "Tasks",
            &[Words("Task"), Words("At least every"), Words("Last run"), Numbers("Took"), Words("Ended")],
            &tasks,
            "There is none.",
        ))
    }))
}

fn database(app: &App) -> &'static str {
    if app.db.kind() == "postgres" { "Postgres" } else { "SQLite" }
}

/// Asked by the page itself: whoever opens it wants to know of this moment.
async fn at_stripe(app: &App) -> Vec<Finding> {
    const CHECK: &str = "stripe";
    if app.config.stripe.secret_key.is_none() {
        let means = "No Stripe key is set: plans, usage and entitlements are served, and nothing can be sold.";
        return vec![Finding::warning(CHECK, means, "Set `STRIPE_SECRET_KEY`.")];
    }
    let examined = stripe::examine(&app.stripe, &app.clock, None);
    timeout(STRIPE_TIMEOUT, examined).await.unwrap_or_else(|_| {
        let remedy =
            "See that this machine reaches Stripe; what needs it is tried again by itself.";
        vec![Finding::problem(CHECK, "Stripe has not answered within five seconds.", remedy)]
    })
}

fn export(left: &[Count]) -> Finding {
    const CHECK: &str = "usage at stripe";
    let count =
        |state| left.iter().filter(|of| of.state == state).map(|of| of.meter_events).sum::<i64>();
    let all: i64 = left.iter().map(|of| of.meter_events).sum();
    match count(MeterEventState::Unclear) {
        0 => Finding::ok(CHECK, format!("{} meter events wait to be sent.", show::count(all))),
        unclear => Finding::warning(
            CHECK,
            format!(
                "Of {} meter events nobody knows whether Stripe has them.",
                show::count(unclear)
            ),
            "`GET /api/v1/admin/meter-events?state=unclear` says which; a person decides.",
        ),
    }
}

fn summary(findings: &[Finding]) -> Markup {
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    html! {
        p #summary {
            @match (count(Verdict::Problem), count(Verdict::Warning)) {
                (0, 0) => "All is well.",
                (problems, warnings) => {
                    (show::count(problems)) " to mend, " (show::count(warnings)) " to know of."
                }
            }
        }
    }
}

fn line(finding: &Finding) -> Vec<Markup> {
    let word = match finding.verdict {
        Verdict::Ok => "ok",
        Verdict::Warning => "warning",
        Verdict::Problem => "problem",
    };
    vec![
        html! { (finding.check) },
        show::state(word),
        html! {
            (show::sentence(&finding.means))
            @if let Some(remedy) = &finding.remedy { div.quiet { (show::sentence(remedy)) } }
        },
    ]
}

fn run(app: &App, task: &Task) -> Vec<Markup> {
    let last = app.runs.last(task.name);
    vec![
        html! { (task.name.replace('_', " ")) },
        html! { (show::length(task.interval)) },
        html! { @match &last { Some(run) => (show::moment(run.ended_at)), None => "not yet" } },
        html! { @match &last { Some(run) => { (show::count(run.took_ms)) " ms" }, None => "–" } },
        html! {
            @match last.map(|run| run.failed) {
                Some(Some(why)) => { (show::state("failed")) div.quiet { (why) } },
                Some(None) => (show::state("ok")),
                None => "–",
            }
        },
    ]
}
