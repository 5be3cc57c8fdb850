//! `POST /oauth/token` (RFC 6749 §3.2): authorization_code with PKCE and refresh_token with rotation.
//! It translates between the wire and `grants`; it must not keep anything itself.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::client::authenticate;
use super::{no_store, refuse};
use crate::fault::{At, Effect};
use crate::form::Form;
use crate::grants::{Issue, Issued, Refused};
use crate::play::play;
use crate::scope::Scopes;
use crate::settings::millis;
use crate::state::{Shared, State};

/// RFC 6749 §5.1.
#[derive(Serialize)]
struct Tokens {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    scope: String,
}

/// Ways in which an injected fault bends what is issued.
#[derive(Default)]
struct Bent {
    keep_refresh: bool,
    narrow: Option<Scopes>,
}

pub(super) async fn token(shared: State, headers: HeaderMap, body: Bytes) -> Response {
    let form = Form::of_body(&headers, &body);
    let grant_type = form.as_ref().ok().and_then(|form| form.get("grant_type"));
    let fault = {
        let mut inner = shared.lock();
        inner.record.token_call(grant_type);
        inner.strike(At::Token, "POST /oauth/token", grant_type)
    };
    let bent = match fault.as_ref().map(|fault| &fault.effect) {
        Some(Effect::NoRefreshToken) => Bent { keep_refresh: true, narrow: None },
        Some(Effect::Scope { scope }) => Bent { keep_refresh: false, narrow: Scopes::parse(scope) },
        _ => Bent::default(),
    };
    let answer = async {
        match form {
            Ok(form) => answer(&shared, &headers, &form, bent),
            Err(description) => refuse(StatusCode::BAD_REQUEST, "invalid_request", description),
        }
    };
    play(fault, answer).await
}

fn answer(shared: &Shared, headers: &HeaderMap, form: &Form, bent: Bent) -> Response {
    if let Err(unproven) = authenticate(&shared.settings, headers, form) {
        return unproven.into_response();
    }
    match grant(shared, form, bent) {
        Ok(issued) => no_store(Json(tokens(issued, shared.settings.access_ttl))),
        Err(Refused { error, description, .. }) => refuse(StatusCode::BAD_REQUEST, error, description),
    }
}

fn tokens(issued: Issued, ttl: Duration) -> Tokens {
    Tokens {
        access_token: issued.access,
        token_type: "Bearer",
        expires_in: ttl.as_secs(),
        refresh_token: issued.refresh,
        scope: issued.scopes.to_string(),
    }
}

fn grant(shared: &Shared, form: &Form, bent: Bent) -> Result<Issued, Refused> {
    let issue = Issue {
        now_ms: shared.now_ms(),
        ttl_ms: millis(shared.settings.access_ttl),
        random: &shared.settings.random,
        keep_refresh: bent.keep_refresh,
        narrow: bent.narrow,
    };
    let mut inner = shared.lock();
    let result = match form.get("grant_type") {
        Some("authorization_code") => {
            let code = required(form, "code", "code is missing")?;
            let redirect_uri = required(form, "redirect_uri", "redirect_uri is missing")?;
            let verifier = required(form, "code_verifier", "code_verifier is missing")?;
            if !well_formed(verifier) {
                return Err(wrong("invalid_request", "code_verifier is not 43 to 128 unreserved characters"));
            }
            inner.grants.redeem(code, redirect_uri, verifier, issue)
        }
        Some("refresh_token") => {
            let token = required(form, "refresh_token", "refresh_token is missing")?;
            let asked = match form.get("scope") {
                None => None,
                Some(text) => Some(Scopes::parse(text).ok_or(wrong("invalid_scope", "unknown scope"))?),
            };
            let result = inner.grants.refresh(token, asked, issue);
            inner.record.stats.refreshes += u64::from(result.is_ok());
            result
        }
        Some(_) => Err(wrong("unsupported_grant_type", "authorization_code and refresh_token are supported")),
        None => Err(wrong("invalid_request", "grant_type is missing")),
    };
    inner.record.stats.reuse_events += u64::from(result.as_ref().is_err_and(|refused| refused.reuse));
    result
}

fn required<'a>(form: &'a Form, name: &str, missing: &'static str) -> Result<&'a str, Refused> {
    form.get(name).ok_or(wrong("invalid_request", missing))
}

fn wrong(error: &'static str, description: &'static str) -> Refused {
    Refused { error, description, reuse: false }
}

/// RFC 7636 §4.1.
fn well_formed(verifier: &str) -> bool {
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}
