//! Queries in the styles of OpenAPI: what is sent reads back as what was given, in the caller's order, and nothing beside.

use crate::request::{hostile, request, text, tree};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The pairs as a server reads them; the rest of the URL is as the definition says.
fn pairs(params: Value) -> Vec<(String, String)> {
    let request = request("items", "list", params).unwrap();
    assert_eq!(request.url.origin().ascii_serialization(), "https://api.example.com");
    assert_eq!((request.url.path(), request.url.fragment()), ("/v1/items", None));
    assert!(request.credential && request.body.is_empty());
    request.url.query_pairs().into_owned().collect()
}

fn pair(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

/// `name[key]` for each scalar, lists repeated.
fn deep(name: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(key, value)| deep(&format!("{name}[{key}]"), value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| deep(name, item, found)),
        scalar => found.push(pair(name, text(scalar))),
    }
}

proptest! {
    #[test]
    fn texts_and_names(value in hostile(), other in any::<String>()) {
        let sent = pairs(json!({"odd &=[name]+": value, "text": other}));
        prop_assert_eq!(sent, vec![pair("odd &=[name]+", value), pair("text", other)]);
    }

    #[test]
    fn form_exploded(values in prop::collection::vec(hostile(), 0..5)) {
        let expected: Vec<_> = values.iter().map(|value| pair("repeat", value)).collect();
        prop_assert_eq!(pairs(json!({"repeat": values})), expected);
    }

    /// One pair for each list. Which comma, space or bar is a separator these styles themselves do not say (OpenAPI 3.1,
    /// "Style Examples"): values without one read back one by one.
    #[test]
    fn form_space_and_pipe_joined(values in prop::collection::vec(hostile(), 1..5)) {
        for (name, separator) in [("comma", ","), ("space", " "), ("pipe", "|")] {
            let sent = pairs(json!({name: values}));
            prop_assert_eq!(&sent, &[pair(name, values.join(separator))]);
            if values.iter().all(|value| !value.contains(separator)) {
                prop_assert_eq!(sent[0].1.split(separator).collect::<Vec<_>>(), values.clone());
            }
        }
    }

    #[test]
    fn deep_objects(members in prop::collection::vec(("[a-z &=+%é.]{1,5}", tree()), 1..4)) {
        let value = Value::Object(members.into_iter().collect());
        let mut expected = Vec::new();
        deep("deep", &value, &mut expected);
        prop_assert_eq!(pairs(json!({"deep": value})), expected);
    }
}
