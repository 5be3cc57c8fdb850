//! Built-in values: merged only where the endpoints agree, never over what the document says.

use super::super::{Additions, load};
use super::SMALL;

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
}
