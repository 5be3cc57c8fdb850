//! Access tokens that may be used now: refreshed where they have ended, and ahead of their end where they are in use.
//!
//! Knows when a call has to wait for a refresh and when it need not. Must not know how a refresh goes (`grants`).

use super::{Ready, ready};
use crate::core::error::{Error, Kind, Result};
use crate::core::{Deps, grants};
use futures_util::{StreamExt, stream};
use std::sync::Arc;

/// Refreshes ahead that run at the same time in this process.
const AT_ONCE: usize = 8;

/// A connector whose access token may be used now: refreshed where it has ended, or is about to.
pub(super) async fn fresh(deps: &Arc<Deps>, ready: Arc<Ready>) -> Result<Arc<Ready>> {
    match ready.grant.status.as_str() {
        "active" | "app_misconfigured" | "quarantined" => {}
        "reauthorization_required" => {
            return Err(super::reauthorization_required(
                "The provider refused to renew the access; the user has to connect again",
                &ready,
            ));
        }
        _ => return Err(Error::not_found()),
    }
    let now = deps.clock.now_ms();
    if ready.is_expired(now) && ready.grant.refreshable && ready.connector_id.is_some() {
        // Boxed, because it is rare: its state would be moved with every call otherwise.
        return Box::pin(renewed(deps, &ready)).await;
    }
    if deps.settings.refresh_ahead && may_go_ahead(deps, &ready, now) {
        // The token still works: this call uses it, and a refresh in the background serves the next ones.
        let (deps, ready) = (Arc::clone(deps), Arc::clone(&ready));
        let tasks = deps.tasks.clone();
        tasks.spawn(async move { renewed(&deps, &ready).await.map(|_| ()) });
    }
    Ok(ready)
}

/// The token ends soon, and nothing says that a refresh would fail now.
fn may_go_ahead(deps: &Deps, ready: &Ready, now: i64) -> bool {
    ready.wants_renewal(now) && deps.rests.may_go_ahead(&ready.grant.id, now)
}

/// Refreshes the tokens of connectors that were called since their last refresh and end soon, so that no call has to
/// wait for it. A connector that is not called any more is refreshed once more at most.
pub async fn renew_in_use(deps: &Arc<Deps>) {
    let now = deps.clock.now_ms();
    let due = deps.ready.used(|ready| may_go_ahead(deps, ready, now));
    stream::iter(due)
        .for_each_concurrent(AT_ONCE, |ready| async move {
            if let Err(error) = renewed(deps, &ready).await {
                tracing::info!(grant = ready.grant.id, %error, "a token that ends soon was not refreshed ahead");
            }
        })
        .await;
}

/// Refreshes and reads the connector again. Meanwhile it may have got another grant by a reconnect, a refresh that was
/// already ending when we joined it may have led to just the version that we found wanting, and a new token may have
/// waited for the database until its life was over: the grant lives, so that is refreshed once more.
pub(super) async fn renewed(deps: &Arc<Deps>, old: &Arc<Ready>) -> Result<Arc<Ready>> {
    let id = old.connector_id.as_deref().unwrap_or_default();
    let mut wanting = Arc::clone(old);
    let mut refused = None;
    for last in [false, true] {
        refused = refresh_grant(deps, &wanting).await.err();
        let new = ready::reload(deps, &old.organization_id, &old.workspace_id, id).await?;
        if (&new.grant.id, new.grant.version) == (&wanting.grant.id, wanting.grant.version) {
            if refused.is_some() {
                break;
            }
        } else if last || !new.grant.refreshable || !new.has_ended(deps.clock.now_ms()) {
            return Ok(new);
        }
        wanting = new;
    }
    Err(refused
        .unwrap_or_else(|| grants::token_endpoint_error("another renewal ended without a newer token")))
}

async fn refresh_grant(deps: &Arc<Deps>, old: &Arc<Ready>) -> Result<()> {
    match grants::refresh(deps, &old.organization_id, &old.grant.id, old.grant.version).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind == Kind::ReauthorizationRequired => {
            Err(super::reauthorization_required(error.message.into_owned(), old))
        }
        // Nothing is renewed any more, although nobody knows whether the grant is dead: a new consent mends it, too.
        Err(error) if grants::is_final(&error) => Err(super::fault::with_reconnect(error, old)),
        Err(error) => Err(error),
    }
}
