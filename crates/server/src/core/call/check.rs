//! Checks: light real calls that show whether a credential works, and whose account it is.
//!
//! Knows what a check looks at and how its findings are told. Must not know whether the credential is saved, nor how a
//! call's parameters are found (`prober`).

use super::prober::{Finding, Looks, Prober};
use super::{Driven, Ready, drive, fault_error};
use crate::core::Deps;
use crate::core::error::{Error, FieldError, Kind, Result};
use keybearer_connector::call::{Shaping, find_entity};
use keybearer_connector::oauth::{Account, identity_of};
use keybearer_connector::plan::{Action, Identity, OauthPlan};
use serde_json::Map;
use std::sync::Arc;

/// Result of a check.
pub struct CheckReport {
    /// `succeeded`, `failed` or `inconclusive`.
    pub status: &'static str,
    /// Why not.
    pub error_message: Option<String>,
    /// Per entity, where asked.
    pub entities: Vec<EntityCheck>,
}

/// Result for one entity.
pub struct EntityCheck {
    /// Its name.
    pub entity: String,
    /// `succeeded`, `failed` or `inconclusive`.
    pub status: &'static str,
    /// The provider's status, where it refused.
    pub status_code: Option<i64>,
    /// Why not.
    pub error_message: Option<String>,
}

/// Runs the definition's check operation, or lists (else gets) one record of each named entity, one after the other.
/// An entity that the connector does not have is an error, before anything is called.
pub async fn check(deps: &Arc<Deps>, ready: Arc<Ready>, entities: &[String]) -> Result<CheckReport> {
    let entities = known(&ready, entities)?;
    if ready.attachment.is_none() && ready.connector_id.is_none() {
        let why = "There is no access token yet: it is fetched when the connector is stored and first used";
        return Ok(report("inconclusive", Some(why.to_owned())));
    }
    let plan = Arc::clone(&ready.plan);
    let looks = if entities.is_empty() { Looks::ForRequired } else { Looks::ForAll };
    let mut prober = Prober::new(deps, ready, looks);
    if entities.is_empty() {
        let Some(operation) = plan.check else {
            let why = "The definition names no operation that could be checked";
            return Ok(report("inconclusive", Some(why.to_owned())));
        };
        return Ok(match prober.probe(operation).await {
            Ok(()) => report("succeeded", None),
            Err(finding) => report(finding.status, Some(finding.message)),
        });
    }
    let mut results = Vec::new();
    for entity in entities {
        let operation = [Action::List, Action::Get].iter().find_map(|action| plan.position(entity, *action));
        let found = match operation {
            Some(operation) => prober.probe(operation).await,
            None => Err(Finding::inconclusive("The entity has no list or get operation")),
        };
        results.push(EntityCheck::of(entity, found.err()));
    }
    let failed = results.iter().find(|result| result.status == "failed");
    let status = match failed {
        Some(_) => "failed",
        None if results.iter().all(|result| result.status == "succeeded") => "succeeded",
        None => "inconclusive",
    };
    let error_message = failed.and_then(|result| result.error_message.clone());
    Ok(CheckReport { status, error_message, entities: results })
}

/// The names, each once. Those that the connector does not have are told all at once, with what there is.
fn known<'n>(ready: &Ready, entities: &'n [String]) -> Result<Vec<&'n str>> {
    let mut names: Vec<&str> = Vec::new();
    let mut unknown = Vec::new();
    for (position, entity) in entities.iter().enumerate() {
        if names.contains(&entity.as_str()) {
            continue;
        }
        names.push(entity);
        if let Err(fault) = find_entity(&ready.plan, entity) {
            let message = fault_error(fault, ready).message.into_owned();
            unknown.push(FieldError { field: format!("entities/{position}"), message, code: "unknown" });
        }
    }
    match unknown.first() {
        None => Ok(names),
        Some(first) => {
            Err(Error { fields: unknown.clone(), ..Error::new(Kind::UnknownEntity, first.message.clone()) })
        }
    }
}

impl EntityCheck {
    fn of(entity: &str, finding: Option<Finding>) -> Self {
        let (status, status_code, error_message) = match finding {
            None => ("succeeded", None, None),
            Some(finding) => (finding.status, finding.status_code, Some(finding.message)),
        };
        Self { entity: entity.to_owned(), status, status_code, error_message }
    }
}

/// Whose account a fresh grant is, by the definition's identity operation.
pub async fn identity(deps: &Arc<Deps>, ready: Ready, oauth: &OauthPlan) -> Result<Option<Account>> {
    let Some(Identity::Operation { entity, action, id, name }) = &oauth.identity else { return Ok(None) };
    let Some(position) = ready.plan.position(entity, *action) else { return Ok(None) };
    let Driven { answer, .. } =
        drive(deps, Arc::new(ready), position, Map::new(), Shaping::default(), None).await?;
    Ok(answer.result.json().and_then(|json| identity_of(id, name.as_ref(), json)))
}

fn report(status: &'static str, error_message: Option<String>) -> CheckReport {
    CheckReport { status, error_message, entities: Vec::new() }
}
