//! `GET /skills/docs`: a connector type's documents, as the published SDK reads them.
//!
//! Knows the query; the documents are made in `core::skill_docs`.

use super::answer::ok;
use super::body::TEXT_MAX;
use super::query::Query;
use super::{Answer, App};
use crate::core::access::Caller;
use crate::core::skill_docs;
use axum::extract::State;

/// Outline, or one section.
pub(super) async fn docs(State(app): State<App>, _: Caller, Query(mut fields): Query) -> Answer {
    let id = fields.required("id", TEXT_MAX);
    let section = fields.text("section", TEXT_MAX).filter(|section| !section.is_empty());
    fields.finish()?;
    ok(skill_docs::read(&app.catalog, &id, section.as_deref())?)
}
