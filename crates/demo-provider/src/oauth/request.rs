//! Authorization requests (RFC 6749 §4.1.1 with PKCE, RFC 7636 §4.3): checking one, and the one that waits for a user.
//! Pure: it knows parameters and the registered client, not HTTP.

use crate::form::Form;
use crate::scope::Scopes;

/// A good authorization request that waits for the user's decision.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) back: Back,
    pub(crate) scopes: Scopes,
    pub(crate) challenge: String,
    pub(crate) expires_ms: u64,
}

/// The way back to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Back {
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
}

/// Why a request is not shown to a user (RFC 6749 §4.1.2.1).
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Client or redirect URI cannot be trusted: an error page, never a redirect.
    Page(&'static str),
    /// The client hears of it: way back, registered code, description.
    Back(Back, &'static str, &'static str),
}

/// Checks a request against the client and its redirect URIs (exact match, RFC 9700 §2.1).
pub(crate) fn check(
    form: &Form,
    client_id: &str,
    redirect_uris: &[String],
    expires_ms: u64,
) -> Result<Pending, Wrong> {
    if form.repeats("client_id") || form.get("client_id") != Some(client_id) {
        return Err(Wrong::Page("No application with this client_id is registered here."));
    }
    let redirect_uri = form.get("redirect_uri").filter(|uri| redirect_uris.iter().any(|known| known == uri));
    let Some(redirect_uri) = redirect_uri.filter(|_| !form.repeats("redirect_uri")) else {
        return Err(Wrong::Page("The redirect_uri is not one that the application has registered."));
    };
    let back = Back {
        redirect_uri: redirect_uri.to_owned(),
        state: form.get("state").filter(|_| !form.repeats("state")).map(str::to_owned),
    };
    match rest(form) {
        Ok((scopes, challenge)) => Ok(Pending { back, scopes, challenge, expires_ms }),
        Err((error, description)) => Err(Wrong::Back(back, error, description)),
    }
}

fn rest(form: &Form) -> Result<(Scopes, String), (&'static str, &'static str)> {
    if form.repeated().is_some() {
        return Err(("invalid_request", "a parameter appears twice"));
    }
    match form.get("response_type") {
        Some("code") => {}
        Some(_) => return Err(("unsupported_response_type", "only response_type=code is supported")),
        None => return Err(("invalid_request", "response_type is missing")),
    }
    let Some(challenge) = form.get("code_challenge") else {
        return Err(("invalid_request", "code_challenge is missing: PKCE is required"));
    };
    if form.get("code_challenge_method") != Some("S256") {
        return Err(("invalid_request", "code_challenge_method must be S256"));
    }
    if challenge.len() != 43 || !challenge.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) {
        return Err(("invalid_request", "code_challenge is not a base64url SHA-256"));
    }
    let scopes = match form.get("scope") {
        None => Scopes::default_set(),
        Some(text) => Scopes::parse(text).ok_or(("invalid_scope", "unknown scope"))?,
    };
    Ok((scopes, challenge.to_owned()))
}
