//! From a request without secrets to one that may be sent.
//!
//! Knows URLs, the [`Reach`] of a connector and what it is to carry. Must not know the network.

use super::{Egress, Reach};
use http::HeaderMap;
use http::header::{self, HeaderName, HeaderValue};
use keybearer_connector::call::{Attachment, Unreachable, Unsigned};
use url::{Host, Url};

/// A request whose URL the connector's definition allows. Made by [`Egress::admit`] and by nothing else.
pub struct Admitted {
    request: Unsigned,
    /// The URL has the origin that the credentials belong to.
    own: bool,
}

/// A request that may be sent, with its secrets or on purpose without. Comes from an [`Admitted`] one only; it can be
/// neither printed nor copied nor looked into.
pub struct Signed {
    pub(super) request: Unsigned,
}

impl Egress {
    /// Checks where a request goes: `http` or `https`, no user name or password in the URL, the origin of the base or a
    /// listed host, and no private address. Names are checked again when they are resolved.
    pub fn admit(&self, request: Unsigned, reach: &Reach) -> Result<Admitted, Unreachable> {
        let own = reach.is_base(&request.url);
        self.check(&request.url, own, reach).map_err(Unreachable::Blocked)?;
        Ok(Admitted { request, own })
    }

    fn check(&self, url: &Url, own: bool, reach: &Reach) -> Result<(), String> {
        let plain = match url.scheme() {
            "https" => false,
            "http" => true,
            scheme => return Err(format!("requests go over https, not over `{scheme}`")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the URL contains a user name or password".to_owned());
        }
        let host = url.host().ok_or("the URL has no host")?;
        if !own && !reach.is_other(url) {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            return Err(format!("the connector's definition does not list the host `{host}{port}`"));
        }
        let admitted = match host {
            Host::Ipv4(address) => self.ranges.admits(address.into(), plain),
            Host::Ipv6(address) => self.ranges.admits(address.into(), plain),
            // The resolver decides, on the addresses that are connected to.
            Host::Domain(_) => !plain || self.ranges.any(),
        };
        match (admitted, plain) {
            (true, _) => Ok(()),
            (false, false) => Err("the host is not on the public internet".to_owned()),
            (false, true) => {
                Err("plain http is allowed only towards KEYBEARER_ALLOW_UPSTREAM_CIDRS".to_owned())
            }
        }
    }
}

impl Admitted {
    /// With the connector's credential, where the request wants it and goes to the base's own origin; else without.
    pub fn attach(self, attachment: &Attachment) -> Signed {
        if self.request.credential { self.attach_client(attachment) } else { self.unauthenticated() }
    }

    /// With client authentication (RFC 6749 section 2.3), which belongs to a token or revocation request as such: the
    /// request's `credential` flag is not asked. The origin must be the base's all the same, else it goes without.
    pub fn attach_client(self, attachment: &Attachment) -> Signed {
        let Self { mut request, own } = self;
        if own {
            attachment.apply(&mut request.url, &mut request.headers, &mut request.body);
        }
        Signed::of(request)
    }

    /// Without credentials.
    pub fn unauthenticated(self) -> Signed {
        Signed::of(self.request)
    }
}

impl Signed {
    /// The header fields that frame the message are the sender's, whoever set them: a `Host` of its own could lead a
    /// request with credentials to another tenant behind the same address.
    fn of(mut request: Unsigned) -> Self {
        drop_framing(&mut request.headers);
        if request.headers.contains_key(header::RANGE) {
            // A piece of a compressed file cannot be decoded.
            request.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        Self { request }
    }
}

/// Removes what the sender writes itself. Most requests have nothing of it, so the common way is one pass of reading.
fn drop_framing(headers: &mut HeaderMap) {
    while let Some(name) = headers.keys().find(|name| is_framing(name)).cloned() {
        headers.remove(name);
    }
}

/// Host and length, hop-by-hop fields (RFC 9110 section 7.6.1), and the content codings, which the client negotiates.
fn is_framing(name: &HeaderName) -> bool {
    [
        header::HOST,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
        header::ACCEPT_ENCODING,
        header::EXPECT,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRAILER,
        header::UPGRADE,
    ]
    .contains(name)
        || matches!(name.as_str(), "keep-alive" | "proxy-connection" | "http2-settings")
}
