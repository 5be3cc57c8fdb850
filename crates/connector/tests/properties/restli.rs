//! Queries in the encoding of Rest.li 2.0, read back by its rules: pairs between `&`, a name before the first `=`, both
//! percent-decoded.

use crate::request::{hostile, request};
use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use serde_json::{Value, json};

fn raw_pairs(params: Value) -> Vec<(String, String)> {
    let request = request("campaigns", "list", params).unwrap();
    assert_eq!(request.headers["x-restli-protocol-version"], "2.0.0");
    assert_eq!((request.url.path(), request.url.fragment()), ("/v1/campaigns", None));
    let query = request.url.query().unwrap_or_default();
    query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

proptest! {
    /// A plain value keeps nothing but commas, so that structure in it stays text.
    #[test]
    fn plain_values(value in hostile()) {
        prop_assume!(!value.starts_with('(') && !value.starts_with("List("));
        let sent = raw_pairs(json!({"odd &=(name)": value}));
        prop_assert_eq!(sent.len(), 1);
        prop_assert_eq!(decoded(&sent[0].0), "odd &=(name)");
        prop_assert_eq!(decoded(&sent[0].1), value);
        prop_assert!(!sent[0].1.contains(['(', ')', ':', '\'', '+']));
    }

    /// A complex value keeps its structure and what it encodes itself, and is still one value.
    #[test]
    fn complex_values(items in prop::collection::vec(hostile(), 0..4), record in any::<bool>()) {
        let items: Vec<String> = items.iter().map(|item| percent_encoding::utf8_percent_encode(item, percent_encoding::NON_ALPHANUMERIC).to_string()).collect();
        let value = if record {
            format!("({})", items.iter().map(|item| format!("k:{item}")).collect::<Vec<_>>().join(","))
        } else {
            format!("List({})", items.join(","))
        };
        prop_assert_eq!(raw_pairs(json!({"search": value})), vec![("search".to_owned(), value)]);
    }

    /// What only looks complex cannot add a pair either.
    #[test]
    fn broken_complex_values(rest in hostile(), other in hostile()) {
        let value = format!("List({rest}");
        let sent = raw_pairs(json!({"search": value, "odd &=(name)": other}));
        prop_assert_eq!(sent.len(), 2);
        // A `%` that stands before two digits is the caller's own encoding.
        let ours = percent_decode_str(&value).collect::<Vec<u8>>();
        prop_assert_eq!(percent_decode_str(&sent[0].1).collect::<Vec<u8>>(), ours);
    }
}
