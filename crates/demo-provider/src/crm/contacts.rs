//! `/crm/contacts` over HTTP: reading needs `crm.read`, changing `crm.write`; each user sees their own.
//! The rules of a contact stand in `contact`, not here.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::caller::Caller;
use super::contact::Contact;
use super::error::ApiError;
use super::listing::Page;
use crate::form::Form;
use crate::scope::Scope;
use crate::state::{Shared, State};

/// `GET /crm/contacts?limit&after&q`; `q` is looked for in names, addresses and companies, whatever the case.
pub(super) async fn list(
    shared: State,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let person = caller.may(Scope::Read)?;
    let query = Form::of_query(query.as_deref());
    let page = Page::of(&query)?;
    let needle = query.get("q").unwrap_or_default().to_lowercase();
    let inner = shared.lock();
    let found = inner.crm.of(person).contacts.iter().filter(|contact| contact.matches(&needle));
    Ok(page.cut(found.map(|contact| (contact.id, contact))))
}

/// `GET /crm/contacts/{id}`.
pub(super) async fn read(
    shared: State,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Contact>, ApiError> {
    let person = caller.may(Scope::Read)?;
    shared.lock().crm.of(person).contacts.get(&id).cloned().map(Json)
}

/// `POST /crm/contacts` with a JSON object; 201 and the contact.
pub(super) async fn create(shared: State, caller: Caller, body: Bytes) -> Result<Response, ApiError> {
    let person = caller.may(Scope::Write)?;
    let fields = object(&body)?;
    let now = now(&shared);
    let mut inner = shared.lock();
    let contact = inner.crm.of_mut(person).contacts.create(fields, now)?;
    let location = format!("/crm/contacts/{}", contact.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(contact)).into_response())
}

/// `PATCH /crm/contacts/{id}` with the fields to change.
pub(super) async fn update(
    shared: State,
    caller: Caller,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Contact>, ApiError> {
    let person = caller.may(Scope::Write)?;
    let fields = object(&body)?;
    let now = now(&shared);
    shared.lock().crm.of_mut(person).contacts.update(&id, fields, now).cloned().map(Json)
}

/// `DELETE /crm/contacts/{id}`; 204.
pub(super) async fn delete(
    shared: State,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let person = caller.may(Scope::Write)?;
    shared.lock().crm.of_mut(person).contacts.delete(&id)?;
    Ok(StatusCode::NO_CONTENT)
}

fn object(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    serde_json::from_slice(body).map_err(|_| ApiError::Invalid("the body must be a JSON object".to_owned()))
}

fn now(shared: &Shared) -> String {
    let ms = i64::try_from(shared.now_ms()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(ms).unwrap_or_default().to_string()
}
