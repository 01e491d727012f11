//! The log: to standard error, as text for people or JSON for programs.

use std::io::IsTerminal;

use anyhow::Context;
use tollhouse_server::config::{Log, LogFormat};
use tracing_subscriber::EnvFilter;

/// Starts logging for the whole process.
pub fn start(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&log.level)
        .with_context(|| format!("`log.level` `{}` is not a log filter", log.level))?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match log.format {
        LogFormat::Text => subscriber.with_target(false).init(),
        LogFormat::Json => subscriber.json().init(),
    }
    Ok(())
}
