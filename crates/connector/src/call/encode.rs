//! Percent-encoding of what goes into URLs and forms.
//!
//! Knows RFC 3986, `application/x-www-form-urlencoded` and Rest.li's own rule. Must not know parameters.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Rest.li 2.0 complex values keep their structure.
const RESTLI_COMPLEX: &AsciiSet = &RESERVED.remove(b'(').remove(b')').remove(b':').remove(b',').remove(b'%');
/// Other Rest.li values keep commas only.
const RESTLI_PLAIN: &AsciiSet = &RESERVED.remove(b',');

/// A value in a path, or anywhere that keeps nothing but unreserved characters.
pub(crate) fn component(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_component(&mut out, text);
    out
}

/// Appends [`component`].
pub(crate) fn push_component(out: &mut String, text: &str) {
    out.extend(utf8_percent_encode(text, RESERVED));
}

/// A name or value of a form or query: like [`component`], with `+` for a space.
pub(crate) fn form_component(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_form_component(&mut out, text);
    out
}

fn push_form_component(out: &mut String, text: &str) {
    // A space is a part of its own, and a `%` of the text would be `%25`.
    out.extend(utf8_percent_encode(text, RESERVED).map(|part| if part == "%20" { "+" } else { part }));
}

/// `a=b&c=d`.
pub(crate) fn form<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut written = Pairs::new(false);
    pairs.into_iter().for_each(|(name, value)| written.push(name, value));
    written.text
}

/// A query or form that grows pair by pair.
#[derive(Debug)]
pub(crate) struct Pairs {
    /// What is written so far.
    pub(crate) text: String,
    restli: bool,
}

impl Pairs {
    /// Empty: `a=b&c=d`, or Rest.li's `a=b&c=List(d,e)`.
    pub(crate) const fn new(restli: bool) -> Self {
        Self { text: String::new(), restli }
    }

    /// Appends one pair.
    pub(crate) fn push(&mut self, name: &str, value: &str) {
        if !self.text.is_empty() {
            self.text.push('&');
        }
        if !self.restli {
            push_form_component(&mut self.text, name);
            self.text.push('=');
            return push_form_component(&mut self.text, value);
        }
        let complex = value.starts_with('(') || value.starts_with("List(");
        push_component(&mut self.text, name);
        self.text.push('=');
        self.text.extend(utf8_percent_encode(value, if complex { RESTLI_COMPLEX } else { RESTLI_PLAIN }));
    }
}

/// A value that a URL library or a server could read as `.` or `..`: raw or percent-encoded up to three times,
/// as a whole or as a part between slashes or backslashes.
pub(crate) fn climbs(text: &str) -> bool {
    let mut text = text.to_owned();
    for _ in 0..4 {
        if text.split(['/', '\\']).any(is_dots) {
            return true;
        }
        let decoded = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if decoded == text {
            return false;
        }
        text = decoded;
    }
    true
}

/// `.` or `..`, perhaps with white space, control characters or a path parameter (`;x`) that parsers drop.
fn is_dots(segment: &str) -> bool {
    let segment = segment.split(';').next().unwrap_or_default();
    let kept: String =
        segment.chars().filter(|character| !character.is_control() && !character.is_whitespace()).collect();
    matches!(kept.as_str(), "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_texts() {
        assert_eq!(component("a b/ü~-._"), "a%20b%2F%C3%BC~-._");
        assert_eq!(form([("a b", "c+d&e")]), "a+b=c%2Bd%26e");
        let mut restli = Pairs::new(true);
        for (name, value) in [("q", "List(urn%3Ali,b)"), ("x", "a,b (c)"), ("d", "(start:(year:2023))")] {
            restli.push(name, value);
        }
        assert_eq!(restli.text, "q=List(urn%3Ali,b)&x=a,b%20%28c%29&d=(start:(year:2023))");
    }

    #[test]
    fn dots_are_seen_through_encodings() {
        for bad in [
            ".",
            "..",
            "%2e%2e",
            "%2E.",
            "%252e%252e",
            "..%2f",
            "..\\",
            ".%09.",
            "a/../admin",
            "..;x",
            "%2525252e",
        ] {
            assert!(climbs(bad), "{bad}");
        }
        for good in ["a.b", "...", "v1.0", "x?y", "x#y", ".hidden", "100%", "%zz", ""] {
            assert!(!climbs(good), "{good}");
        }
    }

    proptest! {
        #[test]
        fn encoding_is_lossless_and_plain(text in any::<String>()) {
            let encoded = component(&text);
            prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)));
            prop_assert_eq!(percent_decode_str(&encoded).decode_utf8().unwrap(), text.as_str());
            let pairs: Vec<(String, String)> = url::form_urlencoded::parse(form([(text.as_str(), text.as_str())]).as_bytes()).into_owned().collect();
            prop_assert_eq!(pairs, vec![(text.clone(), text)]);
        }
    }
}
