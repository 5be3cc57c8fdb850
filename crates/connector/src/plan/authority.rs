//! Who decides the host of an endpoint's URL: the definition's own text, or values.
//!
//! Knows the parts of a URL template (RFC 3986 section 3.2). Must not know values, nor which of them are accepted.

use super::Template;

/// Second-level names under which a country's registry gives out domains: `co.uk` is nobody's own.
const REGISTRIES: [&str; 12] =
    ["ac", "co", "com", "edu", "gob", "gov", "govt", "ne", "net", "or", "org", "gen"];

/// The part of a URL template before its path.
pub(crate) struct Authority {
    /// Names from outside that take part in it, sorted.
    pub(crate) names: Vec<String>,
    /// What every host made from it ends with, `.example.com`; none when values decide the domain.
    pub(crate) suffix: Option<String>,
    /// It begins with an expression, which may stand for scheme and host.
    pub(crate) begins: bool,
}

impl Authority {
    /// Reads a template. What is not understood counts as decided by values.
    pub(crate) fn of(source: &str) -> Self {
        let source = source.trim();
        let begins = source.starts_with("{{");
        let names = |text: &str| Template { source: text.to_owned(), lenient: true }.names();
        if source.contains("{%") || source.contains("{#") {
            return Self { names: names(source), suffix: None, begins };
        }
        let (end, literal) = end(source);
        let before = source.get(..end).unwrap_or(source);
        Self { names: names(before), suffix: domain(&literal), begins }
    }

    /// Names that can move the endpoint to somebody else's host.
    pub(crate) fn open_names(&self) -> &[String] {
        if self.suffix.is_some() { &[] } else { &self.names }
    }
}

/// Where scheme and host end, as a byte offset, and the literal text between the last expression and there.
fn end(source: &str) -> (usize, String) {
    let mut position = 0;
    let mut literal = String::new();
    let mut in_host = false;
    while let Some(rest) = source.get(position..).filter(|rest| !rest.is_empty()) {
        if let Some(inside) = rest.strip_prefix("{{") {
            position += 2 + expression(inside);
            literal.clear();
        } else if let Some(scheme) = rest.strip_prefix("://").filter(|_| !in_host) {
            in_host = true;
            position = source.len() - scheme.len();
            literal.clear();
        } else {
            let character = rest.chars().next().unwrap_or_default();
            if matches!(character, '/' | '?' | '#' | '\\') {
                break;
            }
            literal.push(character);
            position += character.len_utf8();
        }
    }
    (position, literal)
}

/// The length of an expression with its closing braces; braces inside quotes do not close it.
fn expression(inside: &str) -> usize {
    let mut quote = None;
    let mut escaped = false;
    for (at, character) in inside.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if character == '\\' => escaped = true,
            Some(open) if open == character => quote = None,
            Some(_) => {}
            None if matches!(character, '"' | '\'') => quote = Some(character),
            None if inside.get(at..).is_some_and(|rest| rest.starts_with("}}")) => return at + 2,
            None => {}
        }
    }
    inside.len()
}

/// The domain at the end of a host's literal text, with the dot before it, if somebody owns it: at least two labels.
fn domain(literal: &str) -> Option<String> {
    let (host, _) = literal.split_once(':').unwrap_or((literal, ""));
    let (_, domain) = host.split_once('.')?;
    let labels: Vec<&str> = domain.split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let shared = matches!(labels.as_slice(), [second, top] if top.len() == 2 && REGISTRIES.contains(second));
    let named = labels.last().is_some_and(|top| top.bytes().all(|byte| byte.is_ascii_alphabetic()));
    (labels.len() >= 2 && labels.iter().all(is_label) && named && !shared)
        .then(|| format!(".{}", domain.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_labels_after_the_value_decide_the_host() {
        for (source, suffix) in [
            ("https://{{ shop }}.myshopify.com/admin?x={{ y }}", ".myshopify.com"),
            ("https://{{a}}.{{b}}.Example.com:8443", ".example.com"),
            ("https://{{ a }}-api.example.com/x", ".example.com"),
            ("https://{{ 'test' if x == '}}/' else 'login' }}.salesforce.com/a", ".salesforce.com"),
            ("https://{{ a }}.api.example.co.uk", ".api.example.co.uk"),
        ] {
            let authority = Authority::of(source);
            assert_eq!(authority.suffix.as_deref(), Some(suffix), "{source}");
            assert!(authority.open_names().is_empty(), "{source}");
        }
    }

    #[test]
    fn otherwise_values_do() {
        for source in [
            "https://{{ shop }}/token",
            "{{ shop }}/token",
            "{{- shop }}/token",
            "https://{{ shop }}",
            "https://{{ shop }}.com/token",
            "https://{{ shop }}.co.uk/token",
            "https://{{ shop }}example.com/token",
            "https://api.example.{{ shop }}/token",
            "https://api.example.com{{ shop }}/token",
            "https://{{ shop }}.0.0.1/token",
            "https://{{ shop }}..com/",
            "https://{{ shop ~ '/' }}?next=.example.com",
            "https://api.example.com/{% if shop %}x{% endif %}",
            "https://{% if shop %}evil{% endif %}.example.com",
        ] {
            assert_eq!(Authority::of(source).open_names(), ["shop"], "{source}");
        }
    }

    #[test]
    fn paths_and_queries_are_not_asked() {
        for source in [
            "https://api.example.com/{{ shop }}/token",
            "https://api.example.com?tenant={{ shop }}",
            "https://api.example.com/token?next=https://{{ shop }}",
        ] {
            assert!(Authority::of(source).names.is_empty(), "{source}");
        }
        assert_eq!(Authority::of("{{ a }}/x?next=https://{{ b }}").names, ["a"]);
        assert_eq!(Authority::of("{{ a }}://{{ b }}/{{ c }}").names, ["a", "b"]);
    }
}
