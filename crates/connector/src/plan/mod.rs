//! What a call needs from a definition: compiled, immutable, shared.
//!
//! Knows operations, parameters, hosts and authentication in our own words. Must not know the document format
//! they came from: no name that starts with `x-` stands in this folder, and nothing here parses YAML.

mod auth;
mod authority;
mod bounds;
mod operation;
mod path;
mod server;
mod template;

pub use auth::{
    AuthField, ClientAuth, Credential, Identity, OauthPlan, Placement, Refresh, Revocation, Scheme,
    SchemeKind, TokenBody, TokenError, Variable,
};
pub(crate) use authority::Authority;
pub use bounds::{Bounds, Format, Pattern};
pub use operation::{
    Action, Body, BodyField, Download, Extract, Fields, GraphqlBody, Location, MetaSource, NextCursor,
    Operation, Paging, ParamStyle, Parameter, ValueType,
};
pub use path::{JsonPath, Step};
pub use server::{Alias, Derived, HostPattern, Rendering, Server, ServerVariable};
pub use template::{PathTemplate, Piece, Template};

use std::collections::HashMap;
use std::time::Duration;

/// One compiled definition.
#[derive(Debug)]
pub struct Plan {
    /// Who this is.
    pub info: Info,
    /// Where operations go.
    pub server: Server,
    /// Hosts beside the server's own that operations may reach (downloads, next links).
    pub hosts: Vec<HostPattern>,
    /// Operations of one connector that may run at once in a process; none: the server's own bound.
    pub concurrency: Option<usize>,
    /// The ways to authenticate, in document order.
    pub schemes: Vec<Scheme>,
    /// All operations, in document order.
    pub operations: Vec<Operation>,
    /// Position in [`Plan::operations`] of the operation that the connector check calls.
    pub check: Option<usize>,
    /// Parameters that configuration fills where the caller gives none.
    pub scoping: Vec<Scoping>,
    /// Whose records give the values of which parameters.
    pub relationships: Vec<Relationship>,
    /// How an error looks that comes with HTTP 200.
    pub error_check: Option<ErrorCheck>,
    /// How GraphQL answers tell an error; none: they never do.
    pub graphql_errors: Option<GraphqlErrors>,
    /// Repeats of failed attempts.
    pub retry: Retry,
}

/// Names of a definition.
#[derive(Debug, Clone)]
pub struct Info {
    /// Lower-case name with `-`: `google-drive`.
    pub slug: String,
    /// `Google Drive`.
    pub display_name: String,
    /// UUID text.
    pub definition_id: String,
    /// Version of the definition.
    pub version: String,
}

/// A value that a check sends.
#[derive(Debug, Clone)]
pub enum CheckValue {
    /// Sent as it is.
    Literal(serde_json::Value),
    /// Rendered first.
    Template(Template),
}

/// A parameter filled from configuration.
#[derive(Debug, Clone)]
pub struct Scoping {
    /// The parameter.
    pub param: String,
    /// The configuration key.
    pub config_key: String,
    /// A template over `value`, `config`, `param`; none: the value itself.
    pub value_template: Option<Template>,
}

/// A parameter of one entity's operations takes a field of another entity's records.
#[derive(Debug, Clone)]
pub struct Relationship {
    /// The entity with the parameter.
    pub child: String,
    /// The parameter.
    pub param: String,
    /// The entity whose records have the value.
    pub parent: String,
    /// The field of those records, dotted where it lies deeper.
    pub key: String,
    /// Only records fit that have one of these values in each of these fields.
    pub filter: Vec<(String, Vec<serde_json::Value>)>,
}

/// An error inside a 2xx body.
#[derive(Debug, Clone)]
pub struct ErrorCheck {
    /// Top-level field that tells.
    pub field: String,
    /// The value that means an error.
    pub on_value: serde_json::Value,
    /// Field with the message or code.
    pub message_field: Option<String>,
    /// Provider codes with a meaning of their own.
    pub codes: HashMap<String, ErrorMeaning>,
}

/// GraphQL errors with HTTP 200: an answer that has some, and whose records are absent or null, is an error.
#[derive(Debug, Clone)]
pub struct GraphqlErrors {
    /// The list of errors.
    pub errors: JsonPath,
    /// The text that is told.
    pub message: JsonPath,
    /// The code that is looked up.
    pub code: JsonPath,
    /// Provider codes with a meaning of their own.
    pub codes: HashMap<String, ErrorMeaning>,
}

/// What a provider's code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorMeaning {
    /// Like HTTP 401.
    Authentication,
    /// Like HTTP 429.
    RateLimit,
    /// Like HTTP 404.
    NotFound,
    /// Like HTTP 422; the default.
    Rejected,
}

/// Repeats of failed attempts of idempotent operations.
#[derive(Debug, Clone)]
pub struct Retry {
    /// Tries in all, 1 to 3.
    pub max_attempts: u32,
    /// First delay; the server's setting where the definition is silent.
    pub initial_delay: Option<Duration>,
    /// Longest delay.
    pub max_delay: Duration,
    /// Factor from try to try.
    pub exponential_base: f64,
    /// Full jitter.
    pub jitter: bool,
    /// Statuses that are tried again.
    pub statuses: Vec<u16>,
    /// An attempt that got no answer in time is made again.
    pub on_timeout: bool,
    /// An attempt that could not connect, or whose connection broke, is made again.
    pub on_network_error: bool,
    /// Header with the provider's wish, usually `retry-after`.
    pub retry_after_header: String,
    /// How to read it.
    pub retry_after_format: RetryAfter,
}

/// Meaning of the retry header's number. HTTP dates are understood in every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// Seconds from now.
    Seconds,
    /// Milliseconds from now.
    Milliseconds,
    /// Seconds since 1970.
    UnixTimestamp,
}

impl Plan {
    /// The operation of an entity and action.
    pub fn operation(&self, entity: &str, action: Action) -> Option<&Operation> {
        self.operations.get(self.position(entity, action)?)
    }

    /// The position in [`Self::operations`]. A definition has some dozens of them: comparing is cheaper than hashing.
    pub fn position(&self, entity: &str, action: Action) -> Option<usize> {
        self.operations.iter().rposition(|operation| operation.action == action && operation.entity == entity)
    }

    /// The scheme of that name.
    pub fn scheme(&self, name: &str) -> Option<&Scheme> {
        self.schemes.iter().find(|scheme| scheme.name == name)
    }

    /// The scheme with an authorization code flow, if there is one.
    pub fn oauth(&self) -> Option<(&Scheme, &OauthPlan)> {
        self.schemes.iter().find_map(|scheme| match &scheme.kind {
            SchemeKind::Oauth2(oauth) if oauth.authorization_url.is_some() => Some((scheme, oauth.as_ref())),
            _ => None,
        })
    }
}
