//! Is this installation ready for production?
//!
//! It changes nothing, neither in the database nor at Stripe.

mod catalog;
mod database;
mod settings;

use anyhow::bail;
use clap::Args;
use serde_json::json;
use tollhouse_server::{
    App, Clock, Config,
    app::configured_gateway,
    doctor::{Finding, Verdict, backlog, redis, stripe},
};
use tollhouse_stripe::Client;

use crate::{output, settings::SettingsArgs};

#[derive(Args)]
pub struct Doctor {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Where Stripe's webhooks are to arrive, such as `https://billing.example.com/webhook/stripe`; without it,
    /// any endpoint with one of our paths will do
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub async fn run(self) -> anyhow::Result<()> {
        let findings = match self.settings.load()?.config() {
            Ok(config) => examine(config, self.webhook_url.as_deref()).await?,
            Err(error) => vec![Finding::problem(
                "settings",
                format!("The service would not start: {error:#}."),
                "Correct the setting; `tollhouse config` shows where each came from.",
            )],
        };
        let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
        let (problems, warnings) = (count(Verdict::Problem), count(Verdict::Warning));
        if self.json {
            output::json(
                &json!({ "problems": problems, "warnings": warnings, "findings": findings }),
            )?;
        } else {
            print(&findings)?;
        }
        match problems {
            0 => Ok(()),
            1 => bail!("one problem stands between this installation and production"),
            count => bail!("{count} problems stand between this installation and production"),
        }
    }
}

async fn examine(config: Config, webhook_url: Option<&str>) -> anyhow::Result<Vec<Finding>> {
    let clock = Clock::real();
    let mut findings = settings::examine(&config);
    let (is_usable, found) = database::examine(&config, &clock).await;
    findings.extend(found);
    findings.extend(redis::examine(&config).await);
    if config.stripe.secret_key.is_some() {
        let stripe = Client::new(configured_gateway(&config)?, clock.seed());
        findings.extend(stripe::examine(&stripe, &clock, webhook_url).await);
    }
    // What is in the tables can be told only where they are as this release knows them.
    if is_usable {
        let app = App::start(config, clock, None).await?;
        findings.extend(catalog::examine(&app).await?);
        findings.extend(backlog::examine(&app).await?);
        app.db.close().await;
    }
    Ok(findings)
}

fn print(findings: &[Finding]) -> anyhow::Result<()> {
    let rows: Vec<[String; 3]> = findings
        .iter()
        .map(|finding| {
            [finding.verdict.to_string(), finding.check.to_owned(), finding.means.clone()]
        })
        .collect();
    output::table(["RESULT", "CHECK", "WHAT IT MEANS"], &rows)?;
    let to_do: Vec<[String; 2]> = findings
        .iter()
        .filter_map(|finding| Some([finding.check.to_owned(), finding.remedy.clone()?]))
        .collect();
    if !to_do.is_empty() {
        output::line("")?;
        output::table(["CHECK", "WHAT TO DO"], &to_do)?;
    }
    Ok(())
}
