//! Which keys each object of a definition may have: OpenAPI 3.1 and the extensions that this crate understands.
//!
//! Knows names only. Must not know what they mean.

/// An object kind: how it is called in messages, and its keys.
pub(super) struct Shape {
    /// `an operation`.
    pub(super) what: &'static str,
    /// Plain keys; any other is a mistake.
    pub(super) keys: &'static [&'static str],
    /// Extension keys that are understood here; others are accepted, near names of these are warned about.
    pub(super) extensions: &'static [&'static str],
}

macro_rules! shape {
    ($name:ident, $what:literal, [$($key:literal),* $(,)?], [$($extension:literal),* $(,)?]) => {
        pub(super) const $name: Shape = Shape { what: $what, keys: &[$($key),*], extensions: &[$($extension),*] };
    };
}

shape!(
    ROOT,
    "the document",
    [
        "openapi",
        "info",
        "servers",
        "security",
        "components",
        "paths",
        "tags",
        "externalDocs",
        "webhooks",
        "jsonSchemaDialect"
    ],
    ["x-keybearer-hosts", "x-keybearer-concurrency", "x-keybearer-validate"]
);
shape!(
    INFO,
    "info",
    ["title", "version", "summary", "description", "termsOfService", "contact", "license"],
    [
        "x-airbyte-connector-name",
        "x-airbyte-connector-display-name",
        "x-airbyte-connector-definition-id",
        "x-airbyte-external-documentation-urls",
        "x-airbyte-scoping",
        "x-airbyte-response-error-check",
        "x-keybearer-graphql-errors",
        "x-airbyte-retry-config",
        "x-airbyte-entity-relationships",
        "x-airbyte-config-normalization",
    ]
);
shape!(
    SERVER,
    "a server",
    ["url", "description", "variables", "name"],
    ["x-airbyte-replication-environment-mapping"]
);
shape!(
    SERVER_VARIABLE,
    "a server variable",
    ["default", "description", "enum"],
    ["x-keybearer-pattern", "x-keybearer-host-suffixes"]
);
shape!(
    COMPONENTS,
    "components",
    [
        "schemas",
        "securitySchemes",
        "responses",
        "parameters",
        "examples",
        "requestBodies",
        "headers",
        "links",
        "callbacks",
        "pathItems"
    ],
    []
);
shape!(
    PATH_ITEM,
    "a path",
    [
        "$ref",
        "summary",
        "description",
        "servers",
        "parameters",
        "get",
        "put",
        "post",
        "delete",
        "options",
        "head",
        "patch",
        "trace"
    ],
    []
);
shape!(
    OPERATION,
    "an operation",
    [
        "tags",
        "summary",
        "description",
        "externalDocs",
        "operationId",
        "parameters",
        "requestBody",
        "responses",
        "callbacks",
        "deprecated",
        "security",
        "servers"
    ],
    [
        "x-airbyte-entity",
        "x-airbyte-action",
        "x-airbyte-record-extractor",
        "x-airbyte-meta-extractor",
        "x-airbyte-path-override",
        "x-airbyte-record-transform",
        "x-airbyte-record-filter",
        "x-airbyte-file-url",
        "x-airbyte-upload-file-param",
        "x-airbyte-preferred-for-check",
        "x-airbyte-no-pagination",
        "x-keybearer-pagination",
    ]
);
shape!(
    PARAMETER,
    "a parameter",
    [
        "$ref",
        "name",
        "in",
        "description",
        "required",
        "deprecated",
        "allowEmptyValue",
        "style",
        "explode",
        "allowReserved",
        "schema",
        "example",
        "examples",
        "content"
    ],
    ["x-airbyte-param-config-inject", "x-airbyte-probe-default"]
);
shape!(
    REQUEST_BODY,
    "a request body",
    ["$ref", "description", "content", "required"],
    ["x-airbyte-body-type"]
);
shape!(MEDIA_TYPE, "a media type", ["schema", "example", "examples", "encoding"], []);
shape!(RESPONSE, "a response", ["$ref", "description", "headers", "content", "links"], []);
shape!(
    GRAPHQL,
    "x-airbyte-body-type",
    ["type", "query", "variables", "operationName", "default_fields", "nullable_variables"],
    ["x-airbyte-nullable-variables"]
);
shape!(
    SCHEME,
    "a security scheme",
    ["type", "description", "name", "in", "scheme", "bearerFormat", "flows", "openIdConnectUrl"],
    [
        "x-airbyte-auth-config",
        "x-airbyte-token-refresh",
        "x-airbyte-token-extract",
        "x-airbyte-oauth-credentials",
        "x-airbyte-oauth-scopes",
        "x-keybearer-oauth",
    ]
);
shape!(FLOWS, "flows", ["authorizationCode", "clientCredentials", "password", "implicit"], []);
shape!(FLOW, "an OAuth flow", ["authorizationUrl", "tokenUrl", "refreshUrl", "scopes"], []);
shape!(
    AUTH_CONFIG,
    "x-airbyte-auth-config",
    [
        "title",
        "type",
        "description",
        "required",
        "properties",
        "auth_mapping",
        "additional_headers",
        "replication_auth_key_mapping",
        "replication_auth_key_constants"
    ],
    []
);
shape!(
    FORM_FIELD,
    "a form field",
    [
        "type",
        "title",
        "description",
        "format",
        "pattern",
        "airbyte_secret",
        "default",
        "enum",
        "examples",
        "example",
        "const",
        "minLength",
        "maxLength",
        "order",
        "writeOnly"
    ],
    []
);
shape!(
    TOKEN_REFRESH,
    "x-airbyte-token-refresh",
    ["auth_style", "body_format", "header", "prefix", "grant_type"],
    []
);
shape!(
    OAUTH,
    "x-keybearer-oauth",
    [
        "scope_separator",
        "pkce",
        "authorize_params",
        "token_params",
        "client_auth",
        "token_body",
        "token_response",
        "token_error",
        "client_id_param",
        "client_secret_param",
        "scope_param",
        "code_param",
        "callback_params",
        "identity",
        "issuer",
        "revoke_url",
        "revoke",
        "variables"
    ],
    []
);
shape!(REVOKE, "revoke", ["url", "method", "client_auth", "json", "bearer"], []);
shape!(IDENTITY, "identity", ["entity", "action", "id", "name", "token"], []);
shape!(IDENTITY_TOKEN, "identity.token", ["id", "name"], []);
shape!(TOKEN_ERROR, "token_error", ["field", "on_value", "message_field"], []);
shape!(CALLBACK_PARAM, "a callback parameter", ["pattern", "description"], []);
shape!(
    VARIABLE,
    "a variable",
    ["type", "default", "description", "enum", "required", "pattern"],
    ["x-keybearer-pattern"]
);
shape!(
    PAGINATION,
    "x-keybearer-pagination",
    ["cursor_param", "cursor", "cursor_is", "first_page", "limit_param", "has_more", "default_limit"],
    []
);
shape!(SCOPING, "a scoping rule", ["param", "config_key", "value_template"], []);
shape!(
    RELATIONSHIP,
    "a relationship",
    [
        "source_entity",
        "target_entity",
        "foreign_key",
        "target_key",
        "cardinality",
        "description",
        "parent_record_filter"
    ],
    []
);
shape!(GRAPHQL_ERRORS, "x-keybearer-graphql-errors", ["errors", "message", "code", "codes"], []);
shape!(ERROR_CHECK, "x-airbyte-response-error-check", ["field", "on_value", "message_field", "codes"], []);
shape!(
    RETRY,
    "x-airbyte-retry-config",
    [
        "max_attempts",
        "initial_delay_seconds",
        "max_delay_seconds",
        "exponential_base",
        "jitter",
        "retry_on_status_codes",
        "retry_on_timeout",
        "retry_on_network_error",
        "retry_after_header",
        "retry_after_format"
    ],
    []
);
shape!(INJECT, "x-airbyte-param-config-inject", ["source", "map"], []);
shape!(PATH_OVERRIDE, "x-airbyte-path-override", ["path"], []);

/// Keywords of JSON Schema 2020-12 and OpenAPI 3.1.
pub(super) const SCHEMA_KEYWORDS: &[&str] = &[
    "$ref",
    "$id",
    "$anchor",
    "$comment",
    "$defs",
    "$schema",
    "$dynamicRef",
    "$dynamicAnchor",
    "type",
    "enum",
    "const",
    "default",
    "title",
    "description",
    "examples",
    "example",
    "deprecated",
    "readOnly",
    "writeOnly",
    "format",
    "pattern",
    "minLength",
    "maxLength",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "items",
    "prefixItems",
    "contains",
    "minContains",
    "maxContains",
    "minItems",
    "maxItems",
    "uniqueItems",
    "unevaluatedItems",
    "properties",
    "required",
    "additionalProperties",
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "dependentRequired",
    "dependentSchemas",
    "unevaluatedProperties",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "discriminator",
    "xml",
    "externalDocs",
    "nullable",
];
