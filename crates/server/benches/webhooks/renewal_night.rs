//! A night in which every subscription renews, one each second: how fast its webhooks are worked, and how often
//! Stripe has to be asked for that.
//!
//! Time passes in steps of five minutes, as a backlog would build up; an invoice is final an hour after its
//! period. Stripe is in this process, and what it takes to answer is part of the time.

use std::time::Duration;

use anyhow::ensure;

use crate::{
    database::{Database, Kind, server_url},
    generator::now,
    installation::{Installation, settled},
    limit,
    report::say,
    work::per_second,
};

pub const SUBSCRIPTIONS: usize = 2_000;
const STEP: i64 = 300;
/// From the last renewal to its paid invoice.
const AFTERWARDS: i64 = 2 * 3600;
const DELIVERIES_PER_CALL_AIM: usize = 10;

pub async fn measure(subscriptions: usize) -> anyhow::Result<()> {
    let server_url = server_url()?;
    for (kind, round) in Kind::ALL.into_iter().zip(1..) {
        on(kind, &server_url, round, subscriptions).await?;
    }
    Ok(())
}

/// On a new database of this kind.
pub async fn on(
    kind: Kind,
    server_url: &str,
    round: u32,
    subscriptions: usize,
) -> anyhow::Result<()> {
    let database = Database::create(kind, server_url, round).await?;
    let outcome = night(&database.url, subscriptions).await;
    database.remove().await?;
    let Night { deliveries, calls, elapsed, limit } = outcome?;
    let per_call = deliveries / calls.max(1);
    say(&format!(
        "{}{}: {subscriptions} renewals, {deliveries} deliveries, {calls} calls to Stripe: {per_call} \
         deliveries for each (aim: {DELIVERIES_PER_CALL_AIM}); {}/s worked, {} % of bulk inserts and \
         updates ({}/s)",
        if per_call >= DELIVERIES_PER_CALL_AIM { "aim met     " } else { "aim missed  " },
        kind.name(),
        per_second(deliveries, elapsed),
        limit.as_micros() * 100 / elapsed.as_micros().max(1),
        per_second(deliveries, limit),
    ));
    Ok(())
}

struct Night {
    deliveries: usize,
    calls: usize,
    elapsed: Duration,
    limit: Duration,
}

async fn night(database_url: &str, subscriptions: usize) -> anyhow::Result<Night> {
    let installation = Installation::start(database_url).await?;
    let clock = &installation.app.clock;
    for number in 0..subscriptions {
        installation.subscribe(&format!("Tenant {number}")).await?;
        clock.advance(1);
        if number % 100 == 0 {
            installation.settle().await?;
        }
    }
    installation.settle().await?;
    // The longest month is over a second before the first of them renews.
    let first =
        installation.simulator.objects("subscription")[0]["items"]["data"][0]["current_period_end"]
            .as_i64()
            .unwrap_or_default();
    clock.advance(first - 1 - clock.now().as_second());
    installation.settle().await?;
    let before = settled(&installation.app).await?;
    let _ = installation.calls();

    let (mut deliveries, mut elapsed) = (0, Duration::ZERO);
    let end = clock.now().as_second() + i64::try_from(subscriptions)? + AFTERWARDS;
    while clock.now().as_second() < end {
        clock.advance(STEP);
        let began = now();
        deliveries += installation.settle().await?;
        elapsed += began.elapsed();
    }
    let worked = settled(&installation.app).await? - before;
    ensure!(
        usize::try_from(worked) == Ok(deliveries) && deliveries > 3 * subscriptions,
        "{deliveries} deliveries came, and {worked} are settled"
    );
    let calls = installation.calls();
    let limit = limit::insert_and_update(&installation.app.db, deliveries).await?;
    installation.app.stop.cancel();
    installation.app.db.close().await;
    Ok(Night { deliveries, calls, elapsed, limit })
}
