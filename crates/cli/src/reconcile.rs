//! Compare our tables with Stripe.

use std::sync::Arc;

use anyhow::bail;
use clap::Args;
use serde_json::json;
use tollhouse_domain::reconcile::{DriftState, RunKind, RunState};
use tollhouse_server::{
    App, Clock,
    reconcile::{
        actions::request,
        api::RunView,
        drift::queries::{Drift, list},
        queries::Run,
    },
    record::Origin,
};

use crate::{logging, output, progress::carry_out, serve::load_catalog, settings::SettingsArgs};

/// What waits for a person is shown up to so many; the rest is in the API.
const SHOWN_MAX: i64 = 100;

#[derive(Args)]
pub struct Reconcile {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Compare every object, and not only look for webhooks that never came
    #[arg(long)]
    full: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Reconcile {
    pub async fn run(self) -> anyhow::Result<()> {
        let app = start(&self.settings).await?;
        let kind = if self.full { RunKind::Full } else { RunKind::Events };
        let run = request(&app, &Origin::system(), kind, None).await?;
        let run = carry_out(&app, run.id, self.json).await?;
        show(&app, run, self.json).await
    }
}

/// The service without HTTP and tasks, with the catalog of its settings.
pub async fn start(settings: &SettingsArgs) -> anyhow::Result<Arc<App>> {
    let config = settings.load()?.config()?;
    logging::start(&config.log)?;
    if config.stripe.secret_key.is_none() {
        bail!(
            "Stripe is not configured: set `STRIPE_SECRET_KEY`, there is nothing to compare with"
        );
    }
    let app = App::start(config, Clock::real(), None).await?;
    load_catalog(&app).await?;
    Ok(app)
}

/// Prints how a run ended, and what waits for a person.
pub async fn show(app: &App, run: Run, as_json: bool) -> anyhow::Result<()> {
    let mut conn = app.db.read().await?;
    let mut open = list(&mut conn, Some(DriftState::NeedsPerson), None, SHOWN_MAX).await?;
    drop(conn);
    open.truncate(usize::try_from(SHOWN_MAX)?);
    app.db.close().await;
    let error = run.error.clone();
    let state = run.state;
    if as_json {
        let needs_person: Vec<_> = open.iter().map(as_value).collect();
        output::json(&json!({ "run": RunView::from(run), "needs_person": needs_person }))?;
    } else {
        output::line(&format!(
            "{} compared: {} webhooks had been lost, {} objects changed, {} tenants made, {} wait for a person.",
            run.looked_at, run.lost, run.changed, run.tenants_made, run.needs_person
        ))?;
        if !open.is_empty() {
            let rows: Vec<[String; 3]> = open.into_iter().map(as_row).collect();
            output::table(["OBJECT", "ID", "WHAT TO DO"], &rows)?;
        }
    }
    match state {
        RunState::Failed => bail!("given up: {}", error.unwrap_or_default()),
        RunState::Running | RunState::Done => Ok(()),
    }
}

fn as_value(row: &Drift) -> serde_json::Value {
    json!({
        "object": row.object_kind,
        "object_id": row.object_id,
        "tenant_id": row.tenant_id,
        "reason": row.reason,
    })
}

fn as_row(row: Drift) -> [String; 3] {
    [row.object_kind, row.object_id, row.reason]
}
