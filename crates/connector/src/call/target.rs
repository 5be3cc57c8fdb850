//! Where a connector's operations go: its server URL with all variables filled, checked once.
//!
//! Knows origins and host patterns. Must not know operations or credentials.

use super::environment::{Environment, default_of};
use super::{encode, given, host};
use crate::plan::{HostPattern, Plan, ServerVariable};
use url::Url;

/// A checked destination.
#[derive(Debug)]
pub struct Target {
    /// Scheme, host, port and path prefix (without a slash at its end, except for the bare root).
    pub base: Url,
    /// Hosts beside the base's own that may be reached, without credentials.
    pub hosts: Vec<HostPattern>,
    /// The values it was made from, over the definition's defaults.
    pub environment: Environment,
}

/// A variable keeps a target from being made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EnvironmentError {
    /// Its name; empty when the definition's URL itself is at fault.
    pub variable: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Target {
    /// Fills the server URL. The result's host is the definition's own but for the labels (or, where it says so, the
    /// origin) that variables stand for.
    pub fn new(plan: &Plan, environment: &Environment) -> Result<Self, EnvironmentError> {
        let environment = environment.with_defaults(plan);
        let text = fill(plan, &environment)?;
        let error = || EnvironmentError {
            variable: String::new(),
            message: "the definition's server URL is not an http or https URL".to_owned(),
        };
        let mut base = Url::parse(&text).ok().filter(host::is_plain).ok_or_else(error)?;
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        Ok(Self { base, hosts: plan.hosts.clone(), environment })
    }

    /// Scheme, host and port are the base's: the credential may go there.
    pub fn is_own_origin(&self, url: &Url) -> bool {
        // What `Url::origin` compares, without building it: the base is http or https, whose default ports are left out.
        url.scheme() == self.base.scheme()
            && url.host_str() == self.base.host_str()
            && url.port() == self.base.port()
            && url.username().is_empty()
            && url.password().is_none()
    }

    /// A request may go there at all: the own origin, or a listed host by https (or by the base's own scheme).
    pub fn allows(&self, url: &Url) -> bool {
        if !url.username().is_empty() || url.password().is_some() {
            return false;
        }
        let scheme = url.scheme() == "https" || (url.scheme() == "http" && self.base.scheme() == "http");
        self.is_own_origin(url) || (scheme && self.hosts.iter().any(|pattern| pattern.matches(url)))
    }

    /// The base as text that a path beginning with `/` can follow.
    pub(super) fn prefix(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }
}

/// The server URL with `{name}` replaced.
fn fill(plan: &Plan, environment: &Environment) -> Result<String, EnvironmentError> {
    let mut text = String::new();
    let mut rest = plan.server.url.as_str();
    while let Some((before, (name, after))) =
        rest.split_once('{').and_then(|(before, inside)| Some((before, inside.split_once('}')?)))
    {
        text.push_str(before);
        let wrong = |message: String| EnvironmentError { variable: name.to_owned(), message };
        let value = environment.text(name).ok_or_else(|| {
            wrong(format!("the variable {name:?} is needed: give it in the connector's environment"))
        })?;
        let value = match plan.server.variables.iter().find(|variable| variable.name == name) {
            Some(variable) => place(variable, &value, &text, after).map_err(wrong)?,
            None => encode::component(&value),
        };
        text.push_str(&value);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

/// A value as it may stand at this place of the URL.
fn place(variable: &ServerVariable, value: &str, before: &str, after: &str) -> Result<String, String> {
    let name = &variable.name;
    // A definition's own default needs no check: it may stand outside the values that callers can choose.
    if default_of(variable) == Some(value) {
        return Ok(value.trim_end_matches('/').to_owned());
    }
    host::check_variable(variable, value)?;
    let value = &*given::in_url(variable, value);
    if before.is_empty() {
        return if variable.whole_origin {
            Ok(value.trim_end_matches('/').to_owned())
        } else {
            Err(format!("the definition does not say that {name:?} is a whole URL"))
        };
    }
    if before.split_once("://").is_some_and(|(_, rest)| rest.contains('/')) {
        return if matches!(value, "." | "..") {
            Err(format!("{name:?} cannot be {value:?}"))
        } else {
            Ok(encode::component(value))
        };
    }
    let vouched = !variable.allowed.is_empty() || variable.pattern.is_some();
    let whole_host = before.ends_with("://") && (after.is_empty() || after.starts_with('/'));
    if host::is_label(value) || ((whole_host || vouched) && host::is_host(value)) {
        return Ok(value.to_owned());
    }
    Err(if whole_host {
        format!("{name:?} must be a host name such as example.com")
    } else {
        format!("{name:?} must be one part of a host name: letters, digits and hyphens")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::sample;
    use serde_json::json;

    fn target(url: &str, value: &str) -> Result<Target, EnvironmentError> {
        let mut plan = sample::plan(Vec::new());
        plan.server = sample::server(url, "shop");
        Target::new(&plan, &Environment([("shop".to_owned(), json!(value))].into_iter().collect()))
    }

    #[test]
    fn labels_hosts_and_paths() {
        assert_eq!(
            target("https://{shop}.myshopify.com/admin", "my-store").unwrap().base.as_str(),
            "https://my-store.myshopify.com/admin"
        );
        for evil in [
            "evil.com/",
            "evil.com#",
            "evil.com?",
            "a.b",
            "x@evil.com:443/",
            "evil.com\\",
            "",
            "%2e",
            "a b",
            &"a".repeat(64),
            "-a",
        ] {
            assert!(target("https://{shop}.myshopify.com/admin", evil).is_err(), "{evil}");
        }
        assert_eq!(
            target("https://{shop}/wp-json", "shop.example.com:8443").unwrap().base.as_str(),
            "https://shop.example.com:8443/wp-json"
        );
        assert!(target("https://{shop}/wp-json", "a/b").is_err());
        assert_eq!(
            target("https://api.example.com/{shop}/v1/", "a/b").unwrap().base.as_str(),
            "https://api.example.com/a%2Fb/v1"
        );
        assert!(target("https://api.example.com/{shop}/v1", "..").is_err());
    }

    #[test]
    fn only_its_own_origin_gets_credentials() {
        let target = target("https://{shop}.example.com/v1", "api").unwrap();
        let url = |text: &str| Url::parse(text).unwrap();
        assert!(target.is_own_origin(&url("https://api.example.com/other")));
        for other in [
            "https://api.example.com.evil/v1",
            "http://api.example.com/v1",
            "https://api.example.com:444/v1",
            "https://u@api.example.com/v1",
        ] {
            assert!(!target.is_own_origin(&url(other)), "{other}");
            assert!(!target.allows(&url(other)), "{other}");
        }
    }
}
