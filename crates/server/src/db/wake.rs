//! Words between the instances on one Postgres, while both are connected. SQLite has no other instances.

use sqlx::postgres::PgListener;

use super::{Db, DbResult, Pools};

/// Hears what any instance says on a channel. It holds one connection.
pub struct Listener(PgListener);

impl Listener {
    /// The next word; `None` where the connection was lost, and words with it.
    pub async fn next(&mut self) -> DbResult<Option<String>> {
        let heard = self.0.try_recv().await?;
        Ok(heard.map(|heard| heard.payload().to_owned()))
    }
}

impl Db {
    /// Listens on a channel; `None` on SQLite.
    pub async fn listen(&self, channel: &str) -> DbResult<Option<Listener>> {
        let Pools::Postgres(pool) = &self.pools else { return Ok(None) };
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(channel).await?;
        Ok(Some(Listener(listener)))
    }

    /// Says a word on a channel, outside of any transaction: inside one, its commit would wait for all others
    /// that do the same. Nobody hears it on SQLite.
    pub async fn say(&self, channel: &str, word: &str) -> DbResult<()> {
        if let Pools::Postgres(pool) = &self.pools {
            sqlx::query("SELECT pg_notify($1, $2)").bind(channel).bind(word).execute(pool).await?;
        }
        Ok(())
    }
}
