//! Show settings, with where each came from; secrets hidden.

use clap::Args;
use serde_json::json;

use crate::{output, settings::SettingsArgs};

#[derive(Args)]
pub struct ConfigCommand {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ConfigCommand {
    pub fn run(self) -> anyhow::Result<()> {
        let settings = self.settings.load()?;
        settings.config()?;
        let shown = settings.shown();
        if self.json {
            let rows: Vec<_> = shown
                .iter()
                .map(|s| json!({ "name": s.name, "value": s.value, "source": s.source }))
                .collect();
            return output::json(&rows);
        }
        let rows: Vec<_> = shown.into_iter().map(|s| [s.name, s.value, s.source]).collect();
        Ok(output::table(["SETTING", "VALUE", "FROM"], &rows)?)
    }
}
