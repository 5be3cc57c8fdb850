//! `keybearer org delete`.

use super::{about, say, tell};
use crate::core::{Deps, organizations};
use clap::Args;
use std::io::{BufRead, IsTerminal};

#[derive(Args)]
pub(in crate::cli) struct Delete {
    /// Its id; `keybearer org list` shows it
    #[arg(value_name = "ORG")]
    id: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(deps: &Deps, command: Delete) -> anyhow::Result<()> {
    let Delete { id, yes } = command;
    let organization = organizations::get(deps, &id).await.map_err(about(&id))?;
    let contents = organizations::contents(deps, &id).await.map_err(about(&id))?;
    tell(&format!(
        "`{}` goes with {} application credentials, {} OAuth apps, {} workspaces and {} connectors. \
         Its tokens end within 5 seconds on every running server, its connectors' grants are revoked at the providers. \
         Nothing of it can be brought back.",
        organization.name,
        contents.credentials,
        contents.oauth_apps,
        contents.workspaces,
        contents.connectors
    ));
    if !yes {
        confirm(&organization.name)?;
    }
    organizations::delete(deps, &id).await.map_err(about(&id))?;
    say(&format!("deleted {id}; running servers revoke its grants at the providers"));
    Ok(())
}

/// Whoever deletes from a terminal types the name; anything else has to say `--yes`.
fn confirm(name: &str) -> anyhow::Result<()> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        anyhow::bail!("nothing was deleted: this is no terminal to ask on; repeat with --yes if it is meant");
    }
    tell("Type its name to delete it:");
    let mut line = String::new();
    stdin.lock().read_line(&mut line)?;
    if line.trim_end_matches(['\r', '\n']) != name {
        anyhow::bail!("nothing was deleted: that is not its name");
    }
    Ok(())
}
