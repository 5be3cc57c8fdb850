//! Headers: what is given, else the default; the body's type where none is declared; credentials over all.

use crate::support::Document;
use bytes::Bytes;
use keybearer_connector::call::match_scheme;
use serde_json::{Map, json};

#[test]
fn given_values_else_defaults() {
    let list = Document::listing(
        "{name: X-Version, in: header, schema: {type: string, default: \"1\"}},
         {name: X-Flag, in: header, schema: {type: boolean}},
         {name: X-Ids, in: header, schema: {type: array, items: {type: integer}}},
         {name: Accept, in: header, schema: {type: string, default: application/vnd.notes+json}}",
    );
    for (params, sent) in [
        (json!({}), "accept: application/vnd.notes+json, x-version: 1"),
        (json!({"X-Version": null}), "accept: application/vnd.notes+json, x-version: 1"),
        (
            json!({"X-Version": "2", "X-Flag": true}),
            "accept: application/vnd.notes+json, x-flag: true, x-version: 2",
        ),
        (json!({"X-Ids": [1, 2]}), "accept: application/vnd.notes+json, x-ids: 1,2, x-version: 1"),
    ] {
        let headers = list.sends(params.clone()).headers;
        let mut lines: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        lines.sort_unstable();
        assert_eq!(lines.join(", "), sent, "{params}");
    }
}

#[test]
fn the_bodys_type_is_the_documents_unless_a_parameter_says_it() {
    let with = |parameters: &str| {
        let body = "requestBody: {content: {application/vnd.notes+json: {schema: {type: object, properties: {a: {}}}}}}";
        Document::new().with("POST /notes", "notes.create", &format!("{body}, parameters: [{parameters}]"))
    };
    let content_type = |document: &Document, params| {
        let sent = document.sends(params);
        let values: Vec<_> = sent.headers.get_all("content-type").iter().collect();
        values.iter().map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(content_type(&with(""), json!({"a": 1})), ["application/vnd.notes+json"]);
    assert!(content_type(&with(""), json!({})).is_empty(), "no body, no type");
    let own = with("{name: Content-Type, in: header, schema: {type: string, default: application/x-own}}");
    assert_eq!(content_type(&own, json!({"a": 1})), ["application/x-own"]);
}

/// A caller's header gives way to the credential's.
#[test]
fn credentials_come_last() {
    let mut document =
        Document::listing("{name: X-Client, in: header, schema: {type: string, default: caller}}");
    document.components = "  securitySchemes:
    token:
      type: http
      scheme: bearer
      x-airbyte-auth-config:
        title: Token
        type: object
        required: [token, client]
        properties: {token: {type: string}, client: {type: string}}
        auth_mapping: {token: \"${token}\"}
        additional_headers: {X-Client: \"{{ client }}\"}
"
    .to_owned();
    let mut sent = document.sends(json!({"X-Client": "given"}));
    assert_eq!(sent.headers["x-client"], "given");
    let given = Map::from_iter([("token".to_owned(), json!("t")), ("client".to_owned(), json!("mine"))]);
    let plan = document.loaded().plan;
    let (scheme, credential) = match_scheme(&plan, None, &given).unwrap();
    let attachment = plan.scheme(&scheme).unwrap().attach(&credential).unwrap();
    attachment.apply(&mut sent.url, &mut sent.headers, &mut Bytes::new());
    assert_eq!(sent.headers["x-client"], "mine");
    assert_eq!(sent.headers.get_all("x-client").iter().count(), 1);
    assert_eq!(sent.headers["authorization"], "Bearer t");
}
