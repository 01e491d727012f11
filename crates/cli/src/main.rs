//! Every command, one line each.

mod analytics;
mod audit;
mod backup;
mod catalog;
mod config;
mod deliveries;
mod demo;
mod docs;
mod doctor;
mod import;
mod logging;
mod migrate;
mod output;
mod progress;
mod reconcile;
mod retention;
mod serve;
mod settings;
mod simulator;
mod stop;
mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A self-hosted billing backend between an application and Stripe.
#[derive(Parser)]
#[command(name = "tollhouse", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Service and simulator together, with a sample catalog and tenants
    Demo(demo::Demo),
    /// Run the service: HTTP, tasks, or both
    Serve(serve::Serve),
    /// The simulator alone: a local Stripe
    Simulator(simulator::SimulatorCommand),
    /// Bring a database up to date
    Migrate(migrate::Migrate),
    /// Show the settings in force, and where each came from
    Config(config::ConfigCommand),
    /// Check a catalog file, or push it to Stripe
    Catalog(catalog::CatalogCommand),
    /// Say whether this installation is ready for production, and what to do where it is not
    Doctor(doctor::Doctor),
    /// Copy a SQLite database while the service runs
    Backup(backup::Backup),
    /// Compare our tables with Stripe, and heal what differs
    Reconcile(reconcile::Reconcile),
    /// Take over an existing Stripe account: tenants, subscriptions, invoices
    Import(import::Import),
    /// Remove what was kept long enough
    Retention(retention::Retention),
    /// What Stripe told us, and what became of it
    Deliveries(deliveries::DeliveriesCommand),
    /// The figures of revenue
    Analytics(analytics::AnalyticsCommand),
    /// Whether the audit is as it was written
    Audit(audit::AuditCommand),
    /// Sign a token for development
    Token(token::Token),
    /// Write the pages of `docs/reference`
    #[command(hide = true)]
    Docs(docs::Docs),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        // `tollhouse config | head`: whoever read it has seen enough.
        Err(error) if output::was_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complaint(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Demo(command) => Box::pin(command.run()).await,
        Command::Serve(command) => command.run().await,
        Command::Simulator(command) => command.run().await,
        Command::Migrate(command) => command.run().await,
        Command::Config(command) => command.run(),
        Command::Catalog(command) => command.run().await,
        Command::Doctor(command) => command.run().await,
        Command::Backup(command) => command.run().await,
        Command::Reconcile(command) => command.run().await,
        Command::Retention(command) => command.run().await,
        Command::Import(command) => command.run().await,
        Command::Analytics(command) => command.run().await,
        Command::Audit(command) => command.run().await,
        Command::Deliveries(command) => command.run().await,
        Command::Token(command) => command.run(),
        Command::Docs(command) => command.run(),
    }
}
