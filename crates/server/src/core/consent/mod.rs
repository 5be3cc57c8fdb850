//! Consent: from `initiate` over the provider's page and the callback to a redeemed `secret_id`.
//!
//! Knows the order of the steps and what each one stores. Must not know HTTP: the callback's outcome is a value that
//! the edge turns into a page or a redirect.

mod account;
mod callback;
mod environment;
mod exchange;
pub mod flow;
mod granted;
mod initiate;
mod pending;
mod redeem;

pub use callback::{Outcome, callback};
pub use environment::{accept_environment, check_missing, merge_pinned};
pub use initiate::{Initiate, initiate};
pub use redeem::{Redeem, Redeemable, find_redeemable, finish};

use crate::core::error::{Error, Result};
use crate::core::oauth_apps::Callback;
use crate::core::{Deps, keys, organization_settings};
use crate::vault::Place;
use flow::{Flow, LEGACY};
use secrecy::{ExposeSecret, SecretString};

/// What sealed verifiers are for.
pub const VERIFIER: &str = "flow.verifier";

/// The verifier's place in the vault: a flow row is sealed once, so its version is always 1.
fn verifier_place<'a>(organization: &'a str, flow: &'a str) -> Place<'a> {
    Place { purpose: VERIFIER, organization, row: flow, version: 1 }
}

async fn open_verifier(deps: &Deps, flow: &Flow) -> Result<SecretString> {
    let bytes = keys::open(deps, &verifier_place(&flow.organization_id, &flow.id), &flow.sealed).await?;
    let text = std::str::from_utf8(bytes.expose_secret()).map_err(Error::internal)?;
    Ok(SecretString::from(text.to_owned()))
}

/// The organization asks every consent to be bound to the session that starts it.
async fn requires_binding(deps: &Deps, organization: &str) -> Result<bool> {
    Ok(organization_settings::get(deps, organization).await?.require_binding)
}

/// The stored name of a callback: the connector's slug, or the legacy path's.
fn callback_key(callback: Callback, slug: &str) -> &str {
    match callback {
        Callback::Context => slug,
        Callback::Legacy => LEGACY,
    }
}
