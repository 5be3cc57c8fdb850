//! `keybearer demo`: the whole product in one minute, offline.
//!
//! Starts a real server on SQLite in a temporary folder and a small provider on loopback, and talks to both over HTTP
//! as an application and a browser would. Nothing is faked: every line shown was sent or received.

mod application;
mod browser;
mod shown;
mod walk;

use super::say;
use crate::app::App;
use crate::clock::{Clock, Random};
use crate::config::{Config, Source};
use crate::core::catalog::Catalog;
use anyhow::Context;
use clap::Args;
use keybearer_demo_provider::{Control, Provider, Settings};
use secrecy::{ExposeSecret, SecretString};
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

const DEFINITION: &str = include_str!("crm.yaml");
/// Short, so that the demo can show an expiry.
const ACCESS_TTL: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(super) struct Demo {
    /// Leave everything running at the end, for a browser
    #[arg(long)]
    keep: bool,
}

/// Addresses and credentials of a running demo.
pub(super) struct Stage {
    pub(super) server: String,
    pub(super) application: String,
    pub(super) client_id: String,
    pub(super) client_secret: SecretString,
    pub(super) provider_client_id: String,
    pub(super) provider_client_secret: SecretString,
    pub(super) control: Control,
}

pub(super) async fn run(demo: Demo) -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let (stop, stopped) = watch::channel(false);
    let (stage, serving) = start(folder.path(), stopped).await?;
    say("Keybearer demo: a server, a small CRM with OAuth, and an application, all on this machine.");
    say(&format!("  server      {}", stage.server));
    say(&format!("  data        {} (removed at the end)", folder.path().display()));
    let connector = walk::walk(&stage).await?;
    if demo.keep {
        keep(&stage, connector).await?;
    } else {
        say("\nThat was the whole flow. Go on with:");
        say("  keybearer demo --keep     the same, left running for a browser");
        say("  keybearer serve           a server of your own; the README has the first calls");
    }
    stop.send_replace(true);
    serving.await?
}

async fn keep(stage: &Stage, connector: String) -> anyhow::Result<()> {
    let listener = TcpListener::bind(stage.application.trim_start_matches("http://")).await?;
    say("\nEverything keeps running. Open this page in a browser and connect an account yourself:");
    say(&format!("  {}/", stage.application));
    say(&format!("API reference: {}/docs   Connector made above: {connector}", stage.server));
    say("Stop with Ctrl-C.");
    tokio::select! {
        served = axum::serve(listener, application::router(stage)) => served?,
        stopped = tokio::signal::ctrl_c() => stopped?,
    }
    Ok(())
}

type Serving = tokio::task::JoinHandle<anyhow::Result<()>>;

async fn start(folder: &Path, stopped: watch::Receiver<bool>) -> anyhow::Result<(Stage, Serving)> {
    let random = Random::system();
    let provider_listener = TcpListener::bind("127.0.0.1:0").await?;
    let server_listener = TcpListener::bind("127.0.0.1:0").await?;
    let provider_url = format!("http://{}", provider_listener.local_addr()?);
    let server = format!("http://{}", server_listener.local_addr()?);
    // The application's port is found now and bound when it is needed.
    let application = format!("http://{}", TcpListener::bind("127.0.0.1:0").await?.local_addr()?);
    let provider_client_secret = random.token(24);
    let mut settings =
        Settings::new(provider_url.clone(), "acme-app", provider_client_secret.expose_secret());
    "Acme".clone_into(&mut settings.application_name);
    settings.redirect_uris.push(format!("{server}/oauth/callback/harbour-crm"));
    settings.access_ttl = ACCESS_TTL;
    let provider = Provider::new(settings);
    let control = provider.control();
    tokio::spawn(provider.serve(provider_listener));
    let stage = Stage {
        server,
        application,
        client_id: "demo".to_owned(),
        client_secret: random.token(32),
        provider_client_id: "acme-app".to_owned(),
        provider_client_secret,
        control,
    };
    let config = config(folder, &stage)?;
    let catalog = Catalog::load(None).with("demo", &DEFINITION.replace("{{PROVIDER}}", &provider_url));
    let app = App::with_catalog(config, Clock::system(), random, catalog).await?;
    let serving = tokio::spawn(app.serve(server_listener, stopped));
    Ok((stage, serving))
}

fn config(folder: &Path, stage: &Stage) -> anyhow::Result<Config> {
    let settings = [
        ("DATA_DIR", folder.display().to_string()),
        ("PUBLIC_URL", stage.server.clone()),
        ("BOOTSTRAP_CLIENT_ID", stage.client_id.clone()),
        ("BOOTSTRAP_CLIENT_SECRET", stage.client_secret.expose_secret().to_owned()),
        ("ALLOW_UPSTREAM_CIDRS", "127.0.0.0/8".to_owned()),
        // The demo shows a refresh when a call needs it, not one that happened before.
        ("REFRESH_AHEAD", "off".to_owned()),
    ];
    let settings = settings.into_iter().map(|(name, value)| (format!("KEYBEARER_{name}"), value));
    let empty = folder.join("keybearer.toml");
    std::fs::write(&empty, "")?;
    Ok(Config::read(&mut Source::new(settings, Some(&empty))?)?)
}
