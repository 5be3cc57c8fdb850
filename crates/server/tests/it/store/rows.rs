//! Rows to begin with, and calls that race.

use keybearer::store::{
    ConnectorRow, CredentialRow, FlowRow, GrantRow, JobRow, OauthAppRow, OrganizationRow, Store, WorkspaceRow,
};
use std::future::Future;

/// The time at which most tests happen.
pub(crate) const NOW: i64 = 1_700_000_000_000;
/// Callers that race.
pub(crate) const RACERS: usize = 20;

pub(crate) fn organization(id: &str) -> OrganizationRow {
    OrganizationRow { id: id.to_owned(), name: format!("{id} name"), created_at: NOW }
}

pub(crate) fn credential(id: &str, organization: &str) -> CredentialRow {
    CredentialRow {
        id: id.to_owned(),
        organization_id: organization.to_owned(),
        client_id: format!("client of {id}"),
        secret_hash: vec![1, 2, 3],
        created_at: NOW,
        removed_at: None,
    }
}

pub(crate) fn workspace(id: &str, organization: &str) -> WorkspaceRow {
    WorkspaceRow {
        id: id.to_owned(),
        organization_id: organization.to_owned(),
        name: format!("{id} name"),
        status: "active".to_owned(),
        cache_enabled: false,
        region_id: None,
        created_at: NOW,
        updated_at: NOW,
        deleted_at: None,
    }
}

pub(crate) fn oauth_app(id: &str, organization: &str) -> OauthAppRow {
    OauthAppRow {
        id: id.to_owned(),
        organization_id: organization.to_owned(),
        connector_type: "github".to_owned(),
        definition_id: "definition".to_owned(),
        client_id: format!("client of {id}"),
        sealed: vec![9, 8, 7],
        version: 1,
        pin: "{}".to_owned(),
        callback: "context".to_owned(),
        current: true,
        created_at: NOW,
        updated_at: NOW,
    }
}

/// A pending flow of workspace `w` of organization `o`.
pub(crate) fn flow(id: &str) -> FlowRow {
    FlowRow {
        id: id.to_owned(),
        organization_id: "o".to_owned(),
        workspace_id: "w".to_owned(),
        connector_type: "github".to_owned(),
        definition_id: "definition".to_owned(),
        callback: "github".to_owned(),
        status: "pending".to_owned(),
        state_hash: id.as_bytes().to_vec(),
        redirect_url: "https://app.example/cb".to_owned(),
        callback_mode: "secret_id".to_owned(),
        sealed: vec![5],
        oauth_app_id: None,
        client_id: "client".to_owned(),
        environment: "{}".to_owned(),
        scopes: "[]".to_owned(),
        code_challenge: None,
        connector_id: None,
        allow_account_change: false,
        name: None,
        replication_config: None,
        secret_hash: None,
        secret_expires_at: None,
        grant_id: None,
        failure: None,
        expires_at: NOW + 600_000,
        created_at: NOW,
        updated_at: NOW,
    }
}

/// An active grant of workspace `w` of organization `o`.
pub(crate) fn grant(id: &str) -> GrantRow {
    GrantRow {
        id: id.to_owned(),
        organization_id: "o".to_owned(),
        workspace_id: "w".to_owned(),
        connector_type: "github".to_owned(),
        oauth_app_id: None,
        scheme: "oauth2".to_owned(),
        kind: "oauth".to_owned(),
        status: "active".to_owned(),
        status_reason: None,
        sealed: vec![1, 1],
        version: 1,
        expires_at: Some(NOW + 3_600_000),
        issued_at: Some(NOW),
        refreshable: true,
        scopes: Some("[\"repo\"]".to_owned()),
        account_id: None,
        account_name: None,
        pin: "{}".to_owned(),
        attempt: None,
        attempt_deadline: None,
        unknown_sends: 0,
        created_at: NOW,
        updated_at: NOW,
        refresh_due: Some(NOW + 1000),
        reusable_version: 1,
    }
}

/// A connector of workspace `w` of organization `o` on that grant.
pub(crate) fn connector(id: &str, grant: &str) -> ConnectorRow {
    ConnectorRow {
        id: id.to_owned(),
        organization_id: "o".to_owned(),
        workspace_id: "w".to_owned(),
        connector_type: "github".to_owned(),
        definition_id: "definition".to_owned(),
        name: format!("{id} name"),
        grant_id: grant.to_owned(),
        auth_scheme: "oauth2".to_owned(),
        environment: "{}".to_owned(),
        replication_config: None,
        created_at: NOW,
        updated_at: NOW,
        deleted_at: None,
    }
}

pub(crate) fn job(id: &str) -> JobRow {
    JobRow::revoke(id.to_owned(), "o", "to be replaced", NOW)
}

/// Organizations `o` and `other`, each with a workspace: `w` and `other-w`.
pub(crate) async fn tenants(store: &Store) {
    for (organization_id, workspace_id) in [("o", "w"), ("other", "other-w")] {
        let credential = credential(&format!("{organization_id}-credential"), organization_id);
        store.create_organization(&organization(organization_id), &credential).await.unwrap();
        store.ensure_workspace(&workspace(workspace_id, organization_id)).await.unwrap();
    }
}

/// Both tenants, and connector `c` with grant `g` in workspace `w`.
pub(crate) async fn connected(store: &Store) {
    tenants(store).await;
    store.insert_connector(&connector("c", "g"), &grant("g")).await.unwrap();
}

/// Ids for jobs: `job-1`, `job-2`, …
pub(crate) fn job_ids() -> impl FnMut() -> String + Send {
    let mut number = 0;
    move || {
        number += 1;
        format!("job-{number}")
    }
}

/// Runs the call many times at once, on two connections to the database as two processes would; all outcomes.
pub(crate) async fn race<T, F>(stores: [Store; 2], call: impl Fn(Store, usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> =
        (0..RACERS).map(|number| tokio::spawn(call(stores[number % 2].clone(), number))).collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}
