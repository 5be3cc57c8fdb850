//! Connectors: a definition plus one workspace's credentials; what `execute` is called on.
//!
//! Knows how one is created by `secret_id` or by credentials, listed, changed and ended. Must not know HTTP bodies.

use crate::core::access::Caller;
use crate::core::call::{self, CheckReport, Ready};
use crate::core::catalog::ConnectorType;
use crate::core::consent::{self, Redeem, Redeemable};
use crate::core::error::{Error, Kind, Result};
use crate::core::grants::{self, GrantSecret, Import, ImportedOauth};
use crate::core::idempotency::{Keyed, claim};
use crate::core::import::Imported;
use crate::core::pin::Pin;
use crate::core::{Deps, audit, jobs, oauth_apps, workspaces};
use crate::store::{
    AuditRow, ConnectorFilter, ConnectorRow, ConnectorUpdate, ConnectorView, FinishConnector, GrantRow,
    WorkspaceRow,
};
use keybearer_connector::call::{derive_variables, match_scheme};
use keybearer_connector::plan::{Plan, SchemeKind};
use secrecy::SecretString;
use serde_json::{Map, Value};
use std::sync::Arc;

/// What a caller wants created.
pub struct Create {
    /// Name of the user's workspace.
    pub workspace_name: String,
    /// Connector type.
    pub kind: Arc<ConnectorType>,
    /// Name of the connector.
    pub name: Option<String>,
    /// Where the credential comes from.
    pub source: CredentialSource,
    /// Values of the connector's variables.
    pub environment: Map<String, Value>,
    /// Kept as it is.
    pub replication_config: Option<String>,
    /// Check first, and store nothing when it fails.
    pub verify: bool,
}

/// Where a new connector's credential comes from.
pub enum CredentialSource {
    /// A consent.
    Secret {
        /// From the redirect.
        secret_id: SecretString,
        /// For a bound flow.
        code_verifier: Option<SecretString>,
    },
    /// The caller.
    Credentials {
        /// The form.
        values: Map<String, Value>,
        /// The scheme, where several fit.
        auth_scheme: Option<String>,
    },
}

/// Creates one. No upstream call unless `verify`. Its key, if it has one, is claimed when everything has been checked.
pub async fn create(
    deps: &Arc<Deps>,
    caller: &Caller,
    ask: Create,
    keyed: Option<&Keyed>,
) -> Result<ConnectorView> {
    caller.allow_workspace_name(&ask.workspace_name)?;
    let plan = Arc::clone(ask.kind.plan()?);
    match &ask.source {
        CredentialSource::Secret { secret_id, code_verifier } => {
            let redeem = Redeem {
                secret_id,
                workspace_name: &ask.workspace_name,
                connector_type: &plan.info.slug,
                code_verifier: code_verifier.as_ref(),
            };
            let redeemable = consent::find_redeemable(deps, caller, &redeem).await?;
            by_secret(deps, caller, &ask, &plan, redeemable, keyed).await
        }
        CredentialSource::Credentials { .. } => by_credentials(deps, caller, &ask, keyed).await,
    }
}

async fn by_secret(
    deps: &Arc<Deps>,
    caller: &Caller,
    ask: &Create,
    plan: &Arc<Plan>,
    redeemable: Redeemable,
    keyed: Option<&Keyed>,
) -> Result<ConnectorView> {
    let Redeemable { granted, workspace } = redeemable;
    let later = consent::accept_environment(plan, &ask.environment, "environment")?;
    let environment = consent::merge_pinned(&granted.flow.environment, &later.0.into_iter().collect())?;
    let grant =
        deps.store.grant(caller.organization(), &granted.grant_id).await?.ok_or_else(Error::not_found)?;
    let secret = GrantSecret::open(deps, &grant).await?;
    // Everything that could be wrong with the connector is wrong before the secret_id is consumed.
    let ready = Ready::unsaved(plan, &grant, &secret, &environment, None)?;
    if ask.verify {
        verify(deps, ready).await?;
    }
    let environment = Value::Object(environment).to_string();
    let (id, finish) = match &granted.flow.reconnects {
        Some(connector_id) => {
            let now = deps.clock.now_ms();
            let switch = FinishConnector::Switch {
                connector_id: connector_id.clone(),
                auth_scheme: grant.scheme.clone(),
                environment,
                updated_at: now,
            };
            (connector_id.clone(), switch)
        }
        None => {
            let row = row(deps, ask, plan, &workspace, &grant, environment);
            (row.id.clone(), FinishConnector::Insert(row))
        }
    };
    claim(deps, keyed).await?;
    consent::finish(deps, caller, granted, finish).await?;
    deps.connector_changed(&id);
    call::view(deps, caller, &id).await
}

async fn by_credentials(
    deps: &Arc<Deps>,
    caller: &Caller,
    ask: &Create,
    keyed: Option<&Keyed>,
) -> Result<ConnectorView> {
    let prepared = prepare(deps, caller, ask).await?;
    if ask.verify {
        let ready =
            Ready::unsaved(&prepared.plan, &prepared.grant, &prepared.secret, &prepared.environment, None)?;
        verify(deps, ready).await?;
    }
    claim(deps, keyed).await?;
    let (row, grant, workspace) = placed(deps, caller, ask, prepared).await?;
    let entry =
        AuditRow { workspace_id: Some(workspace.id), ..told(deps, caller, "connector.create", &row.id) };
    deps.store.audited(entry).insert_connector(&row, &grant).await?;
    Ok(ConnectorView { connector: row, grant, workspace_name: workspace.name })
}

/// A connector by credentials that may be stored: everything that can be wrong was checked.
pub struct Prepared {
    plan: Arc<Plan>,
    grant: GrantRow,
    secret: GrantSecret,
    environment: Map<String, Value>,
    workspace: Option<WorkspaceRow>,
}

/// Checks a create by credentials. A refused one must not leave a workspace behind, so everything is made before the
/// workspace is.
pub async fn prepare(deps: &Deps, caller: &Caller, ask: &Create) -> Result<Prepared> {
    let plan = Arc::clone(ask.kind.plan()?);
    let CredentialSource::Credentials { values, auth_scheme } = &ask.source else {
        return Err(Error::field("credentials", "missing", "is required"));
    };
    let mut environment = consent::accept_environment(&plan, &ask.environment, "environment")?;
    derive_variables(&plan, values, &mut environment);
    consent::check_missing(&plan, &environment)?;
    let environment: Map<String, Value> = environment.0.into_iter().collect();
    let workspace = workspaces::find(deps, caller, &ask.workspace_name).await?;
    let placeholder = workspace.as_ref().map_or_else(String::new, |row| row.id.clone());
    let (grant, secret) =
        import(deps, caller, &plan, values, auth_scheme.as_deref(), &placeholder, &environment).await?;
    Ready::unsaved(&plan, &grant, &secret, &environment, None)?;
    Ok(Prepared { plan, grant, secret, environment, workspace })
}

/// The rows of a prepared connector, in its workspace, which is made where it is absent.
async fn placed(
    deps: &Deps,
    caller: &Caller,
    ask: &Create,
    prepared: Prepared,
) -> Result<(ConnectorRow, GrantRow, WorkspaceRow)> {
    let Prepared { plan, grant, environment, workspace, .. } = prepared;
    let workspace = match workspace {
        Some(row) => row,
        None => workspaces::ensure(deps, caller, &ask.workspace_name, None).await?,
    };
    let grant = GrantRow { workspace_id: workspace.id.clone(), ..grant };
    let row = row(deps, ask, &plan, &workspace, &grant, Value::Object(environment).to_string());
    Ok((row, grant, workspace))
}

/// Stores a connector that is imported, unless there is a live one of that key.
pub async fn store_prepared(
    deps: &Deps,
    caller: &Caller,
    ask: &Create,
    prepared: Prepared,
    import_key: Option<&str>,
) -> Result<Imported> {
    let (row, grant, workspace) = placed(deps, caller, ask, prepared).await?;
    let entry =
        AuditRow { workspace_id: Some(workspace.id), ..told(deps, caller, "connector.import", &row.id) };
    Ok(match deps.store.audited(entry).import_connector(&row, &grant, import_key).await? {
        None => Imported::Created(row.id),
        Some(existing) => Imported::Existing(existing),
    })
}

/// A grant of values that the caller handed in; nothing is stored yet.
async fn import(
    deps: &Deps,
    caller: &Caller,
    plan: &Plan,
    values: &Map<String, Value>,
    auth_scheme: Option<&str>,
    workspace_id: &str,
    environment: &Map<String, Value>,
) -> Result<(GrantRow, GrantSecret)> {
    let mut values = values.clone();
    let declared =
        plan.schemes.iter().any(|scheme| scheme.fields.iter().any(|field| field.name == "expires_at"));
    let expires_at = if declared { None } else { expiry(values.shift_remove("expires_at"))? };
    let (scheme, credential) = match_scheme(plan, auth_scheme, &values).map_err(|fault| {
        let fields = fault.errors.iter().map(|error| call::field_error("credentials", error)).collect();
        Error { fields, ..Error::new(Kind::CredentialsMismatch, fault.message) }
    })?;
    let oauth = match plan.scheme(&scheme).map(|scheme| &scheme.kind) {
        Some(SchemeKind::Oauth2(oauth)) => {
            let has = |name: &str| credential.values.contains_key(name);
            let own_client = has("client_secret") || has("credentials_json");
            let renewable = oauth
                .refresh
                .as_ref()
                .is_some_and(|refresh| refresh.grant_type != "refresh_token" || has("refresh_token"));
            let app = if own_client || !renewable {
                None
            } else {
                match oauth_apps::for_flow(deps, caller.organization(), &plan.info.slug).await {
                    Ok(app) => Some(app),
                    Err(error) if error.kind == Kind::OauthAppMissing => None,
                    Err(error) => return Err(error),
                }
            };
            Some(ImportedOauth {
                refreshable: renewable && (own_client || app.is_some()),
                oauth_app_id: app.as_ref().and_then(|app| app.id.clone()),
                client_id: app.map(|app| app.client_id),
                expires_at,
            })
        }
        _ => None,
    };
    let import = Import { workspace_id, connector_type: &plan.info.slug, scheme: &scheme, oauth };
    grants::imported(deps, caller.organization(), import, credential, environment, &Pin::of(plan))
}

/// `expires_at` of an imported token: RFC 3339, or epoch seconds.
fn expiry(value: Option<Value>) -> Result<Option<i64>> {
    let wrong = || {
        Error::field("credentials.expires_at", "invalid_value", "must be an RFC 3339 time or epoch seconds")
    };
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(seconds)) => {
            seconds.as_i64().and_then(|seconds| seconds.checked_mul(1000)).map(Some).ok_or_else(wrong)
        }
        Some(Value::String(text)) => {
            let time: jiff::Timestamp = text.parse().map_err(|_| wrong())?;
            Ok(Some(time.as_millisecond()))
        }
        Some(_) => Err(wrong()),
    }
}

fn row(
    deps: &Deps,
    ask: &Create,
    plan: &Plan,
    workspace: &WorkspaceRow,
    grant: &GrantRow,
    environment: String,
) -> ConnectorRow {
    let now = deps.clock.now_ms();
    ConnectorRow {
        id: deps.random.uuid_v7(&deps.clock),
        organization_id: workspace.organization_id.clone(),
        workspace_id: workspace.id.clone(),
        connector_type: plan.info.slug.clone(),
        definition_id: plan.info.definition_id.clone(),
        name: ask.name.clone().unwrap_or_else(|| named(plan, &workspace.name)),
        grant_id: grant.id.clone(),
        auth_scheme: grant.scheme.clone(),
        environment,
        replication_config: ask.replication_config.clone(),
        created_at: now,
        updated_at: now,
        deleted_at: None,
    }
}

fn named(plan: &Plan, workspace: &str) -> String {
    format!("{} ({workspace})", plan.info.display_name)
}

/// The name of a connector that the callback creates.
pub async fn default_name(
    deps: &Deps,
    organization: &str,
    workspace_id: &str,
    plan: &Plan,
) -> Result<String> {
    let workspace = deps.store.workspace(organization, workspace_id).await?.ok_or_else(Error::not_found)?;
    Ok(named(plan, &workspace.name))
}

/// 422 when the check of an unsaved credential does not succeed.
async fn verify(deps: &Arc<Deps>, ready: Ready) -> Result<()> {
    let report = call::check(deps, Arc::new(ready), &[]).await?;
    if report.status == "succeeded" {
        return Ok(());
    }
    let why = report.error_message.unwrap_or_default();
    Err(Error::new(Kind::CheckFailed, format!("The check did not succeed, nothing was stored: {why}")))
}

/// Checks credentials that are not saved.
pub async fn check_unsaved(
    deps: &Arc<Deps>,
    caller: &Caller,
    ask: Create,
    entities: &[String],
) -> Result<CheckReport> {
    caller.allow_workspace_name(&ask.workspace_name)?;
    let Prepared { plan, grant, secret, environment, .. } = prepare(deps, caller, &ask).await?;
    let mut ready = Ready::unsaved(&plan, &grant, &secret, &environment, None)?;
    ready.organization_gate = deps.gates.of(caller.organization(), deps.settings.max_concurrent_calls);
    call::check(deps, Arc::new(ready), entities).await
}

/// A page of connectors, oldest first.
pub async fn list(deps: &Deps, caller: &Caller, mut filter: ConnectorFilter) -> Result<Vec<ConnectorView>> {
    if let Some(own) = caller.workspace() {
        if let Some(asked) = &filter.workspace_id {
            caller.allow_workspace_id(asked)?;
        }
        filter.workspace_id = Some(own.to_owned());
    }
    Ok(deps.store.list_connectors(caller.organization(), &filter).await?)
}

/// The audit entry of a change to a connector.
fn told(deps: &Deps, caller: &Caller, operation: &str, id: &str) -> AuditRow {
    AuditRow { connector_id: Some(id.to_owned()), ..audit::by_caller(deps, caller, operation) }
}

/// Changes name or replication configuration.
pub async fn update(
    deps: &Deps,
    caller: &Caller,
    id: &str,
    update: &ConnectorUpdate,
) -> Result<ConnectorView> {
    let now = deps.clock.now_ms();
    let store = deps.store.audited(told(deps, caller, "connector.update", id));
    let changed = store.update_connector(caller.organization(), caller.workspace(), id, update, now).await?;
    if !changed {
        return Err(Error::not_found());
    }
    deps.connector_changed(id);
    call::view(deps, caller, id).await
}

/// Ends it at once; its grant is revoked at the provider by a job, whose id is returned.
pub async fn delete(deps: &Deps, caller: &Caller, id: &str) -> Result<String> {
    let view = call::view(deps, caller, id).await?;
    let job = jobs::revocation(deps, caller.organization(), &view.grant.id);
    let deleted = deps
        .store
        .audited(told(deps, caller, "connector.delete", id))
        .delete_connector(caller.organization(), caller.workspace(), id, &job, deps.clock.now_ms())
        .await?;
    if !deleted {
        return Err(Error::not_found());
    }
    deps.connector_changed(id);
    deps.wake.notify_one();
    Ok(job.id)
}
