//! Names to addresses, and the check of every address before a connection goes there.
//!
//! Knows the system's resolver and the allowed ranges. Must not know what is asked over the connection.

use super::address::Ranges;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

/// A running lookup.
pub type Lookup = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Finds the addresses of a name. Asked once for each new connection; nothing is remembered between.
pub trait Resolve: Send + Sync + 'static {
    /// The addresses of `name` (no port, no brackets), best first.
    fn resolve(&self, name: &str) -> Lookup;
}

/// `getaddrinfo`, with the hosts file and whatever else the system is set up to ask.
pub(super) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: &str) -> Lookup {
        let name = name.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Lets pass the addresses that may be connected to. The client connects to these and to no others.
pub(super) struct Gate {
    pub(super) names: Arc<dyn Resolve>,
    pub(super) ranges: Arc<Ranges>,
    /// For connections without TLS.
    pub(super) plain: bool,
}

impl reqwest::dns::Resolve for Gate {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let lookup = self.names.resolve(name.as_str());
        let ranges = Arc::clone(&self.ranges);
        let plain = self.plain;
        Box::pin(async move {
            let mut found = lookup.await?;
            let known = !found.is_empty();
            found.retain(|address| ranges.admits(*address, plain));
            if known && found.is_empty() {
                return Err(Refused.into());
            }
            // The client puts the URL's port in place of 0.
            let found = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(found) as reqwest::dns::Addrs)
        })
    }
}

/// A name has addresses, and we connect to none of them. Found again in the client's error chain.
#[derive(Debug)]
pub(super) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host resolves to addresses that outbound calls may not reach")
    }
}

impl std::error::Error for Refused {}
