//! Check a catalog file, or push it to Stripe.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::json;
use tollhouse_server::{
    App, Clock,
    catalog::{file, push::push},
};

use crate::{logging, output, serve::load_catalog, settings::SettingsArgs};

#[derive(Args)]
pub struct CatalogCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say what is wrong with a catalog file
    Check(Check),
    /// Load the catalog of the settings, and create in Stripe what is not there
    Push(Push),
}

#[derive(Args)]
struct Check {
    /// The catalog file
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Push {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl CatalogCommand {
    pub async fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Check(command) => command.run(),
            Command::Push(command) => command.run().await,
        }
    }
}

impl Check {
    fn run(self) -> anyhow::Result<()> {
        let catalog = file::read(&self.file)?;
        let (plans, meters) = (catalog.plans.len(), catalog.meters.len());
        if self.json {
            return output::json(&json!({ "valid": true, "plans": plans, "meters": meters }));
        }
        Ok(output::line(&format!("The catalog is valid: {plans} plans, {meters} meters."))?)
    }
}

impl Push {
    async fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load()?.config()?;
        logging::start(&config.log)?;
        if config.stripe.secret_key.is_none() {
            bail!("Stripe is not configured: set `STRIPE_SECRET_KEY` to push the catalog");
        }
        let app = App::start(config, Clock::real(), None).await?;
        load_catalog(&app).await?;
        let pushed = push(&app).await?;
        app.db.close().await;
        let (created, updated, unchanged) = (pushed.created, pushed.updated, pushed.unchanged);
        if self.json {
            return output::json(
                &json!({ "created": created, "updated": updated, "unchanged": unchanged }),
            );
        }
        Ok(output::line(&format!(
            "{created} created, {updated} updated, {unchanged} as they were."
        ))?)
    }
}
