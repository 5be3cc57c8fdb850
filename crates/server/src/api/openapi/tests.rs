//! The document against the table of routes, against itself, and against the committed file.

use super::complete::complete;
use super::failures::KINDS;
use super::{described, document, text};
use crate::api::problem::status_and_code;
use crate::api::routes::{PREFIXES, outside, routes};
use crate::core::access::Access;
use crate::core::error::Kind;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

fn operations() -> Vec<(String, String, &'static Value)> {
    let mut all = Vec::new();
    for (path, item) in document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(METHODS.contains(&method.as_str()), "{method} {path}");
            all.push((method.to_uppercase(), path.clone(), operation));
        }
    }
    all
}

fn table() -> Vec<(String, String, Access)> {
    let below = routes()
        .into_iter()
        .map(|route| (route.method.to_string(), format!("{}{}", PREFIXES[0], route.path), route.access));
    let beside =
        outside().into_iter().map(|route| (route.method.to_string(), route.path.to_owned(), route.access));
    below.chain(beside).collect()
}

#[test]
fn committed_file_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi.json");
    if std::env::var_os("KEYBEARER_WRITE_OPENAPI").is_some() {
        std::fs::write(&path, text()).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text(),
        "openapi.json is stale; write it with: KEYBEARER_WRITE_OPENAPI=1 cargo test -p keybearer openapi"
    );
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let described: BTreeSet<_> = operations().into_iter().map(|(method, path, _)| (method, path)).collect();
    let table: BTreeSet<_> = table().into_iter().map(|(method, path, _)| (method, path)).collect();
    let missing: Vec<_> = table.difference(&described).collect();
    let extra: Vec<_> = described.difference(&table).collect();
    assert!(missing.is_empty() && extra.is_empty(), "not described: {missing:?}; no route: {extra:?}");
}

#[test]
fn every_description_at_a_handler_belongs_to_a_route() {
    let table: BTreeSet<_> = table().into_iter().map(|(method, path, _)| (method, path)).collect();
    for (path, item) in described()["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            assert!(table.contains(&(method.to_uppercase(), path.clone())), "{method} {path} is no route");
        }
    }
}

#[test]
fn who_may_call_is_what_the_table_says() {
    for (method, path, access) in table() {
        let all = operations();
        let (_, _, operation) = all.iter().find(|(m, p, _)| *m == method && *p == path).unwrap();
        let (name, needs_bearer) = match access {
            Access::Public => ("public", false),
            Access::Application => ("application", true),
            Access::Scoped => ("scoped", true),
            Access::Either => ("either", true),
        };
        assert_eq!(operation["x-keybearer-access"], name, "{method} {path}");
        let schemes = operation["security"].as_array().unwrap();
        assert_eq!(!schemes.is_empty(), needs_bearer, "{method} {path}");
        assert!(schemes.iter().all(|scheme| scheme.get("bearer").is_some()), "{method} {path}");
        assert_eq!(
            operation["responses"].get("401").is_some(),
            needs_bearer || path.ends_with("/applications/token")
        );
        assert_eq!(operation["responses"].get("403").is_some(), needs_bearer, "{method} {path}");
    }
}

#[test]
fn references_resolve() {
    fn walk(value: &Value, check: &mut impl FnMut(&str)) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    if let (true, Some(reference)) = (key == "$ref", value.as_str()) {
                        check(reference);
                    }
                    walk(value, check);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, check)),
            _ => {}
        }
    }
    let mut count = 0;
    walk(document(), &mut |reference| {
        count += 1;
        let pointer =
            reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leaves the document"));
        assert!(document().pointer(pointer).is_some(), "{reference} leads nowhere");
    });
    assert!(count > 100, "{count}");
}

#[test]
fn every_schema_is_referenced() {
    let text = text();
    for name in document()["components"]["schemas"].as_object().unwrap().keys() {
        assert!(text.contains(&format!("\"#/components/schemas/{name}\"")), "{name} is used nowhere");
    }
}

#[test]
fn operations_are_whole() {
    let mut ids = BTreeSet::new();
    let tags: Vec<&str> =
        document()["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    for (method, path, operation) in operations() {
        let name = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name}: operationId is not unique");
        assert!(tags.contains(&operation["tags"][0].as_str().unwrap()), "{name}: tag is not declared");
        assert!(!operation["summary"].as_str().unwrap().ends_with('.'), "{name}: a summary is no sentence");
        assert!(operation.get("x-keybearer-errors").is_none(), "{name}");
        let placeholders = path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap());
        let none = Vec::new();
        let parameters = operation.get("parameters").and_then(Value::as_array).unwrap_or(&none);
        let in_path: Vec<&str> =
            parameters.iter().filter(|p| p["in"] == "path").map(|p| p["name"].as_str().unwrap()).collect();
        assert_eq!(placeholders.collect::<Vec<_>>(), in_path, "{name}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            let shared =
                response["$ref"].as_str().map(|reference| document().pointer(&reference[1..]).unwrap());
            let response = shared.unwrap_or(response);
            assert!(!response["description"].as_str().unwrap().is_empty(), "{name} {status}");
            assert!(response["headers"].get("X-Request-Id").is_some(), "{name} {status}");
        }
    }
}

#[test]
fn error_codes_of_handlers_are_known() {
    for (path, item) in described()["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            for code in operation.get("x-keybearer-errors").and_then(Value::as_array).into_iter().flatten() {
                let code = code.as_str().unwrap();
                assert!(KINDS.iter().any(|kind| status_and_code(*kind).1 == code), "{path}: {code}");
            }
        }
    }
}

#[test]
fn every_kind_of_failure_is_listed() {
    assert_eq!(KINDS.len(), Kind::Internal as usize + 1);
    for (position, kind) in KINDS.into_iter().enumerate() {
        assert_eq!(kind as usize, position);
        let example = &document()["components"]["examples"][status_and_code(kind).1]["value"];
        assert_eq!(example["error_code"], status_and_code(kind).1);
        assert!(!example["errors"].as_array().unwrap().is_empty());
    }
}

#[test]
fn version_and_server_are_stated() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(document["servers"][0]["url"], "/");
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
}

#[test]
fn putting_together_is_repeatable() {
    assert_eq!(complete(described()), *document());
}
