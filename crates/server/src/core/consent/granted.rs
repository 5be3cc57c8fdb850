//! A new grant on disk: quarantined behind a `secret_id`, or straight into a connector.
//!
//! Knows which moves of a flow carry a grant. Must not know providers. The code is spent, so the tokens in hand are the
//! only ones: what cannot be stored because the database is away is tried again for a while.

use super::callback::told;
use super::exchange::Reason;
use super::flow::{Exchanging, Flow, Granted};
use crate::core::{Deps, connectors};
use crate::store::{AuditRow, ConnectorRow, FinishConnector, GrantRow, StoreError};
use crate::vault::digest;
use keybearer_connector::plan::Plan;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::time::Duration;

/// Tries to store a grant while the database cannot be reached, and the pause between them.
const STORE_TRIES: u32 = 50;
const STORE_PAUSE: Duration = Duration::from_millis(200);

/// Tries a store call again while the database is away.
async fn persist<F>(mut store: impl FnMut() -> F) -> std::result::Result<bool, StoreError>
where
    F: Future<Output = std::result::Result<bool, StoreError>>,
{
    let mut tries = 0;
    loop {
        tries += 1;
        match store().await {
            Err(StoreError::Unavailable(_)) if tries < STORE_TRIES => tokio::time::sleep(STORE_PAUSE).await,
            done => return done,
        }
    }
}

fn failed(error: &StoreError) -> Reason {
    tracing::warn!(%error, "the grant was not stored");
    "creation_failed".to_owned()
}

/// Stores the grant quarantined, with a new `secret_id` that leads to it.
pub(super) async fn quarantine(
    deps: &Deps,
    flow: Exchanging,
    grant: &GrantRow,
) -> Result<(Granted, SecretString), Reason> {
    let now = deps.clock.now_ms();
    let secret = deps.random.token(32);
    let expires = now + i64::try_from(deps.settings.secret_ttl.as_millis()).unwrap_or(i64::MAX);
    let hash = digest("secret_id", secret.expose_secret());
    let granted = flow.grant(grant.id.clone(), expires);
    let (org, id) = (&granted.flow.organization_id, &granted.flow.id);
    let audited = deps.store.audited(told(deps, &granted.flow));
    let stored = persist(|| audited.grant_flow(org, id, grant, &hash, expires, now))
        .await
        .map_err(|error| failed(&error))?;
    if stored { Ok((granted, secret)) } else { Err("session_expired".to_owned()) }
}

/// In `connector_id` mode: stores the grant active, with the connector that it makes or that is switched to it; the
/// connector's id.
pub(super) async fn connect(
    deps: &Deps,
    flow: Exchanging,
    grant: &GrantRow,
    plan: &Plan,
) -> Result<String, Reason> {
    let now = deps.clock.now_ms();
    let grant = GrantRow { status: "active".to_owned(), ..grant.clone() };
    let flow = flow.consume().0;
    let entry = told(deps, &flow);
    let (org, id) = (flow.organization_id.clone(), flow.id.clone());
    let (connector, finish) = match switch(&flow, &grant, now) {
        Some(switch) => switch,
        None => insert(deps, flow, &grant, plan, now).await?,
    };
    let audited = deps.store.audited(AuditRow { connector_id: Some(connector.clone()), ..entry });
    let stored = persist(|| audited.finish_flow(&org, &id, &grant, finish.clone(), now))
        .await
        .map_err(|error| failed(&error))?;
    deps.connector_changed(&connector);
    if stored { Ok(connector) } else { Err("creation_failed".to_owned()) }
}

/// Switches the connector to a grant that was quarantined until its account was known; the connector's id.
pub(super) async fn reconnect(deps: &Deps, granted: Granted, grant: &GrantRow) -> Result<String, Reason> {
    let now = deps.clock.now_ms();
    let (connector, finish) = switch(&granted.flow, grant, now).ok_or("creation_failed")?;
    let (org, id) = (&granted.flow.organization_id, &granted.flow.id);
    let audited = deps.store.audited(told(deps, &granted.flow));
    let stored = persist(|| audited.redeem_flow(org, id, finish.clone(), now))
        .await
        .map_err(|error| failed(&error))?;
    deps.connector_changed(&connector);
    if !stored {
        // Nobody has the `secret_id` that leads to it.
        refuse(deps, &granted, "creation_failed").await;
        return Err("creation_failed".to_owned());
    }
    Ok(connector)
}

/// Ends a quarantined grant; a job revokes it at the provider. Where that cannot be stored now, the sweep does it when
/// the `secret_id` ends: nobody has it.
pub(super) async fn refuse(deps: &Deps, granted: &Granted, reason: &str) {
    let Flow { organization_id, id, .. } = &granted.flow;
    let job = deps.random.uuid_v7(&deps.clock);
    let entry = AuditRow { outcome: reason.to_owned(), ..told(deps, &granted.flow) };
    match deps
        .store
        .audited(entry)
        .refuse_granted(organization_id, id, reason, job, deps.clock.now_ms())
        .await
    {
        Ok(_) => deps.wake.notify_one(),
        Err(error) => tracing::warn!(%error, "a refused grant was not ended; the sweep will end it"),
    }
}

fn switch(flow: &Flow, grant: &GrantRow, now: i64) -> Option<(String, FinishConnector)> {
    let connector_id = flow.reconnects.clone()?;
    let switch = FinishConnector::Switch {
        connector_id: connector_id.clone(),
        auth_scheme: grant.scheme.clone(),
        environment: Value::Object(flow.environment.clone()).to_string(),
        updated_at: now,
    };
    Some((connector_id, switch))
}

async fn insert(
    deps: &Deps,
    flow: Flow,
    grant: &GrantRow,
    plan: &Plan,
    now: i64,
) -> Result<(String, FinishConnector), Reason> {
    let name = match flow.name {
        Some(name) => name,
        None => connectors::default_name(deps, &flow.organization_id, &flow.workspace_id, plan)
            .await
            .map_err(|_| "creation_failed")?,
    };
    let row = ConnectorRow {
        id: deps.random.uuid_v7(&deps.clock),
        organization_id: flow.organization_id,
        workspace_id: flow.workspace_id,
        connector_type: plan.info.slug.clone(),
        definition_id: plan.info.definition_id.clone(),
        name,
        grant_id: grant.id.clone(),
        auth_scheme: grant.scheme.clone(),
        environment: Value::Object(flow.environment).to_string(),
        replication_config: flow.replication_config,
        created_at: now,
        updated_at: now,
        deleted_at: None,
    };
    Ok((row.id.clone(), FinishConnector::Insert(row)))
}
