//! The audit: whether its chains hold.

use clap::{Args, Subcommand};
use serde_json::json;
use tollhouse_domain::id::TenantId;
use tollhouse_server::{
    App, Clock,
    audit::{
        tasks::seal_entries,
        verify::{Break, Verified, verify},
    },
};

use crate::{output, settings::SettingsArgs};

#[derive(Args)]
pub struct AuditCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check that every entry is as it was sealed, and that none is missing
    Verify(Verify),
}

#[derive(Args)]
struct Verify {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Only this tenant's chain
    #[arg(long, value_name = "ID")]
    tenant: Option<TenantId>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl AuditCommand {
    pub async fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Verify(command) => command.run().await,
        }
    }
}

impl Verify {
    async fn run(self) -> anyhow::Result<()> {
        let app = App::start(self.settings.load()?.config()?, Clock::real(), None).await?;
        let found = self.verify(&app).await;
        app.db.close().await;
        let found = found?;
        if self.json {
            output::json(&as_json(&found))?;
        } else {
            print(&found)?;
        }
        anyhow::ensure!(
            found.breaks.is_empty(),
            "the audit is not as it was written: somebody changed it, or the database was damaged; compare \
             it with a backup"
        );
        Ok(())
    }

    async fn verify(&self, app: &App) -> anyhow::Result<Verified> {
        // What was done last is looked at, too.
        seal_entries(app).await?;
        Ok(verify(app, self.tenant).await?)
    }
}

fn as_json(found: &Verified) -> serde_json::Value {
    let shown = |one: &Break| json!({"tenant_id": one.tenant, "number": one.number, "problem": one.problem});
    json!({
        "chains": found.chains,
        "entries": found.entries,
        "head": found.head,
        "breaks": found.breaks.iter().map(shown).collect::<Vec<_>>(),
    })
}

fn print(found: &Verified) -> anyhow::Result<()> {
    for one in &found.breaks {
        let chain = one
            .tenant
            .map_or_else(|| "the platform".to_owned(), |tenant| format!("tenant {tenant}"));
        output::line(&format!("entry {} of {chain}: {}", one.number, one.problem))?;
    }
    output::line(&format!(
        "{} entries in {} chains; {} breaks",
        found.entries,
        found.chains,
        found.breaks.len()
    ))?;
    if !found.head.is_empty() {
        output::line(&format!("the platform's newest hash: {}", found.head))?;
    }
    Ok(())
}
