//! From a filled form to the headers of a request.

use crate::tiny::{operation, plan};
use bytes::Bytes;
use http::HeaderMap;
use keybearer_connector::call::match_scheme;
use keybearer_connector::plan::Plan;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use url::Url;

fn schemes(schemes: &Value) -> Arc<Plan> {
    plan(&json!({
        "components": {"securitySchemes": schemes},
        "paths": {"/things": {"get": operation("things", "list", &json!({}))}},
    }))
}

/// What the form puts on a request: URL and headers, or the fault's text.
fn attached(plan: &Plan, named: Option<&str>, form: &Value) -> Result<String, String> {
    let (name, credential) =
        match_scheme(plan, named, form.as_object().unwrap()).map_err(|fault| fault.message)?;
    let attachment = plan.scheme(&name).unwrap().attach(&credential).map_err(|error| error.to_string())?;
    let mut url = Url::parse("https://api.example.com/v1/things?a=b").unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("x-account", "the caller's".parse().unwrap());
    attachment.apply(&mut url, &mut headers, &mut Bytes::new());
    let mut lines: Vec<String> =
        headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    lines.retain(|line| line != "x-account: the caller's");
    lines.sort_unstable();
    if url.query() != Some("a=b") {
        lines.push(format!("?{}", url.query().unwrap()));
    }
    Ok(lines.join(" | "))
}

/// One scheme with a form whose fields are all required, those that end in `?` excepted.
fn one(scheme: &Value, fields: &[&str], mapping: &Value, headers: &Value) -> Arc<Plan> {
    let mut scheme = scheme.clone();
    let required: Vec<&&str> = fields.iter().filter(|name| !name.ends_with('?')).collect();
    let properties: Map<String, Value> = fields
        .iter()
        .map(|name| (name.trim_end_matches('?').to_owned(), json!({"type": "string", "title": "A field"})))
        .collect();
    scheme["x-airbyte-auth-config"] = json!({
        "title": "Form", "type": "object", "required": required, "properties": properties,
        "auth_mapping": mapping, "additional_headers": headers,
    });
    schemes(&json!({"token": scheme}))
}

#[test]
fn each_kind_has_its_header() {
    let bearer = json!({"type": "http", "scheme": "bearer"});
    let basic = json!({"type": "http", "scheme": "basic"});
    let key = json!({"type": "apiKey", "in": "header", "name": "X-Key"});
    let in_query = json!({"type": "apiKey", "in": "query", "name": "key"});
    let none = json!({});
    for (scheme, fields, mapping, headers, form, expected) in [
        (
            &bearer,
            &["pat"][..],
            json!({"token": "${pat}"}),
            &none,
            json!({"pat": "t"}),
            "authorization: Bearer t",
        ),
        (
            &basic,
            &["email", "key"],
            json!({"username": "${email}/token", "password": "${key}"}),
            &none,
            json!({"email": "e", "key": "k"}),
            "authorization: Basic ZS90b2tlbjpr",
        ),
        (
            &basic,
            &["key"],
            json!({"username": "${key}", "password": ""}),
            &none,
            json!({"key": "k"}),
            "authorization: Basic azo=",
        ),
        (
            &basic,
            &["key"],
            json!({"username": "anystring", "password": "${key}"}),
            &none,
            json!({"key": "k"}),
            "authorization: Basic YW55c3RyaW5nOms=",
        ),
        (
            &basic,
            &["user", "secret?"],
            json!({"username": "${user}", "password": "${secret}"}),
            &none,
            json!({"user": "u"}),
            "authorization: Basic dTo=",
        ),
        (
            &key,
            &["api_key"],
            json!({"api_key": "Own-Word ${api_key}"}),
            &none,
            json!({"api_key": "$k}"}),
            "x-key: Own-Word $k}",
        ),
        (
            &in_query,
            &["api_key"],
            json!({"api_key": "${api_key}"}),
            &none,
            json!({"api_key": "k&"}),
            "?a=b&key=k%26",
        ),
        (
            &bearer,
            &["pat", "account?", "unit?"],
            json!({"token": "${pat}"}),
            &json!({"X-Account": "{{ account }}", "X-Unit": "<{{ unit }}>", "Authorization": "Own {{ token }}"}),
            json!({"pat": "t", "account": "{{ pat }}"}),
            "authorization: Own t | x-account: {{ pat }} | x-unit: <>",
        ),
    ] {
        let plan = one(scheme, fields, &mapping, headers);
        assert_eq!(attached(&plan, None, &form).as_deref(), Ok(expected), "{mapping}");
    }
}

#[test]
fn an_access_token_may_have_another_header() {
    let refresh = |style: Value| {
        let flow = json!({"authorizationUrl": "https://example.com/a", "tokenUrl": "https://example.com/t", "scopes": {}});
        let scheme = json!({
            "type": "oauth2", "flows": {"authorizationCode": flow}, "x-airbyte-token-refresh": style,
        });
        attached(&schemes(&json!({"token": scheme})), None, &json!({"access_token": "t"})).unwrap()
    };
    assert_eq!(refresh(json!({})), "authorization: Bearer t");
    assert_eq!(refresh(json!({"header": "X-Token", "prefix": ""})), "x-token: t");
    assert_eq!(refresh(json!({"prefix": "Own"})), "authorization: Own t");
}

#[test]
fn a_scheme_without_a_form_asks_for_its_keys() {
    for (scheme, form, expected) in [
        (json!({"type": "http", "scheme": "bearer"}), json!({"token": "t"}), "authorization: Bearer t"),
        (
            json!({"type": "http", "scheme": "basic"}),
            json!({"username": "u", "password": "p"}),
            "authorization: Basic dTpw",
        ),
        (json!({"type": "apiKey", "in": "header", "name": "X-Key"}), json!({"api_key": "k"}), "x-key: k"),
    ] {
        let plan = schemes(&json!({"token": scheme}));
        assert_eq!(attached(&plan, None, &form).as_deref(), Ok(expected));
        assert!(attached(&plan, None, &json!({})).unwrap_err().contains("is required"));
    }
}

#[test]
fn the_one_scheme_whose_required_fields_are_given_is_taken() {
    let form = |fields: Value, key: &str| {
        json!({
            "required": fields, "auth_mapping": {"token": format!("{key} ${{{key}}}")},
            "properties": {"pat": {"type": "string"}, "key": {"type": "string"}, "org": {"type": "string"}},
        })
    };
    let scheme = |fields: Value, key: &str| json!({"type": "http", "scheme": "bearer", "x-airbyte-auth-config": form(fields, key)});
    let plan = schemes(
        &json!({"token": scheme(json!(["pat"]), "pat"), "second": scheme(json!(["key", "org"]), "key")}),
    );
    let header = |named, given: Value| attached(&plan, named, &given);
    assert_eq!(header(None, json!({"pat": "1"})).as_deref(), Ok("authorization: Bearer pat 1"));
    assert_eq!(header(None, json!({"key": "2", "org": "o"})).as_deref(), Ok("authorization: Bearer key 2"));
    let both = json!({"pat": "1", "key": "2", "org": "o"});
    assert!(header(None, both.clone()).unwrap_err().ends_with("\"auth_scheme\": token, second"));
    assert_eq!(header(Some("second"), both).as_deref(), Ok("authorization: Bearer key 2"));
    let none = header(None, json!({"key": "2"})).unwrap_err();
    assert!(none.contains("token (required: pat") && none.contains("second (required: key, org"), "{none}");
}
