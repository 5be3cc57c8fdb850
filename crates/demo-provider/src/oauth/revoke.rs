//! `POST /oauth/revoke` (RFC 7009): 200 for every token, known or not; client authentication as at the token endpoint.
//! It must not say whether a token existed.

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::client::authenticate;
use super::{no_store, refuse};
use crate::fault::At;
use crate::form::Form;
use crate::play::play;
use crate::state::{Shared, State};

pub(super) async fn revoke(shared: State, headers: HeaderMap, body: Bytes) -> Response {
    let fault = {
        let mut inner = shared.lock();
        inner.record.stats.revocations += 1;
        inner.strike(At::Revoke, "POST /oauth/revoke", None)
    };
    play(fault, async { answer(&shared, &headers, &body) }).await
}

fn answer(shared: &Shared, headers: &HeaderMap, body: &[u8]) -> Response {
    let form = match Form::of_body(headers, body) {
        Ok(form) => form,
        Err(description) => return refuse(StatusCode::BAD_REQUEST, "invalid_request", description),
    };
    if let Err(unproven) = authenticate(&shared.settings, headers, &form) {
        return unproven.into_response();
    }
    let Some(token) = form.get("token") else {
        return refuse(StatusCode::BAD_REQUEST, "invalid_request", "token is missing");
    };
    shared.lock().grants.revoke(token);
    no_store(StatusCode::OK.into_response())
}
