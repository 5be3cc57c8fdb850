//! Which redirects are followed: GET and HEAD only, to the own origin or a listed host, three at most.
//!
//! Knows `Location` (RFC 9110 section 10.2.2). Must not send anything. Whether the next hop gets the credential is
//! decided anew from its origin.

use super::message::Unsigned;
use super::target::Target;
use http::header::{ACCEPT, LOCATION, RANGE};
use http::{HeaderMap, Method, StatusCode};
use url::Url;

/// Hops that are followed.
const MOST: u32 = 3;

/// The next hop.
pub(super) struct Hop {
    /// Where.
    pub(super) url: Url,
    /// With what; another origin gets neither the definition's nor the caller's headers.
    pub(super) headers: HeaderMap,
}

/// The answer sends us elsewhere.
pub(super) fn is_redirect(status: StatusCode, headers: &HeaderMap) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) && headers.contains_key(LOCATION)
}

/// The next hop, or why it is not followed.
pub(super) fn next(
    target: &Target,
    sent: &Unsigned,
    hops: u32,
    headers: &HeaderMap,
) -> Result<Hop, &'static str> {
    if !matches!(sent.method, Method::GET | Method::HEAD) {
        return Err("to a request that changes things; it is not followed");
    }
    if hops >= MOST {
        return Err("for the fourth time");
    }
    let location = headers
        .get(LOCATION)
        .and_then(|value| value.to_str().ok())
        .filter(|location| !location.contains('\\'));
    let mut url =
        location.and_then(|location| sent.url.join(location).ok()).ok_or("to an unreadable address")?;
    url.set_fragment(None);
    if !target.allows(&url) {
        return Err("to a host that the definition does not list");
    }
    let same = url.origin() == sent.url.origin();
    let kept = |name| sent.headers.get(&name).map(|value| (name, value.clone()));
    let headers =
        if same { sent.headers.clone() } else { [ACCEPT, RANGE].into_iter().filter_map(kept).collect() };
    Ok(Hop { url, headers })
}
