//! What is personal of a tenant that is over, wherever we keep it. Figures stay.

use serde_json::Value;
use tollhouse_domain::{id::TenantId, time::Timestamp};
use tollhouse_stripe::personal::without_personal_data;

use super::{
    run::Holder,
    walk::{BATCH, old_events},
};
use crate::{
    db::{Json, Tx},
    error::Result,
    invoices::{parts, queries as invoices},
    outbound::deliveries::queries as outbound,
    record::{Done, Often, Origin, Subject, record_often},
    slots::queries as slots,
    subscriptions::queries as subscriptions,
    tenants::queries::{self as tenants, Tenant},
    usage::queries as usage,
};

/// Objects of Stripe's are large.
const OBJECTS_AT_ONCE: i64 = 50;

/// Erases a tenant. From the first commit on, nothing that Stripe says of it is written with what is personal.
pub async fn tenant(holder: &mut Holder, tenant: &Tenant) -> Result<()> {
    if holder.run.dry_run {
        holder.count("tenants", 1);
    } else {
        let app = std::sync::Arc::clone(&holder.app);
        let now = app.clock.now();
        let mut tx = app.db.begin().await?;
        let erased = tenants::erase_personal_data(&mut tx, tenant.id, now).await?;
        let subject = Subject::new("tenant", tenant.id);
        let data = serde_json::json!({ "retention_run": holder.run.id });
        let done =
            Done { action: "tenant.personal_data_erase", subject: &subject, data: &data, at: now };
        let often = Often { origin: Origin::system(), tenant: Some(tenant.id), done };
        record_often(&mut tx, &app.clock, &[often]).await?;
        holder.commit(tx, "tenants", erased).await?;
    }
    rows_of(holder, tenant.id).await
}

/// Erases what other tables hold of a tenant that is erased. Doing it again changes nothing.
pub async fn rows_of(holder: &mut Holder, tenant: TenantId) -> Result<()> {
    old_events(holder, tenant, Timestamp::MAX).await?;
    for table in [Table::OutboundDeliveries, Table::UsageEvents, Table::UsageValues, Table::Slots] {
        empty(holder, tenant, table).await?;
    }
    subscriptions(holder, tenant).await?;
    invoices(holder, tenant).await?;
    // Audit entries stay until their own time is over: what is sealed can be proved only as a whole.
    Ok(())
}

/// Tables of which every row of the tenant goes.
#[derive(Clone, Copy)]
enum Table {
    OutboundDeliveries,
    UsageEvents,
    UsageValues,
    /// What the application calls its resources may be a name of somebody's.
    Slots,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::OutboundDeliveries => "outbound_deliveries",
            Self::UsageEvents => "usage_events",
            Self::UsageValues => "usage_values",
            Self::Slots => "slots",
        }
    }

    async fn remove(self, tx: &mut Tx, tenant: TenantId) -> Result<u64> {
        Ok(match self {
            Self::OutboundDeliveries => outbound::remove_of(tx, tenant, BATCH).await?,
            Self::UsageEvents => usage::remove_of(tx, tenant, BATCH).await?,
            Self::UsageValues => usage::remove_values_of(tx, tenant, BATCH).await?,
            Self::Slots => slots::remove_of(tx, tenant).await?,
        })
    }

    async fn count(self, holder: &Holder, tenant: TenantId) -> Result<u64> {
        let mut conn = holder.app.db.read().await?;
        Ok(match self {
            Self::OutboundDeliveries => outbound::count_of(&mut conn, tenant).await?,
            Self::UsageEvents => usage::count_of(&mut conn, tenant).await?,
            Self::UsageValues => usage::count_values_of(&mut conn, tenant).await?,
            Self::Slots => slots::count_of(&mut conn, tenant).await?,
        })
    }
}

async fn empty(holder: &mut Holder, tenant: TenantId, table: Table) -> Result<()> {
    if holder.run.dry_run {
        let rows = table.count(holder, tenant).await?;
        holder.count(table.name(), rows);
        return holder.renew().await;
    }
    loop {
        let mut tx = holder.app.db.begin().await?;
        let removed = table.remove(&mut tx, tenant).await?;
        holder.commit(tx, table.name(), removed).await?;
        if removed == 0 {
            return Ok(());
        }
    }
}

/// The objects as they are without what is personal, where that is something else.
fn erased(object: &Json) -> Result<Option<Json>> {
    let after = Json::from(without_personal_data(object.text())?);
    let is_same = object.to::<Value>()? == after.to::<Value>()?;
    Ok((!is_same).then_some(after))
}

async fn subscriptions(holder: &mut Holder, tenant: TenantId) -> Result<()> {
    let mut after = None;
    loop {
        let mut conn = holder.app.db.read().await?;
        let page = subscriptions::list_objects(&mut conn, tenant, after, OBJECTS_AT_ONCE).await?;
        drop(conn);
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        let mut tx = holder.app.db.begin().await?;
        let mut rows = 0;
        for row in &page {
            let Some(object) = erased(&row.stripe_object)? else { continue };
            rows += if holder.run.dry_run {
                1
            } else {
                subscriptions::replace_object(&mut tx, row, &object).await?
            };
        }
        holder.commit(tx, "subscriptions", rows).await?;
    }
}

async fn invoices(holder: &mut Holder, tenant: TenantId) -> Result<()> {
    let mut after = None;
    loop {
        let mut conn = holder.app.db.read().await?;
        let page = invoices::list_objects(&mut conn, tenant, after, OBJECTS_AT_ONCE).await?;
        drop(conn);
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        let mut tx = holder.app.db.begin().await?;
        let mut rows = 0;
        for row in &page {
            if !holder.run.dry_run {
                parts::erase_credit_notes(&mut tx, row.id).await?;
            }
            let Some(object) = erased(&row.stripe_object)? else { continue };
            rows += if holder.run.dry_run {
                1
            } else {
                invoices::replace_object(&mut tx, row, &object).await?
            };
        }
        holder.commit(tx, "invoices", rows).await?;
    }
}
