//! Whose slots are whose: what grants them, and what those in use count against.

use tollhouse_domain::{
    id::{SubscriptionId, TenantId},
    plan::Slots,
    slots::spread,
};

use crate::{
    catalog::actions::find_free_plan,
    db::Conn,
    error::Result,
    slots::queries,
    subscriptions::{actions::Granting, queries as subscriptions},
    tenants::queries::Tenant,
};

/// How the slots of one tier stand with one subscription.
pub struct Allocation {
    /// None for the free plan, and where nothing grants access.
    pub subscription: Option<SubscriptionId>,
    /// The tier's code.
    pub tier: String,
    pub name: String,
    pub display_name: String,
    pub limit: u64,
    pub used: u64,
}

impl Allocation {
    fn unused(subscription: Option<SubscriptionId>, slots: &Slots, seats: u64) -> Self {
        Self {
            subscription,
            tier: slots.tier.clone(),
            name: slots.name.clone(),
            display_name: slots.display_name().to_owned(),
            limit: slots.granted(seats),
            used: 0,
        }
    }
}

/// What is granted and used, subscription by subscription, as [`spread`] counts it.
///
/// Slots of a tier that nothing grants any more are shown with a limit of 0.
pub async fn allocations(
    conn: &mut Conn,
    tenant: &Tenant,
    granting: &[Granting],
) -> Result<Vec<Allocation>> {
    let mut allocations = granted(conn, tenant, granting).await?;
    let first = granting.first().map(|granting| granting.row.id);
    for held in queries::used(conn, tenant.id).await? {
        if !allocations.iter().any(|allocation| allocation.tier == held.tier) {
            let (tier, name) = (held.tier.clone(), held.tier.clone());
            let none = Slots { tier, name, display_name: None, max: 0, per_seat: false };
            allocations.push(Allocation::unused(first, &none, 1));
        }
        let mut of_tier: Vec<&mut Allocation> =
            allocations.iter_mut().filter(|allocation| allocation.tier == held.tier).collect();
        let limits: Vec<u64> = of_tier.iter().map(|allocation| allocation.limit).collect();
        let shares = spread(u64::try_from(held.used).unwrap_or(0), &limits);
        for (allocation, share) in of_tier.iter_mut().zip(shares) {
            allocation.used = share;
        }
    }
    Ok(allocations)
}

/// What the subscriptions grant, the base first; what the free plan grants, where there is none. Nothing of
/// it is counted as used.
pub(super) async fn granted(
    conn: &mut Conn,
    tenant: &Tenant,
    granting: &[Granting],
) -> Result<Vec<Allocation>> {
    let mut granted = Vec::new();
    for Granting { row, plan, .. } in granting {
        let seats = u64::try_from(row.quantity).unwrap_or(0);
        let each = |slots| Allocation::unused(Some(row.id), slots, seats);
        granted.extend(plan.slots.iter().map(each));
    }
    let may_be_free = granting.is_empty() && tenant.status.is_in_good_standing();
    if may_be_free && !has_subscription(conn, tenant.id).await? {
        let slots = find_free_plan(conn).await?.map(|plan| plan.slots).unwrap_or_default();
        granted.extend(slots.iter().map(|slots| Allocation::unused(None, slots, 1)));
    }
    Ok(granted)
}

/// Whether the tenant has a subscription that is not over, whatever it grants.
pub(super) async fn has_subscription(conn: &mut Conn, tenant: TenantId) -> Result<bool> {
    Ok(!subscriptions::list_live(conn, tenant).await?.is_empty())
}
