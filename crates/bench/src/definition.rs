//! The connector definition that the bench writes for its upstream.
//!
//! Knows the upstream's one operation. An ordinary list: bearer token, a page size, records taken out of an envelope,
//! a cursor for the next page.

use std::net::SocketAddr;

/// Name of the connector type.
pub(crate) const NAME: &str = "bench";
/// Name of the one with OAuth tokens.
pub(crate) const OAUTH_NAME: &str = "bench-oauth";

/// The document, as YAML.
pub(crate) fn document(upstream: SocketAddr) -> String {
    written(upstream, NAME, "6f0d9f5e-6a0f-4d53-9d0c-8c6a5f6f2b11", TOKEN)
}

/// The same with OAuth tokens that the upstream renews.
pub(crate) fn oauth_document(upstream: SocketAddr) -> String {
    let scheme = OAUTH.replace("UPSTREAM", &format!("http://{upstream}"));
    written(upstream, OAUTH_NAME, "6f0d9f5e-6a0f-4d53-9d0c-8c6a5f6f2b12", &scheme)
}

const TOKEN: &str = r#"
      type: http
      scheme: bearer
      x-airbyte-auth-config:
        title: Token
        type: object
        required: [token]
        properties:
          token: {type: string, title: Token, description: Any text., airbyte_secret: true}
        auth_mapping: {token: "${token}"}"#;

const OAUTH: &str = r#"
      type: oauth2
      flows:
        authorizationCode:
          authorizationUrl: UPSTREAM/authorize
          tokenUrl: UPSTREAM/token
          refreshUrl: UPSTREAM/token
          scopes: {}
      x-airbyte-token-refresh: {auth_style: basic, body_format: form}
      x-airbyte-auth-config:
        title: OAuth 2.0
        type: object
        required: []
        properties:
          access_token: {type: string, title: Access token, description: The access token., airbyte_secret: true}
          refresh_token: {type: string, title: Refresh token, description: The refresh token., airbyte_secret: true}
          client_id: {type: string, title: Client ID, description: The client that got the tokens.}
          client_secret: {type: string, title: Client secret, description: Its secret., airbyte_secret: true}
        auth_mapping:
          access_token: "${access_token}"
          refresh_token: "${refresh_token}"
          client_id: "${client_id}"
          client_secret: "${client_secret}""#;

fn written(upstream: SocketAddr, name: &str, id: &str, scheme: &str) -> String {
    format!(
        r"openapi: 3.1.0
info:
  title: Bench
  version: 1.0.0
  description: The fixed answers of the bench's upstream.
  x-airbyte-connector-name: {name}
  x-airbyte-connector-definition-id: {id}
servers:
  - url: http://{upstream}
security:
  - auth: []
components:
  securitySchemes:
    auth:{scheme}
  schemas:
    Contact:
      type: object
      description: A contact.
      x-airbyte-entity-name: contacts
      properties:
        id: {{type: string}}
        createdAt: {{type: string, format: date-time}}
        archived: {{type: boolean}}
        properties: {{type: object}}
    ContactPage:
      type: object
      description: A page of contacts.
      properties:
        results: {{type: array, items: {{$ref: '#/components/schemas/Contact'}}}}
        paging: {{type: object}}
paths:
  /contacts:
    get:
      summary: List contacts
      description: A page of contacts.
      operationId: listContacts
      x-airbyte-entity: contacts
      x-airbyte-action: list
      x-airbyte-record-extractor: $.results
      x-airbyte-meta-extractor:
        next_cursor: $.paging.next.after
      x-keybearer-pagination: {{cursor_param: after, cursor: $.paging.next.after, limit_param: limit}}
      parameters:
        - {{name: limit, in: query, description: Size of a page., schema: {{type: integer, minimum: 1, maximum: 500}}}}
        - {{name: after, in: query, description: Where to go on., schema: {{type: string}}}}
      responses:
        '200':
          description: Contacts.
          content:
            application/json:
              schema: {{$ref: '#/components/schemas/ContactPage'}}
"
    )
}

#[cfg(test)]
mod tests {
    use keybearer_connector::document::{Additions, load};
    use std::net::SocketAddr;

    #[test]
    fn both_documents_load() {
        let upstream = SocketAddr::from(([127, 0, 0, 1], 9));
        for document in [super::document(upstream), super::oauth_document(upstream)] {
            load(&document, &Additions::none()).unwrap();
        }
    }
}
