//! Revocation: the tokens of an ended grant are taken back at the provider (RFC 7009, or the provider's own way).
//!
//! Knows the outcome per token. Must not know why the grant ended. A refresh token goes first: providers take its
//! access tokens along (RFC 7009 section 2.1).

use super::request::{app_of, oauth_of};
use super::{GrantSecret, token_endpoint};
use crate::core::Deps;
use crate::core::error::Result;
use crate::core::pin::Pin;
use crate::store::GrantRow;
use keybearer_connector::call::Environment;
use keybearer_connector::oauth::ClientKeys;
use keybearer_connector::oauth::revoke::{self, Kind, Outcome, Revoke};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

/// Outcome per token.
pub struct Report(Vec<(&'static str, &'static str)>);

impl Report {
    /// Nothing could be tried.
    pub fn failed() -> Self {
        Self(vec![("grant", "failed")])
    }

    /// Nothing is left to try.
    pub fn is_settled(&self) -> bool {
        self.0.iter().all(|(_, outcome)| *outcome != "failed")
    }

    /// `[{"token","outcome"}]`, as the API shows it.
    pub fn to_text(&self) -> String {
        let list: Vec<Value> =
            self.0.iter().map(|(token, outcome)| json!({ "token": token, "outcome": outcome })).collect();
        Value::Array(list).to_string()
    }
}

/// Revokes the tokens of one grant. `revoked`, `unsupported` (the provider offers no way, or there is no app to
/// authenticate with), or `failed` (to be tried again).
pub async fn revoke(deps: &Deps, organization: &str, grant_id: &str) -> Result<Report> {
    let Some(row) = deps.store.grant(organization, grant_id).await? else { return Ok(Report(Vec::new())) };
    // Tokens that were replaced or already revoked are erased.
    if row.kind != "oauth" || row.sealed.is_empty() {
        return Ok(Report(Vec::new()));
    }
    tokens(deps, &row, &GrantSecret::open(deps, &row).await?).await
}

/// Revokes tokens that came for a grant and could not be stored, because it had ended meanwhile.
pub async fn tokens(deps: &Deps, row: &GrantRow, secret: &GrantSecret) -> Result<Report> {
    let mut outcomes = Vec::new();
    for (name, kind) in [("refresh_token", Kind::RefreshToken), ("access_token", Kind::AccessToken)] {
        if secret.value(name).is_some() {
            outcomes.push((name, one(deps, row, secret, kind).await?));
        }
    }
    Ok(Report(outcomes))
}

async fn one(deps: &Deps, row: &GrantRow, secret: &GrantSecret, kind: Kind) -> Result<&'static str> {
    let Some(plan) = deps.catalog.find(&row.connector_type).and_then(|kind| kind.plan().ok()) else {
        return Ok("unsupported");
    };
    // As at refresh: never to an endpoint that the tokens were not made for.
    if Pin::from_text(&row.pin).is_none_or(|pin| !pin.covers(plan)) {
        return Ok("unsupported");
    }
    let Some(oauth) = oauth_of(plan, &row.scheme) else { return Ok("unsupported") };
    let app = app_of(deps, row, secret, plan).await?;
    let own = secret.value("client_id").map(SecretString::expose_secret);
    let client = match (&app, own) {
        (Some(app), _) => ClientKeys { client_id: &app.client_id, client_secret: Some(&app.client_secret) },
        (None, Some(client_id)) => ClientKeys { client_id, client_secret: secret.value("client_secret") },
        (None, None) => ClientKeys { client_id: "", client_secret: None },
    };
    let environment = Environment(secret.extracted.clone().into_iter().collect()).with_defaults(plan);
    let tokens = Revoke {
        kind,
        access_token: secret.value("access_token"),
        refresh_token: secret.value("refresh_token"),
    };
    let request = match revoke::request(oauth, &tokens, &client, &environment) {
        Ok(Some(request)) => request,
        Ok(None) => return Ok("unsupported"),
        Err(error) => {
            tracing::warn!(grant = %row.id, %error, "a revocation cannot be written");
            return Ok("unsupported");
        }
    };
    Ok(match token_endpoint(deps, request).await.map(|response| revoke::read(response.status)) {
        Ok(Outcome::Revoked) => "revoked",
        Ok(Outcome::Unsupported) => "unsupported",
        Ok(Outcome::Failed) => "failed",
        Err(fault) => {
            tracing::warn!(grant = %row.id, %fault, "a revocation did not reach the provider");
            "failed"
        }
    })
}
