//! Redemption: a `secret_id` becomes a connector, once, for the application that started the consent.
//!
//! Everything is checked before anything is consumed, so that a wrong attempt burns nothing; then redemption and the
//! connector's creation are one transaction in the store.

use super::flow::{Granted, Stored};
use super::requires_binding;
use crate::core::access::Caller;
use crate::core::error::{Error, Kind, Result};
use crate::core::{Deps, audit, workspaces};
use crate::store::{AuditRow, FinishConnector, WorkspaceRow};
use crate::vault::{digest, same};
use keybearer_connector::oauth::code_challenge;
use secrecy::{ExposeSecret, SecretString};

/// What an application hands in.
pub struct Redeem<'a> {
    /// From the redirect.
    pub secret_id: &'a SecretString,
    /// The user it was started for.
    pub workspace_name: &'a str,
    /// The connector type it was started for.
    pub connector_type: &'a str,
    /// For a bound flow.
    pub code_verifier: Option<&'a SecretString>,
}

/// A flow that this caller may redeem.
pub struct Redeemable {
    /// The flow.
    pub granted: Granted,
    /// Its workspace.
    pub workspace: WorkspaceRow,
}

/// Finds and checks; consumes nothing. One answer for unknown, used, expired, another organization's, another
/// type's, and an unproved binding.
pub async fn find_redeemable(deps: &Deps, caller: &Caller, ask: &Redeem<'_>) -> Result<Redeemable> {
    let hash = digest("secret_id", ask.secret_id.expose_secret());
    let row = deps.store.flow_by_secret(caller.organization(), &hash).await?.ok_or_else(invalid)?;
    let Stored::Granted(granted) = Stored::try_from(row)? else { return Err(invalid()) };
    let expired = granted.secret_expires_at <= deps.clock.now_ms();
    if expired || granted.flow.connector_type != ask.connector_type || !bound(&granted, ask.code_verifier) {
        return Err(invalid());
    }
    // The organization may have begun to ask for it since the consent was started.
    if granted.flow.code_challenge.is_none() && requires_binding(deps, caller.organization()).await? {
        return Err(invalid());
    }
    let workspace = workspaces::find(deps, caller, ask.workspace_name).await?;
    match workspace {
        Some(workspace) if workspace.id == granted.flow.workspace_id => Ok(Redeemable { granted, workspace }),
        _ => Err(Error::new(Kind::NotFound, "Workspace not found")),
    }
}

/// Consumes the flow and stores the connector, or answers as if the `secret_id` were unknown when another call was faster.
pub async fn finish(
    deps: &Deps,
    caller: &Caller,
    granted: Granted,
    connector: FinishConnector,
) -> Result<()> {
    let flow = granted.consume().0;
    let (operation, connector_id) = connector.told();
    let entry = AuditRow {
        workspace_id: Some(flow.workspace_id.clone()),
        connector_id: Some(connector_id.to_owned()),
        subject: Some(flow.id.clone()),
        ..audit::by_caller(deps, caller, operation)
    };
    let store = deps.store.audited(entry);
    let done = store.redeem_flow(caller.organization(), &flow.id, connector, deps.clock.now_ms()).await?;
    if done { Ok(()) } else { Err(invalid()) }
}

/// RFC 7636 section 4.6, with our server in the provider's place.
fn bound(granted: &Granted, verifier: Option<&SecretString>) -> bool {
    match (&granted.flow.code_challenge, verifier) {
        (None, _) => true,
        (Some(challenge), Some(verifier)) => {
            same(challenge.as_bytes(), code_challenge(verifier.expose_secret()).as_bytes())
        }
        (Some(_), None) => false,
    }
}

fn invalid() -> Error {
    Error::new(Kind::InvalidSecretId, "Invalid secret_id")
}
