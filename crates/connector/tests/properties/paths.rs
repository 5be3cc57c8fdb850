//! Paths: a value is refused, or it is exactly one segment that reads back as given.

use crate::request::{hostile, request};
use keybearer_connector::call::FaultKind;
use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use serde_json::{Value, json};

/// As a lenient server might read it: decoded again and again, white space and path parameters dropped.
fn climbs(segment: &str) -> bool {
    let mut text = segment.to_owned();
    for _ in 0..8 {
        let is_dots = |part: &str| {
            let part = part.split(';').next().unwrap();
            matches!(part.replace(|c: char| c.is_whitespace() || c.is_control(), "").as_str(), "." | "..")
        };
        if text.split(['/', '\\']).any(is_dots) {
            return true;
        }
        text = percent_decode_str(&text).decode_utf8_lossy().into_owned();
    }
    false
}

fn check(folder: &Value, item: &Value) -> Result<(), TestCaseError> {
    let request = match request("items", "get", json!({"folder": folder, "item": item})) {
        Ok(request) => request,
        Err(fault) => {
            prop_assert_eq!(fault.kind, FaultKind::InvalidParams);
            prop_assert!(
                fault
                    .errors
                    .iter()
                    .all(|error| ["/params/folder", "/params/item"].contains(&error.pointer.as_str()))
            );
            return Ok(());
        }
    };
    prop_assert!(request.credential);
    prop_assert_eq!(request.url.origin().ascii_serialization(), "https://api.example.com");
    prop_assert_eq!((request.url.query(), request.url.fragment()), (None, None));
    // Read once more by the parser that the sender uses: what it normalises must be nothing.
    let again: url::Url = request.url.as_str().parse().unwrap();
    prop_assert_eq!(&again, &request.url);
    let segments: Vec<&str> = again.path_segments().unwrap().collect();
    let [version, folders, folder_sent, items, item_sent] = segments[..] else {
        return Err(TestCaseError::fail(format!("{} segments in {again}", segments.len())));
    };
    prop_assert_eq!((version, folders, items), ("v1", "folders", "items"));
    prop_assert!(!climbs(folder_sent) && !climbs(item_sent), "{}", again);
    let item_sent = item_sent.strip_suffix(":copy").unwrap();
    for (sent, given) in [(folder_sent, folder), (item_sent, item)] {
        prop_assert_eq!(percent_decode_str(sent).decode_utf8().unwrap(), crate::request::text(given));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn hostile_texts(folder in hostile(), item in hostile()) {
        check(&json!(folder), &json!(item))?;
    }

    #[test]
    fn dots_in_disguise(folder in "(\\.|%2e|%2E|%252e|%25252e|/|%2f|\\\\|%5c|;|\\t| |%09|a){1,5}", item in "[a-z]{1,3}") {
        check(&json!(folder), &json!(item))?;
    }

    #[test]
    fn numbers_and_other_values(item in prop_oneof![any::<i64>().prop_map(Value::from), any::<bool>().prop_map(Value::from), Just(json!([".."])), Just(json!({"a": 1}))]) {
        check(&json!("f"), &item)?;
    }

    /// Ordinary ids are never refused.
    #[test]
    fn ordinary_ids(folder in "[A-Za-z0-9_=+:@-]{1,20}", item in "[A-Za-z0-9]{1,8}(/[A-Za-z0-9]{1,8}){0,2}") {
        let sent = request("items", "get", json!({"folder": folder, "item": item}));
        prop_assert!(sent.is_ok());
        check(&json!(folder), &json!(item))?;
    }
}
