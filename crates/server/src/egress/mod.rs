//! The one door out: every request that Keybearer sends to a third party leaves here.
//!
//! Knows hosts, addresses, limits and the HTTP client. Must not know tenants, connectors, grants or the store; no type
//! of the HTTP client leaves this folder.
//!
//! A request passes four gates, and the types prove the order. An [`Unsigned`] request holds no secret.
//! [`Egress::admit`] compares its parsed URL with the connector's [`Reach`] and gives an [`Admitted`] one. Only that
//! can be given credentials, and only where its origin is the connector's own; the result is [`Signed`].
//! [`Egress::send`] takes nothing else:
//!
//! ```compile_fail,E0308
//! # use keybearer_connector::call::Unsigned;
//! # use std::time::Duration;
//! async fn skip_the_gates(egress: &keybearer::egress::Egress, request: Unsigned) {
//!     let _ = egress.send(request, Duration::from_secs(1)).await; // expected `Signed`, found `Unsigned`
//! }
//! ```
//!
//! The last gate stands in the client's resolver: a name is looked up once per connection, addresses that are not
//! public are dropped there, and the client connects to exactly the ones that remain, so a name that changes its
//! answer between check and use (DNS rebinding) gains nothing. Address literals never reach a resolver; `admit` checks
//! those. Redirects, proxies of the environment and cookies are off.

mod address;
mod admit;
mod body;
mod client;
mod reach;
mod resolve;
mod send;
mod stream;
#[cfg(test)]
mod tests;
mod unreachable;

pub use address::is_private;
pub use admit::{Admitted, Signed};
pub use reach::Reach;
pub use resolve::{Lookup, Resolve};
pub use stream::{BodyStream, Received};

#[cfg(doc)]
use keybearer_connector::call::Unsigned;

use address::Ranges;
use client::{Plain, Secure};
use ipnet::IpNet;
use resolve::{Gate, SystemResolver};
use rustls::ClientConfig;
use std::sync::Arc;
use std::time::Duration;

/// Bounds of one attempt.
#[derive(Debug, Clone)]
pub struct Limits {
    /// From the start to the last byte of the answer. For a streamed body: the longest silence between two chunks.
    pub timeout: Duration,
    /// For name lookup, TCP and TLS together.
    pub connect_timeout: Duration,
    /// The largest answer body, in bytes after decoding.
    pub max_response_bytes: usize,
    /// Private ranges that may be reached all the same; the only ones that plain `http` may go to.
    pub allow_cidrs: Vec<IpNet>,
}

/// Why there is no door.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// The HTTP client cannot be built; practically always for want of root certificates.
    #[error(
        "the HTTP client for outbound calls cannot start: {0}; install the system's CA certificates \
         (package `ca-certificates`) or point SSL_CERT_FILE at a PEM bundle"
    )]
    Client(String),
}

/// The door. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Egress {
    /// For `https`: public addresses and the allowed ranges.
    secure: Secure,
    /// For `http`: the allowed ranges and nothing else.
    plain: Plain,
    limits: Arc<Limits>,
    ranges: Arc<Ranges>,
}

impl Egress {
    /// A door that asks the system's resolver.
    pub fn new(limits: Limits) -> Result<Self, EgressError> {
        Self::with_resolver(limits, SystemResolver)
    }

    /// A door that asks `resolver` for addresses. What it answers is checked like any other answer.
    pub fn with_resolver(limits: Limits, resolver: impl Resolve) -> Result<Self, EgressError> {
        let tls = client::tls().map_err(|error| EgressError::Client(error.to_string()))?;
        Ok(Self::with_tls(limits, resolver, tls))
    }

    fn with_tls(limits: Limits, resolver: impl Resolve, tls: ClientConfig) -> Self {
        let resolver: Arc<dyn Resolve> = Arc::new(resolver);
        let ranges = Arc::new(Ranges::new(limits.allow_cidrs.clone()));
        let gate = |plain| Gate::new(Arc::clone(&resolver), Arc::clone(&ranges), plain);
        let secure = client::secure(gate(false), tls, limits.connect_timeout);
        let plain = client::plain(gate(true), limits.connect_timeout);
        Self { secure, plain, limits: Arc::new(limits), ranges }
    }
}
