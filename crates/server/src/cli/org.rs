//! `keybearer org create`.

use super::say;
use crate::app::App;
use crate::clock::{Clock, Random};
use crate::config::Config;
use crate::core::audit;
use crate::store::{CredentialRow, OrganizationRow};
use crate::vault::digest;
use clap::Subcommand;
use secrecy::ExposeSecret;

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
}

pub(super) async fn run(command: Org, config: Config) -> anyhow::Result<()> {
    let (clock, random) = (Clock::system(), Random::system());
    let app = App::build(config, clock.clone(), random.clone()).await?;
    match command {
        Org::Create { name } => {
            crate::core::workspaces::check_name(&name).map_err(|why| anyhow::anyhow!("NAME {why}"))?;
            let now = clock.now_ms();
            let organization = OrganizationRow { id: random.uuid_v7(&clock), name, created_at: now };
            let client_id = random.uuid_v4();
            let client_secret = random.token(32);
            let credential = CredentialRow {
                id: random.uuid_v7(&clock),
                organization_id: organization.id.clone(),
                client_id: client_id.clone(),
                secret_hash: digest("client_secret", client_secret.expose_secret()).to_vec(),
                created_at: now,
                removed_at: None,
            };
            let entry = audit::entry(&app.deps, &organization.id, "operator", "organization.create");
            app.deps.store.audited(entry).create_organization(&organization, &credential).await?;
            let shown = serde_json::json!({
                "organization_id": organization.id,
                "client_id": client_id,
                "client_secret": client_secret.expose_secret(),
            });
            say(&shown.to_string());
        }
        Org::List => {
            for row in app.deps.store.list_organizations().await? {
                say(&format!("{}  {}  {}", row.id, crate::clock::rfc3339(row.created_at), row.name));
            }
        }
    }
    app.deps.store.close().await;
    Ok(())
}
