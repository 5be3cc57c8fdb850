//! Templates of a definition, compiled once: text with expressions, and paths with placeholders.
//!
//! Knows how to render them over given values, without I/O and with fuel. Must not know where values come from.
//! Rendered values are data: they are never rendered again.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use regex_lite::Regex;

/// A text with `{{ … }}` expressions (a Jinja subset).
#[derive(Debug, Clone)]
pub struct Template {
    /// Its source.
    pub source: String,
    /// Undefined names are empty text instead of an error.
    pub lenient: bool,
}

/// A path with `{name}` placeholders.
#[derive(Debug, Clone, Default)]
pub struct PathTemplate {
    /// Literals and placeholders in order.
    pub pieces: Vec<Piece>,
    /// What paths it makes; none: none.
    own: Option<Regex>,
}

/// A piece of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The definition's own text, percent-encoded as it is sent.
    Literal(String),
    /// The percent-encoded value of that parameter.
    Placeholder(String),
}

/// What may not stand in a path as it is; `%` may, so that a definition can write encoded text.
const NOT_IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'^')
    .add(b'|')
    .add(b'\\')
    .add(b'[')
    .add(b']');

impl Template {
    /// A checked template. `Err` says what the syntax error is.
    pub fn parse(source: &str, lenient: bool) -> Result<Self, String> {
        let environment = minijinja::Environment::empty();
        match environment.template_from_str(source) {
            Ok(_) => Ok(Self { source: source.to_owned(), lenient }),
            Err(error) => Err(error.detail().map_or_else(|| error.to_string(), str::to_owned)),
        }
    }

    /// The names that the template takes from outside, sorted.
    pub fn names(&self) -> Vec<String> {
        let environment = minijinja::Environment::empty();
        let Ok(template) = environment.template_from_str(&self.source) else { return Vec::new() };
        let mut names: Vec<String> = template.undeclared_variables(false).into_iter().collect();
        names.sort_unstable();
        names
    }

    /// The text has no expression: it renders to itself.
    pub fn is_literal(&self) -> bool {
        !["{{", "{%", "{#"].iter().any(|open| self.source.contains(open))
    }
}

impl Piece {
    /// A definition's own path text, `/` and sub-delimiters kept.
    fn literal(text: &str) -> Self {
        Self::Literal(utf8_percent_encode(text, NOT_IN_PATH).to_string())
    }
}

impl PathTemplate {
    /// Reads a path with `{name}` placeholders (names: letters, digits, `_`, `-`, `.`).
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Err(format!("the path {text:?} must start with /"));
        }
        if text.contains(['?', '#', '\\']) || text.chars().any(char::is_control) {
            return Err(format!("the path {text:?} must not hold ?, #, \\ or control characters"));
        }
        if text.to_ascii_lowercase().replace("%2e", ".").split('/').any(|part| matches!(part, "." | "..")) {
            return Err(format!("the path {text:?} must not hold . or .. between slashes"));
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                return Err(format!("a {{ is not closed in the path {text:?}"));
            };
            let valid = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
            if name.is_empty() || !name.chars().all(valid) {
                return Err(format!("{{{name}}} is no placeholder in the path {text:?}"));
            }
            if !literal.is_empty() {
                pieces.push(Piece::literal(literal));
            }
            pieces.push(Piece::Placeholder(name.to_owned()));
            rest = after;
        }
        if rest.contains('}') {
            return Err(format!("a }} is not opened in the path {text:?}"));
        }
        if !rest.is_empty() {
            pieces.push(Piece::literal(rest));
        }
        let own = Some(own(&pieces)?);
        Ok(Self { pieces, own })
    }

    /// The placeholders' texts in a path that this template makes: every placeholder is a part of one segment. A format
    /// (`.json`) or a slash may follow.
    pub fn values_in<'a>(&self, path: &'a str) -> Option<Vec<&'a str>> {
        let found = self.own.as_ref()?.captures(path)?;
        Some(found.iter().skip(1).flatten().map(|value| value.as_str()).collect())
    }

    /// Names of the placeholders, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Placeholder(name) => Some(name.as_str()),
            Piece::Literal(_) => None,
        })
    }
}

/// The paths of these pieces as one expression, with a group for each placeholder.
fn own(pieces: &[Piece]) -> Result<Regex, String> {
    let mut pattern = String::from("^");
    for piece in pieces {
        match piece {
            Piece::Literal(text) => pattern.push_str(&regex_lite::escape(text)),
            Piece::Placeholder(_) => pattern.push_str("([^/]+)"),
        }
    }
    let pattern = format!("{}(?:\\.json)?/?$", pattern.trim_end_matches('/'));
    Regex::new(&pattern).map_err(|error| format!("the path cannot be read back: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_placeholders() {
        let path = PathTemplate::parse("/users/(account={account},user={user})").unwrap();
        assert_eq!(path.placeholders().collect::<Vec<_>>(), ["account", "user"]);
        assert_eq!(path.pieces.len(), 5);
        for bad in ["users", "/a?b", "/{", "/{}", "/{a b}", "/a}", "/a#b", "/a\\b", "/a/../b", "/%2E/b"] {
            assert!(PathTemplate::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn paths_are_read_back() {
        let path = PathTemplate::parse("/adAccountUsers/(account={account})/a b:listX/{id}").unwrap();
        assert_eq!(path.pieces.first(), Some(&Piece::Literal("/adAccountUsers/(account=".into())));
        assert_eq!(
            path.values_in("/adAccountUsers/(account=1%2F2)/a%20b:listX/7.json"),
            Some(vec!["1%2F2", "7.json"])
        );
        assert_eq!(path.values_in("/adAccountUsers/(account=1/2)/a%20b:listX/7"), None);
        assert_eq!(PathTemplate::default().values_in(""), None);
    }

    #[test]
    fn template_syntax() {
        assert!(Template::parse("{{ a.split('/')[0] if '/' in a else none }}", false).is_ok());
        assert!(Template::parse("{{ a", false).is_err());
        assert_eq!(Template::parse("{{ a.b }}-{{ c }}", true).unwrap().names(), ["a", "c"]);
        assert!(Template::parse("https://example.com", true).unwrap().is_literal());
    }
}
