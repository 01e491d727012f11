//! All SQL of `tenants`.

use std::collections::BTreeMap;

use tollhouse_domain::{id::TenantId, tenant::TenantStatus, time::Timestamp};
use tollhouse_sql::{Record, sql};
use tollhouse_stripe::CustomerId;

use crate::db::{Conn, DbResult, Json};

/// A customer of the application.
#[derive(Clone, Debug, Record)]
pub struct Tenant {
    pub id: TenantId,
    pub name: String,
    pub contact_email: String,
    /// Where invoices go; the contact's where absent.
    pub billing_email: Option<String>,
    pub status: TenantStatus,
    pub support_tier: String,
    pub sla_level: i64,
    pub metadata: Json,
    pub stripe_customer_id: Option<CustomerId>,
    /// Whether Stripe knows the name and the address.
    pub customer_named: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Tenant {
    /// Whether both were created with the same data.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let said = |tenant: &Self| {
            (
                tenant.name.clone(),
                tenant.contact_email.clone(),
                tenant.billing_email.clone(),
                tenant.support_tier.clone(),
                tenant.sla_level,
                tenant.metadata.to::<BTreeMap<String, String>>().unwrap_or_default(),
            )
        };
        said(self) == said(other)
    }

    /// Where invoices go.
    pub fn email(&self) -> &str {
        self.billing_email.as_deref().unwrap_or(&self.contact_email)
    }
}

/// `false` where the id is taken.
pub async fn insert(conn: &mut Conn, new: &Tenant) -> DbResult<bool> {
    let inserted = sql!(
        conn,
        "INSERT INTO tenants (id, name, contact_email, billing_email, status, support_tier, sla_level,
             metadata, stripe_customer_id, customer_named, created_at, updated_at)
         VALUES ({new.id}, {new.name}, {new.contact_email}, {new.billing_email}, {new.status},
             {new.support_tier}, {new.sla_level}, {new.metadata}, {new.stripe_customer_id}, {new.customer_named},
             {new.created_at}, {new.updated_at})
         ON CONFLICT (id) DO NOTHING"
    )
    .execute()
    .await?;
    Ok(inserted == 1)
}

pub async fn find(conn: &mut Conn, id: TenantId) -> DbResult<Option<Tenant>> {
    sql!(conn, "SELECT * FROM tenants WHERE id = {id}").optional().await
}

#[derive(Record)]
struct Known {
    id: TenantId,
}

/// Which of these there are.
pub async fn known(conn: &mut Conn, ids: &[TenantId]) -> DbResult<Vec<TenantId>> {
    let known: Vec<Known> =
        conn.query("SELECT id FROM tenants WHERE id IN ").list(ids).all().await?;
    Ok(known.into_iter().map(|tenant| tenant.id).collect())
}

pub async fn find_by_customer(conn: &mut Conn, customer: &CustomerId) -> DbResult<Option<Tenant>> {
    sql!(conn, "SELECT * FROM tenants WHERE stripe_customer_id = {customer}").optional().await
}

/// Those of these customers that belong to a tenant.
pub async fn list_customers(
    conn: &mut Conn,
    customers: &[CustomerId],
) -> DbResult<Vec<CustomerId>> {
    let rows: Vec<Linked> = conn
        .query("SELECT stripe_customer_id FROM tenants WHERE stripe_customer_id IN ")
        .list(customers)
        .all()
        .await?;
    Ok(rows.into_iter().map(|row| row.stripe_customer_id).collect())
}

#[derive(Record)]
struct Linked {
    stripe_customer_id: CustomerId,
}

/// Newest first, one more than `limit` when there are more.
pub async fn list(conn: &mut Conn, before: Option<TenantId>, limit: i64) -> DbResult<Vec<Tenant>> {
    conn.query("SELECT * FROM tenants WHERE 1 = 1")
        .filter(" AND id < ?", before)
        .filter(" ORDER BY id DESC LIMIT ?", Some(limit + 1))
        .all()
        .await
}

/// Links a customer to a tenant that has none; `false` where it has one already.
pub async fn link_customer(
    conn: &mut Conn,
    id: TenantId,
    customer: &CustomerId,
    now: Timestamp,
) -> DbResult<bool> {
    let linked = sql!(
        conn,
        "UPDATE tenants SET stripe_customer_id = {customer}, updated_at = {now}
         WHERE id = {id} AND stripe_customer_id IS NULL"
    )
    .execute()
    .await?;
    Ok(linked == 1)
}

/// Stripe knows the customer's name and address now.
pub async fn mark_named(conn: &mut Conn, id: TenantId) -> DbResult<()> {
    sql!(conn, "UPDATE tenants SET customer_named = TRUE WHERE id = {id}").execute().await?;
    Ok(())
}

/// Another address for invoices; Stripe is to be told.
pub async fn set_billing_email(
    conn: &mut Conn,
    id: TenantId,
    email: &str,
    now: Timestamp,
) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE tenants SET billing_email = {email}, customer_named = FALSE, updated_at = {now}
         WHERE id = {id}"
    )
    .execute()
    .await?;
    Ok(())
}
