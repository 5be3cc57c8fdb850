//! A token answer that names the server which the connector's operations go to.

use crate::support::stage::Setup;
use crate::support::upstream::json as answer;
use crate::support::walk::id;
use serde_json::json;

const DEFINITION: &str = r#"
openapi: 3.1.0
info:
  title: Many Homes
  version: 1.0.0
  x-airbyte-connector-name: many-homes
  x-airbyte-connector-definition-id: 5b3f0c68-7f0e-4a0e-8f53-3c8a9b1d2e44
servers:
  - url: "{instance_url}/v1"
    variables:
      instance_url: {default: "{{UPSTREAM}}"}
components:
  securitySchemes:
    oauth2:
      type: oauth2
      flows:
        authorizationCode:
          authorizationUrl: "{{UPSTREAM}}/authorize"
          tokenUrl: "{{UPSTREAM}}/token"
          refreshUrl: "{{UPSTREAM}}/token"
          scopes: {}
      x-airbyte-token-extract: [instance_url]
      x-airbyte-auth-config:
        title: OAuth
        type: object
        required: [refresh_token, client_id, client_secret]
        properties:
          refresh_token: {type: string, title: Refresh token, airbyte_secret: true}
          client_id: {type: string, title: Client id}
          client_secret: {type: string, title: Client secret, airbyte_secret: true}
        auth_mapping:
          refresh_token: "${refresh_token}"
          client_id: "${client_id}"
          client_secret: "${client_secret}"
paths:
  /items/{key}:
    get:
      x-airbyte-entity: items
      x-airbyte-action: get
      parameters: [{name: key, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: An item}}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_first_call_already_goes_to_the_server_that_the_token_answer_named() {
    Setup::new()
        .definition(DEFINITION)
        .each(async |stage| {
            let home = stage.other.url.clone();
            let token = stage.secrets.fresh("at");
            let given = json!({"access_token": token, "token_type": "Bearer", "instance_url": home});
            stage.upstream.answers(move |_| answer(200, &given));
            stage.other.says(json!({"key": "a"}));
            let credentials = json!({
                "refresh_token": stage.secrets.fresh("rt"),
                "client_id": "c",
                "client_secret": stage.secrets.fresh("cs"),
            });
            let made = stage.import("many-homes", "w1", &credentials, &json!({})).await.ok();
            // Wrong parameters cause no request at all, not even the renewal.
            stage.execute(&id(&made), "items", "get", &json!({})).await.fails(422, "invalid_params");
            assert!(stage.upstream.seen().is_empty());
            stage.execute(&id(&made), "items", "get", &json!({"key": "a"})).await.ok();
            let paths: Vec<String> = stage.upstream.seen().iter().map(|asked| asked.target.clone()).collect();
            assert_eq!(paths, ["/token"]);
            let asked = stage.other.seen();
            assert_eq!((asked.len(), asked[0].target.as_str()), (1, "/v1/items/a"));
        })
        .await;
}
