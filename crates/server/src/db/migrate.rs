//! Applying migrations once, whoever starts first.
//!
//! Two folders with the same numbers and names, one per database. A migration is never edited once
//! released; an older binary refuses a newer schema instead of guessing.

use sqlx::{
    SqlSafeStr,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use super::{Db, Pools};

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
    "0030_sessions",
];

/// How the schema stands after migrating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The number of the newest migration.
    pub version: usize,
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
    /// Brings the schema up to date. Instances that start together wait for the first one.
    ///
    /// # Errors
    /// [`MigrationFailed`], where the schema is newer than this binary or a statement failed.
    pub async fn migrate(&self) -> Result<Schema, MigrationFailed> {
        let outcome = match &self.pools {
            Pools::Sqlite { writer, .. } => migrator(|step| step.1).run(writer).await,
            Pools::Postgres(pool) => migrator(|step| step.2).run(pool).await,
        };
        match outcome {
            Ok(()) => Ok(Schema { version: STEPS.len() }),
            Err(MigrateError::VersionMissing(_)) => Err(MigrationFailed::Newer),
            Err(error) => Err(MigrationFailed::Failed(error)),
        }
    }
}

fn migrator(text: impl Fn(&Step) -> &'static str) -> Migrator {
    let migrations = STEPS.iter().zip(1_i64..).map(|(step, version)| {
        let name = step.0.into();
        Migration::new(version, name, MigrationType::Simple, text(step).into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
}
