//! Grants: the tokens that came out of a consent, kept alive and never lost by us.
//!
//! [`machine`] and [`keeping`] decide, [`mod@refresh`] carries out, [`single_flight`] lets calls wait, [`question`] asks
//! before a retry, [`mod@resend`] lets the operator decide, [`idle`] keeps alive, [`secret`] seals, [`revoke`] ends. Must not
//! know connectors' operations.

pub mod idle;
pub mod keeping;
pub mod machine;
mod outcome;
mod question;
mod refresh;
mod request;
mod resend;
mod rest;
pub mod revoke;
mod secret;
mod single_flight;

pub use outcome::is_final;
pub use question::Endpoints;
pub use resend::{resend, unanswered, why_unresolved};
pub use rest::Rests;
pub use secret::{Consented, GrantSecret, Import, ImportedOauth, PURPOSE, from_answer, imported};
pub use single_flight::{Refreshed, Refreshes, refresh};

use crate::core::Deps;
use crate::core::error::{Error, Kind};
use crate::egress::{Reach, Received};
use keybearer_connector::call::{Response, Unreachable};
use keybearer_connector::oauth::TokenRequest;
use keybearer_connector::oauth::token::TokenFault;

/// Sends one token, revocation or introspection request: no redirects, no retry, only to the endpoint's own origin.
pub async fn token_endpoint(
    deps: &Deps,
    request: TokenRequest,
) -> std::result::Result<Response, TokenCallFault> {
    let TokenRequest { mut request, attachment } = request;
    // The endpoint's origin is the only place that its secrets may go to.
    let reach = Reach::only(&request.url);
    request.stream = false;
    let admitted = deps.egress.admit(request, &reach).map_err(TokenCallFault)?;
    match deps.egress.send(admitted.attach_client(&attachment), deps.settings.upstream_timeout).await {
        Ok(Received::Whole(response)) => Ok(response),
        Ok(Received::Streaming { .. }) => Err(TokenCallFault(Unreachable::Broken)),
        Err(error) => Err(TokenCallFault(error)),
    }
}

/// The token endpoint gave no answer.
#[derive(Debug)]
pub struct TokenCallFault(pub Unreachable);

impl std::fmt::Display for TokenCallFault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Unreachable::Connect => out.write_str("the token endpoint cannot be reached"),
            Unreachable::ConnectTimedOut => out.write_str("the token endpoint cannot be reached in time"),
            Unreachable::Untrusted(why) => write!(out, "the token endpoint's certificate {why}"),
            Unreachable::TimedOut => out.write_str("the token endpoint did not answer in time"),
            Unreachable::Broken => out.write_str("the connection to the token endpoint broke"),
            Unreachable::Blocked(why) => write!(out, "the token endpoint is not an allowed address: {why}"),
            Unreachable::TooLarge => out.write_str("the token endpoint's answer is too large"),
        }
    }
}

/// A token fault in words, without anything secret: codes and our own texts.
pub fn describe_fault(fault: &TokenFault) -> String {
    match fault {
        TokenFault::InvalidGrant { .. } => "the provider refused the grant (invalid_grant)".to_owned(),
        TokenFault::InvalidClient { code, .. } => format!("the provider refused the OAuth app ({code})"),
        TokenFault::Refused { code, .. } => format!("the provider refused the request ({code})"),
        TokenFault::Transient { status, .. } => format!("the token endpoint answered {status}"),
        TokenFault::Unusable { why, .. } => format!("the token endpoint's answer cannot be used: {why}"),
    }
}

/// 502: the token endpoint failed, the grant is kept.
pub fn token_endpoint_error(why: &str) -> Error {
    Error::new(Kind::TokenEndpointError, format!("The access token could not be renewed: {why}"))
        .with("retryable", true)
}
