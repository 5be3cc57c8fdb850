//! Headers: a value is refused, or it is one header that reads back as given.

use crate::request::{PLAN, hostile, request};
use keybearer_connector::call::{FaultKind, match_scheme};
use proptest::prelude::*;
use serde_json::{Map, json};

/// RFC 9110 section 5.5: neither line ends nor other control characters, a tab excepted.
fn is_field_value(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn parameters(value in prop_oneof![hostile(), any::<String>()]) {
        match request("items", "list", json!({"X-Trace": value})) {
            Ok(request) => {
                prop_assert!(!value.chars().any(char::is_control));
                prop_assert_eq!(request.headers["x-trace"].as_bytes(), value.as_bytes());
                let names: Vec<&str> = request.headers.keys().map(http::HeaderName::as_str).collect();
                prop_assert_eq!(names, ["x-trace"]);
            }
            Err(fault) => {
                prop_assert_eq!(fault.kind, FaultKind::InvalidParams);
                prop_assert!(value.chars().any(char::is_control));
            }
        }
    }

    /// What a user types as a credential cannot add a header, and is never rendered.
    #[test]
    fn credentials(token in hostile(), note in hostile()) {
        let given = Map::from_iter([("token".to_owned(), json!(token)), ("note".to_owned(), json!(note))]);
        let Ok((name, credential)) = match_scheme(&PLAN, None, &given) else { return Ok(()) };
        let Ok(attachment) = PLAN.scheme(&name).unwrap().attach(&credential) else {
            prop_assert!(!is_field_value(token.as_bytes()) || !is_field_value(note.as_bytes()));
            return Ok(());
        };
        prop_assert_eq!(attachment.headers.len(), 2);
        prop_assert!(attachment.headers.iter().all(|(_, value)| value.is_sensitive() && is_field_value(value.as_bytes())));
        for (header, value) in attachment.headers {
            let expected = if header == "x-note" { note.clone() } else { format!("Bearer {token}") };
            prop_assert_eq!(value.as_bytes(), expected.as_bytes());
        }
    }
}
