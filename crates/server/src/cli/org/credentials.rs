//! `keybearer org credentials`.

use super::{about, say, tell};
use crate::core::{Deps, credentials};
use clap::Subcommand;
use secrecy::ExposeSecret;
use serde_json::json;

#[derive(Subcommand)]
pub(in crate::cli) enum Credentials {
    /// Add a credential; prints it once, as JSON
    #[command(after_help = "Example: keybearer org credentials add 0198c2f4-5f6e-7c3a-9d39-3f5a0c1b2d4e")]
    Add {
        /// Id of the organization
        #[arg(value_name = "ORG")]
        organization: String,
    },
    /// List the valid credentials: id, time of creation, client id
    #[command(after_help = "Example: keybearer org credentials list 0198c2f4-5f6e-7c3a-9d39-3f5a0c1b2d4e")]
    List {
        /// Id of the organization
        #[arg(value_name = "ORG")]
        organization: String,
    },
    /// Remove a credential; its tokens end within 5 seconds on every running server
    #[command(
        after_help = "Example: keybearer org credentials remove 0198c2f4-5f6e-7c3a-9d39-3f5a0c1b2d4e 6f1c1d9e-3a52-4b0e-9a4b-8a4f3a0d2c11"
    )]
    Remove {
        /// Id of the organization
        #[arg(value_name = "ORG")]
        organization: String,
        /// Id or client id of the credential
        #[arg(value_name = "CREDENTIAL")]
        name: String,
        /// Remove it even when it is the last one
        #[arg(long)]
        force: bool,
    },
}

pub(super) async fn run(deps: &Deps, command: Credentials) -> anyhow::Result<()> {
    match command {
        Credentials::Add { organization } => {
            let made = credentials::add(deps, &organization).await.map_err(about(&organization))?;
            let shown = json!({
                "organization_id": organization,
                "credential_id": made.id,
                "client_id": made.client_id,
                "client_secret": made.client_secret.expose_secret(),
            });
            say(&shown.to_string());
        }
        Credentials::List { organization } => {
            for row in credentials::list(deps, &organization).await.map_err(about(&organization))? {
                say(&format!("{}  {}  {}", row.id, crate::clock::rfc3339(row.created_at), row.client_id));
            }
        }
        Credentials::Remove { organization, name, force } => {
            credentials::remove(deps, &organization, &name, force).await.map_err(about(&organization))?;
            say(&format!("removed {name}"));
            if force && credentials::list(deps, &organization).await?.is_empty() {
                tell("No credential is left: `keybearer org credentials add` makes one.");
            }
        }
    }
    Ok(())
}
