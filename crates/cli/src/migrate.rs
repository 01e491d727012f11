//! Bring a database up to date.

use clap::Args;
use tollhouse_server::{db::Db, nudge::Nudges};

use crate::{output, settings::SettingsArgs};

#[derive(Args)]
pub struct Migrate {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Migrate {
    pub async fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load()?.config()?;
        let db = Db::open(config.database.url.expose(), 1, Nudges::default())
            .await
            .map_err(|error| anyhow::anyhow!("the database could not be opened: {error}"))?;
        let schema = db.migrate().await?;
        let kind = db.kind();
        db.close().await;
        if self.json {
            return output::json(
                &serde_json::json!({ "database": kind, "version": schema.version }),
            );
        }
        Ok(output::line(&format!("The {kind} database is at version {}.", schema.version))?)
    }
}
