//! Claiming and releasing; `allocations` says what is granted, used and free.

mod allocations;

use tollhouse_domain::{
    event::EventType,
    id::{SlotId, TenantId},
    refusal::Refusal,
};

pub use allocations::{Allocation, allocations};
use allocations::{granted, has_subscription};

use super::queries::{self, Slot};
use crate::{
    app::App,
    db::{Conn, Tx},
    error::{Error, Result},
    record::{Happened, Origin, Subject, record},
    subscriptions::actions::granting,
    tenants::queries::Tenant,
};

/// A claim that was not refused.
pub enum Claimed {
    Now(Slot),
    /// The resource held the slot already.
    Before(Slot),
}

/// Gives a resource a slot of a tier. Claiming again gives the same slot, whatever the limit is by now.
///
/// # Errors
/// `TenantNotActive`, `NoAccess`, `SlotTierNotGranted`, `SlotLimitReached`.
pub async fn claim(
    app: &App,
    origin: &Origin,
    tenant: &Tenant,
    (tier, resource): (&str, &str),
    id: SlotId,
) -> Result<Claimed> {
    let slot = Slot {
        id,
        tenant_id: tenant.id,
        tier: tier.to_owned(),
        resource_id: resource.to_owned(),
        claimed_by: origin.actor.name(),
        claimed_at: app.clock.now(),
    };
    let mut tx = app.db.begin().await?;
    if !queries::insert(&mut tx, &slot).await? {
        let held = queries::find(&mut tx, tenant.id, tier, resource).await?;
        let released = Error::Unavailable("the slot is being released at this moment");
        return Ok(Claimed::Before(held.ok_or(released)?));
    }
    // A refusal below drops the transaction, and the slot with it.
    let limit = limit(app, &mut tx, tenant, tier).await?;
    if !queries::count_up(&mut tx, tenant.id, tier, limit).await? {
        return Err(Refusal::SlotLimitReached.into());
    }
    tell(app, origin, &mut tx, EventType::SlotClaimed, &slot).await?;
    tx.commit().await?;
    Ok(Claimed::Now(slot))
}

/// How many slots of the tier the tenant may hold now.
async fn limit(app: &App, conn: &mut Conn, tenant: &Tenant, tier: &str) -> Result<i64> {
    if !tenant.status.is_in_good_standing() {
        return Err(Refusal::TenantNotActive.into());
    }
    let granting = granting(app, conn, tenant).await?;
    let granted = granted(conn, tenant, &granting).await?;
    if granted.is_empty() && granting.is_empty() && has_subscription(conn, tenant.id).await? {
        return Err(Refusal::NoAccess.into());
    }
    let of_tier = granted.iter().filter(|granted| granted.tier == tier);
    let limits: Vec<u64> = of_tier.map(|granted| granted.limit).collect();
    if limits.is_empty() {
        return Err(Refusal::SlotTierNotGranted.into());
    }
    let limit = limits.into_iter().fold(0, u64::saturating_add);
    Ok(i64::try_from(limit).unwrap_or(i64::MAX))
}

/// Takes the slot back. Releasing what is not held changes nothing.
pub async fn release(
    app: &App,
    origin: &Origin,
    tenant: TenantId,
    tier: &str,
    resource: &str,
) -> Result<()> {
    let mut tx = app.db.begin().await?;
    if let Some(slot) = queries::delete(&mut tx, tenant, tier, resource).await? {
        queries::count_down(&mut tx, tenant, tier).await?;
        tell(app, origin, &mut tx, EventType::SlotReleased, &slot).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn tell(
    app: &App,
    origin: &Origin,
    tx: &mut Tx,
    event: EventType,
    slot: &Slot,
) -> Result<()> {
    let verb = if event == EventType::SlotClaimed { "took" } else { "gave back" };
    let happened = Happened {
        tenant: slot.tenant_id,
        event,
        audit: None,
        subject: &Subject::new("slot", slot.id),
        summary: format!("{} {verb} a slot of {}", slot.resource_id, slot.tier),
        data: &serde_json::json!({ "tier": slot.tier, "resource_id": slot.resource_id }),
        at: app.clock.now(),
    };
    record(tx, app, origin, happened).await
}
