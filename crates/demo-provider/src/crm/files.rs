//! `/crm/files` over HTTP: a list, and downloads with ranges (RFC 9110 §14) and entity tags.
//! It knows stored bytes, not what they mean.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery};
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::caller::Caller;
use super::error::ApiError;
use super::listing::{Id, Page};
use super::range::{Range, asked};
use crate::form::Form;
use crate::scope::Scope;
use crate::secret::sha256_hex;
use crate::state::State;

#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) id: Id,
    pub(super) name: String,
    pub(super) media_type: &'static str,
    pub(super) bytes: Bytes,
}

/// `GET /crm/files?limit&after`: `{id, name, media_type, size}` each.
pub(super) async fn list(
    shared: State,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let person = caller.may(Scope::Read)?;
    let page = Page::of(&Form::of_query(query.as_deref()))?;
    let inner = shared.lock();
    Ok(page.cut(inner.crm.of(person).files.iter().map(|file| {
        let File { id, name, media_type, bytes } = file;
        (*id, json!({"id": id, "name": name, "media_type": media_type, "size": bytes.len()}))
    })))
}

/// `GET /crm/files/{id}`: the bytes; 206 for one range, 416 when it starts behind the end.
pub(super) async fn download(
    shared: State,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let person = caller.may(Scope::Read)?;
    let file =
        shared.lock().crm.of(person).files.iter().find(|file| Id::parse(&id) == Some(file.id)).cloned();
    let File { name, media_type, bytes, .. } = file.ok_or(ApiError::NotFound)?;
    let tag = format!("\"{}\"", sha256_hex(&bytes));
    let size = bytes.len();
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let current = text(IF_RANGE).is_none_or(|expected| expected == tag);
    let range = text(RANGE).filter(|_| current).map_or(Range::Whole, |header| asked(header, size));
    let always = [
        (ACCEPT_RANGES, "bytes".to_owned()),
        (CONTENT_TYPE, media_type.to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (ETAG, tag),
    ];
    Ok(match range {
        Range::Whole => (always, Body::from(bytes)).into_response(),
        Range::Part(part) => {
            let content_range = format!("bytes {}-{}/{size}", part.start, part.end.saturating_sub(1));
            let body = Body::from(bytes.slice(part));
            (StatusCode::PARTIAL_CONTENT, always, [(CONTENT_RANGE, content_range)], body).into_response()
        }
        Range::Nothing => {
            (StatusCode::RANGE_NOT_SATISFIABLE, [(CONTENT_RANGE, format!("bytes */{size}"))]).into_response()
        }
    })
}
