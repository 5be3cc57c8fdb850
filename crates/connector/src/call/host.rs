//! Which values may stand in a server URL, and which URLs a host pattern covers.
//!
//! Knows host names (RFC 1123 labels), origins and anchored patterns. Must not know operations or credentials.

use crate::plan::{HostPattern, ServerVariable};
use url::Url;

impl HostPattern {
    /// The URL's host and port are covered. The scheme is not looked at.
    pub fn matches(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let port = url.port_or_known_default();
        match self {
            Self::Exact(pattern) => match pattern.rsplit_once(':') {
                Some((name, wanted)) if !name.is_empty() && !name.ends_with(':') => {
                    host.eq_ignore_ascii_case(name) && wanted.parse().ok() == port
                }
                _ => host.eq_ignore_ascii_case(pattern) && port == Some(443),
            },
            Self::Suffix(suffix) => {
                port == Some(443) && is_below(host, suffix.trim_start_matches('*').trim_start_matches('.'))
            }
        }
    }
}

/// A host has one or more labels before `suffix`.
pub(super) fn is_below(host: &str, suffix: &str) -> bool {
    let (host, suffix) = (host.to_ascii_lowercase(), suffix.to_ascii_lowercase());
    !suffix.is_empty()
        && host
            .strip_suffix(&suffix)
            .and_then(|rest| rest.strip_suffix('.'))
            .is_some_and(|rest| !rest.is_empty())
}

/// Letters, digits and inner hyphens, 1 to 63 of them. Underscores are accepted: some providers use them.
pub(crate) fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Labels joined with dots, then perhaps a port.
pub(crate) fn is_host(text: &str) -> bool {
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    name.len() <= 253
        && name.split('.').all(is_label)
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// `text` as a whole fits the pattern; a pattern that does not compile fits nothing.
pub fn fits(pattern: &str, text: &str) -> bool {
    // Anchored here too, so that a definition that forgot `^` or `$` is stricter, never laxer.
    regex_lite::Regex::new(&format!("^(?:{pattern})$")).is_ok_and(|regex| regex.is_match(text))
        && !text.contains(['\n', '\r'])
}

/// A value may be given for a server variable; the text says what would be right.
pub(crate) fn check_variable(variable: &ServerVariable, value: &str) -> Result<(), String> {
    let name = &variable.name;
    if value.is_empty()
        || value.len() > 512
        || value.chars().any(|character| character.is_control() || character.is_whitespace())
    {
        return Err(format!("{name:?} must be a text of 1 to 512 characters without spaces"));
    }
    let value = &*super::given::listed(variable, value);
    if !variable.allowed.is_empty() && !variable.allowed.iter().any(|allowed| allowed == value) {
        return Err(format!("{name:?} must be one of {}", variable.allowed.join(", ")));
    }
    if let Some(pattern) = variable.pattern.as_deref().filter(|pattern| !fits(pattern, value)) {
        return Err(format!("{name:?} must match {pattern}"));
    }
    if variable.whole_origin {
        return check_origin(variable, value);
    }
    if variable.host_suffixes.is_empty() {
        return Ok(());
    }
    let url = Url::parse(&format!("https://{value}")).ok().filter(|_| is_host(value));
    let url = url.ok_or_else(|| format!("{name:?} must be a host name such as example.com"))?;
    check_suffixes(variable, &url)
}

/// A value that replaces scheme and host: an absolute http(s) URL with nothing but host, port and perhaps a path.
fn check_origin(variable: &ServerVariable, value: &str) -> Result<(), String> {
    let name = &variable.name;
    let url = Url::parse(value).ok().filter(is_plain).ok_or_else(|| {
        format!("{name:?} must be a URL such as https://example.com, without user, query or fragment")
    })?;
    check_suffixes(variable, &url)
}

/// The host is one of those that the definition names, or below one.
fn check_suffixes(variable: &ServerVariable, url: &Url) -> Result<(), String> {
    let name = &variable.name;
    let host = url.host_str().unwrap_or_default();
    let suffixes = &variable.host_suffixes;
    if suffixes.is_empty()
        || suffixes.iter().any(|suffix| host.eq_ignore_ascii_case(suffix) || is_below(host, suffix))
    {
        return Ok(());
    }
    Err(format!("the host of {name:?} must be {} or below", suffixes.join(" or ")))
}

/// An http or https URL with a host and neither user, query nor fragment.
pub(crate) fn is_plain(url: &Url) -> bool {
    matches!(url.scheme(), "https" | "http")
        && url.host_str().is_some_and(|host| !host.is_empty())
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_hosts_and_nothing_beside() {
        let url = |text: &str| Url::parse(text).unwrap();
        let exact = HostPattern::Exact("files.example.com".into());
        assert!(exact.matches(&url("https://FILES.example.com/x")));
        for evil in [
            "https://files.example.com.evil/",
            "https://xfiles.example.com",
            "https://files.example.com:8443",
            "http://files.example.com",
        ] {
            assert!(!exact.matches(&url(evil)), "{evil}");
        }
        assert!(HostPattern::Exact("127.0.0.1:9000".into()).matches(&url("http://127.0.0.1:9000/")));
        let suffix = HostPattern::Suffix("example.com".into());
        assert!(suffix.matches(&url("https://a.b.example.com/")));
        assert!(!suffix.matches(&url("https://example.com/")));
        assert!(!suffix.matches(&url("https://evilexample.com/")));
    }

    #[test]
    fn origins_stay_below_their_suffixes() {
        let variable = ServerVariable {
            name: "instance_url".into(),
            default: None,
            allowed: vec![],
            pattern: None,
            host_suffixes: vec!["salesforce.com".into()],
            from_token: true,
            whole_origin: true,
            rendering: None,
            description: None,
        };
        assert!(check_variable(&variable, "https://na1.salesforce.com").is_ok());
        for evil in [
            "https://salesforce.com.evil",
            "https://evilsalesforce.com",
            "https://u@na1.salesforce.com",
            "https://na1.salesforce.com?x",
            "na1.salesforce.com",
            "javascript:1",
            "https://na1.salesforce.com#x",
            "",
        ] {
            assert!(check_variable(&variable, evil).is_err(), "{evil}");
        }
    }

    #[test]
    fn hosts_stay_below_their_suffixes() {
        let variable = ServerVariable {
            host_suffixes: vec!["example.com".into()],
            ..crate::call::sample::server("https://{host}/api", "host").variables.remove(0)
        };
        assert!(check_variable(&variable, "git.example.com").is_ok());
        for evil in
            ["evil.net", "evilexample.com", "example.com.evil.net", "a@git.example.com", "evil/.example.com"]
        {
            assert!(check_variable(&variable, evil).is_err(), "{evil}");
        }
    }

    #[test]
    fn patterns_are_anchored() {
        assert!(fits("[0-9]+", "123"));
        assert!(!fits("[0-9]+", "123x"));
        assert!(!fits("^[0-9]+$", "123\n"));
        assert!(!fits("(", "("));
    }
}
