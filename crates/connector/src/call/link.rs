//! Reads the `Link` header (RFC 8288).
//!
//! Knows targets and relations. Must not know paging.

use http::HeaderMap;
use http::header::LINK;

/// The target of the first link with that relation, as it stands in the header.
pub(super) fn find(headers: &HeaderMap, relation: &str) -> Option<String> {
    headers
        .get_all(LINK)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .find_map(|value| find_in(value, relation))
}

fn find_in(header: &str, relation: &str) -> Option<String> {
    let mut rest = header;
    loop {
        let (_, from) = rest.split_once('<')?;
        let (target, parameters) = from.split_once('>')?;
        let (parameters, next) = split_link(parameters);
        if relations(parameters).any(|found| found.eq_ignore_ascii_case(relation)) {
            return Some(target.trim().to_owned());
        }
        rest = next;
    }
}

/// Parameters of this link, and what follows the comma after them. Commas in quotes do not count.
fn split_link(text: &str) -> (&str, &str) {
    let mut quoted = false;
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                return (text.get(..index).unwrap_or_default(), text.get(index + 1..).unwrap_or_default());
            }
            _ => {}
        }
    }
    (text, "")
}

/// Values of the first `rel` parameter.
fn relations(parameters: &str) -> impl Iterator<Item = &str> {
    let rel = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("rel").then(|| value.trim().trim_matches('"'))
    });
    rel.unwrap_or_default().split_ascii_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quoted_unquoted_and_odd() {
        let header = "<https://a/prev?page=1>; rel=\"prev\", <https://a/items?page=3&per_page=2,4>; foo=\"b, c\"; rel=\"last next\"";
        assert_eq!(find_in(header, "next").as_deref(), Some("https://a/items?page=3&per_page=2,4"));
        assert_eq!(find_in("</x>; rel=next", "NEXT").as_deref(), Some("/x"));
        for none in ["", "<", "<a", "<a>", "a; rel=next", "<a>; rel=\"prev\""] {
            assert_eq!(find_in(none, "next"), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(header in "[<>;,=\" \\\\a-z]{0,40}") {
            let _ = find_in(&header, "next");
        }
    }
}
