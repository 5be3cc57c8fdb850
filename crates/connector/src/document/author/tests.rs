//! Tests of conversion: a small vendor's document of our own, and what becomes of each part of it.

use super::{Draft, Names, from_openapi, skeleton};
use crate::document::{Additions, Definition, load};
use crate::plan::{Action, Body, NextCursor, Operation, SchemeKind, ValueType};
use serde_json::Value;

const DESK: &str = include_str!("fixtures/desk.yaml");
const NAMES: Names<'_> = Names { name: "acme-desk", definition_id: "8f0c2a1e-53b4-4d0a-9d1f-2b7c6a5e4d31" };

fn draft(document: &str) -> Draft {
    from_openapi(document, NAMES, &[]).unwrap()
}

/// What the loader makes of a converted document; it must have no complaint.
#[track_caller]
fn loaded(text: &str) -> Definition {
    match load(text, &Additions::none()) {
        Ok(definition) => {
            assert_eq!(definition.warnings, []);
            definition
        }
        Err(problems) => {
            panic!("{}\n{text}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        }
    }
}

fn names(definition: &Definition) -> Vec<String> {
    definition
        .plan
        .operations
        .iter()
        .map(|o| format!("{} {} {}", o.method, o.entity, o.action.name()))
        .collect()
}

fn operation<'d>(definition: &'d Definition, entity: &str, action: Action) -> &'d Operation {
    definition.plan.operation(entity, action).unwrap()
}

#[test]
fn every_operation_gets_a_name() {
    assert_eq!(
        names(&loaded(&draft(DESK).text)),
        [
            "GET me get",
            "GET tickets list",
            "POST tickets create",
            "GET tickets search",
            "GET tickets get",
            "PUT tickets update",
            "DELETE tickets delete",
            "POST tickets_close create",
            "GET attachment download",
            "GET agents list",
            "GET macros list",
            "GET notes get",
            "GET audits list",
        ]
    );
}

#[test]
fn nothing_is_left_out_silently() {
    let lines: Vec<String> = draft(DESK).left_out.lines().map(|line| line.trim().to_owned()).collect();
    for expected in [
        "1 x servers beside the first: https://sandbox.acmedesk.example",
        "1 x server variables that the URL does not use: unused",
        "1 x OAuth flows without a consent that can be kept: implicit of oauth",
        "2 x security schemes of another kind than oauth2, http bearer or basic, or apiKey: session, digest",
        "2 x cookies: a definition has none: session of GET /tickets, session of POST /tickets",
        "1 x headers that credentials, body and answer decide: Authorization of GET /tickets",
        "1 x deprecated parameters: old of GET /tickets",
        "1 x parameters that are JSON in a text: their schema was not kept: filter of GET /tickets",
        "1 x further body types beside the one that is kept, of: POST /tickets",
        "1 x alternatives (oneOf, anyOf) became one open schema, at: POST /tickets",
        "1 x operations with head: /tickets/{ticket-id}",
        "1 x operations with a body of the type multipart/form-data: POST /tickets/{id}/attachment",
        "1 x deprecated operations: GET /old",
        "1 x operations at a server of their own: POST /upload",
        "1 x operations whose path has a query or fragment: GET /query?x=1",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected:?} in\n{}", lines.join("\n"));
    }
    assert!(lines.iter().any(|line| line.contains("schemas were cut where they nest deeper")));
    assert_eq!(lines.len(), 16, "{}", lines.join("\n"));
}

#[test]
fn lists_page() {
    let definition = loaded(&draft(DESK).text);
    let paging = |entity: &str| operation(&definition, entity, Action::List).paging.clone();
    let tickets = paging("tickets").unwrap();
    assert_eq!(tickets.cursor_param.as_deref(), Some("cursor"));
    assert_eq!(tickets.limit_param.as_deref(), Some("per_page"));
    assert!(matches!(&tickets.next, NextCursor::Path(path) if path.to_string() == "$.meta.next_cursor"));
    assert_eq!(tickets.has_more.unwrap().to_string(), "$.meta.has_more");
    assert!(matches!(paging("agents").unwrap().next, NextCursor::Page { first: 1 }));
    assert!(matches!(paging("macros").unwrap().next, NextCursor::Link(_)));
    // What was inferred is written down, so that an author sees and corrects it.
    let audits = paging("audits").unwrap();
    assert_eq!(audits.cursor_param.as_deref(), Some("starting_after"));
    assert!(matches!(&audits.next, NextCursor::Path(path) if path.to_string() == "$.data[*].id"));
    assert_eq!(draft(DESK).text.matches("x-keybearer-pagination:").count(), 4);
    assert_eq!(draft(DESK).text.matches("# TODO: how it pages").count(), 1);
}

#[test]
fn records_are_found() {
    let definition = loaded(&draft(DESK).text);
    let records = |entity: &str, action: Action| {
        operation(&definition, entity, action).extract.records.as_ref().map(ToString::to_string)
    };
    assert_eq!(records("tickets", Action::List).as_deref(), Some("$.tickets"));
    assert_eq!(records("tickets", Action::Create).as_deref(), Some("$.ticket"));
    assert_eq!(records("agents", Action::List).as_deref(), Some("$.data"));
    assert_eq!(records("tickets", Action::Search), None);
    assert_eq!(records("tickets", Action::Get), None);
}

#[test]
fn inputs_are_converted_to_3_1() {
    let draft = draft(DESK);
    let definition = loaded(&draft.text);
    let root = crate::document::parse(&draft.text).unwrap().to_json();
    let get = &root["paths"]["/tickets"]["get"]["parameters"];
    let parameter = |name: &str| get.as_array().unwrap().iter().find(|p| p["name"] == name).unwrap();
    assert_eq!(
        parameter("per_page")["schema"],
        serde_json::json!({"type": "integer", "maximum": 100, "default": 25, "exclusiveMinimum": 0})
    );
    assert_eq!(parameter("cursor")["schema"]["type"], serde_json::json!(["string", "null"]));
    assert_eq!(parameter("X-Tenant")["description"], "See tenants.");
    assert_eq!(parameter("status")["explode"], false);
    let list = operation(&definition, "tickets", Action::List);
    let status = list.parameters.iter().find(|p| p.name == "status").unwrap();
    assert_eq!(status.value_type, ValueType::Array(Box::new(ValueType::String)));
    assert_eq!(status.allowed, ["open", "solved"]);
    let get = operation(&definition, "tickets", Action::Get);
    assert_eq!(get.path.placeholders().collect::<Vec<_>>(), ["ticket_id"]);
}

#[test]
fn bodies_are_written_out() {
    let definition = loaded(&draft(DESK).text);
    let Body::Json(fields) = &operation(&definition, "tickets", Action::Create).body else {
        panic!("a JSON body")
    };
    let names: Vec<&str> = fields.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["subject", "priority", "assignee", "note", "body"]);
    let field = |name: &str| fields.fields.iter().find(|field| field.name == name).unwrap();
    assert!(field("subject").required && !field("note").required);
    assert!(field("priority").nullable && field("note").nullable);
    assert_eq!(field("priority").allowed, ["low", "high"]);
    assert_eq!(field("assignee").value_type, ValueType::Any);
    assert_eq!(field("note").value_type, ValueType::String);
    assert_eq!(field("body").default, None);
    assert!(matches!(operation(&definition, "tickets", Action::Update).body, Body::Form(_)));
}

#[test]
fn schemes_get_forms() {
    let draft = draft(DESK);
    let definition = loaded(&draft.text);
    let kinds: Vec<&str> = definition
        .plan
        .schemes
        .iter()
        .map(|scheme| match &scheme.kind {
            SchemeKind::Oauth2(_) => "oauth2",
            SchemeKind::ApiKey { .. } => "apiKey",
            SchemeKind::Basic => "basic",
            SchemeKind::Bearer => "bearer",
        })
        .collect();
    assert_eq!(kinds, ["oauth2", "apiKey", "basic"]);
    assert!(
        draft.text.contains("authorizationUrl: \"https://{{ subdomain }}.acmedesk.example/oauth/authorize\"")
    );
    assert!(draft.text.contains("# TODO: refreshUrl"));
}

#[test]
fn a_part_can_be_taken() {
    let taken = |only: &str| {
        from_openapi(DESK, NAMES, &[only.to_owned()]).map(|draft| loaded(&draft.text).plan.operations.len())
    };
    assert_eq!(taken("/tickets/"), Ok(6));
    assert_eq!(taken("tickets"), Ok(6));
    let none = taken("Tcikets").unwrap_err();
    assert!(none.contains("no operation is left") && none.contains("--only does not name"), "{none}");
}

#[test]
fn the_same_document_gives_the_same_text_from_yaml_and_json() {
    let json = crate::document::parse(DESK).unwrap().to_json().to_string();
    assert_eq!(draft(DESK).text, draft(&json).text);
    assert!(draft(&json).text.starts_with("openapi: \"3.1.0\"\ninfo:\n"));
}

#[test]
fn what_a_document_lacks_becomes_a_todo() {
    let document = r#"{"openapi": "3.1.0", "info": {"title": "Ünder", "version": "1"}, "servers": [{"url": "/v1"}],
        "paths": {"/things/{id}": {"get": {"responses": {}}}}}"#;
    let draft = draft(document);
    let definition = loaded(&draft.text);
    assert_eq!(definition.plan.server.url, "https://api.example.com/v1");
    for todo in
        ["does not name the host", "declares no way of authentication", "x-airbyte-preferred-for-check"]
    {
        assert!(
            draft.text.lines().any(|line| line.contains("# TODO") && line.contains(todo)),
            "{todo}\n{}",
            draft.text
        );
    }
}

#[test]
fn recursion_without_nesting_ends() {
    let document = |schema: &str| {
        format!(
            r##"{{"openapi": "3.0.0", "info": {{"title": "A", "version": "1"}}, "paths": {{"/a": {{"post": {{
            "requestBody": {{"content": {{"application/json": {{"schema": {{"$ref": "#/components/schemas/A"}}}}}}}},
            "responses": {{"200": {{"description": "a", "content": {{"application/json": {{"schema": {{"$ref": "#/components/schemas/A"}}}}}}}}}}}}}}}},
            "components": {{"schemas": {{"A": {schema}}}}}}}"##
        )
    };
    let itself = r##"{"$ref": "#/components/schemas/A"}"##;
    for schema in [
        itself.to_owned(),
        format!(r#"{{"allOf": [{itself}, {itself}]}}"#),
        format!(r#"{{"oneOf": [{itself}, {itself}, {{"type": "object"}}]}}"#),
        format!(r#"{{"type": "array", "items": {itself}}}"#),
        format!(r#"{{"anyOf": [{{"type": "null"}}, {itself}]}}"#),
        format!(r#"{{"properties": {{"a": {itself}, "b": {{"type": "array", "items": {itself}}}}}}}"#),
        format!(r#"{{"additionalProperties": {itself}, "not": {itself}}}"#),
    ] {
        if let Ok(draft) = from_openapi(&document(&schema), NAMES, &[]) {
            loaded(&draft.text);
        }
    }
}

#[test]
fn the_skeleton_is_a_definition() {
    let definition = loaded(&skeleton(NAMES));
    assert_eq!(definition.plan.info.slug, "acme-desk");
    assert_eq!(definition.plan.info.display_name, "Acme Desk");
    assert_eq!(definition.plan.info.definition_id, NAMES.definition_id);
    assert!(definition.plan.operations.iter().any(|o| o.paging.is_some()));
}

proptest::proptest! {
    /// Whatever stands in the place of one value: an error or a text, never a panic, and the text is YAML.
    #[test]
    fn damaged_documents_never_panic(position in 0usize..600, kind in 0usize..7) {
        let mut root = crate::document::parse(DESK).unwrap().to_json();
        let damage = [
            Value::Null, Value::from(1), Value::from("a"), Value::from(true), serde_json::json!([]), serde_json::json!({}),
            serde_json::json!({"$ref": "#/components/schemas/Ticket"}),
        ];
        replace(&mut root, &mut position.clone(), &damage[kind]);
        if let Ok(draft) = from_openapi(&root.to_string(), NAMES, &[]) {
            proptest::prop_assert!(crate::document::parse(&draft.text).is_ok(), "{}", draft.text);
        }
    }
}

/// Replaces the value with that number, in document order.
fn replace(value: &mut Value, left: &mut usize, by: &Value) -> bool {
    if *left == 0 {
        *value = by.clone();
        return true;
    }
    *left -= 1;
    match value {
        Value::Object(map) => map.values_mut().any(|inner| replace(inner, left, by)),
        Value::Array(items) => items.iter_mut().any(|inner| replace(inner, left, by)),
        _ => false,
    }
}
