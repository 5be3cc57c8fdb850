//! Reads `paths`: which operations there are.
//!
//! Knows path items, actions and duplicates. Must not know how a request is built (`parameter`, `body`).

use super::credentials::{CredentialNames, Scope, template};
use super::node::Node;
use super::oauth_parts::path as json_path;
use super::problem::Severity;
use super::reader::{Object, Reader};
use super::shape::{MEDIA_TYPE, OPERATION, PATH_ITEM, PATH_OVERRIDE, RESPONSE};
use super::{body, bounds, infer, paging, parameter, probe, schema};
use crate::plan::{Action, Download, Extract, JsonPath, MetaSource, Operation, PathTemplate};
use http::Method;
use std::collections::HashMap;

/// Methods of operations, in the order in which a path item is read.
pub(super) const METHODS: [(&str, Method); 5] = [
    ("get", Method::GET),
    ("post", Method::POST),
    ("put", Method::PUT),
    ("delete", Method::DELETE),
    ("patch", Method::PATCH),
];

/// An operation and what only the loader needs of it.
pub(super) struct Read<'d> {
    pub(super) operation: Operation,
    pub(super) object: Object<'d>,
    pub(super) preferred_for_check: bool,
}

pub(super) fn read_all<'d>(
    reader: &mut Reader<'d>,
    root: Object<'d>,
    credentials: &CredentialNames,
) -> Vec<Read<'d>> {
    let Some(paths) = reader.child_map(root, "paths", "paths") else {
        if root.get("paths").is_none() {
            reader.error_hint(root.node, "the document lacks \"paths\"", "paths hold the operations");
        }
        return Vec::new();
    };
    if paths.map.is_empty() {
        reader.error(paths.node, "there is no operation under \"paths\"");
    }
    let mut found: Vec<Read<'d>> = Vec::new();
    let mut positions: HashMap<(String, Action), usize> = HashMap::new();
    for (path, entry) in paths.map.iter().filter(|(path, _)| !path.starts_with("x-")) {
        if !path.starts_with('/') {
            let hint = Some(format!("write \"/{path}\""));
            reader.key_problem(Severity::Error, entry, format!("the path {path:?} must start with /"), hint);
            continue;
        }
        let Some(node) = reader.resolve(&entry.value) else { continue };
        let Some(item) = reader.object(node, &PATH_ITEM) else { continue };
        unused_servers(reader, item);
        for method in ["options", "head", "trace"] {
            if let Some(entry) = item.map.entry(method) {
                let message = format!("operations with {method} are not loaded");
                reader.key_problem(Severity::Warning, entry, message, None);
            }
        }
        for (name, method) in METHODS {
            let Some(node) = item.get(name) else { continue };
            let Some(read) = operation(reader, path, method, item, node, credentials) else { continue };
            let key = (read.operation.entity.clone(), read.operation.action);
            match positions.get(&key).and_then(|position| found.get_mut(*position)) {
                None => {
                    positions.insert(key, found.len());
                    found.push(read);
                }
                Some(earlier) => {
                    let message = format!("{} {} is defined twice", key.0, key.1.name());
                    let hint = format!("the one on line {} is not used", earlier.object.node.line);
                    reader.warn(read.object.node, message, Some(hint));
                    *earlier = read;
                }
            }
        }
    }
    found
}

/// Servers of a path or an operation would make it go elsewhere than it does.
fn unused_servers<'d>(reader: &mut Reader<'d>, owner: Object<'d>) {
    if let Some(servers) = owner.get("servers") {
        let hint = Some("operations go to the first server of the document".to_owned());
        reader.warn(servers, format!("servers of {} are not used", owner.what), hint);
    }
}

fn operation<'d>(
    reader: &mut Reader<'d>,
    path: &str,
    method: Method,
    item: Object<'d>,
    node: &'d Node,
    credentials: &CredentialNames,
) -> Option<Read<'d>> {
    let object = reader.object(node, &OPERATION)?;
    unused_servers(reader, object);
    let entity = entity(reader, object);
    let action = action(reader, object);
    let template = path_template(reader, object, path);
    let parameters = parameter::read_all(reader, item, object, template.as_ref(), credentials);
    let body = body::read(reader, object, &parameters.plan, credentials);
    let bounds = bounds::read(reader, object, &parameters.nodes);
    let extract = extract(reader, object, credentials);
    let response = response_schema(reader, object);
    let file_url = reader.text(object, "x-airbyte-file-url").map(str::to_owned);
    let usable = entity.is_some() && action.is_some() && template.is_some();
    // Stand-ins for what is missing: the mistakes behind it are told in the same run.
    let (entity, action) = (entity.unwrap_or_default(), action.unwrap_or(Action::List));
    let path = template.unwrap_or_default();
    if file_url.is_some()
        && action != Action::Download
        && let Some(entry) = object.map.entry("x-airbyte-file-url")
    {
        let message = "x-airbyte-file-url has an effect only with the action download";
        reader.key_problem(Severity::Warning, entry, message, None);
    }
    let mut operation = Operation {
        entity: entity.to_owned(),
        action,
        repeatable: action.reads()
            || matches!(method, Method::GET | Method::HEAD | Method::PUT | Method::DELETE),
        method,
        path,
        parameters: parameters.plan,
        bounds,
        body,
        extract,
        paging: None,
        probe: Vec::new(),
        download: (action == Action::Download).then_some(Download { file_url }),
    };
    operation.paging = match object.get("x-keybearer-pagination") {
        Some(node) => paging::read(reader, node, &operation),
        None if object.get("x-airbyte-no-pagination").is_some() => None,
        None => infer::paging(reader.root, &operation, response),
    };
    operation.probe = probe::params(reader, object, &operation, &parameters.nodes, credentials);
    let preferred_for_check = reader.flag(object, "x-airbyte-preferred-for-check").unwrap_or(false);
    usable.then_some(Read { operation, object, preferred_for_check })
}

fn entity<'d>(reader: &mut Reader<'d>, object: Object<'d>) -> Option<&'d str> {
    let entity = reader.required_text(object, "x-airbyte-entity", "contacts")?;
    if entity == "*" || entity.trim() != entity || entity.chars().any(char::is_control) {
        let at = object.get("x-airbyte-entity").unwrap_or(object.node);
        reader.error_hint(at, format!("{entity:?} cannot be an entity's name"), "for example contacts");
        return None;
    }
    Some(entity)
}

fn action<'d>(reader: &mut Reader<'d>, object: Object<'d>) -> Option<Action> {
    let text = reader.required_text(object, "x-airbyte-action", "list")?;
    let action = Action::parse(text);
    if action.is_none() {
        let at = object.get("x-airbyte-action").unwrap_or(object.node);
        reader.not_one_of(at, "action", text, &Action::ALL.map(Action::name));
    }
    action
}

fn path_template<'d>(reader: &mut Reader<'d>, object: Object<'d>, path: &str) -> Option<PathTemplate> {
    let real = reader.child(object, "x-airbyte-path-override", &PATH_OVERRIDE);
    let (at, text) = match real {
        Some(real) => (real.node, reader.required_text(real, "path", "/graphql")?),
        None => (object.node, path),
    };
    match PathTemplate::parse(text) {
        Ok(template) => Some(template),
        Err(why) => {
            reader.error(at, why);
            None
        }
    }
}

fn extract<'d>(reader: &mut Reader<'d>, object: Object<'d>, credentials: &CredentialNames) -> Extract {
    let mut extract =
        Extract { records: json_path(reader, object, "x-airbyte-record-extractor"), ..Extract::default() };
    if let Some(map) = reader.child_map(object, "x-airbyte-meta-extractor", "x-airbyte-meta-extractor") {
        for (name, entry) in map.map.iter() {
            let Some(text) = reader.text_node(&entry.value, "an extractor") else { continue };
            match meta_source(text) {
                Ok(source) => extract.meta.push((name.to_owned(), source)),
                Err(why) => {
                    reader.error_hint(
                        &entry.value,
                        why,
                        "a path such as $.paging.next, @link.next or @header.X-Total",
                    );
                }
            }
        }
    }
    let names = ["record", "config"];
    if let Some(map) = reader.child_map(object, "x-airbyte-record-transform", "x-airbyte-record-transform") {
        for (name, entry) in map.map.iter() {
            let scope = Scope {
                place: "x-airbyte-record-transform",
                names: &names,
                credentials: false,
                lenient: false,
            };
            if let Some(template) = template(reader, &entry.value, credentials, &scope) {
                extract.transform.push((name.to_owned(), template));
            }
        }
    }
    if let Some(node) = object.get("x-airbyte-record-filter") {
        let scope =
            Scope { place: "x-airbyte-record-filter", names: &names, credentials: false, lenient: false };
        extract.filter = template(reader, node, credentials, &scope);
    }
    extract
}

/// `$.path`, `@link.rel` or `@header.Name`.
pub(super) fn meta_source(text: &str) -> Result<MetaSource, String> {
    if let Some(relation) = text.strip_prefix("@link.") {
        if relation.is_empty() {
            return Err("@link. lacks the relation".to_owned());
        }
        return Ok(MetaSource::Link(relation.to_owned()));
    }
    if let Some(name) = text.strip_prefix("@header.") {
        return http::HeaderName::try_from(name)
            .map(MetaSource::Header)
            .map_err(|_| format!("{name:?} is no header name"));
    }
    if text.starts_with('@') {
        return Err(format!("unknown source {text:?}"));
    }
    JsonPath::parse(text).map(MetaSource::Path)
}

/// Checks the responses; gives the JSON schema of 200, else 201.
fn response_schema<'d>(reader: &mut Reader<'d>, object: Object<'d>) -> Option<&'d Node> {
    let responses = reader.child_map(object, "responses", "responses")?;
    let mut schemas: Vec<(&str, &'d Node)> = Vec::new();
    for (status, entry) in responses.map.iter().filter(|(status, _)| !status.starts_with("x-")) {
        let known = status == "default"
            || (status.len() == 3 && status.starts_with(['1', '2', '3', '4', '5']) && {
                let rest = status.get(1..).unwrap_or_default();
                rest == "XX" || rest.bytes().all(|b| b.is_ascii_digit())
            });
        if !known {
            let hint = Some("a status such as \"200\", a range such as \"4XX\", or default".to_owned());
            reader.key_problem(Severity::Error, entry, format!("{status:?} is no HTTP status"), hint);
        }
        let Some(node) = reader.resolve(&entry.value) else { continue };
        let Some(response) = reader.object(node, &RESPONSE) else { continue };
        if response.get("description").is_none() {
            let hint = Some("for example description: OK".to_owned());
            reader.warn(response.node, format!("the response {status} lacks \"description\""), hint);
        }
        let Some(content) = reader.child_map(response, "content", "content") else { continue };
        for (media, entry) in content.map.iter() {
            let Some(media_type) = reader.object(&entry.value, &MEDIA_TYPE) else { continue };
            let Some(node) = media_type.get("schema") else { continue };
            schema::check(reader, node);
            if body::is_json(media) {
                schemas.push((status, node));
            }
        }
    }
    ["200", "201"]
        .iter()
        .find_map(|wanted| schemas.iter().find(|(status, _)| status == wanted))
        .map(|(_, schema)| *schema)
}
