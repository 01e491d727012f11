//! A copy of the SQLite database, while the service runs.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use serde_json::json;
use tollhouse_server::{
    db::{Db, sqlite_file},
    nudge::Nudges,
};

use crate::{output, settings::SettingsArgs};

#[derive(Args)]
pub struct Backup {
    #[command(flatten)]
    settings: SettingsArgs,
    /// The file to write; one that exists is not touched
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub async fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load()?.config()?;
        let url = config.database.url.expose();
        let Some(from) = sqlite_file(url) else {
            bail!(
                "the database is a Postgres, which has tools of its own: back it up with `pg_dump`"
            );
        };
        if !from.exists() {
            bail!("there is no SQLite file `{}` to back up: see `DATABASE_URL`", from.display());
        }
        let db = Db::open(url, 1, Nudges::default())
            .await
            .map_err(|error| anyhow::anyhow!("the database could not be opened: {error}"))?;
        let written = db.back_up(&self.to).await;
        db.close().await;
        let (bytes, file) = (written?, self.to.display().to_string());
        if self.json {
            return output::json(&json!({ "file": file, "bytes": bytes }));
        }
        Ok(output::line(&format!("{bytes} bytes in `{file}`. Keep it as you keep the database."))?)
    }
}
