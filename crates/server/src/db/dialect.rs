//! The few words of SQL that differ.

use super::Conn;

impl Conn {
    /// Ends a `SELECT` that claims rows. On SQLite the only writer is alone anyway.
    pub fn skip_locked(&self) -> &'static str {
        match self {
            Self::Sqlite(_) | Self::SqliteTx(_) | Self::PostgresRead(_) => "",
            Self::Postgres(_) | Self::PostgresTx(_) => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// Ends a `SELECT` whose row is changed afterwards in the same transaction.
    pub fn for_update(&self) -> &'static str {
        match self {
            Self::Sqlite(_) | Self::SqliteTx(_) | Self::PostgresRead(_) => "",
            Self::Postgres(_) | Self::PostgresTx(_) => " FOR UPDATE",
        }
    }
}
