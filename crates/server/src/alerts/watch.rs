//! What has crossed its threshold, told once.

use std::collections::BTreeMap;

use serde_json::json;
use tollhouse_domain::{
    event::EventType,
    id::TenantId,
    plan::LimitPeriod,
    time::Timestamp,
    usage::{Quantity, window_of},
};

use super::queries::{self, UsageAlert};
use crate::{
    app::App,
    db::Tx,
    entitlements::{
        actions::{Entitled, entitled},
        queries::{Wanted, What, read},
    },
    error::Result,
    record::{Happened, Origin, Subject, record},
};

/// An alert, and how its meter stands in a window.
struct Watched<'a> {
    alert: &'a UsageAlert,
    /// None of a gauge.
    window: Option<Timestamp>,
    /// What it is about to tell of.
    threshold: Threshold,
    used: Quantity,
}

/// From how much on it is told.
#[derive(Clone, Copy)]
struct Threshold {
    quantity: Quantity,
    /// Of which it is a share.
    limit: Option<u64>,
}

/// Looks at these alerts, and tells of what has crossed. One that is below a percentage of no limit tells
/// nothing.
pub async fn watch(app: &App, alerts: &[UsageAlert]) -> Result<()> {
    let now = app.clock.now();
    let mut tenants: Vec<TenantId> = alerts.iter().map(|alert| alert.tenant_id).collect();
    tenants.sort_unstable();
    tenants.dedup();
    let mut conn = app.db.read().await?;
    let grace_days = app.config.billing.grace_period_days;
    let entitled = entitled(&mut conn, &tenants, grace_days, now).await?;
    let (mut watched, mut wanted) = (Vec::new(), Vec::new());
    for alert in alerts {
        let Some(entitled) = entitled.get(&alert.tenant_id) else { continue };
        let Some(threshold) = threshold(alert, entitled) else { continue };
        for (window, what) in windows(alert, entitled, now) {
            let meter = alert.meter.clone();
            wanted.push(Wanted { tenant_id: alert.tenant_id, meter, what });
            watched.push(Watched { alert, window, threshold, used: Quantity::ZERO });
        }
    }
    for found in read(&mut conn, &wanted, now).await? {
        if let Some(it) = usize::try_from(found.number).ok().and_then(|at| watched.get_mut(at)) {
            it.used = found.quantity();
        }
    }
    drop(conn);
    for it in &watched {
        look_at(app, it, now).await?;
    }
    follow_windows(app, alerts, &entitled, now).await
}

fn threshold(alert: &UsageAlert, entitled: &Entitled) -> Option<Threshold> {
    if let Some(quantity) = alert.quantity() {
        return Some(Threshold { quantity, limit: None });
    }
    let same = |per: LimitPeriod, meter: &str| per == alert.per && meter == alert.meter;
    let limits = &entitled.allowance.limits;
    let limit = limits.iter().find(|limit| same(limit.per, &limit.meter))?;
    let percent = rust_decimal::Decimal::new(alert.percent?, 2);
    let quantity = Quantity::from_whole(limit.max).times(percent)?;
    Some(Threshold { quantity, limit: Some(limit.max) })
}

/// The window that is open; before it the one that was looked at last, where that is another.
fn windows(
    alert: &UsageAlert,
    entitled: &Entitled,
    now: Timestamp,
) -> Vec<(Option<Timestamp>, What)> {
    let Some((window, open)) = window_of(alert.per, entitled.period, now) else {
        return vec![(None, What::Gauge)];
    };
    let before = alert.watched.filter(|watched| *watched < open.start);
    let at = |start| (Some(start), What::Used(window, start));
    before.into_iter().chain([open.start]).map(at).collect()
}

async fn look_at(app: &App, it: &Watched<'_>, now: Timestamp) -> Result<()> {
    let crossed = it.used >= it.threshold.quantity;
    let told = it.alert.told;
    match it.window {
        Some(window) if crossed && told.is_none_or(|told| told < window) => {
            let mut tx = app.db.begin().await?;
            if queries::mark_told(&mut tx, it.alert.id, window).await? {
                tell(app, &mut tx, it, now).await?;
                tx.commit().await?;
            }
        }
        None if crossed && told.is_none() => {
            let mut tx = app.db.begin().await?;
            if queries::mark_gauge_told(&mut tx, it.alert.id, now).await? {
                tell(app, &mut tx, it, now).await?;
                tx.commit().await?;
            }
        }
        None if !crossed && told.is_some() => {
            let mut tx = app.db.begin().await?;
            queries::rearm(&mut tx, it.alert.id).await?;
            tx.commit().await?;
        }
        _ => {}
    }
    Ok(())
}

/// Writes down which windows were looked at, where that has changed.
async fn follow_windows(
    app: &App,
    alerts: &[UsageAlert],
    entitled: &BTreeMap<TenantId, Entitled>,
    now: Timestamp,
) -> Result<()> {
    for alert in alerts {
        let Some(entitled) = entitled.get(&alert.tenant_id) else { continue };
        let open = window_of(alert.per, entitled.period, now).map(|(_, open)| open.start);
        if let Some(open) = open.filter(|open| alert.watched != Some(*open)) {
            let mut tx = app.db.begin().await?;
            queries::set_watched(&mut tx, alert.id, open).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

async fn tell(app: &App, tx: &mut Tx, it: &Watched<'_>, now: Timestamp) -> Result<()> {
    let alert = it.alert;
    let threshold = it.threshold.quantity;
    let share = alert.percent.map(|percent| format!(" ({percent} % of the limit)"));
    let happened = Happened {
        tenant: alert.tenant_id,
        event: EventType::UsageAlert,
        audit: None,
        subject: &Subject::new("usage_alert", alert.id),
        summary: format!(
            "{} of {} are used: {threshold} are reached{}",
            it.used,
            alert.meter,
            share.unwrap_or_default()
        ),
        data: &json!({
            "meter": alert.meter,
            "per": alert.per,
            "percent": alert.percent,
            "threshold": threshold,
            "limit": it.threshold.limit,
            "used": it.used,
            "window_start": it.window,
        }),
        at: now,
    };
    record(tx, app, &Origin::system(), happened).await
}
