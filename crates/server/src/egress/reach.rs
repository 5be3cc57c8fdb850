//! Where the requests of one connector may go.
//!
//! Knows an origin and host patterns, and compares parsed URLs with them. Must not know addresses or credentials.

use keybearer_connector::plan::HostPattern;
use url::Url;

/// The origin that a connector's credentials belong to, and the further hosts that its requests may visit.
/// Made once per connector; checking a URL against it allocates nothing.
#[derive(Debug, Clone)]
pub struct Reach {
    base: Option<Origin>,
    others: Vec<HostPattern>,
}

impl Reach {
    /// The origin of `base`, and `others`. A base that is no `http` or `https` URL reaches nothing.
    pub fn new(base: &Url, others: &[HostPattern]) -> Self {
        let base = Origin::of(base);
        Self { others: if base.is_some() { others.to_vec() } else { Vec::new() }, base }
    }

    /// The origin of `url` and nothing else: for token and revocation endpoints.
    pub fn only(url: &Url) -> Self {
        Self::new(url, &[])
    }

    /// True when scheme, host and port equal the base's.
    pub(super) fn is_base(&self, url: &Url) -> bool {
        self.base.as_ref().is_some_and(|base| base.is_of(url))
    }

    /// True when one of the other hosts is meant. They are reached over `https`, or over the base's own scheme
    /// (a test provider has both on loopback); whether plain `http` may go there is decided by the address.
    pub(super) fn is_other(&self, url: &Url) -> bool {
        let scheme =
            url.scheme() == "https" || self.base.as_ref().is_some_and(|base| *base.scheme == *url.scheme());
        scheme && self.others.iter().any(|pattern| pattern.matches(url))
    }
}

/// Scheme, host and port (RFC 6454 section 4), in the URL parser's normal form.
#[derive(Debug, Clone)]
struct Origin {
    scheme: Box<str>,
    host: Box<str>,
    port: u16,
}

impl Origin {
    fn of(url: &Url) -> Option<Self> {
        let scheme = url.scheme();
        if scheme != "https" && scheme != "http" {
            return None;
        }
        Some(Self { scheme: scheme.into(), host: url.host_str()?.into(), port: url.port_or_known_default()? })
    }

    fn is_of(&self, url: &Url) -> bool {
        url.port_or_known_default() == Some(self.port)
            && url.host_str() == Some(&self.host)
            && url.scheme() == &*self.scheme
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn the_base_is_one_origin() {
        let reach = Reach::only(&url("https://api.example.com/v1/"));
        for own in
            ["https://api.example.com/x", "https://API.example.com:443/", "https://api.example.com./.."]
        {
            let own = url(own);
            assert_eq!(reach.is_base(&own), !own.as_str().contains("com./"), "{own}");
        }
        for foreign in [
            "http://api.example.com/",
            "https://api.example.com:8443/",
            "https://api.example.com:22/",
            "https://example.com/",
            "https://api.example.com.evil.test/",
            "https://evil.test/api.example.com",
            "https://api.example.com@evil.test/",
            "https://xapi.example.com/",
        ] {
            assert!(!reach.is_base(&url(foreign)), "{foreign}");
            assert!(!reach.is_other(&url(foreign)), "{foreign}");
        }
    }

    #[test]
    fn other_hosts_need_tls_or_the_scheme_of_the_base() {
        let others =
            [HostPattern::Exact("files.example.com".to_owned()), HostPattern::Suffix("cdn.test".to_owned())];
        let secure = Reach::new(&url("https://api.example.com"), &others);
        assert!(secure.is_other(&url("https://files.example.com/a")));
        assert!(secure.is_other(&url("https://eu.cdn.test/a")));
        for refused in [
            "http://files.example.com/",
            "https://files.example.com:22/",
            "https://cdn.test/",
            "https://acdn.test/",
        ] {
            assert!(!secure.is_other(&url(refused)), "{refused}");
        }
        let local = [HostPattern::Exact("127.0.0.1:9001".to_owned())];
        assert!(Reach::new(&url("http://127.0.0.1:9000"), &local).is_other(&url("http://127.0.0.1:9001/f")));
    }

    #[test]
    fn a_base_without_origin_reaches_nothing() {
        let others = [HostPattern::Exact("files.example.com".to_owned())];
        let reach = Reach::new(&url("data:text/plain,x"), &others);
        assert!(!reach.is_base(&url("data:text/plain,x")));
        assert!(!reach.is_other(&url("https://files.example.com/a")));
    }
}
