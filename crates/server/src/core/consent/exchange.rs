//! Code to grant: the token call, the sealed, quarantined row, whose account it is.
//!
//! Knows the token endpoint's messages through `keybearer_connector::oauth`. Must not know the browser.
//!
//! A grant is stored before anything else is asked, because its tokens are the only ones. A reconnect that must keep its
//! account stores it quarantined in both modes, and switches the connector when the account is known to be the same;
//! a crash between leaves a quarantined grant that the sweep ends.

use super::flow::{Exchanging, Flow};
use super::{account, granted, open_verifier, requires_binding};
use crate::config::CallbackMode;
use crate::core::Deps;
use crate::core::call::Ready;
use crate::core::error::Error;
use crate::core::grants::{self, Consented, GrantSecret};
use crate::core::oauth_apps::{self, OauthApp};
use crate::core::pin::Pin;
use crate::store::GrantRow;
use keybearer_connector::call::Environment;
use keybearer_connector::oauth::ClientKeys;
use keybearer_connector::oauth::token::{self, Exchange, TokenAnswer};
use keybearer_connector::plan::{OauthPlan, Plan};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the application gets.
pub(super) enum Exchanged {
    /// To be redeemed.
    Secret(String),
    /// Already created.
    Connector(String),
}

/// A reason that stands in the redirect.
pub(super) type Reason = String;

pub(super) async fn exchange(
    deps: &Arc<Deps>,
    flow: Exchanging,
    code: &str,
    values: &BTreeMap<String, Vec<String>>,
) -> Result<Exchanged, Reason> {
    let failed = |what: &'static str| {
        move |error: Error| {
            tracing::warn!(%error, cause = error.source.as_ref().map(ToString::to_string), "{what}");
            "creation_failed".to_owned()
        }
    };
    let kind = deps.catalog.find(&flow.0.connector_type).ok_or("creation_failed")?;
    let plan = Arc::clone(kind.plan().map_err(failed("definition"))?);
    let (scheme, oauth) = plan.oauth().ok_or("creation_failed")?;
    let app = pinned_app(deps, &flow.0, &plan).await.map_err(failed("OAuth app"))?;
    let app = app.ok_or("creation_failed")?;
    if flow.0.code_challenge.is_none()
        && requires_binding(deps, &flow.0.organization_id).await.map_err(failed("organization"))?
    {
        return Err("binding_required".to_owned());
    }
    let expected = account::expected(deps, &flow.0).await.map_err(failed("account"))?;
    let kept = callback_values(oauth, values)?;
    let mut environment = flow.0.environment.clone();
    environment.extend(kept.clone());
    let answer = token_call(deps, &flow, oauth, &plan, &app, code, &environment).await?;
    let mut grant =
        grants::from_answer(deps, &consented(&flow.0), &scheme.name, &answer, kept, &Pin::of(&plan))
            .map_err(failed("sealing"))?;
    grant.account_id = answer.identity.as_ref().map(|account| account.id.clone());
    grant.account_name = answer.identity.as_ref().and_then(|account| account.name.clone());
    let secret = GrantSecret::open(deps, &grant).await.map_err(failed("sealing"))?;
    // Made before anything is stored: a grant that cannot be used must not replace one that can.
    let ready = Ready::unsaved(&plan, &grant, &secret, &flow.0.environment, Some(&app.client_id))
        .map_err(failed("the grant cannot be used"))?;
    settle(deps, flow, New { grant, ready, secret }, &plan, oauth, expected).await
}

/// Stores a new grant as the flow's mode wants it, and where a reconnect must keep its account, only if it does.
async fn settle(
    deps: &Arc<Deps>,
    flow: Exchanging,
    new: New,
    plan: &Plan,
    oauth: &OauthPlan,
    expected: Option<String>,
) -> Result<Exchanged, Reason> {
    let mode = flow.0.mode;
    if mode == CallbackMode::ConnectorId && expected.is_none() {
        let id = keep(deps, &new, granted::connect(deps, flow, &new.grant, plan).await).await?;
        account::learn(deps, new, oauth).await;
        return Ok(Exchanged::Connector(id));
    }
    let (granted, secret) = keep(deps, &new, granted::quarantine(deps, flow, &new.grant).await).await?;
    let grant = new.grant.clone();
    let account = account::learn(deps, new, oauth).await;
    if let (Some(expected), Some(account)) = (expected, account)
        && expected != account
    {
        granted::refuse(deps, &granted, account::MISMATCH).await;
        return Err(account::MISMATCH.to_owned());
    }
    match mode {
        CallbackMode::SecretId => Ok(Exchanged::Secret(secret.expose_secret().to_owned())),
        CallbackMode::ConnectorId => {
            granted::reconnect(deps, granted, &grant).await.map(Exchanged::Connector)
        }
    }
}

/// A grant that was just obtained.
pub(super) struct New {
    /// As it is to be stored.
    pub(super) grant: GrantRow,
    /// Ready to be called with.
    pub(super) ready: Ready,
    /// Its tokens.
    pub(super) secret: GrantSecret,
}

/// Where a grant could not be stored, its flow or workspace ended meanwhile: nobody will ever redeem these tokens.
async fn keep<T>(deps: &Deps, new: &New, stored: Result<T, Reason>) -> Result<T, Reason> {
    if stored.is_err()
        && let Err(error) = grants::revoke::tokens(deps, &new.grant, &new.secret).await
    {
        tracing::warn!(%error, "the tokens of a consent that was not stored were not revoked");
    }
    stored
}

/// The OAuth app that the flow was started with, where the definition still names the endpoints that it was set for.
async fn pinned_app(deps: &Deps, flow: &Flow, plan: &Plan) -> Result<Option<OauthApp>, Error> {
    let id = flow.oauth_app_id.as_deref();
    let app = oauth_apps::pinned(deps, &flow.organization_id, &plan.info.slug, id, &flow.client_id).await?;
    Ok(app.filter(|app| app.pin.as_ref().is_none_or(|pin| pin.covers(plan))))
}

fn consented(flow: &Flow) -> Consented<'_> {
    Consented {
        organization_id: &flow.organization_id,
        workspace_id: &flow.workspace_id,
        connector_type: &flow.connector_type,
        oauth_app_id: flow.oauth_app_id.as_deref(),
        client_id: &flow.client_id,
        environment: &flow.environment,
        scopes: &flow.scopes,
    }
}

/// Further callback values that the definition declares, each checked against its pattern.
fn callback_values(
    oauth: &OauthPlan,
    values: &BTreeMap<String, Vec<String>>,
) -> Result<Map<String, Value>, Reason> {
    let mut kept = Map::new();
    for (name, pattern) in &oauth.callback_params {
        let Some([value]) = values.get(name).map(Vec::as_slice) else { continue };
        if !keybearer_connector::call::fits(pattern, value) {
            return Err("invalid_state".to_owned());
        }
        kept.insert(name.clone(), Value::String(value.clone()));
    }
    Ok(kept)
}

async fn token_call(
    deps: &Deps,
    flow: &Exchanging,
    oauth: &OauthPlan,
    plan: &Plan,
    app: &OauthApp,
    code: &str,
    environment: &Map<String, Value>,
) -> Result<TokenAnswer, Reason> {
    let failed = |why: &str| {
        tracing::warn!(flow = %flow.0.id, connector_type = %plan.info.slug, why, "the code was not exchanged");
        "token_exchange_failed".to_owned()
    };
    let verifier = open_verifier(deps, &flow.0).await.map_err(|_| failed("the verifier does not open"))?;
    let code = SecretString::from(code.to_owned());
    let redirect_uri = app.callback.url(&deps.settings.public_url, &plan.info.slug);
    let exchange = Exchange { code: &code, redirect_uri: &redirect_uri, code_verifier: Some(&verifier) };
    let client = ClientKeys { client_id: &app.client_id, client_secret: Some(&app.client_secret) };
    let environment = Environment(environment.clone().into_iter().collect()).with_defaults(plan);
    let request = token::exchange(oauth, &exchange, &client, &environment)
        .map_err(|error| failed(&error.to_string()))?;
    let response = grants::token_endpoint(deps, request).await.map_err(|error| failed(&error.to_string()))?;
    let answer = token::read(oauth, &response).map_err(|fault| failed(&grants::describe_fault(&fault)))?;
    for name in answer.extracted.keys() {
        tracing::debug!(flow = %flow.0.id, name, "kept from the token answer");
    }
    Ok(answer)
}
