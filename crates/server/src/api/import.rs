//! `POST /integrations/connectors/import` and `GET …/export`: connectors as JSON lines.
//!
//! Knows the fields of a line, in the API and on the command line. Must not know what is stored. No answer and no error
//! repeats a credential.

use super::body::{Fields, Lines, TEXT_MAX, TYPE_NAMES};
use super::flows::connector_name;
use super::problem::status_and_code;
use super::query::Query;
use super::{Answer, App, answer, schema};
use crate::core::access::Caller;
use crate::core::connectors;
use crate::core::error::{Error, FieldError, Kind, Result};
use crate::core::import::{self, Imported, Line};
use crate::store::{ConnectorFilter, ConnectorView};
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header;
use serde_json::{Value, json};

/// Lines of one request.
const LINES_MAX: usize = 1000;
/// Wrong lines that one refusal names.
const TOLD_MAX: usize = 100;
const PAGE: i64 = 1000;
const KEY_MAX: usize = 250;
const KNOWN: &str = "`workspace_name`, `connector_type`, `name`, `environment`, `auth_scheme`, `credentials`, `import_key` and their aliases";

/// Import connectors
///
/// JSON lines, at most 1,000 in 4 MiB, each a connector by credentials: `{"workspace_name", "connector_type", "name"?,
/// "environment"?, "auth_scheme"?, "credentials": {…}, "import_key"?}`. OAuth tokens are imported as at a create. Nothing is
/// called at a provider.
///
/// All lines are checked first: where one is wrong, nothing is stored, and the refusal names each by its number. A line whose `import_key`
/// a live connector of the organization has is `existing`, and that connector stays as it is: the same file can be sent again.
#[utoipa::path(
    post,
    path = "/api/v1/integrations/connectors/import",
    tag = "Connectors",
    operation_id = "importConnectors",
    params(schema::import::ImportQuery),
    request_body(content = String, content_type = "application/x-ndjson"),
    responses(
        (status = 200, description = "What became of each line.", body = schema::import::ImportReport),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid", "conflict"]))),
)]
pub(super) async fn import(
    State(app): State<App>,
    caller: Caller,
    Query(mut fields): Query,
    Lines(text): Lines,
) -> Answer {
    let modes = [("true", true), ("false", false)];
    let dry_run = fields.choice("dry_run", &modes).unwrap_or(false);
    fields.finish()?;
    let lines = numbered(&text)?;
    let mut results = Vec::new();
    let mut wrong = Vec::new();
    for (number, line) in &lines {
        let checked = match read_line(&app, line) {
            Ok(line) => import::check(&app, &caller, line).await,
            Err(error) => Err(error),
        };
        match checked {
            Ok(imported) => results.push(told(*number, &imported)),
            // The database, not the line.
            Err(error) if status_and_code(error.kind).0.is_server_error() => return Err(error),
            Err(error) => {
                results.push(refused(*number, &error));
                wrong.extend(named(*number, error));
            }
        }
    }
    if dry_run || wrong.is_empty() {
        if !dry_run {
            results.clear();
            for (number, line) in &lines {
                let line = read_line(&app, line)?;
                results.push(told(*number, &import::store(&app, &caller, line).await?));
            }
        }
        let count = |status: &str| results.iter().filter(|result| result["status"] == status).count();
        return answer::ok(json!({
            "dry_run": dry_run,
            "total": results.len(),
            "created": count("created"),
            "existing": count("existing"),
            "valid": count("valid"),
            "invalid": count("invalid"),
            "results": results,
        }));
    }
    wrong.truncate(TOLD_MAX);
    Err(Error::invalid(wrong))
}

/// Lines with something on them, by number from 1.
fn numbered(text: &str) -> Result<Vec<(usize, &str)>> {
    let lines: Vec<(usize, &str)> =
        (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()).collect();
    match lines.len() {
        0 => Err(Error::field("lines", "missing", "the body has no line; one JSON object a line is wanted")),
        count if count > LINES_MAX => Err(Error::field(
            "lines",
            "too_long",
            format!("must be at most {LINES_MAX}, not {count}; send several files"),
        )),
        _ => Ok(lines),
    }
}

/// Reads one line, for the command line too.
pub fn read_line(app: &App, line: &str) -> Result<Line> {
    let value: Value = serde_json::from_str(line)
        .map_err(|error| Error::new(Kind::Invalid, format!("is not JSON at column {}", error.column())))?;
    let Value::Object(map) = value else {
        return Err(Error::new(Kind::Invalid, "must be a JSON object"));
    };
    let mut fields = Fields::of(map);
    let workspace_name = fields.required_workspace_name();
    let kind = fields.connector_type(&TYPE_NAMES);
    let name = connector_name(&mut fields);
    let environment = fields.object("environment").unwrap_or_default();
    let auth_scheme = fields.text("auth_scheme", TEXT_MAX);
    let import_key = fields.text("import_key", KEY_MAX);
    if import_key.as_ref().is_some_and(|key| key.trim().is_empty()) {
        fields.wrong("import_key", "invalid_value", "must not be blank");
    }
    let credentials = fields.object("credentials");
    if credentials.is_none() {
        fields.wrong("credentials", "missing", "is required: an object");
    }
    // A misspelt field would be lost in a thousand lines.
    fields.refuse_rest(KNOWN);
    fields.finish()?;
    let kind = super::body::find_type(app, &kind)?;
    let credentials = credentials.unwrap_or_default();
    Ok(Line { workspace_name, kind, name, environment, auth_scheme, credentials, import_key })
}

fn told(number: usize, imported: &Imported) -> Value {
    let (status, id) = match imported {
        Imported::Valid => ("valid", None),
        Imported::Created(id) => ("created", Some(id)),
        Imported::Existing(id) => ("existing", Some(id)),
    };
    json!({ "line": number, "status": status, "connector_id": id, "error_code": null, "message": null })
}

fn refused(number: usize, error: &Error) -> Value {
    let (_, code) = status_and_code(error.kind);
    json!({ "line": number, "status": "invalid", "connector_id": null, "error_code": code, "message": error.message })
}

/// The fields of a wrong line, with its number before their names.
fn named(number: usize, error: Error) -> Vec<FieldError> {
    if error.fields.is_empty() {
        let message = error.message.into_owned();
        return vec![FieldError { field: format!("line {number}"), message, code: "invalid_value" }];
    }
    let mut fields = error.fields;
    for field in &mut fields {
        field.field = format!("line {number}: {}", field.field);
    }
    fields
}

/// Export connectors
///
/// All live connectors of the organization as JSON lines, oldest first, without secrets.
#[utoipa::path(
    get,
    path = "/api/v1/integrations/connectors/export",
    tag = "Connectors",
    operation_id = "exportConnectors",
    responses(
        (status = 200, description = "JSON lines.", body = String, content_type = "application/x-ndjson"),
    ),
)]
pub(super) async fn export(State(app): State<App>, caller: Caller) -> Answer {
    let first = Some(ConnectorFilter { limit: PAGE, ..ConnectorFilter::default() });
    let lines = futures_util::stream::try_unfold(first, move |next| {
        let (app, caller) = (app.clone(), caller.clone());
        async move {
            let Some(filter) = next else { return Ok(None) };
            let views =
                connectors::list(&app, &caller, filter.clone()).await.map_err(std::io::Error::other)?;
            let Some(last) = views.last() else { return Ok(None) };
            let after = Some((last.connector.created_at, last.connector.id.clone()));
            let mut text = String::new();
            for view in &views {
                text.push_str(&exported(view).to_string());
                text.push('\n');
            }
            Ok::<_, std::io::Error>(Some((text, Some(ConnectorFilter { after, ..filter }))))
        }
    });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}

/// A connector without secrets, for the command line too.
pub fn exported(view: &ConnectorView) -> Value {
    let mut value = answer::facts(view, None);
    value.insert("connector_type".to_owned(), json!(view.connector.connector_type));
    value.insert("definition_id".to_owned(), json!(view.connector.definition_id));
    value.insert("auth_scheme".to_owned(), json!(view.connector.auth_scheme));
    value.insert("access_expires_at".to_owned(), json!(view.grant.expires_at.map(crate::clock::rfc3339)));
    Value::Object(value)
}
