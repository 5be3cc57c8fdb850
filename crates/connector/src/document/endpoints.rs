//! Reads the URLs of an OAuth provider's endpoints, and proves that no value can move them to another host.
//!
//! Knows which names may stand in them and which of these the definition limits. Must not know what is sent there.

use super::credentials::{Scope, template};
use super::node::Node;
use super::reader::{Object, Reader};
use super::scheme::Around;
use crate::plan::{Authority, Template, Variable};
use indexmap::IndexMap;

/// What the endpoints of one scheme may be made from.
pub(super) struct Endpoints<'a> {
    around: &'a Around<'a>,
    /// Names that exist before consent: variables, and the client's id.
    pub(super) names: Vec<String>,
    /// Those whose values the definition limits.
    pub(super) bounded: Vec<String>,
}

impl<'a> Endpoints<'a> {
    pub(super) fn new(
        around: &'a Around<'a>,
        variables: &[Variable],
        callback_params: &IndexMap<String, String>,
    ) -> Self {
        let server = around.server.map(|server| server.variables.as_slice()).unwrap_or_default();
        let limited = |variable: &&Variable| {
            variable.boolean || !variable.allowed.is_empty() || variable.pattern.is_some()
        };
        let own = variables.iter().filter(limited).map(|variable| variable.name.clone());
        let bounded = server
            .iter()
            .filter(|variable| {
                !variable.allowed.is_empty()
                    || variable.pattern.is_some()
                    || !variable.host_suffixes.is_empty()
                    || callback_params.contains_key(&variable.name)
            })
            .map(|variable| variable.name.clone());
        let bounded = own.chain(bounded).collect();
        let mut names: Vec<String> = variables.iter().map(|variable| variable.name.clone()).collect();
        names.extend(server.iter().map(|variable| variable.name.clone()));
        names.push("client_id".to_owned());
        Self { around, names, bounded }
    }

    /// The endpoint under a key.
    pub(super) fn template<'d>(
        &self,
        reader: &mut Reader<'d>,
        object: Object<'d>,
        key: &str,
    ) -> Option<Template> {
        let node = object.get(key)?;
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let place = format!("{key:?}");
        let scope = Scope { place: &place, names: &names, credentials: false, lenient: true };
        let template = template(reader, node, self.around.credentials, &scope)?;
        check_url(reader, node, key, &template.source);
        self.check_host(reader, node, key, &template);
        Some(template)
    }

    /// Client secrets, codes and tokens are sent there: the host must be the definition's choice, not its user's.
    fn check_host(&self, reader: &mut Reader<'_>, node: &Node, key: &str, template: &Template) {
        let authority = Authority::of(&template.source);
        let open = authority.open_names().iter();
        for name in open.filter(|name| self.names.contains(name) && !self.bounded.contains(name)) {
            reader.error_hint(
                node,
                format!("{key} lets the value of {name:?} choose the host"),
                format!(
                    "put a fixed domain after it (https://{{{{ {name} }}}}.example.com), or limit {name:?} where it is \
                     declared: enum, an anchored pattern, or x-keybearer-host-suffixes on a server variable"
                ),
            );
        }
    }
}

/// An endpoint must be an http(s) URL without fragment or user (RFC 6749 sections 3.1 and 3.2).
fn check_url(reader: &mut Reader<'_>, node: &Node, key: &str, text: &str) {
    let filled = without_expressions(text);
    if text.starts_with("{{") && !filled.contains("://") {
        return;
    }
    let hint = "an absolute https URL";
    match url::Url::parse(&filled) {
        Ok(url) if !matches!(url.scheme(), "https" | "http") => {
            reader.error_hint(node, format!("{key} has the scheme {:?}", url.scheme()), hint);
        }
        Ok(url) if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() => {
            reader.error_hint(node, format!("{key} must have no fragment, user or password"), hint);
        }
        Ok(_) => {}
        Err(why) => reader.error_hint(node, format!("{key} {text:?} is not usable: {why}"), hint),
    }
}

/// The text with `x` for each expression.
fn without_expressions(text: &str) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((literal, after)) = rest.split_once("{{") {
        filled.push_str(literal);
        filled.push('x');
        rest = after.split_once("}}").map_or("", |(_, after)| after);
    }
    filled + rest
}
