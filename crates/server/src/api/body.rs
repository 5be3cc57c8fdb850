//! Request bodies: read, bounded, parsed once, and their fields checked all together.
//!
//! Knows JSON and the aliases of the contract. Must not know what fields are for. A wrong field is collected, so that
//! one 422 names all of them; [`Fields::finish`] ends the collecting.

use super::App;
use super::members::Members;
use crate::core::access::Caller;
use crate::core::catalog::ConnectorType;
use crate::core::error::{Error, FieldError, Kind, Result};
use crate::core::workspaces;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use http::header;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use secrecy::SecretString;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Largest request body, in bytes.
pub(super) const MAX_BYTES: usize = 4 * 1024 * 1024;
/// A workspace's name, under its three names.
const WORKSPACE_NAMES: [&str; 3] = ["workspace_name", "external_user_id", "customer_name"];
/// Longest ordinary text field, in characters.
pub(super) const TEXT_MAX: usize = 1024;

/// A request body that is a JSON object.
pub(super) struct Body(pub(super) Members);

impl FromRequest<App> for Body {
    type Rejection = Error;

    async fn from_request(request: Request, _: &App) -> Result<Self> {
        Arrived::of(request).await?.object().map(Self)
    }
}

/// A body with what decides over it.
struct Arrived {
    bytes: Bytes,
    is_json: bool,
    caller: Option<Caller>,
}

impl Arrived {
    /// Read even when it is refused: an unread body would end the connection under a client that sends on it.
    async fn of(request: Request) -> Result<Self> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let is_json = kind.is_some_and(is_json);
        let caller = request.extensions().get::<Caller>().cloned();
        Ok(Self { bytes: read(request).await?, is_json, caller })
    }

    fn object(&self) -> Result<Members> {
        if !self.is_json {
            return Err(not_json());
        }
        let members = object(&self.bytes)?;
        check_workspace(self.caller.as_ref(), &members)?;
        Ok(members)
    }
}

/// A body that names another workspace than a scoped token's own is refused, whatever else it is about.
fn check_workspace(caller: Option<&Caller>, members: &Members) -> Result<()> {
    let Some(caller) = caller.filter(|caller| caller.workspace().is_some()) else { return Ok(()) };
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    for name in WORKSPACE_NAMES.into_iter().filter_map(text) {
        caller.allow_workspace_name(name)?;
    }
    text("workspace_id").map_or(Ok(()), |id| caller.allow_workspace_id(id))
}

/// A request body of JSON lines.
pub(super) struct Lines(pub(super) String);

impl FromRequest<App> for Lines {
    type Rejection = Error;

    async fn from_request(request: Request, _: &App) -> Result<Self> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let essence =
            kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim().to_ascii_lowercase();
        let bytes = read(request).await?;
        if !matches!(essence.as_str(), "application/x-ndjson" | "application/jsonl") {
            let text = "The request body must be JSON lines, with `Content-Type: application/x-ndjson`";
            return Err(Error::new(Kind::UnsupportedMediaType, text));
        }
        // What is no UTF-8 is no JSON either: it is told with its line's number.
        Ok(Self(String::from_utf8_lossy(&bytes).into_owned()))
    }
}

fn not_json() -> Error {
    let text = "The request body must be JSON, with `Content-Type: application/json`";
    Error::new(Kind::UnsupportedMediaType, text)
}

fn object(bytes: &[u8]) -> Result<Members> {
    serde_json::from_slice(bytes).map_err(|error| {
        if error.is_data() {
            return Error::new(Kind::BadRequest, "The request body must be a JSON object");
        }
        let place = format!("line {}, column {}", error.line(), error.column());
        Error::new(Kind::BadRequest, format!("The request body is not JSON: {place}"))
    })
}

fn is_json(kind: &str) -> bool {
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json") || {
        let essence = essence.to_ascii_lowercase();
        essence.starts_with("application/") && essence.ends_with("+json")
    }
}

async fn read(request: Request) -> Result<Bytes> {
    match Limited::new(request.into_body(), MAX_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Error::new(
            Kind::PayloadTooLarge,
            format!("The request body is larger than {MAX_BYTES} bytes"),
        )),
        Err(_) => Err(Error::new(Kind::BadRequest, "The request body did not arrive completely")),
    }
}

/// A text has more characters than that. Bytes first: few texts are so long that their characters must be counted.
pub(super) fn is_longer(text: &str, max: usize) -> bool {
    text.len() > max && text.chars().count() > max
}

/// Fields of a body or query under check.
pub(super) struct Fields {
    members: Members,
    wrong: Vec<FieldError>,
}

impl Fields {
    /// Of a body or query.
    pub(super) fn of(members: impl Into<Members>) -> Self {
        Self { members: members.into(), wrong: Vec::new() }
    }

    /// All wrong fields at once.
    pub(super) fn finish(&mut self) -> Result<()> {
        if self.wrong.is_empty() { Ok(()) } else { Err(Error::invalid(std::mem::take(&mut self.wrong))) }
    }

    /// Notes a wrong field.
    pub(super) fn wrong(&mut self, field: &str, code: &'static str, message: impl Into<String>) {
        self.wrong.push(FieldError { field: field.to_owned(), message: message.into(), code });
    }

    /// Takes a field; `null` counts as not given.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name).filter(|value| !value.is_null())
    }

    /// Names that nobody took.
    pub(super) fn refuse_rest(&mut self, known: &str) {
        let names: Vec<String> = self
            .members
            .names()
            .map(|name| name.chars().filter(|c| !c.is_control()).take(40).collect())
            .collect();
        for name in names {
            self.wrong(&name, "unknown_field", format!("is not known; known are {known}"));
        }
    }

    /// An optional text of bounded length, without control characters.
    pub(super) fn text(&mut self, name: &str, max: usize) -> Option<String> {
        match self.take(name)? {
            Value::String(text) if is_longer(&text, max) => {
                self.wrong(name, "too_long", format!("must have at most {max} characters"));
                None
            }
            Value::String(text) if text.chars().any(char::is_control) => {
                self.wrong(name, "invalid_value", "must not contain control characters");
                None
            }
            Value::String(text) => Some(text),
            _ => {
                self.wrong(name, "invalid_type", "must be a text");
                None
            }
        }
    }

    /// A required text that is not blank. Empty when it is wrong: [`Fields::finish`] refuses.
    pub(super) fn required(&mut self, name: &str, max: usize) -> String {
        if self.members.get(name).is_none_or(Value::is_null) {
            self.wrong(name, "missing", "is required");
            return String::new();
        }
        let text = self.text(name, max);
        if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
            self.wrong(name, "missing", "must not be blank");
        }
        text.unwrap_or_default()
    }

    /// A secret text.
    pub(super) fn secret(&mut self, name: &str, max: usize) -> Option<SecretString> {
        self.text(name, max).map(SecretString::from)
    }

    /// A required secret.
    pub(super) fn required_secret(&mut self, name: &str, max: usize) -> SecretString {
        SecretString::from(self.required(name, max))
    }

    /// An optional object; absent is none.
    pub(super) fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        match self.take(name)? {
            Value::Object(map) => Some(map),
            _ => {
                self.wrong(name, "invalid_type", "must be an object");
                None
            }
        }
    }

    /// An optional switch.
    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        match self.take(name)? {
            Value::Bool(flag) => Some(flag),
            _ => {
                self.wrong(name, "invalid_type", "must be true or false");
                None
            }
        }
    }

    /// An optional list of texts, at most `count` of them.
    pub(super) fn texts(&mut self, name: &str, count: usize) -> Option<Vec<String>> {
        let Value::Array(items) = self.take(name)? else {
            self.wrong(name, "invalid_type", "must be a list of texts");
            return None;
        };
        if items.len() > count {
            self.wrong(name, "too_long", format!("must have at most {count} items"));
            return None;
        }
        let texts: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
        match texts {
            Some(texts)
                if texts
                    .iter()
                    .any(|text| is_longer(text, TEXT_MAX) || text.chars().any(char::is_control)) =>
            {
                self.wrong(
                    name,
                    "invalid_value",
                    "must contain texts of at most 1024 characters without control characters",
                );
                None
            }
            Some(texts) => Some(texts),
            None => {
                self.wrong(name, "invalid_type", "must be a list of texts");
                None
            }
        }
    }

    /// One of some words.
    pub(super) fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(name, TEXT_MAX)?;
        let found = choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let words = choices.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(" or ");
            self.wrong(name, "invalid_value", format!("must be {words}"));
        }
        found
    }

    /// The workspace name under any of its three names; none when absent.
    pub(super) fn workspace_name(&mut self) -> Option<String> {
        let mut found: Option<String> = None;
        for name in WORKSPACE_NAMES {
            let Some(value) = self.take(name) else { continue };
            let Value::String(text) = value else {
                self.wrong(name, "invalid_type", "must be a text");
                continue;
            };
            if let Err(why) = workspaces::check_name(&text) {
                self.wrong(name, "invalid_value", why);
            } else if found.as_ref().is_some_and(|known| *known != text) {
                self.wrong(name, "conflict", "names another workspace than its alias in the same request");
            }
            found = Some(text);
        }
        found
    }

    /// The workspace name, which must be there.
    pub(super) fn required_workspace_name(&mut self) -> String {
        self.workspace_name().unwrap_or_else(|| {
            self.wrong(
                "workspace_name",
                "missing",
                "is required (`external_user_id` and `customer_name` are aliases)",
            );
            String::new()
        })
    }

    /// The connector type under any of its names; exactly one must be given. The name is looked up after
    /// [`Fields::finish`], because an unknown one is 404.
    pub(super) fn connector_type(&mut self, names: &[&'static str]) -> String {
        let given: Vec<(&str, Option<String>)> = names
            .iter()
            .filter(|name| self.members.get(name).is_some_and(|value| !value.is_null()))
            .map(|name| (*name, None))
            .collect();
        let given: Vec<_> = given.into_iter().map(|(name, _)| (name, self.text(name, TEXT_MAX))).collect();
        match given.as_slice() {
            [(name, Some(text))] if text.trim().is_empty() => {
                self.wrong(name, "missing", "must not be blank");
                String::new()
            }
            [(_, text)] => text.clone().unwrap_or_default(),
            _ => {
                let list = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                self.wrong("connector_type", "missing", format!("exactly one of {list} must be given"));
                String::new()
            }
        }
    }
}

/// Names of the connector type in most bodies.
pub(super) const TYPE_NAMES: [&str; 3] = ["connector_type", "definition_id", "connector_definition_id"];

/// The type of a name that [`Fields::connector_type`] gave.
pub(super) fn find_type(app: &App, name: &str) -> Result<Arc<ConnectorType>> {
    app.catalog.named(name).cloned()
}

/// A body that may be absent: no bytes are an empty object, whatever the content type.
pub(super) struct OptionalBody(pub(super) Members);

impl FromRequest<App> for OptionalBody {
    type Rejection = Error;

    async fn from_request(request: Request, _: &App) -> Result<Self> {
        let arrived = Arrived::of(request).await?;
        if arrived.bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(Members::default()));
        }
        arrived.object().map(Self)
    }
}
