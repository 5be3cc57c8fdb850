//! The kill switch: all grants of a scope end at once, and are revoked at their providers afterwards.
//!
//! Knows scopes, progress and what is left to do after a crash. Must not know how a token is revoked (`grants::revoke`)
//! nor when jobs run.
//!
//! A crash leaves, before the first batch: nothing. After it, a job that ends the rest: whoever takes it over goes on
//! where the database stands. What is created in the scope while a revocation is still ending may end with it.

use crate::core::access::Caller;
use crate::core::error::{Error, Result};
use crate::core::{Deps, audit, workspaces};
use crate::store::{AuditRow, JobReport, JobRow, RevocationRow, RevokedGrant};
use std::collections::BTreeMap;

/// Batches of one attempt of the job: well within its lease.
const BATCHES: usize = 20;
const END_SCOPE: &str = "end_scope";

/// What is to end.
#[derive(Debug)]
pub enum Scope {
    /// Everything of the organization.
    Organization,
    /// Grants that this OAuth app obtained.
    OauthApp(String),
    /// Grants of a connector type, also of one that this server has no definition of any more.
    ConnectorType(String),
    /// One workspace, by id.
    WorkspaceId(String),
    /// One workspace, by name.
    WorkspaceName(String),
}

/// A revocation and where its grants stand.
#[derive(Debug)]
pub struct Progress {
    /// The revocation.
    pub row: RevocationRow,
    /// Grants by outcome: `revoked`, `unsupported`, `failed`.
    pub outcomes: BTreeMap<String, i64>,
}

impl Progress {
    /// Grants of that outcome.
    pub fn count(&self, outcome: &str) -> i64 {
        self.outcomes.get(outcome).copied().unwrap_or_default()
    }

    /// Grants whose revocation has not ended.
    pub fn pending(&self) -> i64 {
        let done: i64 = ["revoked", "unsupported", "failed"].iter().map(|outcome| self.count(outcome)).sum();
        self.row.total.saturating_sub(done)
    }
}

/// What a revocation would end now: grants, and consents under way.
pub async fn count(deps: &Deps, caller: &Caller, scope: Scope) -> Result<(RevocationRow, i64, i64)> {
    let row = row(deps, caller, scope).await?;
    let (grants, flows) = deps.store.count_revocable(&row).await?;
    Ok((row, grants, flows))
}

/// Ends everything in the scope. When this returns, the first thousand grants have ended, and all consents that were under way.
pub async fn begin(deps: &Deps, caller: &Caller, scope: Scope) -> Result<Progress> {
    let row = row(deps, caller, scope).await?;
    let now = deps.clock.now_ms();
    let rest = JobRow::new(deps.random.uuid_v7(&deps.clock), &row.organization_id, END_SCOPE, &row.id, now);
    let entry = AuditRow {
        workspace_id: row.subject.clone().filter(|_| row.scope == "workspace"),
        subject: Some(row.id.clone()),
        ..audit::by_caller(deps, caller, "revocation.create")
    };
    deps.store.audited(entry).begin_revocation(&row, &rest, now).await?;
    deps.store.settle_revocations(Some(&row.id), now).await?;
    deps.organization_changed(&row.organization_id);
    deps.wake.notify_one();
    get(deps, caller, &row.id).await
}

/// One revocation of the caller's organization.
pub async fn get(deps: &Deps, caller: &Caller, id: &str) -> Result<Progress> {
    let row = deps.store.revocation(caller.organization(), id).await?.ok_or_else(Error::not_found)?;
    progress(deps, row).await
}

/// A page of revocations, oldest first.
pub async fn list(
    deps: &Deps,
    caller: &Caller,
    after: Option<&(i64, String)>,
    limit: i64,
) -> Result<Vec<Progress>> {
    let mut all = Vec::new();
    for row in deps.store.list_revocations(caller.organization(), after, limit).await? {
        all.push(progress(deps, row).await?);
    }
    Ok(all)
}

/// A page of the grants that a revocation ended, with what became of each.
pub async fn grants(
    deps: &Deps,
    caller: &Caller,
    id: &str,
    after: Option<&(i64, String)>,
    limit: i64,
) -> Result<Vec<RevokedGrant>> {
    let organization = caller.organization();
    deps.store.revocation(organization, id).await?.ok_or_else(Error::not_found)?;
    Ok(deps.store.revoked_grants(organization, id, after, limit).await?)
}

/// Ends what is left of a large revocation: some batches, then the job is put back, so that its lease is never long.
pub async fn go_on(deps: &Deps, job: &JobRow) -> Result<()> {
    let told = JobReport { report: "[]", outcome: "pending" };
    for _ in 0..BATCHES {
        let now = deps.clock.now_ms();
        let more = deps.store.continue_revocation(&job.organization_id, &job.subject, now).await?;
        deps.organization_changed(&job.organization_id);
        if !more {
            deps.store.finish_job(job, "succeeded", told, now).await?;
            deps.store.settle_revocations(Some(&job.subject), now).await?;
            deps.wake.notify_one();
            return Ok(());
        }
    }
    let now = deps.clock.now_ms();
    deps.store.retry_job(job, told, now, now).await?;
    Ok(())
}

async fn progress(deps: &Deps, row: RevocationRow) -> Result<Progress> {
    let outcomes = deps.store.revocation_outcomes(&row.organization_id, &row.id).await?;
    Ok(Progress { row, outcomes: outcomes.into_iter().collect() })
}

/// A new row. A subject that the organization does not have is answered like any unknown one.
async fn row(deps: &Deps, caller: &Caller, scope: Scope) -> Result<RevocationRow> {
    let organization = caller.organization();
    let (scope, subject) = match scope {
        Scope::Organization => ("organization", None),
        Scope::OauthApp(id) => {
            let app = deps.store.oauth_app(organization, &id).await?.ok_or_else(Error::not_found)?;
            ("oauth_app", Some(app.id))
        }
        Scope::ConnectorType(name) => ("connector_type", Some(connector_type(deps, caller, &name).await?)),
        Scope::WorkspaceId(id) => ("workspace", Some(workspaces::get(deps, caller, &id).await?.id)),
        Scope::WorkspaceName(name) => {
            let workspace = workspaces::find(deps, caller, &name).await?.ok_or_else(Error::not_found)?;
            ("workspace", Some(workspace.id))
        }
    };
    Ok(new(deps, organization, scope, subject))
}

fn new(deps: &Deps, organization: &str, scope: &str, subject: Option<String>) -> RevocationRow {
    let now = deps.clock.now_ms();
    RevocationRow {
        id: deps.random.uuid_v7(&deps.clock),
        organization_id: organization.to_owned(),
        scope: scope.to_owned(),
        subject,
        status: "ending".to_owned(),
        total: 0,
        ended: 0,
        flows: 0,
        created_at: now,
        updated_at: now,
        finished_at: None,
    }
}

/// The slug of a type. A definition that was taken away must not keep its grants alive, so the slug itself will do
/// where there are grants of it.
async fn connector_type(deps: &Deps, caller: &Caller, name: &str) -> Result<String> {
    let unknown = match deps.catalog.named(name) {
        Ok(kind) => return Ok(kind.info.slug.clone()),
        Err(error) => error,
    };
    let probe = new(deps, caller.organization(), "connector_type", Some(name.to_owned()));
    match deps.store.count_revocable(&probe).await? {
        (0, 0) => Err(unknown),
        _ => Ok(name.to_owned()),
    }
}
