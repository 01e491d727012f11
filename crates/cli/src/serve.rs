//! Run the service: HTTP, tasks, or both.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use clap::{Args, ValueEnum};
use tokio::net::TcpListener;
use tollhouse_server::{
    App, Clock,
    catalog::{actions::load, file},
    serve, serve_monitors,
};

use crate::{logging, settings::SettingsArgs, stop};

#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Run only this part
    #[arg(long, value_enum)]
    only: Option<Only>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Only {
    /// Background tasks, beside processes that serve HTTP
    Tasks,
}

impl Serve {
    pub async fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load()?.config()?;
        logging::start(&config.log)?;
        let listen = config.server.listen;
        let app = App::start(config, Clock::real(), None).await?;
        load_catalog(&app).await?;
        let listener = match self.only {
            Some(Only::Tasks) => None,
            None => Some(TcpListener::bind(listen).await.with_context(|| {
                format!("cannot listen on `{listen}`: is another service there?")
            })?),
        };
        let monitors = match app.config.metrics.listen {
            Some(address) => Some(TcpListener::bind(address).await.with_context(|| {
                format!(
                    "cannot listen on `{address}` (`metrics.listen`): is another service there?"
                )
            })?),
            None => None,
        };
        stop::on_signal(app.stop.clone())?;
        let url = match &listener {
            Some(listener) => format!("http://{}", listener.local_addr()?),
            None => "none: only tasks".to_owned(),
        };
        let metrics = monitors.as_ref().and_then(|listener| listener.local_addr().ok());
        tracing::info!(
            url,
            metrics = metrics.map(|address| format!("http://{address}/metrics")),
            database = app.db.kind(),
            stripe_configured = app.config.stripe.secret_key.is_some(),
            "ready"
        );
        let monitored = Arc::clone(&app);
        let watched = async {
            if let Some(listener) = monitors {
                serve_monitors(monitored, listener).await;
            }
        };
        tokio::join!(serve(app, listener), watched);
        Ok(())
    }
}

/// Makes the settings' catalog the one that is sold.
pub async fn load_catalog(app: &App) -> anyhow::Result<()> {
    let Some(path) = &app.config.catalog.file else {
        tracing::warn!("no catalog is set, so no plan is sold: set `catalog.file`");
        return Ok(());
    };
    let catalog = file::read(Path::new(path))?;
    let prices = file::price_map(&app.config.stripe.product_price_map, &catalog)?;
    load(app, &catalog, &prices).await
}
