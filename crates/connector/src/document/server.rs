//! Reads `servers` and `x-keybearer-hosts`: where operations go.
//!
//! Knows server URLs and variables. Must not know operations or credentials' values.

use super::credentials::CredentialNames;
use super::node::{Node, Value};
use super::pattern;
use super::reader::{Object, Reader};
use super::server_values;
use super::shape::{SERVER, SERVER_VARIABLE};
use crate::plan::{HostPattern, Server, ServerVariable};

pub(super) fn read<'d>(
    reader: &mut Reader<'d>,
    root: Object<'d>,
    credentials: &CredentialNames,
) -> Option<Server> {
    let servers = reader.list(root, "servers");
    let Some(node) = servers.first() else {
        let at = root.get("servers").unwrap_or(root.node);
        reader.error_hint(
            at,
            "the document names no server",
            "for example servers: [{url: \"https://api.example.com\"}]",
        );
        return None;
    };
    if let Some(second) = servers.get(1) {
        let hint = Some("use a variable in the first server's url instead".to_owned());
        reader.warn(second, "only the first server is used", hint);
    }
    let server = reader.object(node, &SERVER)?;
    let extracted = extracted_names(reader.root);
    let url = reader.required_text(server, "url", "\"https://api.example.com\"")?;
    let mut variables = Vec::new();
    if let Some(map) = reader.child_map(server, "variables", "variables") {
        for (name, entry) in map.map.iter() {
            let from_token = extracted.iter().any(|extracted| extracted == name);
            if credentials.has(name) {
                reader.error(
                    &entry.value,
                    format!("a server variable must not be named like the credential {name:?}"),
                );
            } else if let Some(variable) = variable(reader, name, &entry.value, url, from_token) {
                variables.push(variable);
            }
        }
    }
    check_url(reader, server, url, &variables);
    let aliases = server_values::aliases(reader, server, &mut variables, credentials);
    let derived = server_values::derived(reader.root, &variables);
    Some(Server { url: url.to_owned(), variables, aliases, derived })
}

/// Token answer fields and callback parameters that become variables, over all schemes.
fn extracted_names(root: &Node) -> Vec<String> {
    let schemes = root.get("components").and_then(|c| c.get("securitySchemes"));
    let mut names = Vec::new();
    for (_, scheme) in schemes.into_iter().flat_map(Node::entries) {
        let list =
            scheme.value.get("x-airbyte-token-extract").and_then(Node::as_sequence).unwrap_or_default();
        names.extend(list.iter().filter_map(Node::as_str).map(str::to_owned));
        let callback = scheme.value.get("x-keybearer-oauth").and_then(|oauth| oauth.get("callback_params"));
        names.extend(callback.into_iter().flat_map(Node::entries).map(|(name, _)| name.to_owned()));
    }
    names
}

fn variable<'d>(
    reader: &mut Reader<'d>,
    name: &str,
    node: &'d Node,
    url: &str,
    from_token: bool,
) -> Option<ServerVariable> {
    let object = reader.object(node, &SERVER_VARIABLE)?;
    let placeholder = format!("{{{name}}}");
    let whole_origin = url.starts_with(&placeholder);
    let whole = whole_origin || is_whole_host(url, &placeholder);
    if !url.contains(&placeholder) {
        reader.warn(node, format!("the server url does not use the variable {name:?}"), None);
    }
    let default = reader.text(object, "default").filter(|text| !is_example(text)).map(str::to_owned);
    let allowed: Vec<String> = reader.texts(object, "enum").into_iter().map(str::to_owned).collect();
    if let Some(default) = &default
        && !allowed.is_empty()
        && !allowed.contains(default)
        && let Some(at) = object.get("default")
    {
        let hint = Some(format!("one of {}", allowed.join(", ")));
        reader.warn(at, format!("the default {default:?} of the variable {name:?} is not in its enum"), hint);
    }
    let pattern = pattern::read(reader, object, "x-keybearer-pattern");
    let host_suffixes =
        host_suffixes(reader, object, name, default.as_deref(), (whole, from_token && whole_origin));
    let description = reader.text(object, "description").map(str::to_owned);
    Some(ServerVariable {
        name: name.to_owned(),
        default,
        allowed,
        pattern,
        host_suffixes,
        from_token,
        whole_origin,
        rendering: None,
        description,
    })
}

/// The placeholder is all of the url's host.
fn is_whole_host(url: &str, placeholder: &str) -> bool {
    let after = url.split_once("://").and_then(|(_, rest)| rest.strip_prefix(placeholder));
    after.is_some_and(|after| after.is_empty() || after.starts_with('/'))
}

/// A default that only shows the form of a value.
fn is_example(text: &str) -> bool {
    let text = text.trim().to_ascii_lowercase();
    text.contains(['{', '<'])
        || text.starts_with("your-")
        || text.starts_with("your_")
        || ["my-store", "orgname-accountname", "example.com", "example", ""].contains(&text.as_str())
}

fn host_suffixes<'d>(
    reader: &mut Reader<'d>,
    object: Object<'d>,
    name: &str,
    default: Option<&str>,
    (whole, needed): (bool, bool),
) -> Vec<String> {
    let mut suffixes = Vec::new();
    for node in reader.list(object, "x-keybearer-host-suffixes") {
        if !whole {
            let message = format!("{name:?} is only a part of the server url's host or path");
            let hint = "x-keybearer-host-suffixes is for a variable that is a whole host; use enum or x-keybearer-pattern";
            reader.error_hint(node, message, hint);
            break;
        }
        let Some(text) = reader.text_node(node, "a host suffix") else { continue };
        match HostPattern::parse(text) {
            Ok(HostPattern::Exact(host)) if host.contains('.') => suffixes.push(host),
            _ => reader.error_hint(node, format!("{text:?} is no host suffix"), "for example salesforce.com"),
        }
    }
    if needed && suffixes.is_empty() && object.get("x-keybearer-host-suffixes").is_none() {
        let derived = default.and_then(|d| url::Url::parse(d).ok()).and_then(|url| derived_suffix(&url));
        let message = format!("a token answer chooses the host of {name:?}");
        match derived {
            Some(suffix) => {
                let hint =
                    format!("hosts below {suffix} are accepted; say so with x-keybearer-host-suffixes");
                reader.warn(object.node, message, Some(hint));
                suffixes.push(suffix);
            }
            None => {
                reader.error_hint(
                    object.node,
                    message,
                    "name the hosts: x-keybearer-host-suffixes: [example.com]",
                );
            }
        }
    }
    suffixes
}

/// The domain around a default host: `login.salesforce.com` stands for hosts below `salesforce.com`.
/// Never a public suffix: with a short last-but-one name (`co.uk`) the host itself is kept.
fn derived_suffix(url: &url::Url) -> Option<String> {
    let host = match url.host()? {
        url::Host::Domain(domain) => domain,
        url::Host::Ipv4(address) => return Some(address.to_string()),
        url::Host::Ipv6(_) => return None,
    };
    let parent = host.split_once('.').map(|(_, parent)| parent).filter(|parent| {
        parent.split_once('.').is_some_and(|(name, rest)| name.len() > 3 || rest.contains('.'))
    });
    Some(parent.unwrap_or(host).to_owned())
}

fn check_url<'d>(reader: &mut Reader<'d>, server: Object<'d>, url: &str, variables: &[ServerVariable]) {
    let Some(at) = server.get("url") else { return };
    let mut filled = String::new();
    let mut rest = url;
    while let Some((literal, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            reader.error(at, "a { is not closed in the server url");
            return;
        };
        filled.push_str(literal);
        match variables.iter().find(|variable| variable.name == name) {
            Some(variable) if variable.whole_origin => filled.push_str("https://host.example"),
            Some(_) => filled.push_str("value"),
            None => {
                let names: Vec<&str> = variables.iter().map(|variable| variable.name.as_str()).collect();
                let message = format!("the server url uses the variable {name:?} that is not declared");
                let hint = match crate::spelling::nearest(name, names) {
                    Some(near) => format!("did you mean {near:?}?"),
                    None => format!("declare it: variables: {{{name}: {{description: …}}}}"),
                };
                reader.error_hint(at, message, hint);
                return;
            }
        }
        rest = after;
    }
    filled.push_str(rest);
    let hint = "an absolute https URL such as https://api.example.com/v1";
    match url::Url::parse(&filled) {
        Ok(parsed) if !matches!(parsed.scheme(), "https" | "http") || parsed.host_str().is_none() => {
            reader.error_hint(
                at,
                format!("the server url {url:?} has the scheme {:?}", parsed.scheme()),
                hint,
            );
        }
        Ok(parsed)
            if parsed.query().is_some()
                || parsed.fragment().is_some()
                || !parsed.username().is_empty()
                || parsed.password().is_some() =>
        {
            reader.error_hint(at, "the server url must have no query, fragment, user or password", hint);
        }
        Ok(_) => {}
        Err(why) => reader.error_hint(at, format!("the server url {url:?} is not usable: {why}"), hint),
    }
}

/// Hosts beside the server's own.
pub(super) fn hosts<'d>(reader: &mut Reader<'d>, root: Object<'d>) -> Vec<HostPattern> {
    let mut hosts = Vec::new();
    for node in reader.list(root, "x-keybearer-hosts") {
        if !matches!(node.value, Value::String(_)) {
            reader.error_hint(node, "a host must be text", "for example files.example.com or *.example.com");
            continue;
        }
        let Some(text) = node.as_str() else { continue };
        match HostPattern::parse(text) {
            Ok(host) => hosts.push(host),
            Err(why) => reader.error(node, why),
        }
    }
    hosts
}

/// The most that a definition may allow at once: it may lower the bound of the server, not raise it.
const CONCURRENCY_MAX: u64 = 64;

/// Operations of one connector at once.
pub(super) fn concurrency<'d>(reader: &mut Reader<'d>, root: Object<'d>) -> Option<usize> {
    const KEY: &str = "x-keybearer-concurrency";
    let given = reader.whole(root, KEY)?;
    if !(1..=CONCURRENCY_MAX).contains(&given) {
        if let Some(node) = root.get(KEY) {
            reader.error(node, format!("{KEY} must be 1 to {CONCURRENCY_MAX}"));
        }
        return None;
    }
    usize::try_from(given).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_of_default_hosts() {
        let suffix = |text: &str| derived_suffix(&url::Url::parse(text).unwrap()).unwrap();
        assert_eq!(suffix("https://login.salesforce.com"), "salesforce.com");
        assert_eq!(suffix("https://foo.co.uk"), "foo.co.uk");
        assert_eq!(suffix("https://api.foo.co.uk"), "foo.co.uk");
        assert_eq!(suffix("https://example.com"), "example.com");
        assert_eq!(suffix("http://127.0.0.1:81"), "127.0.0.1");
    }

    #[test]
    fn example_defaults_are_none() {
        assert!(
            ["{subdomain}", "your-site", "my-store", "Example.com", ""].iter().all(|text| is_example(text))
        );
        assert!(
            ["us1", "gitlab.com", "https://login.salesforce.com", "com"].iter().all(|text| !is_example(text))
        );
    }
}
