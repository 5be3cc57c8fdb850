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
mod reach;
mod resolve;
mod send;
mod stream;
#[cfg(test)]
mod tests;

pub use address::is_private;
pub use admit::{Admitted, Signed};
pub use reach::Reach;
pub use resolve::{Lookup, Resolve};
pub use stream::{BodyStream, Received};

#[cfg(doc)]
use keybearer_connector::call::Unsigned;

use address::Ranges;
use http::header::{ACCEPT, HeaderMap, HeaderValue, USER_AGENT};
use ipnet::IpNet;
use reqwest::{Client, redirect};
use resolve::{Gate, SystemResolver};
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
    secure: Client,
    /// For `http`: the allowed ranges and nothing else.
    plain: Client,
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
        let resolver: Arc<dyn Resolve> = Arc::new(resolver);
        let ranges = Arc::new(Ranges::new(limits.allow_cidrs.clone()));
        let gate = |plain| Gate { names: Arc::clone(&resolver), ranges: Arc::clone(&ranges), plain };
        let secure =
            client(&limits, gate(false)).https_only(true).build().map_err(|error| refused(&error))?;
        // Without roots of its own this client starts at once and can speak no TLS, which it is never asked to.
        let plain =
            client(&limits, gate(true)).tls_certs_only([]).build().map_err(|error| refused(&error))?;
        Ok(Self { secure, plain, limits: Arc::new(limits), ranges })
    }
}

/// More idle connections than this to one host are closed.
const IDLE_PER_HOST: usize = 256;
/// Shorter than the idle timeouts of common load balancers (60 s and up), so that we are the side that closes.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// A ping that finds dead HTTP/2 connections while requests wait on them.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// How long such a ping may take.
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// All header fields of an HTTP/2 answer together, in bytes. HTTP/1.1 has the client's own limit (100 fields, 400 kB).
const HEADER_BYTES: u32 = 64 * 1024;

#[expect(clippy::disallowed_methods, reason = "this is the one place that builds clients")]
fn client(limits: &Limits, gate: Gate) -> reqwest::ClientBuilder {
    let mut defaults = HeaderMap::with_capacity(2);
    defaults.insert(ACCEPT, HeaderValue::from_static("*/*"));
    defaults.insert(USER_AGENT, HeaderValue::from_static(concat!("Keybearer/", env!("CARGO_PKG_VERSION"))));
    Client::builder()
        .dns_resolver(Arc::new(gate))
        .default_headers(defaults)
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .gzip(true)
        .connect_timeout(limits.connect_timeout)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .http2_max_header_list_size(HEADER_BYTES)
        .http2_keep_alive_interval(PING_INTERVAL)
        .http2_keep_alive_timeout(PING_TIMEOUT)
}

fn refused(error: &reqwest::Error) -> EgressError {
    // The outer text is "builder error"; what is wrong stands in its source.
    let why = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    EgressError::Client(why)
}
