//! The `Link` header: `relation`, a line break, then the header's value.
//!
//! Knows what a target may be. Must not know how headers are taken apart.
#![no_main]

use http::header::LINK;
use http::{HeaderMap, HeaderValue};
use keybearer_connector::call::fuzzing::link;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    let Some((relation, header)) = data.split_once('\n') else { return };
    let Ok(value) = HeaderValue::from_str(header) else { return };
    let found = link(&HeaderMap::from_iter([(LINK, value)]), relation);
    if let Some(target) = &found {
        assert!(header.contains(target.as_str()), "{target:?} does not stand in the header");
        assert!(!target.contains('>'), "{target:?} goes on behind its bracket");
        assert!(header.to_ascii_lowercase().contains(&relation.to_ascii_lowercase()));
    }
    // Links with other relations change nothing, wherever they stand: beside, or in a header of their own.
    let other = "<https://other.example/?a=1,2>; title=\"a, <b>; rel=\\\"c\\\"\"; rel=\"-other-\"";
    if relation.eq_ignore_ascii_case("-other-") {
        return;
    }
    let Ok(beside) = HeaderValue::from_str(&format!("{other}, {header}")) else { return };
    assert_eq!(link(&HeaderMap::from_iter([(LINK, beside)]), relation), found);
    let mut two = HeaderMap::new();
    two.append(LINK, HeaderValue::from_static("<https://other.example/>; rel=\"-other-\""));
    two.append(LINK, HeaderValue::from_str(header).unwrap());
    assert_eq!(link(&two, relation), found);
});
