//! Applying migrations once, whoever starts first.
//!
//! Two folders with the same numbers and names, one per database. A migration is never edited once
//! released; an older binary refuses a newer schema instead of guessing.

use sqlx::{
    SqlSafeStr, SqlitePool,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use tollhouse_sql::Record;

use super::{Db, DbResult, Pools};

#[derive(Record)]
struct Count {
    count: i64,
}

/// One migration: name, its text for SQLite, its text for Postgres.
type Step = (&'static str, &'static str, &'static str);

macro_rules! steps {
    ($($name:literal),+ $(,)?) => {
        [$((
            $name,
            include_str!(concat!("../../migrations/sqlite/", $name, ".sql")),
            include_str!(concat!("../../migrations/postgres/", $name, ".sql")),
        )),+]
    };
}

/// Every migration, oldest first.
const STEPS: &[Step] = &steps![
    "0001_catalog",
    "0002_tenants",
    "0003_checkout",
    "0004_subscriptions",
    "0005_invoices",
    "0006_webhooks",
    "0007_events_and_audit",
    "0008_idempotency",
    "0009_portal",
    "0010_subscription_changes",
    "0011_slots",
    "0012_discounts",
    "0013_invoices_in_full",
    "0014_delivery_ledger",
    "0015_reconcile",
    "0016_outbound",
    "0017_event_positions",
    "0018_event_copies",
    "0019_usage",
    "0020_subscription_items",
    "0021_tenants_in_full",
    "0022_api_keys",
    "0023_renewals",
    "0024_audit_chains",
    "0025_entitlements",
    "0026_credits",
    "0027_usage_alerts",
    "0028_retention",
    "0029_erasure",
    "0030_usage_export",
    "0031_usage_to_forward",
    "0032_disputes",
    "0033_sessions",
    "0034_revenue",
    "0035_row_security",
    "0036_invoice_states",
];

/// How the schema stands after migrating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The number of the newest migration.
    pub version: usize,
}

/// How the schema stands before anything is done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Current {
        version: usize,
    },
    /// Migrations are to be applied; 0 of a database that is empty.
    Behind {
        version: usize,
        newest: usize,
    },
    /// It knows a migration that this version does not.
    Newer,
}

/// Why the schema is not this version's.
#[derive(Debug, thiserror::Error)]
pub enum MigrationFailed {
    #[error(
        "the database was migrated by a newer Tollhouse (it knows a migration that this version does \
         not): run that version, or restore a backup made before it"
    )]
    Newer,
    #[error("the database could not be migrated: {0}")]
    Failed(MigrateError),
}

impl Db {
    /// How far the schema is; changes nothing.
    pub async fn standing(&self) -> DbResult<Standing> {
        let is_there = match &self.pools {
            Pools::Sqlite { .. } => {
                "SELECT COUNT(*) AS count FROM sqlite_master WHERE name = '_sqlx_migrations'"
            }
            Pools::Postgres(_) => {
                "SELECT COUNT(*) AS count FROM pg_tables
                 WHERE schemaname = current_schema() AND tablename = '_sqlx_migrations'"
            }
        };
        let mut conn = self.read().await?;
        let tables: Count = conn.query(is_there).one().await?;
        let newest = STEPS.len();
        if tables.count == 0 {
            return Ok(Standing::Behind { version: 0, newest });
        }
        let known = i64::try_from(newest).unwrap_or(i64::MAX);
        let count = "SELECT COUNT(*) AS count FROM _sqlx_migrations WHERE success";
        let unknown: Count =
            conn.query(count).filter(" AND version > ?", Some(known)).one().await?;
        let applied: Count = conn.query(count).one().await?;
        let version = usize::try_from(applied.count).unwrap_or(0);
        Ok(match () {
            () if unknown.count > 0 => Standing::Newer,
            () if version < newest => Standing::Behind { version, newest },
            () => Standing::Current { version },
        })
    }

    /// Brings the schema up to date. Instances that start together wait for the first one.
    ///
    /// # Errors
    /// [`MigrationFailed`], where the schema is newer than this binary or a statement failed.
    pub async fn migrate(&self) -> Result<Schema, MigrationFailed> {
        let outcome = match &self.pools {
            Pools::Sqlite { writer, .. } => migrate_sqlite(writer).await,
            Pools::Postgres(pool) => migrator(|step| step.2).run(pool).await,
        };
        match outcome {
            Ok(()) => Ok(Schema { version: STEPS.len() }),
            Err(MigrateError::VersionMissing(_)) => Err(MigrationFailed::Newer),
            Err(error) => Err(MigrationFailed::Failed(error)),
        }
    }
}

/// In one transaction that takes the write lock before it looks: the driver's own lock does nothing on SQLite,
/// and two processes would both find an empty file.
async fn migrate_sqlite(writer: &SqlitePool) -> Result<(), MigrateError> {
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    migrator(|step| step.1).run_direct(None, &mut *tx, false).await?;
    Ok(tx.commit().await?)
}

fn migrator(text: impl Fn(&Step) -> &'static str) -> Migrator {
    let migrations = STEPS.iter().zip(1_i64..).map(|(step, version)| {
        let name = step.0.into();
        Migration::new(version, name, MigrationType::Simple, text(step).into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
}
