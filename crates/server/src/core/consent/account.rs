//! Whose account a new grant is, and whether a reconnect may bring it.
//!
//! Knows the provider's id of an account, as the definition's `identity` or the token answer tells it. Must not know
//! how grants are stored. Where a provider does not tell, or does not answer in time, the account is not known, and
//! nothing is compared.

use super::exchange::New;
use super::flow::Flow;
use crate::core::Deps;
use crate::core::call;
use crate::core::error::Result;
use keybearer_connector::oauth::Account;
use keybearer_connector::plan::OauthPlan;
use std::sync::Arc;
use std::time::Duration;

/// Our code for a reconnect that would bring another account.
pub(super) const MISMATCH: &str = "account_mismatch";
/// For the question whose account it is; the user's browser waits.
const IDENTITY_TIMEOUT: Duration = Duration::from_secs(5);

/// The account that a reconnect must keep; none where nothing is reconnected, the connector's account is not known, or
/// the application allows another.
pub(super) async fn expected(deps: &Deps, flow: &Flow) -> Result<Option<String>> {
    let Some(connector) = flow.reconnects.as_deref().filter(|_| !flow.allow_account_change) else {
        return Ok(None);
    };
    let view = deps.store.connector(&flow.organization_id, Some(&flow.workspace_id), connector).await?;
    Ok(view.and_then(|view| view.grant.account_id))
}

/// The account of a grant that is stored already: what the token answer told, or what the definition's identity
/// operation tells now, which is noted. A provider that is slow or does not say costs nothing but the name.
pub(super) async fn learn(deps: &Arc<Deps>, new: New, oauth: &OauthPlan) -> Option<String> {
    let New { grant, ready, .. } = new;
    if let Some(told) = grant.account_id {
        return Some(told);
    }
    let asked = tokio::time::timeout(IDENTITY_TIMEOUT, call::identity(deps, ready, oauth)).await;
    let account = match asked {
        Ok(Ok(account)) => account,
        Ok(Err(error)) => {
            tracing::info!(grant = %grant.id, %error, "the account behind a new grant is not known");
            None
        }
        Err(_) => None,
    };
    let Account { id, name } = account?;
    let now = deps.clock.now_ms();
    let set = deps.store.set_account(&grant.organization_id, &grant.id, &id, name.as_deref(), now).await;
    if let Err(error) = set {
        tracing::warn!(grant = %grant.id, %error, "the account behind a new grant was not stored");
    }
    Some(id)
}
