//! Who is at the other end: the address of the connection, or what a trusted proxy says it is.
//!
//! Knows `X-Forwarded-For`. Must not know what the address is for. Anyone can write that header, so it is read only
//! where the connection comes from an address that the operator lists (`KEYBEARER_TRUSTED_PROXIES`), and only as far as
//! listed proxies have written it: from its end, up to the first address that is not one of them.

use super::App;
use crate::core::Deps;
use crate::core::error::Error;
use axum::extract::{ConnectInfo, FromRequestParts};
use http::request::Parts;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// The caller's address; none where there is no connection.
pub(super) struct Peer(pub(super) Option<IpAddr>);

impl FromRequestParts<App> for Peer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        Ok(Self(address(app, parts)))
    }
}

/// The caller's address.
pub(super) fn address(deps: &Deps, request: &Parts) -> Option<IpAddr> {
    let connected = request.extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip().to_canonical();
    let trusted = &deps.settings.trusted_proxies;
    if !is_in(trusted, connected) {
        return Some(connected);
    }
    let forwarded = request.headers.get_all("x-forwarded-for").iter();
    let texts: Vec<&str> = forwarded.filter_map(|value| value.to_str().ok()).collect();
    Some(client(trusted, connected, texts.iter().flat_map(|text| text.split(',')).map(str::trim)))
}

/// The last address of the chain that no trusted proxy has. What cannot be read ends the chain: the proxy after it is
/// the last that is known.
fn client<'a>(
    trusted: &[IpNet],
    connected: IpAddr,
    chain: impl DoubleEndedIterator<Item = &'a str>,
) -> IpAddr {
    let mut known = connected;
    for text in chain.rev() {
        let Some(address) = read(text) else { break };
        known = address;
        if !is_in(trusted, address) {
            break;
        }
    }
    known
}

/// An address, perhaps with a port.
fn read(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

fn is_in(ranges: &[IpNet], address: IpAddr) -> bool {
    ranges.iter().any(|range| range.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_stranger_in_the_chain_is_the_client() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let proxy: IpAddr = "10.0.0.1".parse().unwrap();
        for (chain, wanted) in [
            ("", "10.0.0.1"),
            ("203.0.113.7", "203.0.113.7"),
            ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
            ("198.51.100.1, 203.0.113.7, 10.1.1.1", "203.0.113.7"),
            ("10.9.9.9, 10.1.1.1", "10.9.9.9"),
            ("203.0.113.7:4711", "203.0.113.7"),
            ("[2001:db8::1]:4711, fd00::1", "2001:db8::1"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("203.0.113.7, unknown", "10.0.0.1"),
            ("203.0.113.7, _hidden, 10.1.1.1", "10.1.1.1"),
        ] {
            let found = client(&trusted, proxy, chain.split(',').map(str::trim));
            assert_eq!(found, wanted.parse::<IpAddr>().unwrap(), "{chain}");
        }
    }
}
