//! From the call machine's faults to the errors that a caller acts on.
//!
//! Knows both vocabularies and nothing else.

use super::Ready;
use crate::core::error::{Error, FieldError, Kind};
use keybearer_connector::call::{Fault, FaultKind, ParamError};
use serde_json::{Value, json};
use std::time::Duration;

/// For a rate limit whose length the provider does not say.
const SILENT_LIMIT: Duration = Duration::from_secs(30);

/// The error of a fault. The provider's message stands in it, bounded, without the credential's values.
pub fn fault_error(mut fault: Fault, ready: &Ready) -> Error {
    fault.redact(&ready.secrets);
    if fault.kind == FaultKind::Unauthorized {
        let message = format!("The provider refused the credential: {}", fault.message);
        return with_upstream(reauthorization_required(message, ready), &fault);
    }
    let fields = fault.errors.iter().map(|error| field_error("", error)).collect();
    let error = Error { fields, ..Error::new(kind(fault.kind), fault.message.clone()) };
    with_upstream(error, &fault)
}

/// 409 with the initiate call that mends it.
pub fn reauthorization_required(message: impl Into<String>, ready: &Ready) -> Error {
    with_reconnect(Error::new(Kind::ReauthorizationRequired, message.into()).with("retryable", false), ready)
}

/// An error with the initiate call that mends it, where there is one.
pub(super) fn with_reconnect(error: Error, ready: &Ready) -> Error {
    if !ready.grant.oauth || ready.plan.oauth().is_none() {
        return error;
    }
    let Some(connector_id) = &ready.connector_id else { return error };
    error.with(
        "reconnect",
        json!({
            "method": "POST",
            "path": "/api/v1/integrations/connectors/oauth/initiate",
            "body": {
                "external_user_id": ready.workspace_name,
                "connector_type": ready.plan.info.slug,
                "connector_id": connector_id,
                "redirect_url": "<the application's own redirect URL>",
            },
        }),
    )
}

fn with_upstream(mut error: Error, fault: &Fault) -> Error {
    if let Some(status) = fault.upstream_status {
        error = error.with("upstream_status", status);
    }
    // A provider that limits without saying how long is asked again after a while.
    let silent = (fault.kind == FaultKind::UpstreamRateLimited).then_some(SILENT_LIMIT);
    if let Some(after) = fault.retry_after.or(silent) {
        error = error.with("retry_after_seconds", after.as_secs() + u64::from(after.subsec_nanos() > 0));
    }
    if !fault.missing_scopes.is_empty() {
        error = error.with("missing_scopes", Value::from(fault.missing_scopes.clone()));
    }
    error.with("retryable", fault.retryable)
}

fn kind(kind: FaultKind) -> Kind {
    match kind {
        FaultKind::UnknownEntity => Kind::UnknownEntity,
        FaultKind::UnknownAction => Kind::UnknownAction,
        FaultKind::InvalidParams => Kind::InvalidParams,
        FaultKind::NotPageable => Kind::NotPageable,
        FaultKind::UpstreamRejected => Kind::UpstreamRejected,
        FaultKind::UpstreamForbidden => Kind::UpstreamForbidden,
        FaultKind::UpstreamNotFound => Kind::UpstreamNotFound,
        FaultKind::UpstreamConflict => Kind::UpstreamConflict,
        FaultKind::UpstreamRateLimited => Kind::UpstreamRateLimited,
        FaultKind::UpstreamError => Kind::UpstreamError,
        FaultKind::UpstreamTimeout => Kind::UpstreamTimeout,
        FaultKind::UpstreamBlocked => Kind::UpstreamBlocked,
        FaultKind::UpstreamResponseTooLarge => Kind::UpstreamResponseTooLarge,
        FaultKind::UpstreamRedirectRefused => Kind::UpstreamRedirectRefused,
        FaultKind::Unauthorized => Kind::ReauthorizationRequired,
    }
}

/// A wrong value of the connector engine as a field of the caller's body: `/params/limit` is `params.limit`.
pub fn field_error(prefix: &str, error: &ParamError) -> FieldError {
    let path = error.pointer.replace('/', ".").replace("~1", "/").replace("~0", "~");
    let field = format!("{prefix}{path}");
    FieldError {
        field: field.trim_start_matches('.').to_owned(),
        message: error.message.clone(),
        code: field_code(error.code),
    }
}

fn field_code(code: &str) -> &'static str {
    match code {
        "unknown" => "unknown_field",
        "missing" => "missing",
        "type" => "invalid_type",
        "conflict" => "conflict",
        _ => "invalid_value",
    }
}
