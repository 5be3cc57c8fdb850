//! Every failure as the document tells it: what it means, and a body as the server writes it.
//!
//! Knows kinds of failure, their meaning and their usual text. Must not know operations.

use crate::api::problem::{self, status_and_code};
use crate::core::access::forbidden;
use crate::core::error::{Error, FieldError, Kind};
use serde_json::{Value, json};

/// All kinds, in the order of their declaration.
pub(super) const KINDS: [Kind; 45] = [
    Kind::BadRequest,
    Kind::InvalidSecretId,
    Kind::CredentialsMismatch,
    Kind::Unauthorized,
    Kind::Forbidden,
    Kind::NotFound,
    Kind::MethodNotAllowed,
    Kind::UnsupportedMediaType,
    Kind::PayloadTooLarge,
    Kind::UriTooLong,
    Kind::Conflict,
    Kind::Invalid,
    Kind::OauthNotSupported,
    Kind::OauthAppMissing,
    Kind::BindingRequiresSecretId,
    Kind::BindingRequired,
    Kind::CheckFailed,
    Kind::UnknownEntity,
    Kind::UnknownAction,
    Kind::InvalidParams,
    Kind::NotPageable,
    Kind::ReauthorizationRequired,
    Kind::AppMisconfigured,
    Kind::UpstreamRejected,
    Kind::UpstreamForbidden,
    Kind::UpstreamNotFound,
    Kind::UpstreamConflict,
    Kind::UpstreamRateLimited,
    Kind::UpstreamError,
    Kind::UpstreamTimeout,
    Kind::UpstreamBlocked,
    Kind::UpstreamResponseTooLarge,
    Kind::UpstreamRedirectRefused,
    Kind::TokenEndpointError,
    Kind::IdempotencyKeyReused,
    Kind::IdempotencyInProgress,
    Kind::UnknownOutcome,
    Kind::AnswerNotKept,
    Kind::RateLimited,
    Kind::TooManyConsents,
    Kind::OrganizationBusy,
    Kind::RefreshInProgress,
    Kind::ConnectorBusy,
    Kind::Unavailable,
    Kind::Internal,
];

/// The kind with that `error_code`.
pub(super) fn kind(code: &str) -> Option<Kind> {
    KINDS.into_iter().find(|kind| status_and_code(*kind).1 == code)
}

/// What a kind means, in one line.
pub(super) fn meaning(kind: Kind) -> &'static str {
    match kind {
        Kind::BadRequest => {
            "The request cannot be read: not JSON, not an object, or the token was given twice or in the query."
        }
        Kind::InvalidSecretId => {
            "The `secret_id` is unknown, used, expired or not for this call, or the `code_verifier` does not fit."
        }
        Kind::CredentialsMismatch => {
            "The credentials fit none, or more than one, of the type's authentication schemes; the message lists them."
        }
        Kind::Unauthorized => "The credentials or the bearer token are missing, wrong, expired or revoked.",
        Kind::Forbidden => "The token is valid, but not for this call, workspace or organization.",
        Kind::NotFound => "Unknown, or outside the token's organization or workspace.",
        Kind::MethodNotAllowed => "The route does not have that method.",
        Kind::UnsupportedMediaType => "The body must be sent as `application/json`.",
        Kind::PayloadTooLarge => "The body is larger than 4 MiB.",
        Kind::UriTooLong => "Path and query are longer than 8192 bytes.",
        Kind::Conflict => "Another call changed the same thing, or the name is taken.",
        Kind::Invalid => "Fields are missing or wrong; each is named.",
        Kind::OauthNotSupported => "The connector type has no OAuth consent.",
        Kind::OauthAppMissing => "No OAuth app is configured for the connector type.",
        Kind::BindingRequiresSecretId => "`code_challenge` does not go with `callback_mode: connector_id`.",
        Kind::BindingRequired => {
            "The organization asks every consent to be bound to the session that starts it: give `code_challenge`."
        }
        Kind::CheckFailed => "The check did not succeed; nothing was stored.",
        Kind::UnknownEntity => "The connector type has no such entity; the message names those that it has.",
        Kind::UnknownAction => "The entity has no such action; the message names those that it has.",
        Kind::InvalidParams => "Parameters are missing, unknown or wrong; each is named. Nothing was called.",
        Kind::NotPageable => "A cursor was given where nothing pages.",
        Kind::ReauthorizationRequired => {
            "The provider no longer accepts the grant; `details.reconnect` is the call that mends it."
        }
        Kind::AppMisconfigured => {
            "The provider refused the OAuth app, or its secret was entered for other endpoints; set it again."
        }
        Kind::UpstreamRejected => {
            "The provider refused the request (400, 422, or an error inside a 2xx answer)."
        }
        Kind::UpstreamForbidden => "The provider answered 403.",
        Kind::UpstreamNotFound => "The provider answered 404.",
        Kind::UpstreamConflict => "The provider answered 409.",
        Kind::UpstreamRateLimited => "The provider answered 429; `Retry-After` says when to go on.",
        Kind::UpstreamError => "The provider failed or could not be reached.",
        Kind::UpstreamTimeout => "The provider did not answer in time.",
        Kind::UpstreamBlocked => "The call would have left the allowed hosts or addresses.",
        Kind::UpstreamResponseTooLarge => "The provider's answer is over the size limit.",
        Kind::UpstreamRedirectRefused => "The provider redirected to where this server does not follow.",
        Kind::TokenEndpointError => "The access token could not be renewed now; the grant is kept.",
        Kind::IdempotencyKeyReused => {
            "The `Idempotency-Key` was used with another body within the last 24 hours. Nothing was done."
        }
        Kind::IdempotencyInProgress => {
            "The first call with this `Idempotency-Key` still runs; `Retry-After` says when to ask again."
        }
        Kind::UnknownOutcome => {
            "The first call with this `Idempotency-Key` was interrupted; whether it took effect is not known, and it is not sent again."
        }
        Kind::AnswerNotKept => {
            "The first call with this `Idempotency-Key` ended; its answer was too large to keep, and it is not sent again."
        }
        Kind::RateLimited => "Too many calls; `Retry-After` says when to try again.",
        Kind::TooManyConsents => {
            "Too many consents of this user or organization are under way; `Retry-After` says when the oldest ends."
        }
        Kind::OrganizationBusy => {
            "Too many operations of this organization run at the same time; `Retry-After` says when to try again."
        }
        Kind::RefreshInProgress => {
            "Another call renews the access token; `Retry-After` says when to try again."
        }
        Kind::ConnectorBusy => {
            "Too many operations of this connector run at the same time; `Retry-After` says when to try again."
        }
        Kind::Unavailable => {
            "The database cannot be reached, or the connector type's definition has mistakes."
        }
        Kind::Internal => "A fault of this server; the request id finds it in the log.",
    }
}

/// The body of a failure as the server writes it.
pub(super) fn example(kind: Kind) -> Value {
    problem::body(&failure(kind), "e1ee1f39df3dd49c-00000004")
}

fn failure(kind: Kind) -> Error {
    let text = |text: &'static str| Error::new(kind, text);
    match kind {
        Kind::Forbidden => forbidden(),
        Kind::NotFound => Error::not_found(),
        Kind::Internal => Error::internal("as an example"),
        Kind::Invalid => Error::field("redirect_url", "missing", "is required"),
        Kind::InvalidParams => {
            let message = "is required: the id of the contact";
            let field =
                FieldError { field: "params/id".to_owned(), message: message.to_owned(), code: "missing" };
            let error = Error::new(kind, "`contacts` `get` cannot be called so: id is required")
                .with("retryable", false);
            Error { fields: vec![field], ..error }
        }
        Kind::UnknownEntity => {
            text("There is no entity `contact`; did you mean `contacts`?").with("retryable", false)
        }
        Kind::UpstreamForbidden => {
            upstream(text("HubSpot answered 403: This app hasn't been granted all required scopes"), 403)
                .with("missing_scopes", json!(["crm.objects.contacts.read"]))
        }
        Kind::UpstreamNotFound => upstream(text("HubSpot answered 404: resource not found"), 404),
        Kind::UpstreamRejected => upstream(text("HubSpot answered 400: Property values were not valid"), 400),
        Kind::UpstreamConflict => upstream(text("HubSpot answered 409: Contact already exists"), 409),
        Kind::UpstreamError => upstream(text("HubSpot answered 503"), 503).with("retryable", true),
        Kind::UpstreamRateLimited => upstream(text("HubSpot answered 429: too many requests"), 429)
            .with("retryable", true)
            .with("retry_after_seconds", 10),
        Kind::UpstreamTimeout => text("HubSpot did not answer in time").with("retryable", true),
        Kind::IdempotencyInProgress => text("The first call with this Idempotency-Key still runs; ask again")
            .with("retryable", true)
            .with("retry_after_seconds", 1),
        Kind::AnswerNotKept => {
            text("The first call with this Idempotency-Key ended with status 200; its answer was too large to keep")
                .with("retryable", false)
                .with("first_status", 200)
        }
        Kind::RateLimited => text("Too many failed sign-ins with this client id from this address; wait")
            .with("retryable", true)
            .with("retry_after_seconds", 42),
        Kind::TooManyConsents => {
            text("50 consents of this user are under way; the user finishes one, or they end by themselves")
                .with("retryable", true)
                .with("retry_after_seconds", 240)
        }
        Kind::OrganizationBusy => text(
            "Too many operations of this organization run at the same time; wait, and send fewer at once",
        )
        .with("retryable", true)
        .with("retry_after_seconds", 1),
        Kind::RefreshInProgress => text("The access token is being renewed; try again")
            .with("retry_after_seconds", 1)
            .with("retryable", true),
        Kind::ConnectorBusy => {
            text("Too many operations of this connector run at the same time; wait, and send fewer at once")
                .with("retryable", true)
                .with("retry_after_seconds", 1)
        }
        Kind::TokenEndpointError => {
            text("The access token could not be renewed: the token endpoint answered 503")
                .with("retryable", true)
        }
        Kind::ReauthorizationRequired => reconnect(),
        other => text(plain(other)),
    }
}

/// Texts of the failures that carry nothing but a text.
fn plain(kind: Kind) -> &'static str {
    match kind {
        Kind::BadRequest => "The request body is not JSON: line 1, column 2",
        Kind::InvalidSecretId => "Invalid secret_id",
        Kind::CredentialsMismatch => {
            "The credentials fit no authentication scheme; there are `oauth2` and `access_token`"
        }
        Kind::Unauthorized => "The bearer token has expired",
        Kind::MethodNotAllowed => "This route does not have that method",
        Kind::UnsupportedMediaType => "The request body must be JSON, with `Content-Type: application/json`",
        Kind::PayloadTooLarge => "The request body is larger than 4194304 bytes",
        Kind::UriTooLong => "The path and query are longer than 8192 bytes",
        Kind::Conflict => "A workspace of that name exists already",
        Kind::OauthNotSupported => {
            "`stripe` has no OAuth consent; create the connector with `credentials` instead"
        }
        Kind::OauthAppMissing => {
            "No OAuth app is configured for `hubspot`: PUT /oauth/credentials sets the organization's, \
             KEYBEARER_OAUTH_HUBSPOT_CLIENT_ID the instance's"
        }
        Kind::BindingRequiresSecretId => {
            "code_challenge needs callback_mode `secret_id`: in `connector_id` mode nobody redeems"
        }
        Kind::IdempotencyKeyReused => {
            "This Idempotency-Key was used with another body; use a new key for another call"
        }
        Kind::UnknownOutcome => {
            "The first call with this Idempotency-Key was interrupted, and nobody knows whether it took effect; look, then \
             decide on a new key"
        }
        Kind::BindingRequired => {
            "This organization asks every consent to be bound to the session that starts it: give `code_challenge` here and `code_verifier` at redemption"
        }
        Kind::CheckFailed => "The check did not succeed, nothing was stored: HubSpot answered 401",
        Kind::Unavailable => "The database cannot be reached; try again",
        other => meaning(other),
    }
}

fn upstream(error: Error, status: u16) -> Error {
    error.with("upstream_status", status).with("retryable", false)
}

fn reconnect() -> Error {
    let message = "The provider refused to renew the access; the user has to connect again";
    Error::new(Kind::ReauthorizationRequired, message).with("retryable", false).with(
        "reconnect",
        json!({
            "method": "POST",
            "path": "/api/v1/integrations/connectors/oauth/initiate",
            "body": {
                "external_user_id": "user_42",
                "connector_type": "hubspot",
                "connector_id": "0198c6a8-3b2d-7e5f-8a11-2c3d4e5f6005",
                "redirect_url": "<the application's own redirect URL>",
            },
        }),
    )
}
