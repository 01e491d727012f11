//! Checking the chains: that every sealed entry is as it was sealed, and that none is missing.

use tollhouse_domain::id::TenantId;

use super::{
    chain::{PLATFORM, hash},
    queries::{self, Chain},
};
use crate::{app::App, error::Result};

/// Entries read at once.
const PAGE: i64 = 500;
/// More breaks are not listed: the first ones say where to look.
const BREAKS_MAX: usize = 100;

/// What was found.
#[derive(Debug, Default)]
pub struct Verified {
    pub chains: u64,
    pub entries: u64,
    /// The newest hash of the platform's chain; noted elsewhere, it guards the chain against being written anew.
    pub head: String,
    pub breaks: Vec<Break>,
}

/// Where a chain does not hold.
#[derive(Debug)]
pub struct Break {
    /// None for the platform's chain.
    pub tenant: Option<TenantId>,
    pub number: i64,
    pub problem: &'static str,
}

/// Walks every chain, or one tenant's.
pub async fn verify(app: &App, only: Option<TenantId>) -> Result<Verified> {
    let mut found = Verified::default();
    let mut after = None;
    loop {
        let mut conn = app.db.read().await?;
        let chains = match only {
            Some(tenant) => queries::find_chains(&mut conn, &[tenant.as_uuid()]).await?,
            None => queries::list_chains(&mut conn, after).await?,
        };
        drop(conn);
        for chain in &chains {
            verify_chain(app, chain, &mut found).await?;
        }
        after = chains.last().map(|chain| chain.id);
        if after.is_none() || only.is_some() {
            return Ok(found);
        }
    }
}

async fn verify_chain(app: &App, chain: &Chain, found: &mut Verified) -> Result<()> {
    let tenant = (chain.id != PLATFORM).then(|| TenantId::from_uuid(chain.id));
    found.chains += 1;
    if tenant.is_none() {
        found.head = hex::encode(&chain.last_hash);
    }
    let (mut number, mut before) = (0, Vec::new());
    // What is sealed from now on is for the next time.
    while number < chain.last_number {
        let mut conn = app.db.read().await?;
        let entries = queries::list_sealed(&mut conn, tenant, number, PAGE).await?;
        drop(conn);
        let mut page = entries.into_iter().filter(|entry| entry.number <= Some(chain.last_number));
        let Some(first) = page.next() else {
            found.broken(tenant, number + 1, "the end of the chain is missing");
            return Ok(());
        };
        for entry in std::iter::once(first).chain(page) {
            number += 1;
            if entry.number != Some(number) {
                found.broken(tenant, number, "an entry is missing");
                return Ok(());
            }
            let expected = hash(&before, number, &entry)?;
            if entry.hash.as_ref() != Some(&expected) {
                found.broken(tenant, number, "the entry is not as it was sealed");
            }
            // Go on from what stands there: one changed entry is one break.
            before = entry.hash.unwrap_or_default();
            found.entries += 1;
        }
    }
    if before != chain.last_hash {
        found.broken(tenant, number, "the last entry is not the one that was sealed last");
    }
    Ok(())
}

impl Verified {
    fn broken(&mut self, tenant: Option<TenantId>, number: i64, problem: &'static str) {
        if self.breaks.len() < BREAKS_MAX {
            self.breaks.push(Break { tenant, number, problem });
        }
    }
}
