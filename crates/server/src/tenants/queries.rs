//! All SQL of `tenants`.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tollhouse_domain::{id::TenantId, tenant::TenantStatus, time::Timestamp};
use tollhouse_sql::{Record, sql};
use tollhouse_stripe::CustomerId;

use super::{Opening, Overrides, Retention, sso::Sso};
use crate::db::{Conn, DbError, DbResult, Json};

/// A customer of the application.
#[derive(Clone, Debug, Record)]
pub struct Tenant {
    pub id: TenantId,
    pub name: String,
    pub contact_email: String,
    /// Where invoices go; the contact's where absent.
    pub billing_email: Option<String>,
    pub phone: Option<String>,
    pub status: TenantStatus,
    /// Why it stands so, in an operator's words.
    pub status_reason: Option<String>,
    /// Since when, where that was ever changed. Of a terminated tenant: when its retention began.
    pub status_since: Option<Timestamp>,
    pub support_tier: String,
    pub sla_level: i64,
    pub metadata: Json,
    /// A `tenants::sso::Sso`, where its people sign in by one.
    pub sso: Option<Json>,
    /// A `tenants::Overrides`, where it has any.
    pub overrides: Option<Json>,
    /// A `tenants::Retention`, where it has its own.
    pub retention: Option<Json>,
    /// A `tenants::Opening`: the plan it was created with.
    pub opening: Option<Json>,
    /// Whether that plan was begun.
    pub opened: bool,
    pub stripe_customer_id: Option<CustomerId>,
    /// Whether Stripe knows the name and the addresses.
    pub customer_named: bool,
    /// When Stripe is next to be made to follow; none where it does.
    pub settle_at: Option<Timestamp>,
    /// How often that was asked for.
    pub settle_asked: i64,
    pub settle_attempts: i64,
    /// When what is personal of it went; since then its name and addresses are none.
    pub personal_data_erased_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Tenant {
    /// A tenant as it is created where nothing more is said of it.
    ///
    /// # Errors
    /// Never: the library's type does not say so.
    pub fn new(id: TenantId, name: &str, email: &str, now: Timestamp) -> serde_json::Result<Self> {
        Ok(Self {
            id,
            name: name.to_owned(),
            contact_email: email.to_owned(),
            billing_email: None,
            phone: None,
            status: TenantStatus::Active,
            status_reason: None,
            status_since: None,
            support_tier: "standard".to_owned(),
            sla_level: 0,
            metadata: Json::of(&BTreeMap::<String, String>::new())?,
            sso: None,
            overrides: None,
            retention: None,
            opening: None,
            opened: false,
            stripe_customer_id: None,
            customer_named: false,
            settle_at: None,
            settle_asked: 0,
            settle_attempts: 0,
            personal_data_erased_at: None,
            created_at: now,
            updated_at: now,
        })
    }

    /// Whether both were created with the same data.
    ///
    /// # Errors
    /// Where a stored part was not written by this program.
    pub fn says_the_same(&self, other: &Self) -> serde_json::Result<bool> {
        let said = |tenant: &Self| -> serde_json::Result<_> {
            let opening: Option<Opening> = part(tenant.opening.as_ref())?;
            Ok((
                (tenant.name.clone(), tenant.contact_email.clone(), tenant.billing_email.clone()),
                (tenant.phone.clone(), tenant.support_tier.clone(), tenant.sla_level),
                tenant.metadata.to::<BTreeMap<String, String>>()?,
                part::<Sso>(tenant.sso.as_ref())?,
                part::<Overrides>(tenant.overrides.as_ref())?,
                part::<Retention>(tenant.retention.as_ref())?,
                opening.map(|opening| (opening.plan, opening.interval, opening.currency)),
            ))
        };
        Ok(said(self)? == said(other)?)
    }

    /// Where invoices go.
    pub fn email(&self) -> &str {
        self.billing_email.as_deref().unwrap_or(&self.contact_email)
    }

    /// In small letters, on both databases alike.
    fn search_text(&self) -> String {
        let billing = self.billing_email.as_deref().unwrap_or_default();
        format!("{} {} {billing}", self.name, self.contact_email).to_lowercase()
    }
}

fn part<T: DeserializeOwned>(json: Option<&Json>) -> serde_json::Result<Option<T>> {
    json.map(Json::to).transpose()
}

/// `false` where the id is taken.
pub async fn insert(conn: &mut Conn, new: &Tenant) -> DbResult<bool> {
    let search_text = new.search_text();
    let inserted = sql!(
        conn,
        "INSERT INTO tenants (id, name, contact_email, billing_email, phone, status, support_tier, sla_level,
             metadata, sso, overrides, retention, opening, opened, search_text, stripe_customer_id,
             customer_named, settle_at, settle_asked, created_at, updated_at)
         VALUES ({new.id}, {new.name}, {new.contact_email}, {new.billing_email}, {new.phone}, {new.status},
             {new.support_tier}, {new.sla_level}, {new.metadata}, {new.sso}, {new.overrides}, {new.retention},
             {new.opening}, {new.opened}, {search_text}, {new.stripe_customer_id}, {new.customer_named},
             {new.settle_at}, {new.settle_asked}, {new.created_at}, {new.updated_at})
         ON CONFLICT (id) DO NOTHING"
    )
    .execute()
    .await?;
    Ok(inserted == 1)
}

/// Locks the row until the end of the transaction.
pub async fn find_locked(conn: &mut Conn, id: TenantId) -> DbResult<Option<Tenant>> {
    let for_update = conn.for_update();
    conn.query("SELECT * FROM tenants WHERE 1 = 1")
        .filter(" AND id = ?", Some(id))
        .push(for_update)
        .optional()
        .await
}

/// Writes what an operator says of a tenant over what was said before.
pub async fn update(conn: &mut Conn, row: &Tenant) -> DbResult<()> {
    let search_text = row.search_text();
    sql!(
        conn,
        "UPDATE tenants SET name = {row.name}, contact_email = {row.contact_email},
             billing_email = {row.billing_email}, phone = {row.phone}, status = {row.status},
             status_reason = {row.status_reason}, status_since = {row.status_since},
             support_tier = {row.support_tier}, sla_level = {row.sla_level}, metadata = {row.metadata},
             sso = {row.sso}, overrides = {row.overrides}, retention = {row.retention},
             opening = {row.opening}, opened = {row.opened}, customer_named = {row.customer_named},
             search_text = {search_text}, updated_at = {row.updated_at}
         WHERE id = {row.id}"
    )
    .execute()
    .await?;
    Ok(())
}

/// Has Stripe told about a tenant, from now on until it is done.
pub async fn ask_to_settle(conn: &mut Conn, id: TenantId, now: Timestamp) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE tenants SET settle_at = {now}, settle_asked = settle_asked + 1, settle_attempts = 0
         WHERE id = {id}"
    )
    .execute()
    .await?;
    Ok(())
}

#[derive(Record)]
struct Due {
    id: TenantId,
}

/// Tenants about whom Stripe is to be told by now, and whom nobody has in hand.
pub async fn list_unsettled(
    conn: &mut Conn,
    now: Timestamp,
    limit: i64,
) -> DbResult<Vec<TenantId>> {
    let due: Vec<Due> = sql!(
        conn,
        "SELECT id FROM tenants
         WHERE settle_at <= {now} AND (settle_claimed_until IS NULL OR settle_claimed_until <= {now})
         ORDER BY settle_at, id LIMIT {limit}"
    )
    .all()
    .await?;
    Ok(due.into_iter().map(|due| due.id).collect())
}

/// Takes a tenant in hand until `until`; `false` where somebody else has, or there is nothing to do.
pub async fn claim(
    conn: &mut Conn,
    id: TenantId,
    now: Timestamp,
    until: Timestamp,
) -> DbResult<bool> {
    let claimed = sql!(
        conn,
        "UPDATE tenants SET settle_claimed_until = {until}, settle_attempts = settle_attempts + 1
         WHERE id = {id} AND settle_at IS NOT NULL
             AND (settle_claimed_until IS NULL OR settle_claimed_until <= {now})"
    )
    .execute()
    .await?;
    Ok(claimed == 1)
}

/// Puts a claimed tenant down. `next` is when to look again, unless it was asked for meanwhile.
pub async fn put_down(
    conn: &mut Conn,
    claimed: &Tenant,
    until: Timestamp,
    next: Option<Timestamp>,
) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE tenants SET settle_at = {next} WHERE id = {claimed.id} AND settle_asked = {claimed.settle_asked}"
    )
    .execute()
    .await?;
    sql!(
        conn,
        "UPDATE tenants SET settle_claimed_until = NULL
         WHERE id = {claimed.id} AND settle_claimed_until = {until}"
    )
    .execute()
    .await?;
    Ok(())
}

/// The plan a tenant was created with was begun, or cannot be.
pub async fn mark_opened(conn: &mut Conn, id: TenantId) -> DbResult<()> {
    sql!(conn, "UPDATE tenants SET opened = TRUE WHERE id = {id}").execute().await?;
    Ok(())
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

/// The customers of those of these tenants that have one.
pub async fn list_customers(
    conn: &mut Conn,
    tenants: &[TenantId],
) -> DbResult<Vec<(TenantId, CustomerId)>> {
    let rows: Vec<Linked> = conn
        .query("SELECT id, stripe_customer_id FROM tenants WHERE id IN ")
        .list(tenants)
        .push(" AND stripe_customer_id IS NOT NULL")
        .all()
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.stripe_customer_id)).collect())
}

#[derive(Record)]
struct Linked {
    id: TenantId,
    stripe_customer_id: CustomerId,
}

/// Those of these customers that belong to a tenant.
pub async fn list_linked(conn: &mut Conn, customers: &[CustomerId]) -> DbResult<Vec<CustomerId>> {
    let rows: Vec<Linked> = conn
        .query("SELECT id, stripe_customer_id FROM tenants WHERE stripe_customer_id IN ")
        .list(customers)
        .all()
        .await?;
    Ok(rows.into_iter().map(|row| row.stripe_customer_id).collect())
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

/// Stripe knows the customer's name and addresses now, unless they were changed since `told` was read.
pub async fn mark_named(conn: &mut Conn, told: &Tenant) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE tenants SET customer_named = TRUE
         WHERE id = {told.id} AND name = {told.name} AND contact_email = {told.contact_email}
             AND billing_email IS NOT DISTINCT FROM {told.billing_email}
             AND phone IS NOT DISTINCT FROM {told.phone}"
    )
    .execute()
    .await?;
    Ok(())
}

/// In the order of their ids, those after `after`.
pub async fn list_from(
    conn: &mut Conn,
    after: Option<TenantId>,
    limit: i64,
) -> DbResult<Vec<Tenant>> {
    conn.query("SELECT * FROM tenants WHERE 1 = 1")
        .filter(" AND id > ?", after)
        .filter(" ORDER BY id LIMIT ?", Some(limit))
        .all()
        .await
}

/// Name, addresses, metadata and sign-in go; 0 where they were gone. Stripe is not told: the customer there is
/// the operator's to delete.
pub async fn erase_personal_data(conn: &mut Conn, id: TenantId, now: Timestamp) -> DbResult<u64> {
    let nothing = Json::from(
        RawValue::from_string("{}".to_owned()).map_err(|error| DbError::Encode(error.into()))?,
    );
    sql!(
        conn,
        "UPDATE tenants SET name = '(erased)', contact_email = '', billing_email = NULL, phone = NULL,
             status_reason = NULL, metadata = {nothing}, sso = NULL, search_text = '', customer_named = TRUE,
             personal_data_erased_at = {now}, updated_at = {now}
         WHERE id = {id} AND personal_data_erased_at IS NULL"
    )
    .execute()
    .await
}

/// What `LIKE` finds a text in `search_text` by, and nothing but that text.
pub fn search_pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}
