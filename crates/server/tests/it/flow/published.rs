//! Documents that say nothing beyond the published vocabulary: Keybearer supplies the rest, for their provider alone.

use crate::support::stage::Setup;
use crate::support::walk::param;
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
