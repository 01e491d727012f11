//! All SQL of `portal_configurations`.

use tollhouse_domain::time::Timestamp;
use tollhouse_sql::{Record, sql};

use crate::db::{Conn, DbResult};

#[derive(Record)]
struct Configuration {
    stripe_configuration_id: String,
}

/// Stripe's id of the configuration with these features.
pub async fn find(conn: &mut Conn, fingerprint: &str) -> DbResult<Option<String>> {
    let row: Option<Configuration> = sql!(
        conn,
        "SELECT stripe_configuration_id FROM portal_configurations WHERE fingerprint = {fingerprint}"
    )
    .optional()
    .await?;
    Ok(row.map(|row| row.stripe_configuration_id))
}

/// Writes a configuration down; of two made at once the first stays, and both work.
pub async fn insert(
    conn: &mut Conn,
    fingerprint: &str,
    stripe_id: &str,
    now: Timestamp,
) -> DbResult<()> {
    sql!(
        conn,
        "INSERT INTO portal_configurations (fingerprint, stripe_configuration_id, created_at)
         VALUES ({fingerprint}, {stripe_id}, {now}) ON CONFLICT (fingerprint) DO NOTHING"
    )
    .execute()
    .await?;
    Ok(())
}
