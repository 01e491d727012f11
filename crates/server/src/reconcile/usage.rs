//! What Stripe's meters come to, day by day, beside what we told them.
//!
//! Stripe looks at a meter event after it took it: what it dropped without a word is found here.

use std::collections::BTreeSet;

use tollhouse_domain::{
    id::{MeterEventId, TenantId},
    plan::Meter,
    reconcile::DriftState,
    time::Timestamp,
    usage::{MeterEventState, Quantity, Window},
};
use tollhouse_stripe::CustomerId;

use super::{
    drift::{self, Suspect, Verdict, cause, picture::Difference, queries as drifts},
    pages::Page,
    queries::Run,
    run::Job,
};
use crate::{
    app::App,
    catalog::queries as catalog,
    db::Conn,
    error::Result,
    export::{
        actions::value_at_stripe,
        queries::{self, MeterEvent},
    },
    record::Origin,
    webhooks::dispatch::Target,
};

/// Meter events in one page.
const PAGE: i64 = 500;
/// Stripe counts what it took within minutes.
const SETTLED_SECONDS: i64 = 3600;
/// Meter events of one tenant's meter in one day: one a second at most.
const EVENTS_MAX: i64 = 86_401;

/// A customer's meter on one day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MeterDay {
    tenant: TenantId,
    meter: String,
    day: Timestamp,
    customer: String,
}

/// The days that are over and were not compared, from the run's cursor on.
pub(super) async fn next_page(app: &App, run: &Run) -> Result<Page> {
    let today = Window::Day.start(app.clock.now().plus_seconds(-SETTLED_SECONDS));
    let after = run.cursor.as_deref().and_then(|cursor| cursor.parse::<MeterEventId>().ok());
    let mut conn = app.db.read().await?;
    let sent = queries::list_uncompared(&mut conn, today, after, PAGE).await?;
    let is_full = i64::try_from(sent.len()).is_ok_and(|count| count >= PAGE);
    let next = sent.last().filter(|_| is_full).map(|last| last.id.to_string());
    let days: BTreeSet<MeterDay> = sent
        .into_iter()
        .map(|event| MeterDay {
            tenant: event.tenant_id,
            day: Window::Day.start(event.told_at),
            customer: event.stripe_customer_id.to_string(),
            meter: event.meter,
        })
        .collect();
    Ok(Page { jobs: days.into_iter().map(|day| Job::Usage(Box::new(day))).collect(), next })
}

/// Compares one day. A difference waits for a person: usage is never told twice to make up for one.
pub(super) async fn compare(app: &App, run: &Run, of: &MeterDay) -> Result<Verdict> {
    let whose = (of.tenant, of.meter.as_str());
    let day = (of.day, of.day.plus_days(1));
    let mut conn = app.db.read().await?;
    let told = queries::list_told(&mut conn, whose, day, EVENTS_MAX).await?;
    let adds_up = adds_up(&mut conn, &of.meter).await?;
    drop(conn);
    let now = app.clock.now();
    let is_moving = |event: &MeterEvent| match event.state {
        MeterEventState::Pending | MeterEventState::Unclear => true,
        MeterEventState::Sent => {
            event.sent_at.is_some_and(|sent| now.seconds_since(sent) < SETTLED_SECONDS)
        }
        MeterEventState::Refused => false,
    };
    if told.iter().any(is_moving) {
        return Ok(Verdict::Same);
    }
    let ours = come_to(&told, adds_up);
    let customer = CustomerId::new(&of.customer);
    let theirs = match value_at_stripe(app, &of.meter, &customer, day).await {
        Ok(theirs) => theirs,
        Err(error) if drift::stops_everything(&error) => return Err(error),
        Err(error) => return left_to_a_person(app, run, of, ours, &cause(&error)).await,
    };
    if theirs != Some(ours) {
        let shown =
            theirs.map_or_else(|| "nothing we can read".to_owned(), |theirs| theirs.to_string());
        return left_to_a_person(app, run, of, ours, &shown).await;
    }
    let mut tx = app.db.begin().await?;
    queries::mark_compared(&mut tx, whose, day, now).await?;
    tx.commit().await?;
    let mut conn = app.db.read().await?;
    let open = drifts::find_open(&mut conn, drift::kind(Target::MeterEvents), &name(of)).await?;
    drop(conn);
    if let Some(open) = open {
        drift::settle(app, &Origin::system(), &open, DriftState::Healed).await?;
    }
    Ok(Verdict::Same)
}

/// What we told of it: everything together, or the last.
fn come_to(told: &[MeterEvent], adds_up: bool) -> Quantity {
    let sent = told.iter().filter(|event| event.state == MeterEventState::Sent);
    if adds_up {
        return sent.fold(Quantity::ZERO, |sum, event| sum.plus(event.quantity()));
    }
    sent.max_by_key(|event| event.told_at).map(MeterEvent::quantity).unwrap_or_default()
}

async fn adds_up(conn: &mut Conn, code: &str) -> Result<bool> {
    let meters = catalog::meters(conn).await?;
    let found = meters.into_iter().find(|row| row.code == code);
    let meter: Option<Meter> = found.map(|row| row.definition.to()).transpose()?;
    Ok(meter.is_none_or(|meter| meter.aggregation.is_added_up()))
}

async fn left_to_a_person(
    app: &App,
    run: &Run,
    of: &MeterDay,
    ours: Quantity,
    theirs: &str,
) -> Result<Verdict> {
    let suspect = Suspect {
        run: run.id,
        target: Target::MeterEvents,
        id: name(of),
        reason: String::new(),
        lost: 0,
        is_over: false,
        is_drift: true,
    };
    let found = Difference {
        field: "usage".to_owned(),
        before: Some(ours.to_string()),
        after: Some(theirs.to_owned()),
    };
    let obstacle = format!(
        "Stripe was told {ours} of {} on {} and says {theirs}: look at the tenant's meter events, and settle in \
         Stripe what is missing",
        of.meter,
        of.day.date()
    );
    let mut conn = app.db.read().await?;
    let open = drifts::find_open(&mut conn, drift::kind(Target::MeterEvents), &suspect.id).await?;
    drop(conn);
    drift::leave_to_a_person(app, &suspect, Some(of.tenant), &[found], open, &obstacle).await?;
    Ok(Verdict::NeedsPerson)
}

fn name(of: &MeterDay) -> String {
    format!("{}/{}/{}", of.customer, of.meter, of.day.date())
}
