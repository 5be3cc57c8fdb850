//! Errors inside answers with a good status.
//!
//! Knows how a definition says that an answer is an error. Must not know results: it is only told whether there is one.

use super::fault::{Fault, FaultKind};
use super::records::value_at;
use super::slice::{Kind, Match};
use super::{detail, json};
use crate::plan::{Body, ErrorCheck, ErrorMeaning, GraphqlErrors, JsonPath, Operation, Plan, Step};
use serde_json::Value;

/// How the answers of one operation tell an error.
pub(super) enum BodyError<'a> {
    /// A field with a value.
    Field(&'a ErrorCheck, Vec<JsonPath>),
    /// The `errors` of GraphQL.
    Graphql(&'a GraphqlErrors),
}

/// The ways that hold for an operation.
pub(super) fn of<'a>(plan: &'a Plan, operation: &Operation) -> Vec<BodyError<'a>> {
    let field = plan.error_check.as_ref().map(|check| BodyError::Field(check, field_paths(check)));
    let is_graphql = matches!(operation.body, Body::Graphql(_));
    let graphql = plan.graphql_errors.as_ref().filter(|_| is_graphql).map(BodyError::Graphql);
    field.into_iter().chain(graphql).collect()
}

/// Field, message and (Slack) the scopes that were needed.
fn field_paths(check: &ErrorCheck) -> Vec<JsonPath> {
    let path = |name: &str| JsonPath { steps: vec![Step::Name(name.to_owned())] };
    vec![path(&check.field), path(check.message_field.as_deref().unwrap_or_default()), path("needed")]
}

impl BodyError<'_> {
    /// What must be looked up, in this order.
    pub(super) fn paths(&self) -> Vec<&JsonPath> {
        match self {
            Self::Field(_, paths) => paths.iter().collect(),
            Self::Graphql(errors) => vec![&errors.errors, &errors.message, &errors.code],
        }
    }

    /// The error, if the answer is one. `first` is the position of the first of [`Self::paths`].
    pub(super) fn find(
        &self,
        text: &str,
        found: &[Match],
        first: usize,
        has_records: bool,
        provider: &str,
    ) -> Option<(ErrorMeaning, Fault)> {
        match self {
            Self::Field(check, _) => by_field(check, text, found, first, provider),
            Self::Graphql(errors) if !has_records => by_errors(errors, text, found, first, provider),
            Self::Graphql(_) => None,
        }
    }
}

fn by_field(
    check: &ErrorCheck,
    text: &str,
    found: &[Match],
    first: usize,
    provider: &str,
) -> Option<(ErrorMeaning, Fault)> {
    value_at(text, found, first).filter(|value| json::same(value, &check.on_value))?;
    let code = check.message_field.as_ref().and_then(|_| value_at(text, found, first + 1));
    let code = code.filter(|code| !json::is_blank(code)).map_or_else(
        || "unknown_error".to_owned(),
        |code| match code {
            Value::String(code) => code,
            other => detail::said(&other),
        },
    );
    let meaning = check.codes.get(&code).copied().unwrap_or(ErrorMeaning::Rejected);
    let missing_scopes = detail::scopes_in(value_at(text, found, first + 2).as_ref());
    Some((meaning, Fault { missing_scopes, ..fault(meaning, provider, &code) }))
}

fn by_errors(
    errors: &GraphqlErrors,
    text: &str,
    found: &[Match],
    first: usize,
    provider: &str,
) -> Option<(ErrorMeaning, Fault)> {
    let listed = found.iter().find(|found| found.path == first)?;
    if matches!(listed.kind, Kind::Null | Kind::Array { count: 0, .. }) {
        return None;
    }
    let message = value_at(text, found, first + 1).filter(|message| !json::is_blank(message));
    let message = message.map_or_else(
        || text.get(listed.range.clone()).unwrap_or_default().to_owned(),
        |message| json::text(&message),
    );
    let code = value_at(text, found, first + 2).map(|code| json::text(&code)).unwrap_or_default();
    let meaning = errors.codes.get(&code).copied().unwrap_or(ErrorMeaning::Rejected);
    Some((meaning, fault(meaning, provider, &message)))
}

fn fault(meaning: ErrorMeaning, provider: &str, said: &str) -> Fault {
    let kind = match meaning {
        ErrorMeaning::Authentication => FaultKind::Unauthorized,
        ErrorMeaning::RateLimit => FaultKind::UpstreamRateLimited,
        ErrorMeaning::NotFound => FaultKind::UpstreamNotFound,
        ErrorMeaning::Rejected => FaultKind::UpstreamRejected,
    };
    Fault::new(kind, format!("{provider} answered with an error: {}", detail::clean(said)))
}
