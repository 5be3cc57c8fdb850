//! The authorization endpoint: shows a consent page, takes the decision, sends the browser back to the client
//! (RFC 6749 §4.1.1 and §4.1.2, `iss` of RFC 9207). Logging in is choosing one of the two demo users.
//! It must not judge requests itself; `request` does.

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::header::{HOST, LOCATION, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use url::Url;

use super::page;
use super::request::{Back, Wrong, check};
use crate::form::Form;
use crate::grants::Consent;
use crate::person::Person;
use crate::secret::opaque;
use crate::settings::millis;
use crate::state::{Shared, State};

/// `GET /oauth/authorize`: 200 with the consent page, 303 back with an error, or a 400 page.
pub(super) async fn ask(shared: State, RawQuery(query): RawQuery) -> Response {
    let form = Form::of_query(query.as_deref());
    let settings = &shared.settings;
    let now_ms = shared.now_ms();
    let expires_ms = now_ms.saturating_add(millis(settings.consent_ttl));
    let mut inner = shared.lock();
    let checked = check(&form, &settings.client_id, &inner.redirect_uris, expires_ms);
    match checked {
        Ok(pending) => {
            let id = opaque(&settings.random, "req_");
            let page = page::consent(&settings.application_name, &pending, &id);
            inner.pending.retain(|_, pending| now_ms < pending.expires_ms);
            inner.pending.insert(id, pending);
            page
        }
        Err(Wrong::Page(reason)) => page::error(StatusCode::BAD_REQUEST, reason),
        Err(Wrong::Back(to, error, description)) => {
            back(&shared, &to, &[("error", error), ("error_description", description)])
        }
    }
}

/// `POST /oauth/authorize/decision`, form `request`, `user` (`alice` or `bob`), `decision` (`allow` or `deny`):
/// 303 to the redirect URI with `code`, `state`, `iss`, or with `error=access_denied`. A request is answered once.
pub(super) async fn decide(shared: State, headers: HeaderMap, body: Bytes) -> Response {
    if !own_page(&headers) {
        return page::error(StatusCode::FORBIDDEN, "This form was sent from another site.");
    }
    let Ok(form) = Form::of_body(&headers, &body) else {
        return page::error(StatusCode::BAD_REQUEST, "The form is damaged.");
    };
    let person = form.get("user").and_then(Person::by_slug);
    let allow = match form.get("decision") {
        Some("allow") => true,
        Some("deny") => false,
        _ => return page::error(StatusCode::BAD_REQUEST, "Choose Allow or Deny."),
    };
    let now_ms = shared.now_ms();
    let settings = &shared.settings;
    let mut inner = shared.lock();
    let id = form.get("request").unwrap_or_default();
    if allow && person.is_none() {
        return page::error(StatusCode::BAD_REQUEST, "Choose who you are.");
    }
    let pending = inner.pending.remove(id).filter(|pending| now_ms < pending.expires_ms);
    let Some(pending) = pending else {
        let reason =
            "This request was answered before, or has expired. Go back to the application and try again.";
        return page::error(StatusCode::BAD_REQUEST, reason);
    };
    let Some(person) = person.filter(|_| allow) else {
        return back(&shared, &pending.back, &[("error", "access_denied")]);
    };
    let consent = Consent {
        person,
        scopes: pending.scopes,
        redirect_uri: pending.back.redirect_uri.clone(),
        challenge: pending.challenge,
    };
    let expires_ms = now_ms.saturating_add(millis(settings.code_ttl));
    let code = inner.grants.code(consent, expires_ms, &settings.random);
    back(&shared, &pending.back, &[("code", &code)])
}

/// Whether a form comes from a page of this server (or not from a browser): `Origin` names our `Host`.
fn own_page(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    origin.is_some_and(|(_, origin)| Some(origin) == host)
}

/// 303 to the client with these parameters, `state` as it came, and `iss`.
fn back(shared: &Shared, to: &Back, parameters: &[(&str, &str)]) -> Response {
    let Ok(mut url) = Url::parse(&to.redirect_uri) else {
        return page::error(StatusCode::BAD_REQUEST, "The registered redirect_uri is not a URL.");
    };
    {
        let mut query = url.query_pairs_mut();
        query.extend_pairs(parameters);
        if let Some(state) = &to.state {
            query.append_pair("state", state);
        }
        if shared.settings.send_iss {
            query.append_pair("iss", &shared.settings.issuer);
        }
    }
    page::guarded((StatusCode::SEE_OTHER, [(LOCATION, url.to_string())]))
}
