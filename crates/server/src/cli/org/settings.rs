//! `keybearer org settings`.

use super::{about, say};
use crate::core::{Deps, audit, organization_settings};
use clap::{Args, ValueEnum};

#[derive(Args)]
pub(in crate::cli) struct Settings {
    /// Id of the organization
    #[arg(value_name = "ORG")]
    id: String,
    /// Every consent must be bound to the session that starts it: `code_challenge` at initiate, `code_verifier` at
    /// redemption
    #[arg(long, value_name = "on|off")]
    require_binding: Option<Switch>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Switch {
    On,
    Off,
}

pub(super) async fn run(deps: &Deps, command: Settings) -> anyhow::Result<()> {
    let require_binding = command.require_binding.map(|switch| matches!(switch, Switch::On));
    let settings = if require_binding.is_some() {
        let change = organization_settings::Change { require_binding };
        let entry = audit::entry(deps, &command.id, "operator", organization_settings::CHANGED);
        organization_settings::change(deps, &command.id, &change, entry).await
    } else {
        organization_settings::get(deps, &command.id).await
    }
    .map_err(about(&command.id))?;
    say(&format!("require-binding  {}", if settings.require_binding { "on" } else { "off" }));
    Ok(())
}
