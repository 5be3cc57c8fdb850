//! The callback: the browser comes back from the provider with a state, and perhaps a code.
//!
//! The state is consumed before anything else, so a second arrival finds nothing. Then the context and `iss`
//! (RFC 9207) are checked, the code is exchanged, and the grant is stored sealed and quarantined.
//! A crash after the state is consumed leaves an Exchanging flow that the sweep fails; the user starts again.

use super::exchange::{Exchanged, exchange};
use super::flow::{Exchanging, Flow, LEGACY, Stored};
use crate::core::error::Result;
use crate::core::{Deps, audit, redirect_urls};
use crate::store::{AuditRow, Taken};
use crate::vault::digest;
use keybearer_connector::oauth::redact;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the edge answers.
#[derive(Debug)]
pub enum Outcome {
    /// 303 to the application.
    Redirect(String),
    /// 400 page: the state is missing, unknown, used, duplicated, or another connector's. Nothing was called.
    Refused,
}

/// RFC 6749 section 4.1.2.1 and OpenID Connect Core section 3.1.2.6: codes that pass through to the application.
const REGISTERED: [&str; 12] = [
    "invalid_request",
    "unauthorized_client",
    "access_denied",
    "unsupported_response_type",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
    "interaction_required",
    "login_required",
    "account_selection_required",
    "consent_required",
    "invalid_target",
];
/// Query parameters that a callback may have.
const PARAMETERS_MAX: usize = 64;

/// Handles a callback that arrived on `slug`'s path (none: the legacy path).
pub async fn callback(
    deps: &Arc<Deps>,
    slug: Option<&str>,
    pairs: Vec<(String, String)>,
    request_id: Arc<str>,
) -> Result<Outcome> {
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if pairs.len() > PARAMETERS_MAX {
        return Ok(Outcome::Refused);
    }
    for (name, value) in pairs {
        values.entry(name).or_default().push(value);
    }
    let Some([state]) = values.get("state").map(Vec::as_slice) else { return Ok(Outcome::Refused) };
    // A path that can be no connector's name is not looked up.
    if slug
        .is_some_and(|slug| slug.len() > 64 || !slug.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
    {
        return Ok(Outcome::Refused);
    }
    let path = slug.map_or(LEGACY.to_owned(), str::to_ascii_lowercase);
    match deps.store.take_flow(&digest("state", state), &path, deps.clock.now_ms()).await? {
        Taken::Unknown => Ok(Outcome::Refused),
        Taken::Expired(row) => Ok(refuse(&row.redirect_url, "session_expired")),
        Taken::Taken(row) => {
            let Stored::Exchanging(mut flow) = Stored::try_from(row)? else { return Ok(Outcome::Refused) };
            flow.0.request_id = Some(request_id);
            // A browser that goes away must not stop an exchange half way: the code is spent.
            let own = Arc::clone(deps);
            let task = deps.tasks.spawn(async move { finish(&own, flow, &values).await });
            task.await.map_err(crate::core::error::Error::internal)?
        }
    }
}

async fn finish(
    deps: &Arc<Deps>,
    flow: Exchanging,
    values: &BTreeMap<String, Vec<String>>,
) -> Result<Outcome> {
    let redirect_url = flow.0.redirect_url.clone();
    let identity = (flow.0.organization_id.clone(), flow.0.id.clone());
    let failed = told(deps, &flow.0);
    let done = match check(deps, &flow.0, values) {
        Ok(code) => exchange(deps, flow, &code, values).await,
        Err(reason) => Err(reason),
    };
    match done {
        Ok(Exchanged::Secret(secret)) => Ok(answer(&redirect_url, "secret_id", &secret)),
        Ok(Exchanged::Connector(id)) => Ok(answer(&redirect_url, "connector_id", &id)),
        Err(reason) => {
            deps.store
                .audited(AuditRow { outcome: reason.clone(), ..failed })
                .fail_flow(&identity.0, &identity.1, "exchanging", &reason, deps.clock.now_ms())
                .await?;
            Ok(refuse(&redirect_url, &reason))
        }
    }
}

/// The audit entry of what a browser brought back.
pub(super) fn told(deps: &Deps, flow: &Flow) -> AuditRow {
    AuditRow {
        workspace_id: Some(flow.workspace_id.clone()),
        connector_id: flow.reconnects.clone(),
        subject: Some(flow.id.clone()),
        request_id: flow.request_id.as_deref().map(str::to_owned),
        ..audit::entry(deps, &flow.organization_id, "browser", "consent.callback")
    }
}

/// Context, `iss`, the provider's own refusal, then the code. The first thing wrong is the reason.
fn check(
    deps: &Deps,
    flow: &Flow,
    values: &BTreeMap<String, Vec<String>>,
) -> std::result::Result<String, String> {
    let plan = deps.catalog.find(&flow.connector_type).and_then(|kind| kind.plan().ok().cloned());
    let plan = plan.ok_or("creation_failed")?;
    let (_, oauth) = plan.oauth().ok_or("creation_failed")?;
    let one = |name: &str| -> std::result::Result<Option<&str>, String> {
        match values.get(name).map(Vec::as_slice) {
            None | Some([]) => Ok(None),
            Some([value]) => Ok(Some(value)),
            Some(_) => Err("invalid_state".to_owned()),
        }
    };
    let (code, error, iss) = (one(&oauth.code_param)?, one("error")?, one("iss")?);
    if let Some(expected) = &oauth.issuer
        && iss != Some(expected.as_str())
    {
        tracing::warn!(flow = %flow.id, present = iss.is_some(), "the callback's issuer is not the promised one");
        return Err("invalid_state".to_owned());
    }
    if let Some(error) = error {
        let description = values
            .get("error_description")
            .and_then(|texts| texts.first())
            .map(|text| bounded(&redact(text)));
        tracing::info!(flow = %flow.id, error = %bounded(&redact(error)), description, "the provider refused consent");
        return Err(if REGISTERED.contains(&error) { error } else { "provider_error" }.to_owned());
    }
    code.filter(|code| !code.is_empty() && code.len() <= 4096)
        .map(str::to_owned)
        .ok_or_else(|| "provider_error".to_owned())
}

/// The application's own query stays, but for what is appended and for a `secret_id`: one that somebody put into the
/// redirect URL must not look like ours.
fn answer(redirect_url: &str, name: &str, value: &str) -> Outcome {
    Outcome::Redirect(redirect_urls::append(redirect_url, &["secret_id", name], &[(name, value)]))
}

fn refuse(redirect_url: &str, code: &str) -> Outcome {
    let pairs = [("error", code), ("error_description", description(code))];
    Outcome::Redirect(redirect_urls::append(
        redirect_url,
        &["secret_id", "error", "error_description"],
        &pairs,
    ))
}

/// Our own text for each code; a provider's text goes to the log only.
fn description(code: &str) -> &'static str {
    match code {
        "access_denied" => "The user did not agree",
        "session_expired" => "The consent took too long; start again",
        "invalid_state" => "The answer does not belong to this consent",
        "token_exchange_failed" => "The provider did not exchange the code for a token",
        "creation_failed" => "The connector could not be created",
        "account_mismatch" => "This is another account than the one that is connected",
        "binding_required" => "The consent is not bound to the session that started it",
        "provider_error" => "The provider refused",
        _ => "The provider refused the request",
    }
}

fn bounded(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(512).collect()
}
