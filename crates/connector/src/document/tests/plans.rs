//! What the small document compiles to.

use super::super::peek;
use super::{SMALL, good};
use crate::plan::{
    Action, Body, ClientAuth, ErrorMeaning, HostPattern, Identity, Location, MetaSource, NextCursor,
    ParamStyle, Placement, RetryAfter, SchemeKind, TokenBody, ValueType,
};
use serde_json::json;

#[test]
fn info_and_server() {
    let definition = good(SMALL);
    assert_eq!(definition.warnings, []);
    let plan = definition.plan;
    assert_eq!(plan.info.slug, "small-crm");
    assert_eq!(plan.info.display_name, "Small CRM");
    assert_eq!(plan.info.definition_id, "0a1b2c3d-0000-4000-8000-000000000001");
    assert_eq!(plan.server.url, "https://{subdomain}.example.com/v1");
    let variable = &plan.server.variables[0];
    assert_eq!((variable.default.as_deref(), variable.pattern.as_deref()), (None, Some("^[a-z0-9-]+$")));
    assert!(!variable.whole_origin && !variable.from_token);
    assert_eq!(
        plan.hosts,
        [HostPattern::Exact("files.example.com".into()), HostPattern::Suffix("cdn.example.com".into())]
    );
    let check = plan.error_check.as_ref().unwrap();
    assert_eq!(check.codes["invalid_auth"], ErrorMeaning::Authentication);
    assert_eq!((plan.retry.max_attempts, plan.retry.retry_after_format), (2, RetryAfter::UnixTimestamp));
    assert_eq!(plan.scoping[0].config_key, "account");
}

#[test]
fn peek_reads_names_only() {
    let info = peek(SMALL).unwrap();
    assert_eq!((info.slug.as_str(), info.version.as_str()), ("small-crm", "1.0.0"));
    assert!(peek("paths: [unclosed\n").is_none());
    assert!(peek("a: b").is_none());
    // What comes after `info` is not read.
    let head: String = SMALL.lines().take(10).collect::<Vec<_>>().join("\n");
    assert!(peek(&format!("{head}\nservers: [")).is_some());
}

#[test]
fn schemes() {
    let plan = good(SMALL).plan;
    let scheme = &plan.schemes[0];
    assert_eq!(scheme.mapping["access_token"], "${access_token}");
    assert!(scheme.fields[0].required && scheme.fields[0].secret);
    assert!(!scheme.fields[1].required && !scheme.fields[1].secret);
    assert_eq!(scheme.headers[0].0, "x-account");
    let (_, oauth) = plan.oauth().unwrap();
    assert_eq!(
        oauth.authorization_url.as_ref().unwrap().source,
        "https://{{ subdomain }}.example.com/authorize"
    );
    assert!(oauth.pkce);
    assert_eq!(oauth.scope_separator, ",");
    assert_eq!(oauth.scopes.keys().collect::<Vec<_>>(), ["contacts.read", "contacts.write"]);
    assert_eq!((oauth.client_auth, oauth.token_body), (ClientAuth::Basic, TokenBody::Json));
    let refresh = oauth.refresh.as_ref().unwrap();
    assert_eq!((refresh.client_auth, refresh.body), (ClientAuth::Basic, TokenBody::Json));
    assert_eq!(refresh.grant_type, "refresh_token");
    assert!(matches!(&oauth.identity, Some(Identity::Operation { action: Action::Get, .. })));
    assert_eq!(oauth.revocation.as_ref().unwrap().method, http::Method::POST);
    assert_eq!(oauth.callback_params["realm"], "^[0-9]+$");
    assert!(oauth.variables[0].boolean && !oauth.variables[0].required);
    assert_eq!(oauth.app_fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["developer_token"]);
    assert_eq!((oauth.header.as_str(), oauth.prefix.as_str()), ("authorization", "Bearer "));
    assert_eq!(oauth.token_response["access_token"].to_string(), "$.user.access_token");

    let key = &plan.schemes[1];
    assert!(matches!(&key.kind, SchemeKind::ApiKey { name, placement: Placement::Query } if name == "key"));
    assert_eq!(key.fields[0].name, "api_key");
}

#[test]
fn parameters() {
    let plan = good(SMALL).plan;
    let list = plan.operation("contacts", Action::List).unwrap();
    let find = |name: &str| list.parameters.iter().find(|parameter| parameter.name == name).unwrap();
    assert_eq!(find("limit").value_type, ValueType::Integer);
    assert_eq!(find("limit").default, Some(json!(10)));
    assert_eq!(find("ids").value_type, ValueType::Array(Box::new(ValueType::Integer)));
    assert_eq!(find("ids").style, ParamStyle::Comma);
    assert_eq!(find("filter").style, ParamStyle::DeepObject);
    assert_eq!(find("state").allowed, [json!("open"), json!("closed")]);
    assert!(find("state").nullable);
    assert_eq!(find("X-Version").location, Location::Header);
    assert!(plan.operation("contacts", Action::Get).unwrap().parameters[0].required);
}

#[test]
fn operations() {
    let plan = good(SMALL).plan;
    let list = plan.operation("contacts", Action::List).unwrap();
    assert!(list.repeatable);
    assert_eq!(list.extract.records.as_ref().unwrap().to_string(), "$.results");
    assert!(matches!(&list.extract.meta[1].1, MetaSource::Header(name) if name == "x-rate"));
    assert!(matches!(&list.extract.meta[2].1, MetaSource::Link(relation) if relation == "next"));
    assert!(list.extract.filter.is_some() && list.extract.transform.len() == 1);
    let paging = list.paging.as_ref().unwrap();
    assert_eq!((paging.cursor_param.as_deref(), paging.default_limit), (Some("after"), Some(10)));
    assert!(matches!(&paging.next, NextCursor::Path(path) if path.to_string() == "$.paging.next.after"));
    let photo = plan.operation("contacts", Action::Download).unwrap();
    assert_eq!(photo.download.as_ref().unwrap().file_url.as_deref(), Some("photo.url"));
    let check = &plan.operations[plan.check.unwrap()];
    assert_eq!(check.action, Action::List);
    assert_eq!(check.probe.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["limit", "since"]);
}

#[test]
fn bodies() {
    let plan = good(SMALL).plan;
    let create = plan.operation("contacts", Action::Create).unwrap();
    assert!(!create.repeatable);
    let Body::Json(fields) = &create.body else { panic!("a JSON body") };
    assert_eq!(fields.fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["name", "kind", "tags"]);
    assert!(fields.fields[0].required && !fields.fields[1].required);
    assert_eq!(fields.open.as_deref(), Some(&["X-Version".to_owned(), "id".to_owned()][..]));
    assert_eq!(fields.content_type, "application/json");

    let search = plan.operation("contacts", Action::Search).unwrap();
    let Body::Graphql(graphql) = &search.body else { panic!("a GraphQL body") };
    assert_eq!(
        graphql.fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(),
        ["query", "first", "fields"]
    );
    assert_eq!(graphql.default_fields, Some(json!("id name")));
    assert_eq!(search.path.pieces.len(), 1);
    assert!(search.repeatable);
}

#[test]
fn big_integers_stay_exact() {
    let big = "1234567890123456789012345678901234567890";
    let source = super::changed("default: 10,", &format!("default: {big},"));
    let plan = good(&source).plan;
    let list = plan.operation("contacts", Action::List).unwrap();
    assert_eq!(list.parameters[0].default.as_ref().unwrap().to_string(), big);
}

#[test]
fn a_header_that_every_credential_sets_need_not_be_given() {
    let declared =
        "- {name: x-account, in: header, required: true, schema: {type: string}}\n        - {name: limit,";
    let source = super::changed("- {name: limit,", declared);
    let required = |source: &str| {
        let plan = good(source).plan;
        plan.operation("contacts", Action::List).unwrap().parameters[0].required
    };
    assert!(required(&source), "an API key would come without it");
    let alone = source.replace("    token:\n      type: apiKey\n      in: query\n      name: key\n", "");
    assert_ne!(alone, source);
    assert!(!required(&alone));
}
