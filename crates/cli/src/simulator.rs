//! The simulator alone: a local Stripe for anyone who integrates it.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tollhouse_server::{
    Clock,
    config::{Log, LogFormat},
};
use tollhouse_simulator::{Options, Simulator};

use crate::{logging, output, stop};

/// The key that the simulator announces; it takes any other `sk_test_…` as well.
pub const SECRET_KEY: &str = "sk_test_tollhouse_simulator";

#[derive(Args)]
pub struct SimulatorCommand {
    /// Port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 12111)]
    port: u16,
    /// The same seed and the same requests give the same ids
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print one JSON line when ready
    #[arg(long)]
    json: bool,
}

impl SimulatorCommand {
    pub async fn run(self) -> anyhow::Result<()> {
        logging::start(&Log { level: "warn".to_owned(), format: LogFormat::Text })?;
        let stopping = CancellationToken::new();
        let clock = Clock::real();
        let (simulator, listener) = listen(self.port, self.seed, clock).await?;
        stop::on_signal(stopping.clone())?;
        let url = format!("http://{}", listener.local_addr()?);
        if self.json {
            output::json(&json!({ "simulator_url": url, "stripe_secret_key": SECRET_KEY }))?;
        } else {
            output::line(&format!("A local Stripe listens on {url}\n"))?;
            output::line(&format!("  key       {SECRET_KEY}"))?;
            output::line(&format!("  inside    {url}/_sim"))?;
            output::line(&format!("\n  curl -u {SECRET_KEY}: {url}/v1/customers -d name=Ada\n"))?;
            output::line("Ctrl-C stops it.")?;
        }
        run(simulator, listener, stopping).await
    }
}

/// A simulator that knows where its pages are, and the socket it will answer on.
pub async fn listen(
    port: u16,
    seed: u64,
    clock: Clock,
) -> anyhow::Result<(Simulator, TcpListener)> {
    let listener =
        TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await.with_context(|| {
            format!("port {port} is taken: name another with `--port`, or 0 for any")
        })?;
    let simulator = Simulator::new(Options {
        seed,
        secret_key: SECRET_KEY.to_owned(),
        base_url: format!("http://{}", listener.local_addr()?),
        wall_clock: std::sync::Arc::new(move || clock.now().as_second()),
    });
    Ok((simulator, listener))
}

/// Answers and delivers webhooks until `stopping`.
pub async fn run(
    simulator: Simulator,
    listener: TcpListener,
    stopping: CancellationToken,
) -> anyhow::Result<()> {
    let router = simulator.router();
    let deliveries = tokio::spawn(simulator.deliver(stopping.clone()));
    // Nothing it does takes long: whoever has not finished asking is not waited for.
    tokio::select! {
        served = axum::serve(listener, router).into_future() => served?,
        () = stopping.cancelled() => {}
    }
    deliveries.await?;
    Ok(())
}
