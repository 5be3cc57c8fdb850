//! From what the handlers say of themselves to the whole document.
//!
//! Adds what only the table of routes knows: order, aliases, who may call; and what every operation has: the answers of
//! failures, common headers and parameters. Must not know what an operation does.

use super::{aliases, failures};
use crate::api::problem::status_and_code;
use crate::api::routes::{PREFIXES, Route, outside, routes};
use crate::core::access::Access;
use crate::core::error::Kind;
use http::StatusCode;
use serde_json::{Map, Value, json};

/// Where handlers put the codes of their own failures.
const ERRORS: &str = "x-keybearer-errors";
/// Who may call an operation: `public`, `application`, `scoped` or `either`.
const ACCESS: &str = "x-keybearer-access";
/// The operation that an alias stands for.
const ALIAS_OF: &str = "x-keybearer-alias-of";

/// The whole document.
pub(super) fn complete(mut document: Value) -> Value {
    let described = document.get("paths").cloned().unwrap_or_default();
    let mut paths: Map<String, Value> = Map::new();
    let mut add = |path: String, method: &str, operation: Value| {
        let item = paths.entry(path).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(method.to_owned(), operation);
        }
    };
    for Route { method, path, access, .. } in routes() {
        let method = method.as_str().to_ascii_lowercase();
        let (canonical, ending) =
            aliases::canonical(path).map_or((path, None), |(path, end)| (path, Some(end)));
        let canonical = format!("{}{canonical}", PREFIXES[0]);
        let Some(operation) = find(&described, &canonical, &method) else { continue };
        let mut operation = operation_of(operation, access, true);
        if let Some(ending) = ending {
            mark_alias(&mut operation, &method, &canonical, ending);
        }
        add(format!("{}{path}", PREFIXES[0]), &method, Value::Object(operation));
    }
    for Route { method, path, access, .. } in outside() {
        let method = method.as_str().to_ascii_lowercase();
        let Some(operation) = find(&described, path, &method) else { continue };
        add(path.to_owned(), &method, Value::Object(operation_of(operation, access, false)));
    }
    if let Some(document) = document.as_object_mut() {
        document.insert("paths".to_owned(), Value::Object(paths));
        let components = document.entry("components").or_insert_with(|| json!({}));
        complete_components(components);
    }
    unwrap(&mut document);
    document
}

/// Descriptions come from doc comments, which are wrapped; in the document only empty lines part them.
fn unwrap(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if key == "description" => {
                        let paragraphs: Vec<String> =
                            text.split("\n\n").map(|part| part.replace('\n', " ")).collect();
                        *text = paragraphs.join("\n\n");
                    }
                    other => unwrap(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(unwrap),
        _ => {}
    }
}

fn find(paths: &Value, path: &str, method: &str) -> Option<Map<String, Value>> {
    paths.get(path)?.get(method)?.as_object().cloned()
}

fn operation_of(mut operation: Map<String, Value>, access: Access, is_api: bool) -> Map<String, Value> {
    let own = operation.remove(ERRORS).unwrap_or_default();
    let own = own.as_array().into_iter().flatten().filter_map(Value::as_str).filter_map(failures::kind);
    let has_body = operation.contains_key("requestBody");
    let kinds = kinds(own.collect(), access, is_api, has_body);
    let (name, sentence) = who(access);
    let text = operation.get("description").and_then(Value::as_str).unwrap_or_default();
    let text = if text.is_empty() { sentence.to_owned() } else { format!("{text}\n\n{sentence}") };
    operation.insert("description".to_owned(), json!(text));
    operation.insert(ACCESS.to_owned(), json!(name));
    operation.insert(
        "security".to_owned(),
        if access == Access::Public { json!([]) } else { json!([{"bearer": []}]) },
    );
    if access != Access::Public
        && let Some(parameters) = operation.entry("parameters").or_insert_with(|| json!([])).as_array_mut()
    {
        parameters.push(json!({"$ref": "#/components/parameters/OrganizationId"}));
    }
    if let Some(responses) = operation.entry("responses").or_insert_with(|| json!({})).as_object_mut() {
        add_failures(responses, &kinds);
        for response in responses.values_mut().filter_map(Value::as_object_mut) {
            if response.contains_key("$ref") {
                continue;
            }
            if let Some(headers) = response.entry("headers").or_insert_with(|| json!({})).as_object_mut() {
                headers.insert("X-Request-Id".to_owned(), json!({"$ref": "#/components/headers/RequestId"}));
            }
        }
    }
    operation
}

fn who(access: Access) -> (&'static str, &'static str) {
    match access {
        Access::Public => ("public", "Called without a token."),
        Access::Application => ("application", "Called with an application token."),
        Access::Scoped => ("scoped", "Called with a scoped token."),
        Access::Either => (
            "either",
            "Called with an application token, or with a scoped token, which reaches its own workspace only.",
        ),
    }
}

/// The failures of an operation in the order of the table: its own, and those that come before its handler.
fn kinds(own: Vec<Kind>, access: Access, is_api: bool, has_body: bool) -> Vec<Kind> {
    let mut all = own;
    all.extend([Kind::UriTooLong, Kind::Internal]);
    if is_api {
        all.push(Kind::Unavailable);
    }
    if access != Access::Public {
        all.extend([Kind::BadRequest, Kind::Unauthorized, Kind::Forbidden, Kind::RateLimited]);
    }
    if has_body {
        all.extend([Kind::BadRequest, Kind::UnsupportedMediaType, Kind::PayloadTooLarge, Kind::Invalid]);
    }
    failures::KINDS.into_iter().filter(|kind| all.contains(kind)).collect()
}

/// One answer a status, with an example a code. A status that the handler described itself stays as it is.
fn add_failures(responses: &mut Map<String, Value>, kinds: &[Kind]) {
    let mut statuses: Vec<StatusCode> = kinds.iter().map(|kind| status_and_code(*kind).0).collect();
    statuses.sort_unstable();
    statuses.dedup();
    for status in statuses {
        let of_status: Vec<Kind> =
            kinds.iter().copied().filter(|kind| status_and_code(*kind).0 == status).collect();
        responses.entry(status.as_str()).or_insert_with(|| match of_status.as_slice() {
            [only] => json!({"$ref": format!("#/components/responses/{}", status_and_code(*only).1)}),
            several => failure(status, several),
        });
    }
}

fn failure(status: StatusCode, kinds: &[Kind]) -> Value {
    let codes: Vec<&str> = kinds.iter().map(|kind| status_and_code(*kind).1).collect();
    let lines: Vec<String> = kinds
        .iter()
        .zip(&codes)
        .map(|(kind, code)| format!("`{code}`: {}", failures::meaning(*kind)))
        .collect();
    let examples: Map<String, Value> = codes
        .iter()
        .map(|code| ((*code).to_owned(), json!({"$ref": format!("#/components/examples/{code}")})))
        .collect();
    let mut headers = Map::new();
    headers.insert("X-Request-Id".to_owned(), json!({"$ref": "#/components/headers/RequestId"}));
    if status == StatusCode::UNAUTHORIZED {
        headers
            .insert("WWW-Authenticate".to_owned(), json!({"$ref": "#/components/headers/WwwAuthenticate"}));
    }
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        headers.insert("Retry-After".to_owned(), json!({"$ref": "#/components/headers/RetryAfter"}));
    }
    json!({
        "description": lines.join("\n\n"),
        "headers": headers,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}, "examples": examples},
        },
        "x-keybearer-error-codes": codes,
    })
}

fn mark_alias(operation: &mut Map<String, Value>, method: &str, canonical: &str, ending: &str) {
    let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
    operation.insert("operationId".to_owned(), json!(format!("{id}{ending}")));
    let target = format!("{} {canonical}", method.to_ascii_uppercase());
    let text = operation.get("description").and_then(Value::as_str).unwrap_or_default();
    operation.insert("description".to_owned(), json!(format!("Alias of `{target}`.\n\n{text}")));
    operation.insert(ALIAS_OF.to_owned(), json!(target));
}

fn complete_components(components: &mut Value) {
    let Some(components) = components.as_object_mut() else { return };
    if let Some(schemas) = components.get_mut("schemas").and_then(Value::as_object_mut) {
        schemas.sort_keys();
        for (name, schema) in schemas.iter_mut().filter(|(name, _)| name.ends_with("Request")) {
            require_names(name, schema);
        }
        let codes: Vec<&str> = failures::KINDS.iter().map(|kind| status_and_code(*kind).1).collect();
        let code = schemas.get_mut("ErrorBody").and_then(|body| body.pointer_mut("/properties/error_code"));
        if let Some(code) = code.and_then(Value::as_object_mut) {
            code.insert("enum".to_owned(), json!(codes));
        }
    }
    let examples: Map<String, Value> = failures::KINDS
        .iter()
        .map(|kind| {
            let code = status_and_code(*kind).1;
            (code.to_owned(), json!({"summary": failures::meaning(*kind), "value": failures::example(*kind)}))
        })
        .collect();
    let responses: Map<String, Value> = failures::KINDS
        .iter()
        .map(|kind| {
            let (status, code) = status_and_code(*kind);
            (code.to_owned(), failure(status, &[*kind]))
        })
        .collect();
    components.insert("responses".to_owned(), Value::Object(responses));
    components.insert("examples".to_owned(), Value::Object(examples));
    components.insert("headers".to_owned(), headers());
    components.insert("parameters".to_owned(), parameters());
    components.insert(
        "securitySchemes".to_owned(),
        json!({"bearer": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "An application token or a scoped token, in the `Authorization` header only. Each operation says \
                which of the two it takes.",
        }}),
    );
}

/// Fields with several names: the user must be named once, the connector type exactly once.
fn require_names(name: &str, schema: &mut Value) {
    let has = |field: &str| schema.pointer(&format!("/properties/{field}")).is_some();
    let groups = [
        ("anyOf", ["external_user_id", "workspace_name", "customer_name", ""]),
        ("oneOf", ["connector_type", "definition_id", "connector_definition_id", "source_template_id"]),
    ];
    let mut all: Vec<Value> = Vec::new();
    for (word, fields) in groups {
        let given: Vec<Value> =
            fields.iter().filter(|field| has(field)).map(|field| json!({"required": [field]})).collect();
        if given.len() > 1 {
            all.push(json!({ word: given }));
        }
    }
    if name == "CreateConnectorRequest" {
        all.push(
            json!({"oneOf": [{"required": ["server_side_oauth_secret_id"]}, {"required": ["credentials"]}]}),
        );
    }
    if let Some(schema) = schema.as_object_mut().filter(|_| !all.is_empty()) {
        schema.insert("allOf".to_owned(), Value::Array(all));
    }
}

fn headers() -> Value {
    json!({
        "RequestId": {"description": "Finds the call in the server's log.", "schema": {"type": "string"}},
        "RetryAfter": {"description": "Seconds to wait, where they are known.", "schema": {"type": "integer", "minimum": 1}},
        "WwwAuthenticate": {"description": "How to authenticate (RFC 6750).", "schema": {"type": "string"}},
    })
}

fn parameters() -> Value {
    json!({"OrganizationId": {
        "name": "X-Organization-Id", "in": "header", "required": false,
        "description": "The organization of the token; another one is refused with 403.",
        "schema": {"type": "string", "format": "uuid"},
    }})
}
