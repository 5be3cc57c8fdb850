//! Documents that say nothing beyond the published vocabulary: Keybearer supplies the rest, for their provider alone.

use crate::support::stage::Setup;
use crate::support::walk::{id, param};
use keybearer::core::catalog::compile;
use keybearer_connector::plan::NextCursor;
use serde_json::json;

/// A document as a publisher of connectors might write it.
fn published(name: &str, authorize: &str, token: &str) -> String {
    format!(
        r#"
openapi: 3.1.0
info: {{title: {name}, version: 1.0.0, x-airbyte-connector-name: {name}, x-airbyte-connector-definition-id: 3f7c2a1e-53b4-4d0a-9d1f-2b7c6a5e4d31}}
servers: [{{url: "https://api.linear.app"}}]
security: [{{oauth2: []}}]
components:
  securitySchemes:
    oauth2:
      type: oauth2
      flows: {{authorizationCode: {{authorizationUrl: "{authorize}", tokenUrl: "{token}", scopes: {{read: "", write: ""}}}}}}
paths:
  /things:
    get: {{x-airbyte-entity: things, x-airbyte-action: list, responses: {{"200": {{description: OK}}}}}}
"#
    )
}

const AUTHORIZE: &str = "https://linear.app/oauth/authorize";
const TOKEN: &str = "https://api.linear.app/oauth/token";

#[tokio::test(flavor = "multi_thread")]
async fn the_consent_url_of_a_published_document_is_what_its_provider_wants() {
    Setup::new()
        .definition(published("linear", AUTHORIZE, TOKEN))
        .each(async |stage| {
            let app = json!({"connector_type": "linear", "configuration": {"client_id": "i", "client_secret": stage.secrets.fresh("cs")}});
            stage.app.put("/oauth/credentials", &app).await.ok();
            let reply = stage.initiate_as(&stage.app, "linear", "w1", &json!({})).await;
            let answer = reply.ok();
            let url = answer["consent_url"].as_str().unwrap();
            stage.secrets.keep(&param(url, "state").unwrap());
            assert!(url.starts_with("https://linear.app/oauth/authorize?"), "{url}");
            assert_eq!(param(url, "scope").as_deref(), Some("read,write"));
            assert_eq!(param(url, "prompt").as_deref(), Some("consent"));
        })
        .await;
}

#[test]
fn another_endpoint_gets_nothing() {
    let known = compile(&published("linear", AUTHORIZE, TOKEN)).unwrap();
    assert!(known.supplied.iter().any(|supplied| supplied.pointer.ends_with("/x-keybearer-oauth")));
    for (name, authorize, token) in [
        ("linear", AUTHORIZE, "https://evil.example/oauth/token"),
        ("linear", "https://evil.example/oauth/authorize", TOKEN),
        ("linear", AUTHORIZE, "http://api.linear.app/oauth/token"),
        ("linear", AUTHORIZE, "https://api.linear.app:444/oauth/token"),
        ("linear", AUTHORIZE, "https://api.linear.app.evil.example/oauth/token"),
        ("other", AUTHORIZE, TOKEN),
    ] {
        let definition = compile(&published(name, authorize, token)).unwrap();
        assert_eq!(definition.supplied, [], "{name} {authorize} {token}");
        let (_, oauth) = definition.plan.oauth().unwrap();
        assert_eq!(oauth.scope_separator, " ");
        assert!(oauth.revocation.is_none() && oauth.authorize_params.is_empty());
    }
}

/// Clickup's document has no consent: its server decides.
#[test]
fn paging_is_supplied_to_the_providers_own_server_only() {
    let document = published("clickup-api", AUTHORIZE, TOKEN)
        .replace("x-airbyte-entity: things", "x-airbyte-entity: tasks")
        .replace("responses:", "parameters: [{name: page, in: query, schema: {type: integer}}], responses:");
    let paging = |server: &str| {
        let definition =
            compile(&document.replace("https://api.linear.app\"}]", &format!("{server}\"}}]"))).unwrap();
        definition.plan.operations[0].paging.as_ref().map(|paging| paging.next.clone())
    };
    assert!(matches!(paging("https://api.clickup.com"), Some(NextCursor::Page { first: 0 })));
    assert!(paging("https://api.clickup.com.evil.example").is_none());
}

/// An API key that ends with its data center, a region under the publisher's own name, and pages by the last record's id.
const KEYED: &str = r#"
openapi: 3.1.0
info:
  title: Keyed
  version: 1.0.0
  x-airbyte-connector-name: keyed
  x-airbyte-connector-definition-id: 5b7c2a1e-53b4-4d0a-9d1f-2b7c6a5e4d31
  x-airbyte-config-normalization: {rules: [{target: center, source: credentials.apikey, when_missing: false, transform: {type: suffix, delimiter: "-"}}]}
servers:
  - url: "{{UPSTREAM}}/{center}/{region}"
    variables: {center: {default: us1}, region: {description: Where the account is.}}
    x-airbyte-replication-environment-mapping: {area: {source: region, format: "{value}.keyed.example"}}
security: [{key: []}]
components:
  securitySchemes:
    key:
      type: http
      scheme: basic
      x-airbyte-auth-config:
        type: object
        required: [api_key]
        properties: {api_key: {type: string}}
        auth_mapping: {username: any, password: "${api_key}"}
        replication_auth_key_mapping: {credentials.apikey: api_key}
paths:
  /things:
    get:
      x-airbyte-entity: things
      x-airbyte-action: list
      x-airbyte-record-extractor: $.data
      x-airbyte-meta-extractor: {has_more: $.has_more}
      parameters:
        - {name: limit, in: query, schema: {type: integer}}
        - {name: starting_after, in: query, schema: {type: string}}
      responses: {"200": {description: OK}}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_tells_its_data_center_and_the_last_record_the_next_page() {
    Setup::new()
        .definition(KEYED)
        .each(async |stage| {
            stage.upstream.says(json!({"data": [{"id": "a"}, {"id": "b"}], "has_more": true}));
            let credentials = json!({"api_key": format!("{}-us21", stage.secrets.fresh("key"))});
            let more = json!({"environment": {"area": "north.keyed.example"}});
            let made = stage.import("keyed", "w1", &credentials, &more).await.ok();
            let page = stage.execute(&id(&made), "things", "list", &json!({})).await.ok();
            assert_eq!(page["connector_metadata"]["end_cursor"], "b");
            stage.upstream.says(json!({"data": [{"id": "c"}], "has_more": false}));
            let page = stage.execute(&id(&made), "things", "list", &json!({"cursor": "b"})).await.ok();
            assert_eq!(page["connector_metadata"]["has_next_page"], false);
            let targets: Vec<_> = stage.upstream.seen().into_iter().map(|asked| asked.target).collect();
            assert_eq!(targets, ["/us21/north/things", "/us21/north/things?starting_after=b"]);
        })
        .await;
}
