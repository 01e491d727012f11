//! The figures of revenue: making them anew.

use clap::{Args, Subcommand};
use tollhouse_server::{App, Clock, analytics::actions::rebuild};

use crate::{output, settings::SettingsArgs};

#[derive(Args)]
pub struct AnalyticsCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Look at every subscription, and sum up all that was ever taken note of
    Rebuild(Rebuild),
}

#[derive(Args)]
struct Rebuild {
    #[command(flatten)]
    settings: SettingsArgs,
}

impl AnalyticsCommand {
    pub async fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Rebuild(command) => command.run().await,
        }
    }
}

impl Rebuild {
    async fn run(self) -> anyhow::Result<()> {
        let app = App::start(self.settings.load()?.config()?, Clock::real(), None).await?;
        let rebuilt = rebuild(&app).await;
        app.db.close().await;
        rebuilt?;
        Ok(output::line("The figures of revenue were made anew.")?)
    }
}
