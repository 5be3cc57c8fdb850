//! Renewals that no call waits for: of connectors in use, and of idle grants.
//!
//! Knows how often they are looked for. Must not know when a token is due (`core::call`, `core::grants::idle`).

use super::pause;
use crate::core::call::renew_in_use;
use crate::core::{Deps, grants};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

const IN_USE_EVERY: Duration = Duration::from_secs(5);
const IDLE_EVERY: Duration = Duration::from_secs(30);

/// Refreshes what is in use and ends soon.
pub(super) async fn in_use(deps: Arc<Deps>, mut stop: watch::Receiver<bool>) {
    while pause(&mut stop, IN_USE_EVERY).await {
        tokio::select! {
            () = renew_in_use(&deps) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Refreshes what is due without a call. A stop does not wait for those that have not begun; those that have begun are
/// tasks of their own.
pub(super) async fn idle(deps: Arc<Deps>, mut stop: watch::Receiver<bool>) {
    while pause(&mut stop, IDLE_EVERY).await {
        loop {
            let renewed = tokio::select! {
                renewed = grants::idle::renew_due(&deps) => renewed,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            match renewed {
                Ok(0) => break,
                Ok(count) => tracing::info!(count, "idle grants were due"),
                Err(error) => {
                    tracing::warn!(%error, "idle grants could not be read");
                    break;
                }
            }
        }
    }
}
