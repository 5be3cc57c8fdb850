//! The connector definition that the bench writes for its upstream.
//!
//! Knows the upstream's one operation. An ordinary list: bearer token, a page size, records taken out of an envelope,
//! a cursor for the next page.

use std::net::SocketAddr;

/// Name of the connector type.
pub(crate) const NAME: &str = "bench";

/// The document, as YAML.
pub(crate) fn document(upstream: SocketAddr) -> String {
    format!(
        r#"openapi: 3.1.0
info:
  title: Bench
  version: 1.0.0
  description: The fixed answers of the bench's upstream.
  x-airbyte-connector-name: {NAME}
  x-airbyte-connector-definition-id: 6f0d9f5e-6a0f-4d53-9d0c-8c6a5f6f2b11
servers:
  - url: http://{upstream}
security:
  - bearerAuth: []
components:
  securitySchemes:
    bearerAuth:
      type: http
      scheme: bearer
      x-airbyte-auth-config:
        title: Token
        type: object
        required: [token]
        properties:
          token: {{type: string, title: Token, description: Any text., airbyte_secret: true}}
        auth_mapping: {{token: "${{token}}"}}
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
"#
    )
}
