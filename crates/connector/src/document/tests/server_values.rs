//! Other ways to give server variables: publisher's names and spellings, and parts of credentials.

use super::{SMALL, good, problems};
use crate::call::{Environment, Target, derive_variables};
use crate::plan::Plan;
use serde_json::{Value, json};

/// The small document with another server.
fn with_server(server: &str) -> String {
    let (before, rest) = SMALL.split_once("servers:\n").unwrap();
    let (_, after) = rest.split_once("security: [").unwrap();
    let after = after.replace("{{ subdomain }}", "api").replace("{{subdomain}}", "api");
    format!("{before}servers:\n{server}security: [{after}")
}

fn given(value: &Value) -> serde_json::Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// The server's URL with these given values, or the first mistake.
fn base(plan: &Plan, values: &Value) -> Result<String, String> {
    let environment =
        Environment::accept(plan, &given(values)).map_err(|errors| errors[0].message.clone())?;
    Target::new(plan, &environment).map(|target| target.base.to_string()).map_err(|error| error.message)
}

const SUBDOMAIN: &str = r#"  - url: https://{site}.acme.example
    variables: {site: {description: Before .acme.example}}
    x-airbyte-replication-environment-mapping: {domain_name: {source: site, format: "https://{value}.acme.example"}, alias: site}
"#;

#[test]
fn aliases_reach_their_variable() {
    let plan = good(&with_server(SUBDOMAIN)).plan;
    for values in [
        json!({"site": "north"}),
        json!({"alias": "north"}),
        json!({"domain_name": "https://north.acme.example"}),
        json!({"domain_name": "https://north.acme.example/"}),
        json!({"domain_name": "north", "site": "north"}),
        json!({"domain_name": null, "site": "north"}),
    ] {
        assert_eq!(base(&plan, &values).as_deref(), Ok("https://north.acme.example/"), "{values}");
    }
    for (values, part) in [
        (json!({"site": "south", "alias": "north"}), "different things"),
        (json!({"domain_name": "https://north.evil.example"}), "one part of a host name"),
        (json!({"domain_name": "https://evil.example/x.acme.example"}), "one part of a host name"),
        (json!({"domain_name": ["north"]}), "must be text"),
        (json!({"domain": "north"}), "unknown"),
    ] {
        let error = base(&plan, &values).unwrap_err();
        assert!(error.contains(part), "{values}: {error}");
    }
}

#[test]
fn the_list_of_values_may_be_the_urls() {
    let plan = good(&with_server(
        r#"  - url: "{region}"
    variables: {region: {default: "https://api.acme.example", enum: ["https://api.acme.example", "https://api-eu.acme.example"]}}
    x-airbyte-replication-environment-mapping:
      region: {source: region, format: "https://api{{ '' if value == 'NA' else '-' + value.lower() }}.acme.example"}
"#,
    ))
    .plan;
    for (values, url) in [
        (json!({}), "https://api.acme.example/"),
        (json!({"region": "NA"}), "https://api.acme.example/"),
        (json!({"region": "EU"}), "https://api-eu.acme.example/"),
        (json!({"region": "https://api-eu.acme.example"}), "https://api-eu.acme.example/"),
    ] {
        assert_eq!(base(&plan, &values).as_deref(), Ok(url), "{values}");
    }
    for evil in ["XX", "https://evil.example", ".evil.example/", ""] {
        assert!(base(&plan, &json!({"region": evil})).is_err() || evil.is_empty(), "{evil}");
    }
}

#[test]
fn the_list_of_values_may_be_the_users() {
    let plan = good(&with_server(
        r#"  - url: https://api-{region}.acme.example
    variables: {region: {default: na, enum: [US, CA, DE]}}
    x-airbyte-replication-environment-mapping:
      region: {source: region, format: "{{ 'na' if value|upper in ['US', 'CA'] else 'eu' }}"}
"#,
    ))
    .plan;
    for (values, url) in [
        (json!({}), "https://api-na.acme.example/"),
        (json!({"region": "CA"}), "https://api-na.acme.example/"),
        (json!({"region": "DE"}), "https://api-eu.acme.example/"),
    ] {
        assert_eq!(base(&plan, &values).as_deref(), Ok(url), "{values}");
    }
    assert!(base(&plan, &json!({"region": "eu"})).unwrap_err().contains("one of US, CA, DE"));
    // What the caller said is kept: parameters may be filled from it.
    let kept = Environment::accept(&plan, &given(&json!({"region": "DE"}))).unwrap();
    assert_eq!(kept.text("region").as_deref(), Some("DE"));
}

#[test]
fn a_mapping_that_is_not_understood_is_told() {
    let source = with_server(&SUBDOMAIN.replace("alias: site", "alias: stie"));
    let found = problems(&source);
    assert!(found.iter().any(|problem| problem.message.contains("\"alias\" is not understood")), "{found:?}");
}

/// A rule of the published form: the data center follows the last hyphen of the key.
fn derived() -> String {
    with_server(
        "  - url: https://{center}.api.acme.example\n    variables: {center: {default: us1}}\n",
    )
    .replace(
        "  x-anything: goes",
        "  x-airbyte-config-normalization: {rules: [{target: center, source: credentials.apikey, transform: {type: suffix, delimiter: '-'}}]}",
    )
    .replace(
        "        auth_mapping:",
        "        replication_auth_key_mapping: {credentials.apikey: access_token}\n        auth_mapping:",
    )
}

#[test]
fn a_credential_tells_a_variable() {
    let center = |values: Value, key: &str| {
        let plan = good(&derived()).plan;
        let mut environment = Environment::accept(&plan, &given(&values)).unwrap();
        derive_variables(&plan, &given(&json!({"access_token": key})), &mut environment);
        Target::new(&plan, &environment)
            .unwrap()
            .base
            .host_str()
            .unwrap()
            .split('.')
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(center(json!({}), "0123456789abcdef-us21"), "us21");
    assert_eq!(center(json!({"center": "us7"}), "0123456789abcdef-us21"), "us7");
    // Nothing that could be a secret, or lead elsewhere, becomes a host.
    for key in ["0123456789abcdef", "a-0123456789", "a-", "a-us1/x", "a-us1.evil", "a-us1 x", "-"] {
        let plan = good(&derived()).plan;
        let mut environment = Environment::default();
        derive_variables(&plan, &given(&json!({"access_token": key})), &mut environment);
        let host = Target::new(&plan, &environment).map(|target| target.base.to_string());
        assert!(!matches!(&host, Ok(host) if host != "https://us1.api.acme.example/"), "{key}: {host:?}");
    }
}
