//! Bodies: JSON, forms and multipart/related read back as what was given.

use crate::request::{hostile, request, text, tree};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use keybearer_connector::call::FaultKind;
use proptest::prelude::*;
use serde_json::{Value, json};

/// `name[key][0]` for each scalar.
fn flat(name: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(key, value)| flat(&format!("{name}[{key}]"), value, found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| flat(&format!("{name}[{index}]"), item, found));
        }
        scalar => found.push((name.to_owned(), text(scalar))),
    }
}

/// The parts of a multipart body as RFC 2046 section 5.1.1 reads it: headers and content of each.
fn parts(body: &Bytes, content_type: &str) -> Vec<(String, Vec<u8>)> {
    let boundary = content_type.strip_prefix("multipart/related; boundary=").unwrap();
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    let whole = [b"\r\n", body.as_ref()].concat();
    let mut pieces = Vec::new();
    let mut start = 0;
    for at in 0..whole.len() {
        if whole[at..].starts_with(&delimiter) {
            pieces.push(&whole[start..at]);
            start = at + delimiter.len();
        }
    }
    assert_eq!(&whole[start..], b"--\r\n", "the last delimiter closes");
    let inside = pieces[1..].iter().map(|piece| {
        let end = piece.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        (String::from_utf8(piece[2..end].to_vec()).unwrap(), piece[end + 4..].to_vec())
    });
    inside.collect()
}

/// Bytes in which delimiters could be read.
fn file() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20),
        prop::sample::select(vec![
            "\r\n--",
            "--",
            "\r\n\r\n",
            "\r\n--0000000000000000--\r\n",
            "Content-Type: text/html"
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn json_bodies(value in tree(), given in hostile()) {
        let sent = request("items", "update", json!({"deep": value, "text": given})).unwrap();
        prop_assert_eq!(&sent.headers[CONTENT_TYPE], "application/json");
        prop_assert_eq!(serde_json::from_slice::<Value>(&sent.body).unwrap(), json!({"deep": value, "text": given}));
    }

    #[test]
    fn forms(value in tree(), given in hostile()) {
        let sent = request("items", "create", json!({"deep": value, "text": given})).unwrap();
        prop_assert_eq!(&sent.headers[CONTENT_TYPE], "application/x-www-form-urlencoded");
        let mut expected = Vec::new();
        flat("deep", &value, &mut expected);
        flat("text", &json!(given), &mut expected);
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(&sent.body).into_owned().collect();
        prop_assert_eq!(pairs, expected);
        prop_assert!(sent.body.is_ascii());
    }

    #[test]
    fn uploads(file in file(), name in hostile(), kind in prop_oneof![Just("text/plain".to_owned()), hostile()]) {
        let params = json!({"name": name, "content": STANDARD.encode(&file), "file_mime_type": kind});
        let sent = match request("files", "create", params) {
            Ok(sent) => sent,
            Err(fault) => {
                prop_assert_eq!(fault.kind, FaultKind::InvalidParams);
                prop_assert!(kind.chars().any(char::is_control));
                return Ok(());
            }
        };
        let content_type = sent.headers[CONTENT_TYPE].to_str().unwrap();
        let [(metadata_head, metadata), (file_head, content)] = &parts(&sent.body, content_type)[..] else {
            return Err(TestCaseError::fail("not two parts"));
        };
        prop_assert_eq!(metadata_head, "Content-Type: application/json; charset=UTF-8");
        prop_assert_eq!(serde_json::from_slice::<Value>(metadata).unwrap(), json!({"name": name}));
        prop_assert_eq!(file_head, &format!("Content-Type: {kind}"));
        prop_assert_eq!(content, &file);
    }
}
