//! Sealing entries, later and many at once: whoever does something waits for no hash.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{
    chain::{chain_of, hash},
    queries,
};
use crate::{app::App, error::Result};

/// Entries sealed in one transaction.
const BATCH: i64 = 500;

/// Seals every entry that was committed. On several instances at once they take turns.
pub async fn seal_entries(app: &App) -> Result<()> {
    loop {
        let mut conn = app.db.read().await?;
        let any = queries::any_unsealed(&mut conn).await?;
        drop(conn);
        if !any || app.stop.is_cancelled() {
            return Ok(());
        }
        seal_batch(app).await?;
    }
}

async fn seal_batch(app: &App) -> Result<()> {
    let mut tx = app.db.begin().await?;
    queries::lock_chains(&mut tx).await?;
    let entries = queries::list_unsealed(&mut tx, BATCH).await?;
    let ids: Vec<Uuid> = entries.iter().map(chain_of).collect();
    let chains = queries::find_chains(&mut tx, &ids).await?;
    let mut heads: BTreeMap<Uuid, (i64, Vec<u8>)> =
        chains.into_iter().map(|chain| (chain.id, (chain.last_number, chain.last_hash))).collect();
    let mut seals = Vec::with_capacity(entries.len());
    for entry in &entries {
        let (number, head) = heads.entry(chain_of(entry)).or_default();
        *number += 1;
        *head = hash(head, *number, entry)?;
        seals.push((entry.id, *number, head.clone()));
    }
    queries::seal(&mut tx, &seals).await?;
    let heads: Vec<(Uuid, i64, Vec<u8>)> =
        heads.into_iter().map(|(id, (number, hash))| (id, number, hash)).collect();
    queries::put_chains(&mut tx, &heads).await?;
    Ok(tx.commit().await?)
}
