//! The published extension keys: all are known at their places, and those of a call have their effect.

use crate::support::{Document, begin, problems};
use keybearer_connector::call::{Environment, Event, PageSize, Response, Step, Unreachable, probe};
use keybearer_connector::document::{Additions, load};
use keybearer_connector::plan::{Action, Body, Plan, RetryAfter, SchemeKind};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const KEYS: &str = include_str!("keys.yaml");

fn plan(source: &str) -> Arc<Plan> {
    load(source, &Additions::none()).unwrap_or_else(|problems| panic!("{problems:#?}")).plan
}

#[test]
fn no_key_is_taken_for_a_mistake() {
    assert_eq!(problems(KEYS), []);
}

#[test]
fn names_and_operations() {
    let plan = plan(KEYS);
    assert_eq!((plan.info.slug.as_str(), plan.info.display_name.as_str()), ("every-key", "Every Key Inc."));
    let search = plan.operation("notes", Action::Search).unwrap();
    assert!(search.paging.is_none() && search.extract.records.is_some() && search.extract.filter.is_some());
    assert_eq!((search.extract.meta.len(), search.extract.transform.len()), (3, 1));
    assert_eq!(plan.operations[plan.check.unwrap()].action, Action::Search);
    let pages = plan.operation("pages", Action::List).unwrap();
    let Body::Graphql(graphql) = &pages.body else { panic!("GraphQL") };
    assert_eq!(
        (graphql.operation_name.as_deref(), graphql.nullable.as_slice()),
        (Some("Q"), &["n".to_owned()][..])
    );
    let upload = plan.operation("files", Action::Create).unwrap();
    assert!(matches!(&upload.body, Body::Related { file_field, .. } if file_field == "file"));
    let download = plan.operation("files", Action::Download).unwrap().download.as_ref().unwrap();
    assert_eq!(download.file_url.as_deref(), Some("file.url"));
    let relationship = &plan.relationships[0];
    assert_eq!(
        (
            relationship.child.as_str(),
            relationship.param.as_str(),
            relationship.parent.as_str(),
            relationship.key.as_str()
        ),
        ("pages", "note_id", "notes", "id")
    );
    let SchemeKind::Oauth2(oauth) = &plan.schemes[0].kind else { panic!("OAuth") };
    assert_eq!((oauth.header.as_str(), oauth.prefix.as_str()), ("x-token", "Token "));
    assert_eq!(oauth.token_extract, ["part"]);
}

/// Of query parameters the probe's value or else the default, of headers and body properties the probe's value only.
#[test]
fn what_a_probe_sends() {
    let plan = plan(KEYS);
    let search = plan.operation("notes", Action::Search).unwrap();
    let now = "2024-05-06T07:08:09Z".parse().unwrap();
    let sent = probe(&plan, search, &Environment::default(), PageSize::Least, now).unwrap().params;
    let expected =
        json!({"own": "a", "behind": "2024", "plain": "b", "X-Probe": "c", "text": "e", "since": "2024"});
    assert_eq!(Value::Object(sent), expected);
}

#[test]
fn the_rules_of_retries() {
    let retry = plan(KEYS).retry.clone();
    let delays = (retry.initial_delay, retry.max_delay, retry.exponential_base, retry.jitter);
    assert_eq!(delays, (Some(Duration::from_millis(500)), Duration::from_secs(8), 3.0, false));
    assert_eq!((retry.max_attempts, retry.statuses.as_slice()), (2, &[429, 503][..]));
    assert_eq!((retry.on_timeout, retry.on_network_error), (false, false));
    assert_eq!(
        (retry.retry_after_header.as_str(), retry.retry_after_format),
        ("x-wait", RetryAfter::Milliseconds)
    );
    let silent = KEYS.split("  x-airbyte-retry-config:").collect::<Vec<_>>();
    let rest = silent[1].split_once("  x-airbyte-entity-relationships").unwrap().1;
    let usual = plan(&format!("{}  x-airbyte-entity-relationships{rest}", silent[0])).retry.clone();
    let delays = (usual.initial_delay, usual.max_delay, usual.exponential_base, usual.jitter);
    assert_eq!(delays, (None, Duration::from_mins(1), 2.0, true));
    assert_eq!((usual.max_attempts, usual.statuses.as_slice()), (3, &[429, 500, 502, 503, 504][..]));
    assert_eq!((usual.on_timeout, usual.on_network_error), (true, true));
}

/// What a definition does not want to be tried again is not, though it may still be said to be worth another call.
#[test]
fn timeouts_and_broken_connections_are_tried_again_where_the_document_says_so() {
    for (key, why) in [
        ("retry_on_timeout", Unreachable::TimedOut),
        ("retry_on_network_error", Unreachable::Broken),
        ("retry_on_network_error", Unreachable::Connect),
    ] {
        for wanted in [true, false] {
            let source = KEYS.replace(&format!("{key}: false"), &format!("{key}: {wanted}"));
            let (mut call, _) = begin(&plan(&source), Value::Null, "notes.search", json!({})).unwrap();
            match call.on(Event::Unreachable(why.clone()), Duration::ZERO) {
                Step::Wait(delay) => assert!(wanted && delay == Duration::from_millis(500), "{key}"),
                Step::Fail(fault) => assert!(!wanted && fault.retryable, "{key}"),
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Transforms and filters see the record and the connector's configuration.
#[test]
fn templates_over_records_see_the_configuration() {
    let members = "x-airbyte-record-transform: {link: \"{{ config.team }}/{{ record.id }}\"}, x-airbyte-record-filter: \"{{ record.team == config.team }}\"";
    let mut document = Document::new().with("GET /notes", "notes.list", members);
    document.server = "{url: \"https://{team}.example.com\", variables: {team: {default: red}}}".to_owned();
    let plan = document.loaded().plan;
    for (configuration, kept) in [
        (json!({}), json!([{"id": 1, "team": "red", "link": "red/1"}])),
        (json!({"team": "blue"}), json!([{"id": 2, "team": "blue", "link": "blue/2"}])),
    ] {
        let (mut call, _) = begin(&plan, configuration, "notes.list", json!({})).unwrap();
        let body = json!([{"id": 1, "team": "red"}, {"id": 2, "team": "blue"}]).to_string().into();
        let response = Response { status: http::StatusCode::OK, headers: http::HeaderMap::new(), body };
        let Step::Done(answer) = call.on(Event::Response(response), Duration::ZERO) else {
            panic!("a result")
        };
        assert_eq!(serde_json::from_slice::<Value>(answer.result.json().unwrap()).unwrap(), kept);
    }
}
