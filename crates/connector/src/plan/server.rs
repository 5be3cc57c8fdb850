//! Where a connector's operations go: the server URL, its variables, and the hosts they may reach.
//!
//! Knows URL templates and host patterns. Must not know operations.

use super::Template;

/// The server of a definition.
#[derive(Debug, Clone, Default)]
pub struct Server {
    /// URL with `{name}` placeholders.
    pub url: String,
    /// Its variables, in document order.
    pub variables: Vec<ServerVariable>,
    /// Other names that callers may give variables under.
    pub aliases: Vec<Alias>,
    /// Variables that a credential tells.
    pub derived: Vec<Derived>,
}

/// Another name of a variable: `domain: acme.example.net` for the variable `subdomain: acme`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The name.
    pub name: String,
    /// The variable.
    pub variable: String,
    /// What stands before the variable's value there; may be left out.
    pub prefix: String,
    /// What stands after it; may be left out.
    pub suffix: String,
}

/// A variable that stands at the end of a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    /// The variable.
    pub variable: String,
    /// The credential form's field.
    pub field: String,
    /// What its value follows, the last time it occurs.
    pub delimiter: String,
}

/// How a given value becomes what stands in the URL.
#[derive(Debug, Clone)]
pub struct Rendering {
    /// Over `value`.
    pub template: Template,
    /// [`ServerVariable::allowed`] lists what is given. Otherwise it lists what stands in the URL, which may be given too.
    pub of_allowed: bool,
}

/// A variable of the server URL.
#[derive(Debug, Clone)]
pub struct ServerVariable {
    /// Name.
    pub name: String,
    /// Used when not given. A default that is itself a placeholder text (`{subdomain}`, `your-subdomain`) counts as none.
    pub default: Option<String>,
    /// Accepted values; empty: all.
    pub allowed: Vec<String>,
    /// Anchored pattern.
    pub pattern: Option<String>,
    /// For a variable that is a whole origin or a whole host: the host must be one of these or end with `.` and one of these.
    pub host_suffixes: Vec<String>,
    /// Filled from the token answer, not by the user.
    pub from_token: bool,
    /// The value replaces scheme and host (the URL is `{name}` or starts with it).
    pub whole_origin: bool,
    /// Given values that the URL spells otherwise.
    pub rendering: Option<Rendering>,
    /// Text for people.
    pub description: Option<String>,
}

/// A host that operations may reach beside the server's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPattern {
    /// Exactly this host (any port 443; with `host:port` that port).
    Exact(String),
    /// `*.example.com`: one or more labels before it.
    Suffix(String),
}

impl HostPattern {
    /// Reads `files.example.com`, `files.example.com:8443` or `*.example.com`. Hosts are lower-cased.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (host, suffix) = match text.strip_prefix("*.") {
            Some(host) => (host, true),
            None => (text, false),
        };
        let host = host.to_ascii_lowercase();
        let (name, port) = match host.split_once(':').filter(|(_, port)| !port.starts_with('/')) {
            Some((name, port)) => (name, Some(port)),
            None => (host.as_str(), None),
        };
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        if name.len() > 253 || !name.split('.').all(label) {
            return Err(format!("{text:?} is no host name; give a host such as files.example.com, no URL"));
        }
        if port.is_some_and(|port| port.parse::<u16>().map_or(true, |port| port == 0)) {
            return Err(format!("{text:?} has no valid port"));
        }
        if suffix && (!name.contains('.') || port.is_some()) {
            return Err(format!("{text:?} is too wide; at least two names must follow *., and no port"));
        }
        Ok(if suffix { Self::Suffix(host) } else { Self::Exact(host) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_patterns() {
        assert_eq!(
            HostPattern::parse("Files.example.com"),
            Ok(HostPattern::Exact("files.example.com".into()))
        );
        assert_eq!(HostPattern::parse("*.example.com"), Ok(HostPattern::Suffix("example.com".into())));
        assert_eq!(HostPattern::parse("localhost:81"), Ok(HostPattern::Exact("localhost:81".into())));
        for bad in ["", "https://a.b", "*.com", "*", "a..b", "a/b", "a:99999", "*.a.b:1", "a b"] {
            assert!(HostPattern::parse(bad).is_err(), "{bad}");
        }
    }
}
