//! `GET /jobs/{job_id}`: how a deletion's revocations went.
//!
//! Knows the answer only.

use super::answer::ok;
use super::query::Id;
use super::{Answer, App, schema};
use crate::clock::rfc3339;
use crate::core::access::Caller;
use crate::core::jobs;
use axum::extract::State;
use serde_json::{Value, json};

/// Read how a deletion goes
///
/// Whether the tokens of the ended grant were revoked at the provider.
#[utoipa::path(
    get,
    path = "/api/v1/jobs/{job_id}",
    tag = "Jobs",
    operation_id = "getJob",
    params(schema::jobs::JobPath),
    responses(
        (status = 200, description = "The job.", body = schema::jobs::Job),
    ),
    extensions(("x-keybearer-errors" = json!(["not_found"]))),
)]
pub(super) async fn get(State(app): State<App>, caller: Caller, Id(id): Id) -> Answer {
    let job = jobs::get(&app, &caller, &id).await?;
    let revocations: Value = serde_json::from_str(&job.report).unwrap_or_else(|_| json!([]));
    ok(json!({
        "id": job.id,
        "status": job.status,
        "revocations": revocations,
        "created_at": rfc3339(job.created_at),
        "updated_at": rfc3339(job.updated_at),
    }))
}
