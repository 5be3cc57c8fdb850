//! The token request of a refresh: which app and which values it carries, and whether it may be sent at all.
//!
//! Knows pins and OAuth apps. Must not know claims, nor what is done with the answer.

use super::GrantSecret;
use super::machine::Verdict;
use crate::core::Deps;
use crate::core::error::Result;
use crate::core::oauth_apps::{self, OauthApp};
use crate::core::pin::Pin;
use crate::store::GrantRow;
use keybearer_connector::call::Environment;
use keybearer_connector::oauth::token::{self, Renewal};
use keybearer_connector::oauth::{ClientKeys, TokenRequest};
use keybearer_connector::plan::{OauthPlan, Plan, SchemeKind};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

/// A token call that may be sent.
pub(super) struct Prepared {
    pub(super) plan: Arc<Plan>,
    pub(super) request: TokenRequest,
}

/// Everything the token call needs. Refused before anything is sent when the app or the endpoints are not the
/// grant's own.
pub(super) async fn prepare(deps: &Deps, row: &GrantRow) -> std::result::Result<Prepared, (Verdict, String)> {
    let not_sent = |error: &dyn std::fmt::Display| (Verdict::NotSent, error.to_string());
    let misconfigured = |why: &str| (Verdict::InvalidClient, why.to_owned());
    let kind =
        deps.catalog.find(&row.connector_type).ok_or_else(|| not_sent(&"the connector type is gone"))?;
    let plan = Arc::clone(kind.plan().map_err(|error| not_sent(&error))?);
    if Pin::from_text(&row.pin).is_none_or(|pin| !pin.covers(&plan)) {
        return Err(misconfigured("the definition names other endpoints than the grant was made for"));
    }
    let secret = GrantSecret::open(deps, row).await.map_err(|error| not_sent(&error))?;
    let oauth = oauth_of(&plan, &row.scheme)
        .ok_or_else(|| not_sent(&"the definition has no such OAuth scheme any more"))?;
    let app = app_of(deps, row, &secret, &plan).await.map_err(|error| not_sent(&error))?;
    let environment = Environment(secret.extracted.clone().into_iter().collect()).with_defaults(&plan);
    let scopes: Vec<String> =
        row.scopes.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let renewal = Renewal {
        refresh_token: secret.value("refresh_token"),
        credentials_json: secret.value("credentials_json"),
        scopes: &scopes,
        now: deps.clock.timestamp(),
    };
    let own_client = secret.value("client_id").map(|id| id.expose_secret().to_owned());
    let client = match (&app, &own_client) {
        (Some(app), _) => ClientKeys { client_id: &app.client_id, client_secret: Some(&app.client_secret) },
        (None, Some(client_id)) if secret.value("client_secret").is_some() => {
            ClientKeys { client_id, client_secret: secret.value("client_secret") }
        }
        (None, _) if secret.value("credentials_json").is_some() => {
            ClientKeys { client_id: "", client_secret: None }
        }
        (None, _) => {
            return Err(misconfigured(
                "the OAuth app that the grant was made with is not configured any more",
            ));
        }
    };
    let request = token::refresh(oauth, &renewal, &client, &environment).map_err(|error| not_sent(&error))?;
    Ok(Prepared { plan, request })
}

/// The OAuth app behind a grant; none when the grant carries its own client.
pub(super) async fn app_of(
    deps: &Deps,
    row: &GrantRow,
    secret: &GrantSecret,
    plan: &Plan,
) -> Result<Option<OauthApp>> {
    if secret.value("client_secret").is_some() {
        return Ok(None);
    }
    let client_id = secret.value("client_id").map(SecretString::expose_secret).unwrap_or_default();
    let app = oauth_apps::pinned(
        deps,
        &row.organization_id,
        &plan.info.slug,
        row.oauth_app_id.as_deref(),
        client_id,
    )
    .await?;
    Ok(app.filter(|app| app.pin.as_ref().is_none_or(|pin| pin.covers(plan))))
}

pub(super) fn oauth_of<'a>(plan: &'a Plan, scheme: &str) -> Option<&'a OauthPlan> {
    match &plan.scheme(scheme)?.kind {
        SchemeKind::Oauth2(oauth) => Some(oauth),
        _ => None,
    }
}
