//! Stopping cleanly: Ctrl-C, or the SIGTERM of a supervisor.

use tokio_util::sync::CancellationToken;

/// Cancels `stop` at the first signal; a second one ends the process at once.
pub fn on_signal(stop: CancellationToken) {
    tokio::spawn(async move {
        if signal().await.is_ok() {
            tracing::info!("stopping; once more to stop at once");
            stop.cancel();
        }
        if signal().await.is_ok() {
            std::process::exit(130);
        }
    });
}

#[cfg(unix)]
async fn signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
