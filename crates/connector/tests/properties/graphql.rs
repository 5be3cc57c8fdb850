//! GraphQL: values only ever become variables; a selection stays in its place.

use crate::request::{hostile, request, tree};
use keybearer_connector::call::FaultKind;
use proptest::prelude::*;
use serde_json::{Value, json};

const BEFORE: &str = "query ($q: String, $where: JSON) { notes(q: $q, where: $where) { nodes { ";
const AFTER: &str = " } } }";

fn body(params: Value) -> Value {
    serde_json::from_slice(&request("notes", "search", params).unwrap().body).unwrap()
}

proptest! {
    #[test]
    fn values_are_variables(q in hostile(), author in hostile(), value in tree()) {
        let body = body(json!({"q": q, "author": author, "where": value}));
        let variables = json!({"q": q, "where": value, "words": format!("in:{q} by:{author}")});
        prop_assert_eq!(body, json!({"query": format!("{BEFORE}id name{AFTER}"), "variables": variables}));
    }

    /// A caller's selection is refused, or the brackets around it are still the definition's.
    #[test]
    fn selections_stay_in_place(fields in prop::collection::vec("[a-c{}()\\[\\]\"\\\\#., \n:$@]{0,8}|[a-c.]{1,6}", 1..4)) {
        match request("notes", "search", json!({"fields": fields})) {
            Err(fault) => prop_assert_eq!(fault.kind, FaultKind::InvalidParams),
            Ok(sent) => {
                let body: Value = serde_json::from_slice(&sent.body).unwrap();
                let query = body["query"].as_str().unwrap();
                let selection = query.strip_prefix(BEFORE).and_then(|rest| rest.strip_suffix(AFTER)).unwrap();
                prop_assert_eq!(depth_at_end(selection), Some(0), "{}", query);
                prop_assert_eq!(depth_at_end(query), Some(0), "{}", query);
            }
        }
    }
}

/// Open brackets at the end, read by the lexical grammar of GraphQL; none where one is closed that was not opened, or where a
/// string does not end.
fn depth_at_end(text: &str) -> Option<usize> {
    let (mut depth, mut rest) = (0_usize, text);
    while let Some(first) = rest.chars().next() {
        let block = rest.strip_prefix("\"\"\"");
        rest = &rest[first.len_utf8()..];
        match first {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth = depth.checked_sub(1)?,
            '#' => rest = rest.find(['\n', '\r']).map_or("", |end| &rest[end..]),
            '"' if block.is_some() => {
                let block = block?.replace("\\\"\"\"", "xxxx");
                let end = block.find("\"\"\"")?;
                rest = &rest[2 + end + 3..];
            }
            '"' => loop {
                let next = rest.chars().next().filter(|next| !matches!(next, '\n' | '\r'))?;
                rest = &rest[next.len_utf8()..];
                match next {
                    '"' => break,
                    '\\' => rest = &rest[rest.chars().next()?.len_utf8()..],
                    _ => {}
                }
            },
            _ => {}
        }
    }
    Some(depth)
}
