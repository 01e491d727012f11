//! The ledger of webhooks: list what came, show one, have it worked again.

use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;
use tollhouse_domain::{id::DeliveryId, time::Timestamp};
use tollhouse_server::{
    App, Clock,
    record::Origin,
    webhooks::{
        State, actions,
        api::{DeliveryView, FullDelivery},
        queries::{self, Delivery, Filter},
    },
};

use crate::{output, settings::SettingsArgs};

#[derive(Args)]
pub struct DeliveriesCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// What came, newest first
    List(List),
    /// One delivery, with its body
    Show(Show),
    /// Have deliveries worked again; always safe
    Replay(Replay),
}

#[derive(Args)]
struct Which {
    /// received, working, done, ignored, failed or dead
    #[arg(long)]
    state: Option<State>,
    /// Only of this type of Stripe's, such as `invoice.paid`
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Only about the object with this id, such as `sub_…`
    #[arg(long, value_name = "ID")]
    object: Option<String>,
    /// Received at this moment, or later
    #[arg(long, value_name = "MOMENT")]
    from: Option<Timestamp>,
    /// Received before this moment
    #[arg(long, value_name = "MOMENT")]
    to: Option<Timestamp>,
}

#[derive(Args)]
struct List {
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    which: Which,
    /// No more than this many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Show {
    #[command(flatten)]
    settings: SettingsArgs,
    /// The delivery's id
    id: DeliveryId,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Replay {
    #[command(flatten)]
    settings: SettingsArgs,
    /// The ids of deliveries; without any, all that the options name: failed and dead ones, unless `--state`
    /// says otherwise
    #[arg(conflicts_with_all = ["state", "event_type", "object", "from", "to"])]
    ids: Vec<DeliveryId>,
    #[command(flatten)]
    which: Which,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl DeliveriesCommand {
    pub async fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::List(command) => command.run().await,
            Command::Show(command) => command.run().await,
            Command::Replay(command) => command.run().await,
        }
    }
}

impl List {
    async fn run(self) -> anyhow::Result<()> {
        let app = open(&self.settings).await?;
        let filter = self.which.filter(&[]);
        let mut conn = app.db.read().await?;
        let mut rows = queries::list(&mut conn, &filter, None, self.limit).await?;
        drop(conn);
        app.db.close().await;
        rows.truncate(usize::try_from(self.limit)?);
        if self.json {
            let shown: Vec<_> = rows.into_iter().map(|row| DeliveryView::of(&app, row)).collect();
            return output::json(&shown);
        }
        let cells: Vec<_> = rows.into_iter().map(cells).collect();
        Ok(output::table(["ID", "RECEIVED", "STATE", "TRIED", "TYPE", "OBJECT", "REASON"], &cells)?)
    }
}

fn cells(row: Delivery) -> [String; 7] {
    [
        row.id.to_string(),
        row.received_at.to_string(),
        row.state.to_string(),
        row.attempts.to_string(),
        row.event_type,
        row.object_id.unwrap_or_default(),
        row.reason.unwrap_or_default(),
    ]
}

impl Show {
    async fn run(self) -> anyhow::Result<()> {
        let app = open(&self.settings).await?;
        let shown = FullDelivery::read(&app, self.id).await;
        app.db.close().await;
        let shown = shown?;
        if self.json {
            return output::json(&shown);
        }
        Ok(output::line(&serde_json::to_string_pretty(&shown)?)?)
    }
}

impl Replay {
    async fn run(self) -> anyhow::Result<()> {
        let app = open(&self.settings).await?;
        let done = self.replay(&app).await;
        app.db.close().await;
        let (replayed, passed_over) = done?;
        if self.json {
            return output::json(&json!({ "replayed": replayed, "passed_over": passed_over }));
        }
        Ok(output::line(&format!(
            "{replayed} handed to the workers of the service; {passed_over} looked at again, and still \
             nothing to be worked."
        ))?)
    }

    async fn replay(&self, app: &App) -> anyhow::Result<(u64, u64)> {
        let origin = Origin::system();
        let (mut replayed, mut passed_over) = (0, 0);
        for id in &self.ids {
            match actions::replay(app, &origin, *id).await? {
                State::Received => replayed += 1,
                _ => passed_over += 1,
            }
        }
        let filter = self.which.filter(&[State::Failed, State::Dead]);
        let mut more = self.ids.is_empty();
        let mut after = None;
        while more {
            let done = actions::replay_many(app, &origin, &filter, after).await?;
            replayed += done.replayed;
            passed_over += done.passed_over;
            after = done.next;
            more = after.is_some();
        }
        Ok((replayed, passed_over))
    }
}

impl Which {
    fn filter(&self, states: &[State]) -> Filter {
        Filter {
            states: self.state.map_or_else(|| states.to_vec(), |state| vec![state]),
            event_type: self.event_type.clone(),
            object_id: self.object.clone(),
            from: self.from,
            to: self.to,
        }
    }
}

async fn open(settings: &SettingsArgs) -> anyhow::Result<Arc<App>> {
    App::start(settings.load()?.config()?, Clock::real(), None).await
}
