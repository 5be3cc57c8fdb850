//! The document against the running server: its fields are read, its answers are given, its examples fit.

mod answers;
mod bodies;
mod conformance;

use crate::support::stage::Stage;
use http::Method;
use serde_json::Value;

/// One operation of the document.
struct Operation<'a> {
    method: Method,
    /// With placeholders, below the server's address.
    path: &'a str,
    value: &'a Value,
}

/// The document as the server gives it.
async fn document(stage: &Stage) -> Value {
    stage.http.call(Method::GET, format!("{}/openapi.json", stage.base)).send().await.ok()
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, value) in item.as_object().unwrap() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            all.push(Operation { method, path, value });
        }
    }
    all
}

/// What a reference leads to.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => resolve(document, document.pointer(&reference[1..]).unwrap()),
        None => value,
    }
}
