//! `keybearer org redirect-urls`.

use super::{about, say, tell};
use crate::core::{Deps, organizations, redirect_urls};
use clap::Subcommand;

#[derive(Subcommand)]
pub(in crate::cli) enum RedirectUrls {
    /// List the URLs, one a line
    #[command(after_help = "Example: keybearer org redirect-urls list 0198c2f4-5f6e-7c3a-9d39-3f5a0c1b2d4e")]
    List {
        /// Id of the organization
        #[arg(value_name = "ORG")]
        organization: String,
    },
    /// Add URLs; scheme, host, port and path are compared exactly, the query is free
    #[command(
        after_help = "Example: keybearer org redirect-urls add 0198c2f4-5f6e-7c3a-9d39-3f5a0c1b2d4e https://app.example.com/connected"
    )]
    Add {
        /// Id of the organization
        #[arg(value_name = "ORG")]
        organization: String,
        /// Absolute URLs; https, or http on loopback
        #[arg(value_name = "URL", required = true)]
        urls: Vec<String>,
    },
    /// Remove URLs, written as they were added
    #[command(
        after_help = "Example: keybearer org redirect-urls remove 0198c2f4-5f6e-7c3a-9d39-3f5a0c1b2d4e https://app.example.com/connected"
    )]
    Remove {
        /// Id of the organization
        #[arg(value_name = "ORG")]
        organization: String,
        /// URLs of the list
        #[arg(value_name = "URL", required = true)]
        urls: Vec<String>,
    },
}

pub(super) async fn run(deps: &Deps, command: RedirectUrls) -> anyhow::Result<()> {
    let list = match command {
        RedirectUrls::List { organization } => {
            organizations::get(deps, &organization).await.map_err(about(&organization))?;
            deps.store.list_redirect_urls(&organization).await?
        }
        RedirectUrls::Add { organization, urls } => {
            redirect_urls::add(deps, &organization, &urls).await.map_err(about(&organization))?
        }
        RedirectUrls::Remove { organization, urls } => {
            redirect_urls::remove(deps, &organization, &urls).await.map_err(about(&organization))?
        }
    };
    for url in &list {
        say(url);
    }
    if list.is_empty() {
        tell("The list is empty: every acceptable URL may receive a secret_id. Add the application's own.");
    }
    Ok(())
}
