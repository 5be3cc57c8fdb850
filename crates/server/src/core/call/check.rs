//! Checks: one light real call that shows whether a credential works, and whose account it is.
//!
//! Knows which operation a check runs. Must not know whether the credential is saved.

use super::{Driven, Ready, drive};
use crate::core::Deps;
use crate::core::error::{Error, Kind, Result};
use keybearer_connector::call::{Shaping, check_params};
use keybearer_connector::oauth::{Account, identity_of};
use keybearer_connector::plan::{Action, Identity, OauthPlan};
use serde_json::{Map, Value, json};
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

/// Runs the definition's check operation, or one list per named entity.
pub async fn check(deps: &Arc<Deps>, ready: Arc<Ready>, entities: &[String]) -> Result<CheckReport> {
    if ready.attachment.is_none() && ready.connector_id.is_none() {
        let why = "There is no access token yet: it is fetched when the connector is stored and first used";
        return Ok(report("inconclusive", Some(why.to_owned())));
    }
    if entities.is_empty() {
        let found = check_params(&ready.plan, &ready.target.environment, deps.clock.timestamp());
        return Ok(match found {
            Ok(None) => report(
                "inconclusive",
                Some("The definition names no operation that could be checked".to_owned()),
            ),
            Ok(Some((operation, params))) => {
                match drive(deps, ready, operation, params, Shaping::default()).await {
                    Ok(_) => report("succeeded", None),
                    Err(error) => report(verdict(&error), Some(error.message.into_owned())),
                }
            }
            Err(fault) => report("inconclusive", Some(fault.message)),
        });
    }
    let mut results = Vec::new();
    for entity in entities {
        results.push(check_entity(deps, &ready, entity).await);
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

async fn check_entity(deps: &Arc<Deps>, ready: &Arc<Ready>, entity: &str) -> EntityCheck {
    let result = |status, status_code, error_message| EntityCheck {
        entity: entity.to_owned(),
        status,
        status_code,
        error_message,
    };
    if !ready.plan.operations.iter().any(|operation| operation.entity == entity) {
        return result("failed", None, Some("The connector has no such entity".to_owned()));
    }
    let position = [Action::List, Action::Get].iter().find_map(|action| ready.plan.position(entity, *action));
    let Some(position) = position else {
        return result("inconclusive", None, Some("The entity has no list or get operation".to_owned()));
    };
    let is_list =
        ready.plan.operations.get(position).is_some_and(|operation| operation.action == Action::List);
    let params = if is_list { Map::from_iter([("limit".to_owned(), json!(1))]) } else { Map::new() };
    match drive(deps, Arc::clone(ready), position, params, Shaping::default()).await {
        Ok(_) => result("succeeded", None, None),
        // Parameters that only a caller can know: the check cannot say anything.
        Err(error) if error.kind == Kind::InvalidParams => {
            result("inconclusive", None, Some(error.message.into_owned()))
        }
        Err(error) => {
            let code = error.details.get("upstream_status").and_then(Value::as_i64);
            result(verdict(&error), code, Some(error.message.into_owned()))
        }
    }
}

/// Whose account a fresh grant is, by the definition's identity operation.
pub async fn identity(deps: &Arc<Deps>, ready: Ready, oauth: &OauthPlan) -> Result<Option<Account>> {
    let Some(Identity::Operation { entity, action, id, name }) = &oauth.identity else { return Ok(None) };
    let Some(position) = ready.plan.position(entity, *action) else { return Ok(None) };
    let Driven { answer, .. } =
        drive(deps, Arc::new(ready), position, Map::new(), Shaping::default()).await?;
    Ok(answer.result.json().and_then(|json| identity_of(id, name.as_ref(), json)))
}

fn report(status: &'static str, error_message: Option<String>) -> CheckReport {
    CheckReport { status, error_message, entities: Vec::new() }
}

/// A provider that cannot be reached says nothing about the credential.
fn verdict(error: &Error) -> &'static str {
    match error.kind {
        Kind::UpstreamError
        | Kind::UpstreamTimeout
        | Kind::UpstreamRateLimited
        | Kind::RefreshInProgress
        | Kind::ConnectorBusy
        | Kind::TokenEndpointError
        | Kind::Internal
        | Kind::Unavailable => "inconclusive",
        _ => "failed",
    }
}
