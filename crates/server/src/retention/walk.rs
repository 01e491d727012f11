//! The tables, page by page: what is older than its policy goes, a bounded number of rows in a transaction.

use tollhouse_domain::{
    id::{DeliveryId, TenantId, UsageEventId},
    retention::{Policy, goes_before, personal_data_goes},
    time::Timestamp,
};

use super::{
    erase, policy,
    run::{Ended, Holder},
};
use crate::{
    audit::queries as audit,
    error::Result,
    events::queries as events,
    tenants::queries::{self as tenants, Tenant},
    usage::queries as usage,
    webhooks::queries::{self as webhooks, Kept},
};

/// Rows of one transaction.
pub(super) const BATCH: i64 = 500;
const TENANTS_AT_ONCE: i64 = 100;
/// What a webhook, begun before a tenant was erased, wrote of it afterwards is found within this time.
const LOOK_AGAIN_DAYS: i64 = 2;

/// What the tenants together say of the tables that are walked by age.
struct Youngest {
    /// No payload younger than this goes; none where no payload goes at all.
    delivery: Option<Timestamp>,
    usage_event: Option<Timestamp>,
}

impl Youngest {
    fn lower(place: &mut Option<Timestamp>, before: Option<Timestamp>) {
        *place = (*place).max(before);
    }
}

pub async fn everything(holder: &mut Holder) -> Result<Ended> {
    let default = policy::of_settings(&holder.app.config.retention);
    let now = holder.app.clock.now();
    let mut youngest = Youngest {
        delivery: goes_before(default.delivery_payload, now),
        usage_event: goes_before(default.usage_event, now),
    };
    if tenant_by_tenant(holder, default, &mut youngest).await? == Ended::Stopped
        || deliveries(holder, default, youngest.delivery).await? == Ended::Stopped
    {
        return Ok(Ended::Stopped);
    }
    if let Some(before) = goes_before(default.audit, now) {
        old_audit_entries(holder, None, before).await?;
    }
    usage_events(holder, default, youngest.usage_event).await
}

async fn tenant_by_tenant(
    holder: &mut Holder,
    default: Policy,
    youngest: &mut Youngest,
) -> Result<Ended> {
    let mut after: Option<TenantId> = None;
    loop {
        let mut conn = holder.app.db.read().await?;
        let page = tenants::list_from(&mut conn, after, TENANTS_AT_ONCE).await?;
        drop(conn);
        let Some(last) = page.last() else { return Ok(Ended::Whole) };
        after = Some(last.id);
        for tenant in page {
            if holder.is_to_stop() {
                return Ok(Ended::Stopped);
            }
            holder.renew().await?;
            one_tenant(holder, default, &tenant, youngest).await?;
        }
    }
}

async fn one_tenant(
    holder: &mut Holder,
    default: Policy,
    tenant: &Tenant,
    youngest: &mut Youngest,
) -> Result<()> {
    let now = holder.app.clock.now();
    let policy = policy::of_tenant(default, tenant.retention.as_ref())?;
    Youngest::lower(&mut youngest.delivery, goes_before(policy.delivery_payload, now));
    Youngest::lower(&mut youngest.usage_event, goes_before(policy.usage_event, now));
    match tenant.personal_data_erased_at {
        Some(erased) => {
            // Whatever Stripe says of it later is no longer kept than until the next run.
            youngest.delivery = Some(now);
            let again = holder.run.started_at.plus_days(-LOOK_AGAIN_DAYS);
            if erased >= again && policy != Policy::HOLD {
                erase::rows_of(holder, tenant.id).await?;
            }
        }
        None if personal_data_goes(policy, tenant.status, tenant.status_since, now) => {
            youngest.delivery = Some(now);
            return erase::tenant(holder, tenant).await;
        }
        None => {}
    }
    if let Some(before) = goes_before(policy.audit, now) {
        old_audit_entries(holder, Some(tenant.id), before).await?;
    }
    match goes_before(policy.event, now) {
        Some(before) => old_events(holder, tenant.id, before).await,
        None => Ok(()),
    }
}

/// The oldest entries of a chain, up to the first that is too young. The chain keeps the hash of the last that
/// went, so that the rest can be proved.
async fn old_audit_entries(
    holder: &mut Holder,
    tenant: Option<TenantId>,
    before: Timestamp,
) -> Result<()> {
    let mut after = 0;
    loop {
        let mut conn = holder.app.db.read().await?;
        let old = audit::list_sealed_before(&mut conn, tenant, after, before, BATCH).await?;
        drop(conn);
        let Some(last) = old.last() else { return Ok(()) };
        after = last.number;
        if holder.run.dry_run {
            holder.count("audit_entries", rows(&old));
            holder.renew().await?;
            continue;
        }
        let mut tx = holder.app.db.begin().await?;
        let removed = audit::remove_to(&mut tx, tenant, last).await?;
        holder.commit(tx, "audit_entries", removed).await?;
    }
}

/// The oldest events of a tenant; a number that is missing has none before it.
pub(super) async fn old_events(
    holder: &mut Holder,
    tenant: TenantId,
    before: Timestamp,
) -> Result<()> {
    let mut conn = holder.app.db.read().await?;
    let young = events::first_after(&mut conn, tenant, before).await?.unwrap_or(i64::MAX);
    drop(conn);
    let mut after = 0;
    loop {
        let mut conn = holder.app.db.read().await?;
        let old = events::list_between(&mut conn, tenant, after, young, BATCH).await?;
        drop(conn);
        let Some(last) = old.last() else { return Ok(()) };
        after = *last;
        if holder.run.dry_run {
            holder.count("events", rows(&old));
            holder.renew().await?;
            continue;
        }
        let mut tx = holder.app.db.begin().await?;
        let removed = events::remove(&mut tx, tenant, &old).await?;
        holder.commit(tx, "events", removed).await?;
    }
}

/// Bodies and headers of webhooks; who came when, and what became of it, stays.
async fn deliveries(
    holder: &mut Holder,
    default: Policy,
    youngest: Option<Timestamp>,
) -> Result<Ended> {
    let Some(youngest) = youngest else { return Ok(Ended::Whole) };
    let now = holder.app.clock.now();
    let mut after: Option<DeliveryId> = None;
    loop {
        let mut conn = holder.app.db.read().await?;
        let page = webhooks::list_settled(&mut conn, youngest, after, BATCH).await?;
        drop(conn);
        let Some(last) = page.last() else { return Ok(Ended::Whole) };
        after = Some(last.id);
        let mut old = Vec::new();
        for row in &page {
            let policy = policy::of_tenant(default, row.retention.as_ref())?;
            if body_goes(row, policy, now) {
                old.push(row.id);
            }
        }
        if holder.is_to_stop() {
            return Ok(Ended::Stopped);
        }
        if holder.run.dry_run || old.is_empty() {
            holder.count("deliveries", rows(&old));
            holder.renew().await?;
            continue;
        }
        let mut tx = holder.app.db.begin().await?;
        let emptied = webhooks::empty(&mut tx, &old, now).await?;
        holder.commit(tx, "deliveries", emptied).await?;
    }
}

/// Whether it was kept long enough, or its tenant is erased, or is to be: a dry run erases none.
fn body_goes(row: &Kept, policy: Policy, now: Timestamp) -> bool {
    let is_erased = row.personal_data_erased_at.is_some() && policy != Policy::HOLD;
    let is_old =
        goes_before(policy.delivery_payload, now).is_some_and(|before| row.received_at <= before);
    let status = row.status;
    is_erased
        || is_old
        || status.is_some_and(|status| personal_data_goes(policy, status, row.status_since, now))
}

/// Reports of usage; what they came to stays, and is what is billed.
async fn usage_events(
    holder: &mut Holder,
    default: Policy,
    youngest: Option<Timestamp>,
) -> Result<Ended> {
    let Some(youngest) = youngest else { return Ok(Ended::Whole) };
    let now = holder.app.clock.now();
    let mut after: Option<UsageEventId> = None;
    loop {
        let mut conn = holder.app.db.read().await?;
        let page = usage::list_received_before(&mut conn, youngest, after, BATCH).await?;
        drop(conn);
        let Some(last) = page.last() else { return Ok(Ended::Whole) };
        after = Some(last.id);
        let mut old = Vec::new();
        for row in &page {
            let policy = policy::of_tenant(default, row.retention.as_ref())?;
            if goes_before(policy.usage_event, now).is_some_and(|before| row.received_at <= before)
            {
                old.push(row.id);
            }
        }
        if holder.is_to_stop() {
            return Ok(Ended::Stopped);
        }
        if holder.run.dry_run || old.is_empty() {
            holder.count("usage_events", rows(&old));
            holder.renew().await?;
            continue;
        }
        let mut tx = holder.app.db.begin().await?;
        let removed = usage::remove(&mut tx, &old).await?;
        holder.commit(tx, "usage_events", removed).await?;
    }
}

fn rows<T>(page: &[T]) -> u64 {
    u64::try_from(page.len()).unwrap_or(u64::MAX)
}
