//! `keybearer serve`.

use crate::app::App;
use crate::clock::{Clock, Random};
use crate::config::Config;
use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Runs until SIGTERM or SIGINT.
pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    crate::observe::start(&config.log);
    for name in &config.unknown {
        tracing::warn!(name, "this setting is not known and has no effect");
    }
    let address = config.listen;
    let public_url = config.public_url.clone();
    let app = App::build(config, Clock::system(), Random::system()).await?;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("KEYBEARER_LISTEN: cannot listen on {address}"))?;
    let (stop, stopped) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: running requests may finish");
        stop.send_replace(true);
    });
    tracing::info!(listen = %listener.local_addr()?, public_url, "ready");
    app.serve(listener, stopped).await
}
