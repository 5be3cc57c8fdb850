//! The first step: everything is checked and pinned, and the application gets the provider's own authorize URL.
//!
//! Stored before the URL is handed out: the flow with its hashed state and its sealed PKCE verifier. A crash before
//! that leaves nothing; after it, a flow that expires.

use super::{accept_environment, callback_key, pending, requires_binding, verifier_place};
use crate::config::CallbackMode;
use crate::core::access::Caller;
use crate::core::catalog::ConnectorType;
use crate::core::error::{Error, Kind, Result};
use crate::core::oauth_apps::{self, OauthApp};
use crate::core::{Deps, audit, redirect_urls, workspaces};
use crate::store::{AuditRow, FlowRow};
use crate::vault::digest;
use keybearer_connector::call::Environment;
use keybearer_connector::oauth::{authorize, code_challenge};
use keybearer_connector::plan::{OauthPlan, Plan};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use std::sync::Arc;

/// What an application asks for.
pub struct Initiate {
    /// Name of the user's workspace; made on first use.
    pub workspace_name: String,
    /// Connector type.
    pub kind: Arc<ConnectorType>,
    /// Where the user returns to.
    pub redirect_url: String,
    /// Values for declared variables.
    pub input: Map<String, Value>,
    /// What the callback hands over.
    pub mode: CallbackMode,
    /// Connector name, for `connector_id` mode.
    pub name: Option<String>,
    /// More values, for `connector_id` mode.
    pub environment: Map<String, Value>,
    /// For `connector_id` mode.
    pub replication_config: Option<String>,
    /// S256 challenge of the application's session.
    pub code_challenge: Option<String>,
    /// Reconnect this connector in place.
    pub connector_id: Option<String>,
    /// The reconnect may bring another account.
    pub allow_account_change: bool,
    /// Scopes; none: all that the definition declares.
    pub scopes: Option<Vec<String>>,
}

/// The URL to send the user to.
pub async fn initiate(deps: &Deps, caller: &Caller, ask: Initiate) -> Result<SecretString> {
    caller.allow_workspace_name(&ask.workspace_name)?;
    let plan = Arc::clone(ask.kind.plan()?);
    let (_, oauth) = plan.oauth().ok_or_else(|| oauth_apps::no_oauth(&ask.kind))?;
    if ask.code_challenge.is_some() && ask.mode == CallbackMode::ConnectorId {
        return Err(Error::new(
            Kind::BindingRequiresSecretId,
            "code_challenge needs callback_mode `secret_id`: in `connector_id` mode nobody redeems",
        ));
    }
    check_binding(deps, caller, &ask).await?;
    redirect_urls::check(deps, caller.organization(), &ask.redirect_url).await?;
    let mut environment = pinned_environment(&plan, &ask)?;
    let app = oauth_apps::for_flow(deps, caller.organization(), &plan.info.slug).await?;
    if app.pin.as_ref().is_some_and(|pin| !pin.covers(&plan)) {
        return Err(Error::new(
            Kind::AppMisconfigured,
            "The connector's definition now names other endpoints than the OAuth app was set for; PUT /oauth/credentials again to approve them",
        ));
    }
    if let Some(id) = &ask.connector_id {
        let workspace = workspaces::find(deps, caller, &ask.workspace_name).await?;
        let workspace = workspace.ok_or_else(Error::not_found)?;
        let known = reconnected(deps, caller, &workspace.id, id, &plan).await?;
        // Values that are not given again stay as they were.
        for (name, value) in known {
            environment.0.entry(name).or_insert(value);
        }
    }
    if ask.mode == CallbackMode::ConnectorId {
        // Nobody will be asked again: the callback makes the connector of what is here.
        super::check_missing(&plan, &environment)?;
    }
    let state = deps.random.token(32);
    let verifier = deps.random.token(32);
    let scopes = ask.scopes.clone().unwrap_or_else(|| oauth.scopes.keys().cloned().collect());
    let url = consent_url(deps, oauth, &plan, &app, &scopes, &environment, &state, &verifier)?;
    // Last, so that a refused call leaves nothing behind.
    let workspace = pending::workspace(deps, caller, &ask.workspace_name).await?;
    let row = row(deps, caller, &workspace.id, &ask, &plan, &app, &scopes, &environment, &state, &verifier)?;
    let entry = AuditRow {
        workspace_id: Some(workspace.id),
        connector_id: ask.connector_id,
        subject: Some(row.id.clone()),
        ..audit::by_caller(deps, caller, "consent.initiate")
    };
    pending::insert(deps, &row, entry).await?;
    Ok(url)
}

/// Where the organization asks for it, a consent without a challenge is refused, so nobody but the session that holds
/// the verifier can finish it.
async fn check_binding(deps: &Deps, caller: &Caller, ask: &Initiate) -> Result<()> {
    if ask.code_challenge.is_some() || !requires_binding(deps, caller.organization()).await? {
        return Ok(());
    }
    let message = if ask.mode == CallbackMode::ConnectorId {
        "This organization asks every consent to be bound to the session that starts it: `connector_id` mode cannot be used, because nobody redeems in it"
    } else {
        "This organization asks every consent to be bound to the session that starts it: give `code_challenge` here and `code_verifier` at redemption"
    };
    Err(Error::new(Kind::BindingRequired, message))
}

fn pinned_environment(plan: &Plan, ask: &Initiate) -> Result<Environment> {
    let input = accept_environment(plan, &ask.input, "oauth_input_configuration")?;
    if ask.environment.is_empty() {
        return Ok(input);
    }
    let later = accept_environment(plan, &ask.environment, "environment")?;
    let input = input.0.into_iter().collect();
    let merged = super::merge_pinned(&input, &later.0.into_iter().collect())?;
    Ok(Environment(merged.into_iter().collect()))
}

/// The environment of the connector that is reconnected. It must be a live one of the same workspace and type;
/// anything else is not found.
async fn reconnected(
    deps: &Deps,
    caller: &Caller,
    workspace: &str,
    id: &str,
    plan: &Plan,
) -> Result<Map<String, Value>> {
    let view = deps.store.connector(caller.organization(), Some(workspace), id).await?;
    let row = view.ok_or_else(Error::not_found)?.connector;
    if row.connector_type != plan.info.slug {
        return Err(Error::field(
            "connector_id",
            "conflict",
            format!("is a `{}` connector", row.connector_type),
        ));
    }
    serde_json::from_str(&row.environment).map_err(Error::internal)
}

#[expect(clippy::too_many_arguments, reason = "the parts of one URL, each named once")]
fn consent_url(
    deps: &Deps,
    oauth: &OauthPlan,
    plan: &Plan,
    app: &OauthApp,
    scopes: &[String],
    environment: &Environment,
    state: &SecretString,
    verifier: &SecretString,
) -> Result<SecretString> {
    let redirect_uri = app.callback.url(&deps.settings.public_url, &plan.info.slug);
    let challenge = code_challenge(verifier.expose_secret());
    let request = authorize::AuthorizeRequest {
        client_id: &app.client_id,
        redirect_uri: &redirect_uri,
        state: state.expose_secret(),
        code_challenge: Some(&challenge),
        scopes,
        environment: &environment.with_defaults(plan),
    };
    let url = authorize::url(oauth, &request)
        .map_err(|error| Error::field("oauth_input_configuration", "missing", error.to_string()))?;
    Ok(SecretString::from(url.to_string()))
}

#[expect(clippy::too_many_arguments, reason = "a row is made of everything that was checked")]
fn row(
    deps: &Deps,
    caller: &Caller,
    workspace_id: &str,
    ask: &Initiate,
    plan: &Plan,
    app: &OauthApp,
    scopes: &[String],
    environment: &Environment,
    state: &SecretString,
    verifier: &SecretString,
) -> Result<FlowRow> {
    let now = deps.clock.now_ms();
    let id = deps.random.uuid_v7(&deps.clock);
    let sealed = deps
        .keyring
        .seal(&verifier_place(caller.organization(), &id), verifier.expose_secret().as_bytes(), &deps.random)
        .map_err(Error::internal)?;
    Ok(FlowRow {
        id,
        organization_id: caller.organization().to_owned(),
        workspace_id: workspace_id.to_owned(),
        connector_type: plan.info.slug.clone(),
        definition_id: plan.info.definition_id.clone(),
        callback: callback_key(app.callback, &plan.info.slug).to_owned(),
        status: "pending".to_owned(),
        state_hash: digest("state", state.expose_secret()).to_vec(),
        redirect_url: ask.redirect_url.clone(),
        callback_mode: ask.mode.name().to_owned(),
        sealed,
        oauth_app_id: app.id.clone(),
        client_id: app.client_id.clone(),
        environment: serde_json::to_string(&environment.0).map_err(Error::internal)?,
        scopes: serde_json::to_string(scopes).map_err(Error::internal)?,
        code_challenge: ask.code_challenge.clone(),
        connector_id: ask.connector_id.clone(),
        allow_account_change: ask.allow_account_change,
        name: ask.name.clone(),
        replication_config: ask.replication_config.clone(),
        secret_hash: None,
        secret_expires_at: None,
        grant_id: None,
        failure: None,
        expires_at: now + i64::try_from(deps.settings.oauth_session_ttl.as_millis()).unwrap_or(i64::MAX),
        created_at: now,
        updated_at: now,
    })
}
