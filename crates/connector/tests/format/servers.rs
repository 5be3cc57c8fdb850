//! The server URL and its variables.

use crate::support::{Document, object};
use keybearer_connector::call::{Environment, Target};
use serde_json::{Value, json};

/// The base URL, or the first refusal.
fn base(server: &str, configuration: Value) -> Result<String, String> {
    let mut document = Document::listing("");
    document.server = server.to_owned();
    let plan = document.loaded().plan;
    let environment =
        Environment::accept(&plan, &object(configuration)).map_err(|errors| errors[0].message.clone())?;
    Target::new(&plan, &environment).map(|target| target.base.to_string()).map_err(|error| error.message)
}

#[test]
fn variables_are_what_is_configured_else_their_defaults() {
    let host = "{url: \"https://{team}.example.com/api/\", variables: {team: {default: main}}}";
    let site = "{url: \"https://{team}.example.com\", variables: {team: {default: your-team}}}";
    let literal = "{url: \"https://{team}.example.com\", variables: {team: {default: \"{team}\"}}}";
    let listed = "{url: \"https://{team}.example.com\", variables: {team: {default: eu, enum: [eu, us]}}}";
    let whole = "{url: \"{team}\", variables: {team: {default: \"https://eu.example.com\"}}}";
    let origin = "{url: \"{team}/api/v4\", variables: {team: {default: \"https://example.org\"}}}";
    for (server, configuration, expected) in [
        (host, json!({}), Ok("https://main.example.com/api")),
        (host, json!({"team": "red"}), Ok("https://red.example.com/api")),
        (host, json!({"team": 7}), Ok("https://7.example.com/api")),
        (host, json!({"team": "red.evil.net/"}), Err("one part of a host name")),
        // A default that only shows the form of a value would call a stranger's server.
        (site, json!({}), Err("\"team\" is needed")),
        (site, json!({"team": "red"}), Ok("https://red.example.com/")),
        (literal, json!({}), Err("\"team\" is needed")),
        (listed, json!({"team": "us"}), Ok("https://us.example.com/")),
        (listed, json!({"team": "de"}), Err("must be one of eu, us")),
        (listed, json!({"taem": "us"}), Err("did you mean \"team\"")),
        (whole, json!({}), Ok("https://eu.example.com/")),
        (whole, json!({"team": "https://us.example.com"}), Ok("https://us.example.com/")),
        (origin, json!({"team": "https://git.mine.example/"}), Ok("https://git.mine.example/api/v4")),
    ] {
        let got = base(server, configuration.clone());
        match (&got, expected) {
            (Ok(url), Ok(wanted)) => assert_eq!(url, wanted),
            (Err(message), Err(part)) => assert!(message.contains(part), "{message}"),
            _ => panic!("{server} {configuration}: {got:?}"),
        }
    }
}

#[test]
fn a_token_answer_goes_over_the_default_and_nobody_else_may_say_it() {
    let mut document = Document::listing("");
    document.server = "{url: \"{instance_url}/data\", variables: {instance_url: {default: \"https://login.example.com\", x-keybearer-host-suffixes: [example.com]}}}".to_owned();
    document.components = "  securitySchemes:
    oauth:
      type: oauth2
      flows: {authorizationCode: {authorizationUrl: \"https://login.example.com/a\", tokenUrl: \"https://login.example.com/t\", refreshUrl: \"https://login.example.com/t\", scopes: {}}}
      x-airbyte-token-extract: [instance_url]
"
    .to_owned();
    let plan = document.loaded().plan;
    let extracted = |url: &str| {
        let environment = Environment([("instance_url".to_owned(), json!(url))].into_iter().collect());
        Target::new(&plan, &environment).map(|target| target.base.to_string())
    };
    assert_eq!(
        Target::new(&plan, &Environment::default()).unwrap().base.as_str(),
        "https://login.example.com/data"
    );
    assert_eq!(extracted("https://na7.example.com").unwrap(), "https://na7.example.com/data");
    assert!(extracted("https://example.com.evil.net").is_err());
    let given = object(json!({"instance_url": "https://na7.example.com"}));
    assert!(Environment::accept(&plan, &given).is_err());
    document.components = document.components.replace("[instance_url]", "[instance]");
    let told = crate::support::problems(&document.source());
    assert!(
        told.iter().any(|problem| problem.to_string().contains("unknown server variable \"instance\"")),
        "{told:?}"
    );
}
