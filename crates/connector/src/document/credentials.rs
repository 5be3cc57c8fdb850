//! Which names stand for credential values, and where a definition must not use them.
//!
//! Knows names. Must not know values: there are none in a definition. A definition is untrusted, so a template that asks for
//! a token anywhere but in the authentication parts is refused before it could ever be rendered.

use super::node::Node;
use super::reader::Reader;
use crate::plan::Template;
use std::collections::BTreeSet;

/// Authentication keys that are secrets in every definition.
const ALWAYS: &[&str] = &[
    "access_token",
    "refresh_token",
    "id_token",
    "client_secret",
    "credentials_json",
    "password",
    "api_key",
];

/// Names of the credential values of one definition.
pub(super) struct CredentialNames(BTreeSet<String>);

impl CredentialNames {
    /// The names that are always secret, and the secret fields of the document's credential forms.
    pub(super) fn of(root: &Node) -> Self {
        let mut names: BTreeSet<String> = ALWAYS.iter().map(|name| (*name).to_owned()).collect();
        let schemes = root.get("components").and_then(|c| c.get("securitySchemes"));
        for (_, scheme) in schemes.into_iter().flat_map(Node::entries) {
            let form = scheme.value.get("x-airbyte-auth-config").and_then(|c| c.get("properties"));
            for (name, field) in form.into_iter().flat_map(Node::entries) {
                if is_secret(name, field.value.get("airbyte_secret").and_then(Node::as_bool)) {
                    names.insert(name.to_owned());
                }
            }
        }
        Self(names)
    }

    /// The name is a credential's.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// The first credential name that an expression in the text uses. Members of `record` are answers, not credentials.
    pub(super) fn used_in(&self, text: &str) -> Option<String> {
        let mut rest = text;
        while let Some(open) = ["{{", "{%"].iter().filter_map(|open| rest.find(open)).min() {
            let (_, inside) = rest.split_at(open + 2);
            let end =
                ["}}", "%}"].iter().filter_map(|close| inside.find(close)).min().unwrap_or(inside.len());
            let (expression, after) = inside.split_at(end);
            if let Some(found) = words(expression).find(|word| self.0.contains(*word)) {
                return Some(found.to_owned());
            }
            rest = after;
        }
        None
    }
}

/// A form field holds a secret: it says so, or is named like one.
pub(super) fn is_secret(name: &str, declared: Option<bool>) -> bool {
    declared.unwrap_or_else(|| {
        let name = name.to_ascii_lowercase();
        ["token", "secret", "password", "passphrase", "credential", "private"]
            .iter()
            .any(|p| name.contains(p))
            || name == "key"
            || name.ends_with("_key")
    })
}

/// Words of an expression, without those that follow `record.`.
fn words(expression: &str) -> impl Iterator<Item = &str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut position = 0;
    std::iter::from_fn(move || {
        let rest = expression.get(position..)?;
        let start = position + rest.find(is_word)?;
        let tail = expression.get(start..)?;
        let end = start + tail.find(|c| !is_word(c)).unwrap_or(tail.len());
        position = end;
        let before = expression.get(..start)?.trim_end();
        let word = if before.ends_with("record.") { "" } else { expression.get(start..end)? };
        Some(word)
    })
}

/// Which names a template may use.
pub(super) struct Scope<'a> {
    /// Where it stands, for messages.
    pub(super) place: &'a str,
    /// Names it may use.
    pub(super) names: &'a [&'a str],
    /// Credential values are allowed.
    pub(super) credentials: bool,
    /// Undefined names are empty text at run time.
    pub(super) lenient: bool,
}

/// Reads and checks a template. Literal text passes.
pub(super) fn template<'d>(
    reader: &mut Reader<'d>,
    node: &'d Node,
    credentials: &CredentialNames,
    scope: &Scope<'_>,
) -> Option<Template> {
    let text = reader.text_node(node, scope.place)?;
    let template = match Template::parse(text, scope.lenient) {
        Ok(template) => template,
        Err(why) => {
            reader.error(node, format!("{} is no valid template: {why}", scope.place));
            return None;
        }
    };
    if !scope.credentials
        && let Some(name) = credentials.used_in(text)
    {
        reader.error_hint(
            node,
            format!("{} uses the credential value {name:?}", scope.place),
            "credentials may stand only in auth_mapping, additional_headers and token parameters",
        );
        return None;
    }
    for name in template.names() {
        let known = scope.names.contains(&name.as_str()) || (scope.credentials && credentials.has(&name));
        if !known {
            reader.not_one_of(node, &format!("name in {}:", scope.place), &name, scope.names);
        }
    }
    Some(template)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_credential_names_in_expressions_only() {
        let names = CredentialNames(ALWAYS.iter().map(|n| (*n).to_owned()).collect());
        assert_eq!(names.used_in("{{ connection.refresh_token }}").as_deref(), Some("refresh_token"));
        assert_eq!(names.used_in("{{ config['client_secret'] }}").as_deref(), Some("client_secret"));
        assert_eq!(names.used_in("{% if password %}a{% endif %}").as_deref(), Some("password"));
        assert_eq!(names.used_in("the refresh_token is {{ record.id }}"), None);
        assert_eq!(names.used_in("{{ record.api_key }}"), None);
        assert_eq!(names.used_in("{{ my_refresh_token_name }}"), None);
    }

    #[test]
    fn secret_fields() {
        assert!(is_secret("api_token", None) && is_secret("api_key", None) && is_secret("KEY", None));
        assert!(
            !is_secret("username", None)
                && !is_secret("client_id", None)
                && !is_secret("api_key", Some(false))
        );
        assert!(is_secret("username", Some(true)));
    }
}
