//! `x-keybearer-validate`: bounds are read and checked where the document asks for it, and only there.

use super::super::{Additions, load};
use crate::call::{Call, Environment, Shaping, Target, sample};
use serde_json::{Value, json};
use std::sync::Arc;

const SMALL: &str = include_str!("small.yaml");

fn document(root: &str, pattern: &str) -> String {
    format!(
        "{root}openapi: 3.1.0
info:
  title: Bounds
  version: 1.0.0
  x-airbyte-connector-name: bounds
  x-airbyte-connector-definition-id: 3f1c7a52-0d7e-4b8e-9c55-1a2b3c4d5e6f
servers: [{{url: https://api.example.com}}]
components:
  securitySchemes:
    key: {{type: http, scheme: bearer}}
  schemas:
    Code: {{type: string, pattern: '{pattern}'}}
paths:
  /things:
    post:
      x-airbyte-entity: things
      x-airbyte-action: create
      parameters:
        - {{name: size, in: query, schema: {{type: integer, minimum: 1, maximum: 50}}}}
        - {{name: tags, in: query, schema: {{type: array, maxItems: 2, items: {{type: string, minLength: 2}}}}}}
      requestBody:
        content:
          application/json:
            schema:
              type: object
              properties:
                code: {{$ref: '#/components/schemas/Code'}}
                day: {{type: string, format: date}}
      responses: {{'200': {{description: A thing}}}}
"
    )
}

fn errors(source: &str, params: Value) -> Vec<(String, &'static str)> {
    let plan = load(source, &Additions::none()).unwrap().plan.clone();
    let target = Arc::new(Target::new(&plan, &Environment::default()).unwrap());
    let Value::Object(params) = params else { unreachable!() };
    match Call::new(plan, target, 0, params, Shaping::default(), sample::settings()) {
        Ok(_) => Vec::new(),
        Err(fault) => fault.errors.iter().map(|error| (error.pointer.clone(), error.code)).collect(),
    }
}

#[test]
fn bounds_are_checked_where_the_document_asks() {
    let params = json!({"size": 51, "tags": ["ok", "x"], "code": "b1", "day": "2026-02-30"});
    let asked = document("x-keybearer-validate: true\n", "^a");
    let expected = [
        ("/params/size", "range"),
        ("/params/tags", "range"),
        ("/params/code", "pattern"),
        ("/params/day", "format"),
    ];
    let expected: Vec<_> = expected.map(|(pointer, code)| (pointer.to_owned(), code)).into();
    assert_eq!(errors(&asked, params.clone()), expected);
    assert_eq!(errors(&asked, json!({"size": "50", "tags": ["ok"], "code": "a", "day": "2026-02-28"})), []);
    for silent in ["", "x-keybearer-validate: false\n"] {
        assert_eq!(errors(&document(silent, "^a"), params.clone()), [], "the provider judges");
    }
}

#[test]
fn a_pattern_that_does_not_compile_is_a_mistake_of_the_definition() {
    let problems =
        load(&document("x-keybearer-validate: true\n", "(?=a)"), &Additions::none()).err().unwrap();
    assert!(problems.iter().any(|problem| problem.message.contains("(?=a)")), "{problems:?}");
    assert!(load(&document("", "(?=a)"), &Additions::none()).is_ok(), "nobody asked for it");
    assert!(load(SMALL, &Additions::none()).is_ok());
}
