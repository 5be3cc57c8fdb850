//! What the loader's small document reads like.

use super::Description;
use crate::document::{Additions, Definition, load};
use crate::plan::Action;
use serde_json::json;

fn small() -> Definition {
    load(include_str!("../document/tests/small.yaml"), &Additions::none()).unwrap()
}

#[test]
fn entities_and_summary() {
    let definition = small();
    let description = Description::of(&definition);
    assert_eq!(
        description.entities(),
        json!([{"entity": "contacts", "actions": ["list", "get", "create", "search", "download"]}])
    );
    let summary = description.summary();
    assert_eq!(
        summary[0]["actions"][1],
        json!({"action": "get", "summary": "Get a contact", "required": ["id"]})
    );
    assert!(description.entity("nobody").is_none());
    assert_eq!(description.entity("contacts").unwrap()["actions"].as_array().unwrap().len(), 5);
}

#[test]
fn a_list_tells_parameters_and_paging() {
    let definition = small();
    let told = Description::of(&definition).operation("contacts", Action::List).unwrap();
    let properties = &told["params"]["properties"];
    assert_eq!(properties["limit"], json!({"type": "integer", "default": 10, "minimum": 1}));
    assert_eq!(properties["cursor"]["type"], "string");
    assert_eq!(properties["state"]["enum"], json!(["open", "closed", null]));
    // A default that is computed when the call runs is no value.
    assert_eq!(properties["since"], json!({"type": "string"}));
    assert_eq!(told["params"]["additionalProperties"], json!(false));
    assert_eq!(told["params"]["required"], json!([]));
    assert!(told["paging"].as_str().unwrap().contains("limit sizes a page (10 without it)"));
    assert_eq!(told["example"]["params"], json!({"limit": 10}));
    assert_eq!(
        told["result"]["items"]["properties"]["owner"]["properties"]["id"],
        json!({"type": "integer"})
    );
    assert!(!told.to_string().contains("\"x-") && !told.to_string().contains("$ref"));
}

#[test]
fn writes_and_queries() {
    let definition = small();
    let description = Description::of(&definition);
    let create = description.operation("contacts", Action::Create).unwrap();
    assert_eq!(create["params"]["required"], json!(["name"]));
    assert_eq!(create["params"]["additionalProperties"], json!(true));
    assert!(create["params"]["properties"].get("created").is_none());
    assert!(create.get("paging").is_none());
    assert_eq!(create["example"]["params"], json!({"name": "<name>"}));
    let search = description.operation("contacts", Action::Search).unwrap();
    assert_eq!(search["params"]["properties"]["fields"]["items"], json!({"type": "string"}));
    assert!(search["paging"].as_str().unwrap().starts_with("Does not page by cursor"));
    let download = description.operation("contacts", Action::Download).unwrap();
    assert!(download["params"]["properties"].get("range_header").is_some());
    assert!(description.operation("contacts", Action::Delete).is_none());
}

#[test]
fn forms() {
    let definition = small();
    let description = Description::of(&definition);
    let schemes = description.credential_schemes();
    assert_eq!((&schemes[0]["auth_scheme"], &schemes[0]["type"]), (&json!("oauth2"), &json!("oauth2")));
    assert_eq!(schemes[0]["schema"]["properties"]["access_token"]["writeOnly"], json!(true));
    assert_eq!(schemes[0]["schema"]["required"], json!(["access_token"]));
    assert_eq!(schemes[1]["type"], "api_key");
    let app = description.oauth_app_schema().unwrap();
    assert_eq!(app["required"], json!(["client_id", "client_secret", "developer_token"]));
    assert_eq!(app["properties"]["callback"]["enum"], json!(["legacy"]));
    let variables = description.connection_variables();
    assert_eq!(variables["required"], json!(["subdomain"]));
    assert_eq!(variables["properties"]["is_sandbox"]["type"], "boolean");
}
