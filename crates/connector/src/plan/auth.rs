//! How a connector authenticates: schemes, credential forms, and what an OAuth provider wants.
//!
//! Knows names and places of credentials. Must not hold a definition's user's secret except in [`Credential`], which nothing prints.

use super::{JsonPath, Template};
use indexmap::IndexMap;
use secrecy::SecretString;

/// One way to authenticate.
#[derive(Debug, Clone)]
pub struct Scheme {
    /// Name in the document.
    pub name: String,
    /// What it does.
    pub kind: SchemeKind,
    /// The form a user fills.
    pub fields: Vec<AuthField>,
    /// Authentication key (`token`, `username`, `access_token`, …) to a `${field}` template.
    pub mapping: IndexMap<String, String>,
    /// Further headers, rendered over all mapped values and fields.
    pub headers: Vec<(http::HeaderName, Template)>,
}

/// What a scheme does with its values.
#[derive(Debug, Clone)]
pub enum SchemeKind {
    /// `Authorization: Bearer`.
    Bearer,
    /// `Authorization: Basic` (RFC 7617).
    Basic,
    /// A key under a name.
    ApiKey {
        /// Header or query name.
        name: String,
        /// Where.
        placement: Placement,
    },
    /// OAuth 2.
    Oauth2(Box<OauthPlan>),
}

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// In a header.
    Header,
    /// In the query.
    Query,
}

/// A field of a credential form.
#[derive(Debug, Clone)]
pub struct AuthField {
    /// Its name.
    pub name: String,
    /// Must be given.
    pub required: bool,
    /// Must not be shown.
    pub secret: bool,
    /// Title for people.
    pub title: Option<String>,
    /// Text for people.
    pub description: Option<String>,
    /// JSON Schema `format`.
    pub format: Option<String>,
    /// JSON Schema `pattern`.
    pub pattern: Option<String>,
}

/// How the client proves itself at the token endpoint (RFC 6749 section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// Id and secret in the body.
    Body,
    /// HTTP Basic, both form-encoded first.
    Basic,
    /// Id only, in the body.
    None,
}

/// Encoding of a token request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenBody {
    /// `application/x-www-form-urlencoded`.
    Form,
    /// JSON.
    Json,
}

/// What an OAuth provider wants.
#[derive(Debug, Clone)]
pub struct OauthPlan {
    /// Authorization endpoint; none: no consent flow (client credentials).
    pub authorization_url: Option<Template>,
    /// Token endpoint of the code exchange.
    pub token_url: Option<Template>,
    /// Declared scopes with their texts, in document order.
    pub scopes: IndexMap<String, String>,
    /// Between scopes.
    pub scope_separator: String,
    /// PKCE S256 is sent (RFC 7636).
    pub pkce: bool,
    /// Further parameters of the authorization request.
    pub authorize_params: Vec<(String, Template)>,
    /// Further parameters of the code exchange.
    pub token_params: Vec<(String, Template)>,
    /// Client authentication of the code exchange.
    pub client_auth: ClientAuth,
    /// Encoding of the code exchange.
    pub token_body: TokenBody,
    /// Paths in the token answer that differ from RFC 6749: field name to path.
    pub token_response: IndexMap<String, JsonPath>,
    /// An error inside a 200 answer.
    pub token_error: Option<TokenError>,
    /// `client_id` under another name.
    pub client_id_param: String,
    /// `client_secret` under another name.
    pub client_secret_param: String,
    /// `scope` under another name.
    pub scope_param: String,
    /// `code` in the callback under another name.
    pub code_param: String,
    /// Further callback values to keep as server variables, each with an anchored pattern.
    pub callback_params: IndexMap<String, String>,
    /// Whose account it is.
    pub identity: Option<Identity>,
    /// RFC 9207 issuer; when present the callback must carry it.
    pub issuer: Option<String>,
    /// How tokens are revoked.
    pub revocation: Option<Revocation>,
    /// How the access token is renewed; none: it is not.
    pub refresh: Option<Refresh>,
    /// Token answer fields that become server variables.
    pub token_extract: Vec<String>,
    /// Values that the user chooses before consent, beside the server's variables.
    pub variables: Vec<Variable>,
    /// Names whose values the definition itself limits: an enum, an anchored pattern, host suffixes, true or false.
    /// Only these may choose the host of an endpoint.
    pub bounded: Vec<String>,
    /// Header the access token goes in; `authorization` by default.
    pub header: http::HeaderName,
    /// Before the token in that header; `Bearer ` by default.
    pub prefix: String,
    /// Fields of an organization's OAuth app beyond `client_id` and `client_secret`: name, required, text.
    pub app_fields: Vec<AuthField>,
}

impl OauthPlan {
    /// A renewal sends the refresh token, not proofs that can be made again and again.
    pub fn renews_by_refresh_token(&self) -> bool {
        self.refresh.as_ref().is_none_or(|refresh| refresh.grant_type == "refresh_token")
    }
}

/// Renewal of an access token.
#[derive(Debug, Clone)]
pub struct Refresh {
    /// Endpoint.
    pub url: Template,
    /// Client authentication.
    pub client_auth: ClientAuth,
    /// Encoding.
    pub body: TokenBody,
    /// `refresh_token`, `client_credentials` or `urn:ietf:params:oauth:grant-type:jwt-bearer`.
    pub grant_type: String,
}

/// An error inside a 200 token answer.
#[derive(Debug, Clone)]
pub struct TokenError {
    /// Field that tells.
    pub field: String,
    /// The value that means an error.
    pub on_value: serde_json::Value,
    /// Field with the code.
    pub message_field: Option<String>,
}

/// Where the account's id and name are found.
#[derive(Debug, Clone)]
pub enum Identity {
    /// In the result of an operation of this plan.
    Operation {
        /// Entity.
        entity: String,
        /// Action.
        action: super::Action,
        /// Path of the id in the result.
        id: JsonPath,
        /// Path of the name in the result.
        name: Option<JsonPath>,
    },
    /// In the token answer.
    Token {
        /// Path of the id.
        id: JsonPath,
        /// Path of the name.
        name: Option<JsonPath>,
    },
}

/// How a token is revoked.
#[derive(Debug, Clone)]
pub struct Revocation {
    /// HTTP method; POST for RFC 7009.
    pub method: http::Method,
    /// Endpoint; `{refresh_token}`, `{access_token}` and `{client_id}` in the path are filled, percent-encoded.
    pub url: String,
    /// Client authentication.
    pub client_auth: ClientAuth,
    /// A JSON body with the same placeholders, instead of RFC 7009's form.
    pub json: Option<serde_json::Value>,
    /// The access token is sent as a bearer token instead of client authentication.
    pub bearer: bool,
}

/// A value that the user chooses before consent.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Name.
    pub name: String,
    /// Must be given.
    pub required: bool,
    /// `string` or `boolean`.
    pub boolean: bool,
    /// Used when not given.
    pub default: Option<serde_json::Value>,
    /// Accepted values; empty: all.
    pub allowed: Vec<String>,
    /// Anchored pattern.
    pub pattern: Option<String>,
    /// Text for people.
    pub description: Option<String>,
}

/// A user's opened credential for one scheme: authentication key to value (`token`, `username`, `password`, `api_key`,
/// `access_token`, `refresh_token`, `client_id`, `client_secret`, `credentials_json`), and fields used only in headers.
#[derive(Clone, Default)]
pub struct Credential {
    /// Values by key.
    pub values: IndexMap<String, SecretString>,
}
