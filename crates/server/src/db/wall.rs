//! The second wall between tenants, on Postgres: what a tenant's own people read is read under a role that sees the rows
//! of that tenant and what belongs to nobody, whatever the query forgot to say.
//!
//! The first wall stands in the program (`http/auth.rs`, and each `queries.rs` names its tenant). Policies are a
//! migration's; here are the role, what it may read, and the door through which connections go under it. It guards what
//! is read by the request itself: writes, tasks and what is committed for many requests at once go by the first wall.

use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool, SqlSafeStr, SqlStr,
    error::DatabaseError,
};
use tollhouse_domain::id::TenantId;

use super::{Db, Pools};

/// What the role may read. A policy shows it the rows of one tenant, where rows belong to one.
const READABLE: &[&str] = &[
    "audit_entries",
    "checkouts",
    "coupons",
    "credit_accounts",
    "credit_grants",
    "credit_notes",
    "credit_readings",
    "disputes",
    "event_counters",
    "event_positions",
    "events",
    "invoice_lines",
    "invoice_payments",
    "invoices",
    "meter_events",
    "meters",
    "plans",
    "portal_configurations",
    "prices",
    "promotion_codes",
    "recurring_revenue",
    "refunds",
    "reservation_locks",
    "reservations",
    "slot_counters",
    "slots",
    "subscription_items",
    "subscriptions",
    "tenants",
    "usage_alerts",
    "usage_billable",
    "usage_events",
    "usage_rollups",
    "usage_values",
];

tokio::task_local! {
    static WITHIN: TenantId;
}

/// Does this work with connections that read of one tenant alone.
pub async fn within<T>(tenant: TenantId, work: impl Future<Output = T>) -> T {
    WITHIN.scope(tenant, work).await
}

/// Why there is no second wall.
#[derive(Debug, thiserror::Error)]
pub enum WallFailed {
    #[error(
        "the database lets this user neither make nor use the role `{role}`, under which a tenant's people read \
         ({cause}): let an administrator of it run `CREATE ROLE {role} NOLOGIN; GRANT {role} TO <this user>;`, or \
         go without this second wall between tenants by `tenant_role = \"\"` in the section `[database]`"
    )]
    Refused { role: String, cause: sqlx::Error },
    #[error(transparent)]
    Failed(#[from] sqlx::Error),
}

impl Db {
    /// Puts tenants behind the second wall: their people read under `role`, which is made where there is none.
    ///
    /// SQLite has no roles: nothing changes there, nor where the name is empty.
    ///
    /// # Errors
    /// [`WallFailed`], where the role can be neither made nor used.
    pub async fn with_wall(mut self, role: &str) -> Result<Self, WallFailed> {
        if let Pools::Postgres(pool) = &self.pools
            && !role.is_empty()
        {
            raise(pool, role).await?;
            self.tenant_role = Some(quoted(role).into());
        }
        Ok(self)
    }

    /// How a transaction begins that reads behind the wall; none where nobody is to be kept behind it.
    pub(super) fn begin_behind_wall(&self, transaction: &str) -> Option<SqlStr> {
        let tenant = WITHIN.try_with(|tenant| *tenant).ok()?;
        let role = self.tenant_role.as_deref()?;
        let begin = format!(
            "{transaction}; SET LOCAL ROLE {role}; SET LOCAL tollhouse.tenant = '{tenant}'"
        );
        Some(AssertSqlSafe(begin).into_sql_str())
    }
}

async fn raise(pool: &PgPool, role: &str) -> Result<(), WallFailed> {
    let mut conn = pool.acquire().await?;
    let refused = |cause| WallFailed::Refused { role: role.to_owned(), cause };
    if !is_usable(&mut conn, role).await? {
        make(&mut conn, role).await.map_err(refused)?;
    }
    let unreadable = "SELECT name FROM unnest($2::text[]) AS name WHERE NOT has_table_privilege($1, name, 'SELECT')";
    let tables: Vec<String> =
        sqlx::query_scalar(unreadable).bind(role).bind(READABLE).fetch_all(&mut *conn).await?;
    if !tables.is_empty() {
        let mut tx = conn.begin().await?;
        // Two instances that start together would get into each other's way.
        tx.execute("SELECT pg_advisory_xact_lock(hashtext('tollhouse.tenant_role'))").await?;
        let grant = format!("GRANT SELECT ON {} TO {}", tables.join(", "), quoted(role));
        tx.execute(AssertSqlSafe(grant)).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Whether the role is there, and this user may take it.
async fn is_usable(conn: &mut PgConnection, role: &str) -> Result<bool, sqlx::Error> {
    let member = "SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = $1";
    Ok(sqlx::query_scalar(member).bind(role).fetch_optional(conn).await?.unwrap_or(false))
}

async fn make(conn: &mut PgConnection, role: &str) -> Result<(), sqlx::Error> {
    let name = quoted(role);
    match conn.execute(AssertSqlSafe(format!("CREATE ROLE {name} NOLOGIN"))).await {
        // Roles belong to the whole server: another database of it has made this one, perhaps in this moment.
        Err(error) if !is_there(&error) => return Err(error),
        _ => {}
    }
    if !is_usable(conn, role).await? {
        conn.execute(AssertSqlSafe(format!("GRANT {name} TO CURRENT_USER"))).await?;
    }
    Ok(())
}

fn is_there(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    // duplicate_object, or unique_violation where two made it at once.
    matches!(code.as_deref(), Some("42710" | "23505"))
}

fn quoted(role: &str) -> String {
    format!("\"{}\"", role.replace('"', "\"\""))
}
