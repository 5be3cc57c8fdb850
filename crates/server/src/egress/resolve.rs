//! Names to addresses, and the check of every address before a connection goes there.
//!
//! Knows the system's resolver and the allowed ranges. Must not know what is asked over the connection.

use super::address::Ranges;
use hyper_util::client::legacy::connect::dns::Name;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::Service;

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
#[derive(Clone)]
pub(super) struct Gate(Arc<Rules>);

struct Rules {
    names: Arc<dyn Resolve>,
    ranges: Arc<Ranges>,
    /// For connections without TLS.
    plain: bool,
}

impl Gate {
    pub(super) fn new(names: Arc<dyn Resolve>, ranges: Arc<Ranges>, plain: bool) -> Self {
        Self(Arc::new(Rules { names, ranges, plain }))
    }
}

impl Service<Name> for Gate {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let lookup = self.0.names.resolve(name.as_str());
        let rules = Arc::clone(&self.0);
        Box::pin(async move {
            let found = lookup.await?;
            let known = !found.is_empty();
            let admitted = found.into_iter().filter(|address| rules.ranges.admits(*address, rules.plain));
            // The client puts the URL's port in place of 0.
            let admitted: Vec<_> = admitted.map(|address| SocketAddr::new(address, 0)).collect();
            if known && admitted.is_empty() { Err(Refused.into()) } else { Ok(admitted.into_iter()) }
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

impl Error for Refused {}
