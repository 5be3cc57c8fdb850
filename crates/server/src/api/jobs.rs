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
    let report = jobs::report(&app, &job).await?;
    let revocations: Value = serde_json::from_str(&report.to_text()).unwrap_or_else(|_| json!([]));
    let next_attempt_at = (job.status == "pending").then(|| rfc3339(job.run_at));
    ok(json!({
        "id": job.id,
        "status": job.status,
        "revocations": revocations,
        "attempts": job.attempts,
        "next_attempt_at": next_attempt_at,
        "created_at": rfc3339(job.created_at),
        "updated_at": rfc3339(job.updated_at),
    }))
}
