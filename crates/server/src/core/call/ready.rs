//! A connector ready to be called: plan, checked target, opened credential as header values.
//!
//! Knows how rows become a [`Ready`], and the cache of them. Must not know operations.
//! The hot path ends here: a cached connector costs no database statement.

use super::gate;
use crate::core::Deps;
use crate::core::access::Caller;
use crate::core::catalog::ConnectorType;
use crate::core::error::{Error, Kind, Result};
use crate::core::grants::GrantSecret;
use crate::core::pin::Pin;
use crate::egress::Reach;
use crate::store::{ConnectorView, GrantRow};
use keybearer_connector::call::{Attachment, Environment, Target};
use keybearer_connector::plan::{Credential, Plan};
use quick_cache::sync::Cache;
use secrecy::SecretString;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Semaphore;

/// An access token is refreshed at most so long before its end, in milliseconds.
const LONGEST_AHEAD: i64 = 5 * 60 * 1000;
/// Connectors that are kept ready.
const REMEMBERED: usize = 20_000;

/// A connector ready to be called.
pub struct Ready {
    /// Connector id; none for credentials that are not saved.
    pub connector_id: Option<String>,
    /// Tenant.
    pub organization_id: String,
    /// Whose account.
    pub workspace_id: String,
    /// Name of that workspace.
    pub workspace_name: String,
    /// Compiled definition.
    pub plan: Arc<Plan>,
    /// Where its operations go.
    pub target: Arc<Target>,
    /// Where its requests may go.
    pub reach: Reach,
    /// The credential as headers and query pairs; none while there is no access token yet.
    pub attachment: Option<Attachment>,
    /// Lets so many operations of this connector run at once.
    pub gate: Arc<Semaphore>,
    /// Lets so many operations of its organization run at once.
    pub organization_gate: Arc<Semaphore>,
    /// The credential's values, to keep them out of error texts.
    pub secrets: Vec<SecretString>,
    /// Facts of the grant.
    pub grant: GrantFacts,
    /// It was called since it was read from the store.
    used: AtomicBool,
}

/// What a call needs to know of the grant.
#[derive(Debug, Clone)]
pub struct GrantFacts {
    /// Row id.
    pub id: String,
    /// Version that the attachment was made of.
    pub version: i64,
    /// Status in the row.
    pub status: String,
    /// An OAuth grant, so a new consent mends it.
    pub oauth: bool,
    /// It can be refreshed.
    pub refreshable: bool,
    /// End of the access token, epoch milliseconds.
    pub expires_at: Option<i64>,
    /// When the access token's life began, epoch milliseconds.
    pub issued_at: Option<i64>,
    /// From when on the access token is refreshed ahead of its end, epoch milliseconds.
    pub ahead_from: Option<i64>,
}

/// Ready connectors by id.
pub struct ReadyCache(Cache<String, Arc<Ready>>);

impl Default for ReadyCache {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl ReadyCache {
    /// Drops one connector.
    pub fn remove(&self, connector_id: &str) {
        self.0.remove(connector_id);
    }

    /// Drops the connectors of one grant.
    pub fn forget_grant(&self, grant_id: &str) {
        self.0.retain(|_, ready| ready.grant.id != grant_id);
    }

    /// Drops all.
    pub fn clear(&self) {
        self.0.clear();
    }

    /// Those of which this is true and that were called since they were read.
    pub fn used(&self, wanted: impl Fn(&Ready) -> bool) -> Vec<Arc<Ready>> {
        let used = |ready: &Arc<Ready>| ready.used.load(Ordering::Relaxed) && wanted(ready);
        self.0.iter().map(|(_, ready)| ready).filter(used).collect()
    }

    /// Drops the connectors of one organization.
    pub fn forget_organization(&self, organization_id: &str) {
        self.0.retain(|_, ready| ready.organization_id != organization_id);
    }

    /// Drops the connectors of one workspace.
    pub fn forget_workspace(&self, workspace_id: &str) {
        self.0.retain(|_, ready| ready.workspace_id != workspace_id);
    }
}

/// The connector of that id, ready, if the caller may reach it. An id outside the caller's organization or workspace
/// is answered like an unknown one.
pub async fn resolve(deps: &Deps, caller: &Caller, id: &str) -> Result<Arc<Ready>> {
    if let Some(ready) = deps.ready.0.get(id)
        && deps.feed.is_fresh(&deps.clock)
    {
        let own = ready.organization_id == caller.organization()
            && caller.workspace().is_none_or(|own| own == ready.workspace_id);
        if !own {
            return Err(Error::not_found());
        }
        ready.note_use();
        return Ok(ready);
    }
    // Boxed, because it is rare: its state would be moved with every call otherwise.
    Box::pin(fill(deps, caller, id)).await
}

async fn fill(deps: &Deps, caller: &Caller, id: &str) -> Result<Arc<Ready>> {
    let generation = deps.feed.generation();
    // Whatever the database says now, the view from before is not trusted again.
    deps.ready.remove(id);
    let view = view(deps, caller, id).await?;
    let ready = Arc::new(Ready::of(deps, &view).await?);
    ready.note_use();
    // A late fill must not bring back what changed meanwhile.
    if deps.feed.generation() == generation {
        deps.ready.0.insert(id.to_owned(), Arc::clone(&ready));
    }
    Ok(ready)
}

/// The connector as the store has it now, also into the cache.
pub(super) async fn reload(deps: &Deps, organization: &str, workspace: &str, id: &str) -> Result<Arc<Ready>> {
    let generation = deps.feed.generation();
    let view = deps.store.connector(organization, Some(workspace), id).await?.ok_or_else(Error::not_found)?;
    let ready = Arc::new(Ready::of(deps, &view).await?);
    if deps.feed.generation() == generation {
        deps.ready.0.insert(id.to_owned(), Arc::clone(&ready));
    }
    Ok(ready)
}

/// A connector that was resolved a while ago, as it is now. One that is gone is answered like an unknown one.
pub(super) async fn current(deps: &Deps, old: &Arc<Ready>) -> Result<Arc<Ready>> {
    let Some(id) = &old.connector_id else { return Ok(Arc::clone(old)) };
    match deps.ready.0.get(id) {
        Some(ready) if deps.feed.is_fresh(&deps.clock) => Ok(ready),
        _ => reload(deps, &old.organization_id, &old.workspace_id, id).await,
    }
}

/// The stored connector, if the caller may reach it.
pub async fn view(deps: &Deps, caller: &Caller, id: &str) -> Result<ConnectorView> {
    deps.store.connector(caller.organization(), caller.workspace(), id).await?.ok_or_else(Error::not_found)
}

impl Ready {
    async fn of(deps: &Deps, view: &ConnectorView) -> Result<Self> {
        let (row, grant) = (&view.connector, &view.grant);
        let kind: &Arc<ConnectorType> =
            deps.catalog.find(&row.connector_type).ok_or_else(|| gone(&row.connector_type))?;
        let plan = Arc::clone(kind.plan()?);
        let secret = GrantSecret::open(deps, grant).await?;
        let environment: Map<String, Value> =
            serde_json::from_str(&row.environment).map_err(Error::internal)?;
        let mut ready = Self::unsaved(&plan, grant, &secret, &environment, None)?;
        ready.gate = deps.gates.of(&row.id, plan.concurrency.unwrap_or(gate::AT_ONCE));
        ready.organization_gate = deps.gates.of(&row.organization_id, deps.settings.max_concurrent_calls);
        ready.connector_id = Some(row.id.clone());
        ready.workspace_name.clone_from(&view.workspace_name);
        Ok(ready)
    }

    /// Of a grant without a connector. `client_id` is the OAuth app's, which some headers want.
    pub fn unsaved(
        plan: &Arc<Plan>,
        grant: &GrantRow,
        secret: &GrantSecret,
        environment: &Map<String, Value>,
        client_id: Option<&str>,
    ) -> Result<Self> {
        // A secret never goes to hosts that its definition did not name when it was entered.
        if Pin::from_text(&grant.pin).is_none_or(|pin| !pin.covers(plan)) {
            return Err(Error::new(
                Kind::AppMisconfigured,
                "The connector's definition now names other hosts than this credential was entered for; connect again to approve them",
            ));
        }
        let mut values = environment.clone();
        values.extend(secret.extracted.clone());
        let target = Target::new(plan, &Environment(values.into_iter().collect())).map_err(|error| {
            Error::field(&format!("environment.{}", error.variable), "invalid_value", error.message.clone())
        })?;
        let mut credential = Credential { values: secret.values.clone() };
        if let Some(client_id) = client_id {
            credential
                .values
                .entry("client_id".to_owned())
                .or_insert_with(|| SecretString::from(client_id.to_owned()));
        }
        let scheme = plan.scheme(&grant.scheme).ok_or_else(|| gone(&grant.scheme))?;
        let attachment = scheme.attach(&credential);
        if let Err(error) = &attachment
            && !grant.refreshable
        {
            return Err(Error::field("credentials", "invalid_value", error.to_string()));
        }
        let reach = Reach::new(&target.base, &target.hosts);
        Ok(Self {
            connector_id: None,
            organization_id: grant.organization_id.clone(),
            workspace_id: grant.workspace_id.clone(),
            workspace_name: String::new(),
            plan: Arc::clone(plan),
            target: Arc::new(target),
            reach,
            attachment: attachment.ok(),
            gate: Arc::new(Semaphore::new(gate::AT_ONCE)),
            organization_gate: Arc::new(Semaphore::new(gate::AT_ONCE)),
            secrets: secret
                .values
                .iter()
                .filter(|(name, _)| *name != "client_id")
                .map(|(_, value)| value.clone())
                .collect(),
            grant: GrantFacts {
                id: grant.id.clone(),
                version: grant.version,
                status: grant.status.clone(),
                oauth: grant.kind == "oauth",
                refreshable: grant.refreshable,
                expires_at: grant.expires_at,
                issued_at: grant.issued_at,
                ahead_from: ahead_from(grant),
            },
            used: AtomicBool::new(false),
        })
    }

    /// The access token has ended, or there is none yet.
    pub fn is_expired(&self, now: i64) -> bool {
        self.attachment.is_none() || self.grant.expires_at.is_some_and(|end| end <= now)
    }

    /// The access token had a life, and it is over. One that never had any by the provider's own word (`expires_in: 0`)
    /// may work all the same.
    pub fn has_ended(&self, now: i64) -> bool {
        let begun = self.grant.issued_at;
        self.grant.expires_at.is_some_and(|end| end <= now && begun.is_some_and(|begun| begun < end))
    }

    /// The access token is about to end, and can be refreshed.
    pub fn wants_renewal(&self, now: i64) -> bool {
        self.grant.ahead_from.is_some_and(|from| now >= from)
            && self.grant.refreshable
            && self.connector_id.is_some()
    }

    /// Notes a call. Looked at first: a store would take the line from other cores' caches at each call.
    fn note_use(&self) {
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }
}

/// A fifth of the access token's life before its end, at most five minutes; up to a quarter of that later, so that
/// tokens which came together are not refreshed together. The end of an id (UUID version 7) is random.
fn ahead_from(grant: &GrantRow) -> Option<i64> {
    let (end, start) = (grant.expires_at?, grant.issued_at?);
    let ahead = ((end - start) / 5).min(LONGEST_AHEAD);
    let spread =
        grant.id.get(grant.id.len().saturating_sub(2)..).and_then(|end| i64::from_str_radix(end, 16).ok());
    Some(end - ahead + ahead / 4 * spread.unwrap_or_default() / 256)
}

fn gone(name: &str) -> Error {
    Error::new(Kind::Unavailable, format!("This server has no definition `{name}` any more"))
}
