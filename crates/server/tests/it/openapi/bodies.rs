//! What the document says of bodies: its fields are read, and its examples fit their schemas.

use super::conformance::mistakes;
use super::{Operation, document, operations, resolve};
use crate::support::stage::{Client, each};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn documented_fields_are_read() {
    each(async |stage| {
        let document = document(stage).await;
        let (mut bodies, mut fields) = (0, 0);
        for operation in operations(&document) {
            let Some(schema) = body_schema(&document, &operation) else { continue };
            let example = schema["examples"][0].clone();
            assert!(example.is_object(), "{} has no example", operation.path);
            bodies += 1;
            fields += probe(&document, &operation, schema, &example, &[], &stage.app).await;
        }
        assert!(bodies >= 14 && fields >= 100, "{bodies} bodies, {fields} fields");
    })
    .await;
}

/// Sends a wrong type for every property of a schema, and of the objects in it.
async fn probe(
    document: &Value,
    operation: &Operation<'_>,
    schema: &Value,
    example: &Value,
    above: &[&str],
    client: &Client,
) -> usize {
    let mut count = 0;
    for (name, property) in schema["properties"].as_object().unwrap() {
        let path: Vec<&str> = above.iter().copied().chain([name.as_str()]).collect();
        for wrong in wrong_values(document, property) {
            let mut body = example.clone();
            let mut place = &mut body;
            for name in &path {
                place = &mut place[*name];
            }
            *place = wrong.clone();
            let url = operation.path.replace("{id}", "0198c6a8-3b2d-7e5f-8a11-2c3d4e5f6005");
            let url = url.strip_prefix("/api/v1").unwrap();
            let reply = client.call(operation.method.clone(), url).json(&body).send().await;
            let field = path.join(".");
            let what = format!("{} {field} = {wrong}: {}", reply.asked, reply.text());
            assert_eq!(reply.status, 422, "{what}");
            let named = reply.wrong_fields();
            assert!(named.iter().any(|named| named.starts_with(&field)), "{what}");
            count += 1;
        }
        if let (true, inner) = (above.is_empty(), resolve(document, property))
            && inner["properties"].is_object()
        {
            count += Box::pin(probe(document, operation, inner, example, &path, client)).await;
        }
    }
    count
}

/// Values of a type that the property does not have; for a list, one with such an item too.
fn wrong_values(document: &Value, property: &Value) -> Vec<Value> {
    let types = types(document, property);
    let mut wrong = Vec::new();
    for (name, value) in
        [("object", json!({"wrong": true})), ("integer", json!(12345)), ("boolean", json!(true))]
    {
        if !types.iter().any(|known| known == name) {
            wrong.push(value);
        }
    }
    if types.iter().any(|known| known == "array") {
        wrong.push(json!([12345]));
    }
    wrong
}

fn types(document: &Value, schema: &Value) -> Vec<String> {
    let schema = resolve(document, schema);
    let mut all: Vec<String> = match &schema["type"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(many) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    for variant in schema["oneOf"].as_array().into_iter().flatten() {
        all.extend(types(document, variant));
    }
    all
}

fn body_schema<'a>(document: &'a Value, operation: &Operation<'a>) -> Option<&'a Value> {
    let schema = operation.value.pointer("/requestBody/content/application~1json/schema")?;
    // An optional body is one of its schema and null.
    Some(resolve(document, schema.get("oneOf").map_or(schema, |variants| &variants[0])))
}

#[tokio::test(flavor = "multi_thread")]
async fn examples_fit_their_schemas() {
    each(async |stage| {
        let document = document(stage).await;
        let mut count = 0;
        let mut check = |schema: &Value, example: &Value, at: &str| {
            let wrong = mistakes(&document, schema, example, at);
            assert!(wrong.is_empty(), "{wrong:#?}");
            count += 1;
        };
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            for example in schema["examples"].as_array().into_iter().flatten() {
                check(schema, example, name);
            }
        }
        for operation in operations(&document) {
            let content = &operation.value["requestBody"]["content"]["application/json"];
            for (name, example) in content["examples"].as_object().into_iter().flatten() {
                check(&content["schema"], &example["value"], &format!("{} {name}", operation.path));
            }
        }
        for (code, example) in document["components"]["examples"].as_object().unwrap() {
            check(&document["components"]["schemas"]["ErrorBody"], &example["value"], code);
        }
        assert!(count > 60, "{count}");
    })
    .await;
}
