//! `GET /skills/docs`: a connector type's documents, as the published SDK reads them.
//!
//! Knows the query; the documents are made in `core::skill_docs`.

use super::answer::ok;
use super::body::TEXT_MAX;
use super::query::Query;
use super::{Answer, App, schema};
use crate::core::access::Caller;
use crate::core::skill_docs;
use axum::extract::State;

/// Read the documents of a connector type
///
/// An outline first, then one section an entity, so that an agent loads only what it needs.
#[utoipa::path(
    get,
    path = "/api/v1/skills/docs",
    tag = "Connector types",
    operation_id = "getSkillDocs",
    params(schema::descriptions::SkillQuery),
    responses(
        (status = 200, description = "The outline and the text.", body = schema::descriptions::SkillDocs),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid", "not_found"]))),
)]
pub(super) async fn docs(State(app): State<App>, _: Caller, Query(mut fields): Query) -> Answer {
    let id = fields.required("id", TEXT_MAX);
    let section = fields.text("section", TEXT_MAX).filter(|section| !section.is_empty());
    fields.finish()?;
    ok(skill_docs::read(&app.catalog, &id, section.as_deref())?)
}
