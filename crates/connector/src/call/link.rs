//! Reads the `Link` header (RFC 8288).
//!
//! Knows targets and relations. Must not know paging.

use http::HeaderMap;
use http::header::LINK;

/// The target of the first link with that relation, as it stands in the header.
pub(super) fn find(headers: &HeaderMap, relation: &str) -> Option<String> {
    find_where(headers, relation, |_| true)
}

/// The same, unless the link itself says that nothing is there: `results="false"`.
pub(super) fn find_with_results(headers: &HeaderMap, relation: &str) -> Option<String> {
    find_where(headers, relation, |parameters| parameter(parameters, "results") != Some("false"))
}

fn find_where(headers: &HeaderMap, relation: &str, fits: impl Fn(&str) -> bool) -> Option<String> {
    let mut values = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    values.find_map(|value| find_in(value, relation, &fits))
}

fn find_in(header: &str, relation: &str, fits: impl Fn(&str) -> bool) -> Option<String> {
    let mut rest = header;
    loop {
        let (_, from) = rest.split_once('<')?;
        let (target, parameters) = from.split_once('>')?;
        let (parameters, next) = split(parameters, b',');
        if relations(parameters).any(|found| found.eq_ignore_ascii_case(relation)) && fits(parameters) {
            return Some(target.trim().to_owned());
        }
        rest = next;
    }
}

/// What stands before the separator, and what follows it. Separators in quotes do not count.
fn split(text: &str, separator: u8) -> (&str, &str) {
    let mut quoted = false;
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == separator && !quoted => {
                return (text.get(..index).unwrap_or_default(), text.get(index + 1..).unwrap_or_default());
            }
            _ => {}
        }
    }
    (text, "")
}

/// Values of the first `rel` parameter.
fn relations(parameters: &str) -> impl Iterator<Item = &str> {
    parameter(parameters, "rel").unwrap_or_default().split_ascii_whitespace()
}

/// The first parameter of that name, without quotes.
fn parameter<'a>(parameters: &'a str, wanted: &str) -> Option<&'a str> {
    let mut rest = parameters;
    while !rest.is_empty() {
        let (parameter, after) = split(rest, b';');
        match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case(wanted) => {
                return Some(value.trim().trim_matches('"'));
            }
            _ => rest = after,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn next(header: &str) -> Option<String> {
        find_in(header, "next", |_| true)
    }

    #[test]
    fn a_link_may_say_that_nothing_is_there() {
        let headers = |results: &str| {
            let link = format!(
                "<https://a/?cursor=0:100:0>; rel=\"next\"; results=\"{results}\"; cursor=\"0:100:0\""
            );
            HeaderMap::from_iter([(LINK, link.parse().unwrap())])
        };
        assert!(find_with_results(&headers("true"), "next").is_some());
        assert_eq!(find_with_results(&headers("false"), "next"), None);
        assert!(find(&headers("false"), "next").is_some());
    }

    #[test]
    fn quoted_unquoted_and_odd() {
        let header = "<https://a/prev?page=1>; rel=\"prev\", <https://a/items?page=3&per_page=2,4>; foo=\"b, c\"; rel=\"last next\"";
        assert_eq!(next(header).as_deref(), Some("https://a/items?page=3&per_page=2,4"));
        assert_eq!(find_in("</x>; rel=next", "NEXT", |_| true).as_deref(), Some("/x"));
        // A title may say anything, even what looks like parameters.
        assert_eq!(next("<a>; title=\"x; rel=next\"; rel=prev, <b>; rel=next").as_deref(), Some("b"));
        for none in ["", "<", "<a", "<a>", "a; rel=next", "<a>; rel=\"prev\""] {
            assert_eq!(next(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(header in "[<>;,=\" \\\\a-z]{0,40}") {
            let _ = next(&header);
        }
    }
}
