//! Code to grant: the token call, whose account it is, and the sealed, quarantined row.
//!
//! Knows the token endpoint's messages through `keybearer_connector::oauth`. Must not know the browser.

use super::callback::told;
use super::flow::{Exchanging, Flow};
use super::open_verifier;
use crate::config::CallbackMode;
use crate::core::call::{self, Ready};
use crate::core::error::Error;
use crate::core::grants::{self, Consented, GrantSecret};
use crate::core::oauth_apps::{self, OauthApp};
use crate::core::pin::Pin;
use crate::core::{Deps, connectors};
use crate::store::{AuditRow, ConnectorRow, FinishConnector, GrantRow, StoreError};
use crate::vault::digest;
use keybearer_connector::call::Environment;
use keybearer_connector::oauth::token::{self, Exchange, TokenAnswer};
use keybearer_connector::oauth::{Account, ClientKeys};
use keybearer_connector::plan::{OauthPlan, Plan};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// For the question whose account it is; the user's browser waits.
const IDENTITY_TIMEOUT: Duration = Duration::from_secs(5);
/// Tries to store a grant while the database cannot be reached, and the pause between them.
const STORE_TRIES: u32 = 50;
const STORE_PAUSE: Duration = Duration::from_millis(200);

/// What the application gets.
pub(super) enum Exchanged {
    /// To be redeemed.
    Secret(String),
    /// Already created.
    Connector(String),
}

/// A reason that stands in the redirect.
type Reason = String;

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
    let app = oauth_apps::pinned(
        deps,
        &flow.0.organization_id,
        &plan.info.slug,
        flow.0.oauth_app_id.as_deref(),
        &flow.0.client_id,
    )
    .await
    .map_err(failed("OAuth app"))?
    .filter(|app| app.pin.as_ref().is_none_or(|pin| pin.covers(&plan)))
    .ok_or("creation_failed")?;
    let kept = callback_values(oauth, values)?;
    let mut environment = flow.0.environment.clone();
    environment.extend(kept.clone());
    let answer = token_call(deps, &flow, oauth, &plan, &app, code, &environment).await?;
    let mut grant =
        grants::from_answer(deps, &consented(&flow.0), &scheme.name, &answer, kept, &Pin::of(&plan))
            .map_err(failed("sealing"))?;
    grant.account_id = answer.identity.as_ref().map(|account| account.id.clone());
    grant.account_name = answer.identity.as_ref().and_then(|account| account.name.clone());
    let secret = GrantSecret::open(deps, &grant).map_err(failed("sealing"))?;
    // Made before anything is stored: a grant that cannot be used must not replace one that can.
    let ready = Ready::unsaved(&plan, &grant, &secret, &flow.0.environment, Some(&app.client_id))
        .map_err(failed("the grant cannot be used"))?;
    let stored = store(deps, flow, grant.clone(), &plan).await;
    match &stored {
        Ok(_) if grant.account_id.is_none() => learn_account(deps, ready, oauth, &grant).await,
        Ok(_) => {}
        // The flow or its workspace ended meanwhile: nobody will ever redeem these tokens.
        Err(_) => {
            if let Err(error) = grants::revoke::tokens(deps, &grant, &secret).await {
                tracing::warn!(%error, "the tokens of a consent that was not stored were not revoked");
            }
        }
    }
    stored
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
    let verifier = open_verifier(deps, &flow.0).map_err(|_| failed("the verifier does not open"))?;
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

/// Whose account it is, by the definition's identity operation. The grant is stored already: a provider that is slow
/// or does not say costs nothing but the name.
async fn learn_account(deps: &Arc<Deps>, ready: Ready, oauth: &OauthPlan, grant: &GrantRow) {
    let asked = tokio::time::timeout(IDENTITY_TIMEOUT, call::identity(deps, ready, oauth)).await;
    let account = match asked {
        Ok(Ok(account)) => account,
        Ok(Err(error)) => {
            tracing::info!(grant = %grant.id, %error, "the account behind a new grant is not known");
            None
        }
        Err(_) => None,
    };
    let Some(Account { id, name }) = account else { return };
    let now = deps.clock.now_ms();
    let set = deps.store.set_account(&grant.organization_id, &grant.id, &id, name.as_deref(), now).await;
    if let Err(error) = set {
        tracing::warn!(grant = %grant.id, %error, "the account behind a new grant was not stored");
    }
}

/// Tries a store call again while the database is away: the code is spent, so the tokens in hand are the only ones.
async fn persist<F>(mut store: impl FnMut() -> F) -> std::result::Result<bool, StoreError>
where
    F: Future<Output = std::result::Result<bool, StoreError>>,
{
    let mut tries = 0;
    loop {
        tries += 1;
        match store().await {
            Err(StoreError::Unavailable(_)) if tries < STORE_TRIES => tokio::time::sleep(STORE_PAUSE).await,
            done => return done,
        }
    }
}

async fn store(deps: &Deps, flow: Exchanging, mut grant: GrantRow, plan: &Plan) -> Result<Exchanged, Reason> {
    let now = deps.clock.now_ms();
    let (org, id) = (flow.0.organization_id.clone(), flow.0.id.clone());
    let entry = told(deps, &flow.0);
    let failed = |error: StoreError| {
        tracing::warn!(%error, "the grant was not stored");
        "creation_failed".to_owned()
    };
    if flow.0.mode == CallbackMode::SecretId {
        let secret = deps.random.token(32);
        let expires = now + i64::try_from(deps.settings.secret_ttl.as_millis()).unwrap_or(i64::MAX);
        let hash = digest("secret_id", secret.expose_secret());
        let granted = flow.grant(grant.id.clone(), expires);
        let until = granted.secret_expires_at;
        let audited = deps.store.audited(entry);
        let stored =
            persist(|| audited.grant_flow(&org, &id, &grant, &hash, until, now)).await.map_err(failed)?;
        return if stored {
            Ok(Exchanged::Secret(secret.expose_secret().to_owned()))
        } else {
            Err("session_expired".to_owned())
        };
    }
    "active".clone_into(&mut grant.status);
    let flow = flow.consume().0;
    let environment = Value::Object(flow.environment.clone()).to_string();
    let (connector, finish) = match flow.reconnects {
        Some(connector_id) => {
            let switch = FinishConnector::Switch {
                connector_id: connector_id.clone(),
                auth_scheme: grant.scheme.clone(),
                environment,
                updated_at: now,
            };
            (connector_id, switch)
        }
        None => {
            let name = match flow.name {
                Some(name) => name,
                None => connectors::default_name(deps, &org, &flow.workspace_id, plan)
                    .await
                    .map_err(|_| "creation_failed")?,
            };
            let row = ConnectorRow {
                id: deps.random.uuid_v7(&deps.clock),
                organization_id: org.clone(),
                workspace_id: flow.workspace_id,
                connector_type: plan.info.slug.clone(),
                definition_id: plan.info.definition_id.clone(),
                name,
                grant_id: grant.id.clone(),
                auth_scheme: grant.scheme.clone(),
                environment,
                replication_config: flow.replication_config,
                created_at: now,
                updated_at: now,
                deleted_at: None,
            };
            (row.id.clone(), FinishConnector::Insert(row))
        }
    };
    let audited = deps.store.audited(AuditRow { connector_id: Some(connector.clone()), ..entry });
    let stored =
        persist(|| audited.finish_flow(&org, &id, &grant, finish.clone(), now)).await.map_err(failed)?;
    deps.connector_changed(&connector);
    if stored { Ok(Exchanged::Connector(connector)) } else { Err("creation_failed".to_owned()) }
}
