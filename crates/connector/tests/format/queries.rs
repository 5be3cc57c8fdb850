//! Queries: which pairs are sent, in which order, and how they are written.

use crate::support::{Document, problems};
use serde_json::json;

#[test]
fn given_ones_in_the_callers_order_then_configuration_and_required_defaults_in_the_documents() {
    let list = Document::listing(
        "{name: kind, in: query, required: true, schema: {type: string, default: note}},
         {name: size, in: query, schema: {type: integer, default: 50}},
         {name: place, in: query, schema: {type: string}, x-airbyte-param-config-inject: {source: country, map: {DE: p1, at: p2}}},
         {name: lang, in: query, schema: {type: string}, x-airbyte-param-config-inject: {source: language}},
         {name: q, in: query, schema: {type: string}}",
    );
    for (configuration, params, sent) in [
        (json!({}), json!({}), "kind=note"),
        (json!({}), json!({"q": "x", "kind": "all"}), "q=x&kind=all"),
        (json!({}), json!({"q": "x", "kind": null, "size": null}), "q=x&kind=note"),
        (json!({"country": "DE"}), json!({"q": "x"}), "q=x&kind=note&place=p1"),
        (json!({"country": "de"}), json!({}), "kind=note&place=p1"),
        (json!({"country": "at"}), json!({}), "kind=note&place=p2"),
        (json!({"country": "AT"}), json!({}), "kind=note"),
        (json!({"country": "FR", "language": "fr"}), json!({}), "kind=note&lang=fr"),
        (json!({"country": "DE"}), json!({"place": "mine"}), "place=mine&kind=note"),
    ] {
        assert_eq!(list.query(configuration.clone(), params.clone()), sent, "{configuration} {params}");
    }
}

#[test]
fn required_ones_are_neither_absent_nor_blank() {
    let required =
        |schema| Document::listing(&format!("{{name: a, in: query, required: true, schema: {schema}}}"));
    for (schema, params) in [
        ("{type: string}", json!({})),
        ("{type: string}", json!({"a": null})),
        ("{type: string}", json!({"a": " "})),
        ("{type: string, default: x}", json!({"a": ""})),
        ("{type: array}", json!({"a": []})),
        ("{type: object}", json!({"a": {}})),
    ] {
        assert_eq!(required(schema).refuses(params), ["a missing"], "{schema}");
    }
}

#[test]
fn downloads_send_all_defaults() {
    let parameters = "parameters: [{name: alt, in: query, schema: {type: string, default: media}}]";
    assert_eq!(
        Document::new().with("GET /f", "files.download", parameters).query(json!({}), json!({})),
        "alt=media"
    );
    assert_eq!(Document::new().with("GET /f", "files.get", parameters).query(json!({}), json!({})), "");
}

#[test]
fn styles() {
    let list = json!(["a,b", "c d", 3]);
    for (members, value, sent) in [
        ("schema: {type: array}", list.clone(), "k=a%2Cb&k=c+d&k=3"),
        ("schema: {type: array}, style: form, explode: true", list.clone(), "k=a%2Cb&k=c+d&k=3"),
        ("schema: {type: array}, style: form, explode: false", list.clone(), "k=a%2Cb%2Cc+d%2C3"),
        ("schema: {type: array}, style: spaceDelimited", list.clone(), "k=a%2Cb+c+d+3"),
        ("schema: {type: array}, style: pipeDelimited", list, "k=a%2Cb%7Cc+d%7C3"),
        (
            "schema: {type: object}, style: deepObject",
            json!({"a": 1, "no": null, "l": ["x", true], "m": {"n": "é"}}),
            "k%5Ba%5D=1&k%5Bl%5D=x&k%5Bl%5D=true&k%5Bm%5D%5Bn%5D=%C3%A9",
        ),
        ("schema: {type: object}", json!({"a": 1}), "k=%7B%22a%22%3A1%7D"),
        ("schema: {type: boolean}", json!(false), "k=false"),
        ("schema: {type: number}", json!(1.0), "k=1.0"),
        ("schema: {type: array}", json!([null]), "k="),
        ("schema: {type: string}", json!("A.z_0-~ !*'()/:@"), "k=A.z_0-~+%21%2A%27%28%29%2F%3A%40"),
    ] {
        let document = Document::listing(&format!("{{name: k, in: query, {members}}}"));
        assert_eq!(document.query(json!({}), json!({"k": value})), sent, "{members}");
    }
}

#[test]
fn restli_is_for_requests_that_name_its_version() {
    let list = |schema: &str, place: &str| {
        Document::listing(&format!(
            "{{name: X-RestLi-Protocol-Version, in: {place}, schema: {schema}}}, {{name: q, in: query, schema: {{type: string}}}}"
        ))
    };
    let version = "{type: string, default: 2.0.0}";
    for (value, sent) in [
        ("List(urn%3Ali:1,b)", "q=List(urn%3Ali:1,b)"),
        ("(start:(year:2024))", "q=(start:(year:2024))"),
        ("a,b (c):d%", "q=a,b%20%28c%29%3Ad%25"),
    ] {
        assert_eq!(list(version, "header").query(json!({}), json!({"q": value})), sent);
    }
    let (unset, params) = (list("{type: string}", "header"), json!({"q": "(a b)"}));
    assert_eq!(unset.query(json!({}), params.clone()), "q=%28a+b%29");
    let given = json!({"q": "(a b)", "X-RestLi-Protocol-Version": "2.0.0"});
    assert_eq!(unset.query(json!({}), given), "q=(a%20b)");
    assert_eq!(list(version, "query").query(json!({}), params), "q=%28a+b%29");
}

#[test]
fn configuration_scopes_what_the_caller_leaves_out() {
    let rules = "x-airbyte-scoping: [{param: owner}, {param: repo, config_key: repos, value_template: \" {{ value.split('/')[1] if '/' in value else none }} \"}, {param: mode, config_key: repos, value_template: \"{{ param }}:{{ config.owner }}\"}]";
    let names = ["owner", "repo", "mode"]
        .map(|name| format!("{{name: {name}, in: query, schema: {{type: string}}}}"));
    let list = Document::listing(&names.join(", ")).info(rules);
    for (configuration, params, sent) in [
        (json!({"owner": "me"}), json!({}), "owner=me"),
        (json!({"owner": "me"}), json!({"owner": "you"}), "owner=you"),
        (json!({"owner": "me"}), json!({"owner": null}), "owner=me"),
        (json!({"owner": ["me"]}), json!({}), "owner=me"),
        (json!({"owner": ["me", "you"]}), json!({}), ""),
        (json!({"owner": []}), json!({}), ""),
        (json!({"owner": "me", "repos": "me/site"}), json!({"mode": "m"}), "mode=m&owner=me&repo=site"),
        (json!({"owner": "me", "repos": "site"}), json!({}), "owner=me&mode=mode%3Ame"),
    ] {
        assert_eq!(list.query(configuration.clone(), params.clone()), sent, "{configuration} {params}");
    }
    let typed = Document::listing("{name: owner, in: query, schema: {type: integer, enum: [1, 2]}}");
    let typed = typed.info("x-airbyte-scoping: [{param: owner}]");
    assert_eq!(typed.query(json!({"owner": "2"}), json!({})), "owner=2");
    for (owner, code) in [("3", "enum"), ("me", "type")] {
        let fault = typed.tries(json!({"owner": owner}), json!({})).unwrap_err();
        assert_eq!(fault.errors[0].code, code);
        assert!(fault.message.contains("from the connector's configuration"), "{}", fault.message);
        assert_eq!(typed.query(json!({"owner": owner}), json!({"owner": 1})), "owner=1");
    }
    // A template that names what is not there is an error, not an empty text.
    assert!(list.tries(json!({"repos": "me/site"}), json!({})).is_err());
}

#[test]
fn only_query_parameters_are_injected() {
    let source = Document::listing(
        "{name: X-Place, in: header, schema: {type: string}, x-airbyte-param-config-inject: {source: country}}",
    )
    .source();
    let told = problems(&source);
    assert!(told[0].message.contains("fills query parameters only"), "{told:?}");
}
