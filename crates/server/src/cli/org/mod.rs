//! `keybearer org`: organizations, and what belongs to them.
//!
//! Knows arguments and what a person reads. All of it works beside a running server on the same database; running
//! servers learn of it by the change feed.

mod credentials;
mod delete;
mod redirect_urls;
mod settings;

use super::{say, tell};
use crate::app::App;
use crate::clock::{Clock, Random};
use crate::config::Config;
use crate::core::error::{Error, Kind};
use crate::core::{Deps, organizations};
use clap::Subcommand;
use secrecy::ExposeSecret;
use serde_json::json;

#[derive(Subcommand)]
pub(super) enum Org {
    /// Create an organization; prints its credentials once, as JSON
    #[command(after_help = "Example: keybearer org create acme")]
    Create {
        /// Its name, 1 to 250 characters
        name: String,
    },
    /// List organizations
    #[command(after_help = "Example: keybearer org list")]
    List,
    /// Delete an organization with everything that belongs to it
    #[command(after_help = "Example: keybearer org delete 0198c2f4-5f6e-7c3a-9d39-3f5a0c1b2d4e --yes")]
    Delete(delete::Delete),
    /// Application credentials, for rotation: add one, use it, remove the old one
    #[command(subcommand)]
    Credentials(credentials::Credentials),
    /// The list of URLs that users may be sent back to after a consent
    #[command(subcommand)]
    RedirectUrls(redirect_urls::RedirectUrls),
    /// Show or change what an organization asks of its consents
    #[command(
        after_help = "Example: keybearer org settings 0198c2f4-5f6e-7c3a-9d39-3f5a0c1b2d4e --require-binding on"
    )]
    Settings(settings::Settings),
}

pub(super) async fn run(command: Org, config: Config) -> anyhow::Result<()> {
    let app = App::build(config, Clock::system(), Random::system()).await?;
    let deps = &app.deps;
    let done = match command {
        Org::Create { name } => create(deps, &name).await,
        Org::List => list(deps).await,
        Org::Delete(command) => delete::run(deps, command).await,
        Org::Credentials(command) => credentials::run(deps, command).await,
        Org::RedirectUrls(command) => redirect_urls::run(deps, command).await,
        Org::Settings(command) => settings::run(deps, command).await,
    };
    deps.store.close().await;
    done
}

async fn create(deps: &Deps, name: &str) -> anyhow::Result<()> {
    let (organization, made) = organizations::create(deps, name).await?;
    let shown = json!({
        "organization_id": organization.id,
        "client_id": made.client_id,
        "client_secret": made.client_secret.expose_secret(),
    });
    say(&shown.to_string());
    Ok(())
}

async fn list(deps: &Deps) -> anyhow::Result<()> {
    for row in organizations::list(deps).await? {
        say(&format!("{}  {}  {}", row.id, crate::clock::rfc3339(row.created_at), row.name));
    }
    Ok(())
}

/// An error about the organization of that id, in words for the command line.
fn about(id: &str) -> impl Fn(Error) -> anyhow::Error {
    move |error| match error.kind {
        Kind::NotFound if error.message == "Not found" => {
            anyhow::anyhow!("ORG: there is no organization of the id {id:?}; `keybearer org list` shows all")
        }
        _ => error.into(),
    }
}
