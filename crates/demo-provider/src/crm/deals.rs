//! `/crm/deals` over HTTP, read-only. It knows deals; the contact of a deal is only an id here.

use axum::Json;
use axum::extract::{Path, RawQuery};
use serde::Serialize;
use serde_json::Value;

use super::caller::Caller;
use super::error::ApiError;
use super::listing::{Id, Page};
use crate::form::Form;
use crate::scope::Scope;
use crate::state::State;

/// A deal as the API shows it. `ledger_number` is above 2^53 on purpose: a client must not round it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Deal {
    pub(super) id: Id,
    pub(super) name: String,
    /// Euros.
    pub(super) amount: f64,
    pub(super) currency: &'static str,
    pub(super) stage: &'static str,
    pub(super) contact_id: Id,
    pub(super) ledger_number: u64,
    pub(super) closes_on: String,
}

/// `GET /crm/deals?limit&after`.
pub(super) async fn list(
    shared: State,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let person = caller.may(Scope::Read)?;
    let page = Page::of(&Form::of_query(query.as_deref()))?;
    let inner = shared.lock();
    Ok(page.cut(inner.crm.of(person).deals.iter().map(|deal| (deal.id, deal))))
}

/// `GET /crm/deals/{id}`.
pub(super) async fn read(
    shared: State,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Deal>, ApiError> {
    let person = caller.may(Scope::Read)?;
    let inner = shared.lock();
    let deal = inner.crm.of(person).deals.iter().find(|deal| Id::parse(&id) == Some(deal.id));
    deal.cloned().map(Json).ok_or(ApiError::NotFound)
}
