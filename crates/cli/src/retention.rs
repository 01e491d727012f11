//! Remove what was kept long enough, or say what that would be.

use std::sync::Arc;

use anyhow::bail;
use clap::Args;
use tollhouse_server::{
    App, Clock,
    retention::{
        actions::request,
        api::RetentionRunView,
        queries::{Run, State, find},
        run::work,
    },
};

use crate::{logging, output, settings::SettingsArgs};

#[derive(Args)]
pub struct Retention {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Count what would go, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Retention {
    pub async fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load()?.config()?;
        logging::start(&config.log)?;
        let app = App::start(config, Clock::real(), None).await?;
        let ended = carry_out(&app, self.dry_run).await;
        app.db.close().await;
        let run = RetentionRunView::of(ended?)?;
        if self.json {
            return output::json(&run);
        }
        if run.removed.is_empty() {
            return Ok(output::line("Nothing was kept long enough to go.")?);
        }
        let rows: Vec<[String; 2]> =
            run.removed.into_iter().map(|(table, rows)| [table, rows.to_string()]).collect();
        let heading = if self.dry_run { "WOULD GO" } else { "WENT" };
        Ok(output::table(["TABLE", heading], &rows)?)
    }
}

async fn carry_out(app: &Arc<App>, dry_run: bool) -> anyhow::Result<Run> {
    let run = request(app, dry_run).await?;
    work(app).await?;
    let mut conn = app.db.read().await?;
    match find(&mut conn, run.id).await? {
        Some(run) if run.state == State::Done => Ok(run),
        _ => bail!(
            "another process works at a retention run: `GET /api/v1/admin/retention/runs` shows how far it is"
        ),
    }
}
