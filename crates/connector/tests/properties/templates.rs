//! Templates of a definition: values that look like templates stay as they are, and are rendered once.

use crate::request::{begin, hostile, request, result};
use keybearer_connector::call::Environment;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Hostile text with an expression in it.
fn expression() -> impl Strategy<Value = String> {
    let template = prop::sample::select(vec![
        "{{ 7*7 }}",
        "{{7*7}}",
        "{% if true %}49{% endif %}",
        "{# gone #}",
        "${token}",
        "{{ value }}",
        "{{ config }}",
        "{{ record }}",
        "{{ self }}",
        "{{",
        "}}",
    ]);
    (hostile(), template, hostile())
        .prop_map(|(before, template, after)| format!("{before}{template}{after}"))
}

proptest! {
    /// Parameters, wherever they stand.
    #[test]
    fn parameters(value in expression()) {
        let sent = request("items", "list", json!({"text": value})).unwrap();
        prop_assert_eq!(sent.url.query_pairs().next().unwrap().1, value.as_str());
        let sent = request("items", "update", json!({"text": value})).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Value>(&sent.body).unwrap(), json!({"text": value}));
    }

    /// Configuration goes through a template once; white space around it is not kept.
    #[test]
    fn configuration(value in expression()) {
        prop_assume!(!["", "None", "none", "null"].contains(&value.trim()));
        let environment = Environment([("account".to_owned(), json!(value))].into_iter().collect());
        let (_, sent) = begin(&environment, ("items", "list"), json!({})).unwrap();
        prop_assert_eq!(sent.url.query_pairs().next().unwrap(), ("owner".into(), value.trim().into()));
    }

    /// Records of a provider go through a template once.
    #[test]
    fn records(name in expression()) {
        let result = result("items", "list", &json!([{"name": name}]));
        prop_assert_eq!(result, json!([{"name": name, "label": name, "twice": format!("{name}{name}")}]));
    }
}
