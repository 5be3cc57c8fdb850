//! Built-in values: merged only where the endpoints agree, never over what the document says.

use super::super::{Additions, load};
use super::SMALL;
use crate::plan::{Action, NextCursor};

const FRAGMENT: &str = "
small-crm:
  authorization_url: https://{{subdomain}}.example.com/elsewhere
  token_url: https://{{ subdomain }}.example.com/token
  scheme:
    x-keybearer-oauth: {scope_separator: ' ', authorize_params: {access_type: offline, prompt: none}, issuer: 'https://i.example'}
  document:
    x-keybearer-hosts: [other.example.com]
    x-note: added
";

#[test]
fn adds_what_is_absent() {
    let definition = load(SMALL, &Additions::parse(FRAGMENT).unwrap()).unwrap();
    let (_, oauth) = definition.plan.oauth().unwrap();
    let params: Vec<_> =
        oauth.authorize_params.iter().map(|(name, t)| (name.as_str(), t.source.as_str())).collect();
    assert_eq!(params, [("prompt", "consent"), ("access_type", "offline")]);
    assert_eq!(oauth.scope_separator, ",");
    assert_eq!(oauth.issuer.as_deref(), Some("https://i.example"));
    assert_eq!(definition.plan.hosts.len(), 2);
    assert!(definition.document.root().get("x-note").is_some());
}

#[test]
fn needs_the_same_origins() {
    for (from, to) in [
        ("authorization_url: https://", "authorization_url: http://"),
        ("}}.example.com/token", "}}.example.com.evil.net/token"),
        ("small-crm:", "other-crm:"),
    ] {
        let definition = load(SMALL, &Additions::parse(&FRAGMENT.replace(from, to)).unwrap()).unwrap();
        assert_eq!(definition.plan.oauth().unwrap().1.authorize_params.len(), 1, "{to}");
        assert!(definition.document.root().get("x-note").is_none());
    }
}

#[test]
fn bad_fragments_name_their_line() {
    let problems = Additions::parse("a: {token_url: x}\n").unwrap_err();
    assert!(problems[0].line == 1 && problems[0].message.contains("token_url"));
    for (bad, part) in [
        ("a: {}", "either token_url or server_url"),
        (
            "a: {token_url: 'https://a.example', server_url: 'https://a.example'}",
            "either token_url or server_url",
        ),
        ("a: {server_url: 'https://a.example', scheme: {}}", "only paging"),
        ("a: {server_url: 'https://a.example', document: {}}", "only paging"),
        ("a: {token_url: 'https://a.example', pages: {}}", "unknown key \"pages\""),
        ("a: {token_url: 'https://{a.example'}", "no origin"),
        ("a: {token_url: 'https://a}.example'}", "no origin"),
    ] {
        let problems = Additions::parse(bad).unwrap_err();
        assert!(problems[0].message.contains(part), "{bad}: {}", problems[0].message);
    }
}

/// The document's own server, and paging for its list of contacts.
const PAGING: &str = "
small-crm:
  server_url: https://{subdomain}.example.com/v9
  paging:
    contacts: {cursor_param: limit, cursor: offset}
    contacts.create: {cursor_param: name, cursor: page}
    strangers: {cursor_param: limit, cursor: offset}
";

#[test]
fn paging_reaches_operations() {
    let silent = SMALL.replace("      x-keybearer-pagination:", "      x-note:");
    let additions = Additions::parse(PAGING).unwrap();
    let definition = load(&silent, &additions).unwrap();
    let paging = |entity, action| definition.plan.operation(entity, action).unwrap().paging.clone();
    assert!(matches!(paging("contacts", Action::List).unwrap().next, NextCursor::Offset));
    assert!(matches!(paging("contacts", Action::Create).unwrap().next, NextCursor::Page { first: 1 }));
    let pointers: Vec<_> = definition.supplied.iter().map(|supplied| supplied.pointer.as_str()).collect();
    assert_eq!(
        pointers,
        ["/paths/~1contacts/get/x-keybearer-pagination", "/paths/~1contacts/post/x-keybearer-pagination"]
    );
    let other = silent.replace("https://{subdomain}.example.com", "https://{subdomain}.example.net");
    assert!(load(&other, &additions).unwrap().supplied.is_empty());
}

#[test]
fn says_what_was_supplied() {
    let definition = load(SMALL, &Additions::parse(FRAGMENT).unwrap()).unwrap();
    let shown: Vec<_> = definition
        .supplied
        .iter()
        .map(|supplied| format!("{} {}", supplied.pointer, supplied.value))
        .collect();
    let oauth = "/components/securitySchemes/oauth2/x-keybearer-oauth";
    assert_eq!(
        shown,
        [
            format!("{oauth}/authorize_params/access_type \"offline\""),
            format!("{oauth}/issuer \"https://i.example\""),
            "/x-note \"added\"".to_owned(),
        ]
    );
    assert!(load(SMALL, &Additions::none()).unwrap().supplied.is_empty());
}

#[test]
fn additions_never_break_a_document() {
    let unfit = FRAGMENT.replace("issuer: 'https://i.example'", "identity: {entity: nobody, id: $.id}");
    let small = SMALL.replace("        identity:", "        x-identity:");
    let definition = load(&small, &Additions::parse(&unfit).unwrap()).unwrap();
    assert!(definition.supplied.is_empty());
    assert_eq!(definition.plan.oauth().unwrap().1.authorize_params.len(), 1);
    let warning = definition.warnings.last().unwrap();
    assert!(warning.message.contains("left out") && warning.message.contains("nobody"), "{warning}");
    let broken = small.replace("x-airbyte-action: create", "x-airbyte-action: crate");
    let problems = load(&broken, &Additions::parse(&unfit).unwrap()).unwrap_err();
    assert!(problems.iter().all(|problem| !problem.message.contains("nobody")), "{problems:?}");
}
