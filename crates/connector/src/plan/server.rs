//! Where a connector's operations go: the server URL, its variables, and the hosts they may reach.
//!
//! Knows URL templates and host patterns. Must not know operations.

/// The server of a definition.
#[derive(Debug, Clone)]
pub struct Server {
    /// URL with `{name}` placeholders.
    pub url: String,
    /// Its variables, in document order.
    pub variables: Vec<ServerVariable>,
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
    /// For a variable that is a whole origin: the host must be one of these or end with `.` and one of these.
    pub host_suffixes: Vec<String>,
    /// Filled from the token answer, not by the user.
    pub from_token: bool,
    /// The value replaces scheme and host (the URL is `{name}` or starts with it).
    pub whole_origin: bool,
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
