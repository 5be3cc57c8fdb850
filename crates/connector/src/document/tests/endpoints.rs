//! Endpoints of a provider stay on the definition's hosts.

use super::{changed, problems};

const ENDPOINTS: [(&str, &str); 4] = [
    ("authorizationUrl", "https://{{ subdomain }}.example.com/authorize"),
    ("tokenUrl", "https://{{subdomain}}.example.com/token"),
    ("refreshUrl", "https://{{ subdomain }}.example.com/token"),
    ("revoke_url", "https://api.example.com/revoke"),
];
/// In all of these the value decides which domain is reached.
const OPEN: [&str; 5] = [
    "https://{{ realm }}/token",
    "\"{{ realm }}/token\"",
    "https://{{ realm }}.com/token",
    "https://api.example.{{ realm }}",
    "https://api.example.com{{ realm }}/token",
];

/// What is wrong when an endpoint is `url` and the variable `realm` is declared so.
fn told(key: &str, from: &str, url: &str, realm: &str) -> Vec<String> {
    let source = changed(&format!("{key}: {from}"), &format!("{key}: {url}"));
    let source =
        source.replace("variables: {is_sandbox", &format!("variables: {{realm: {realm}, is_sandbox"));
    problems(&source).iter().map(ToString::to_string).collect()
}

#[test]
fn values_may_not_choose_their_hosts() {
    for (key, from) in ENDPOINTS {
        for url in OPEN {
            let found = told(key, from, url, "{type: string, default: a.example.com}");
            let message = format!("error: {key} lets the value of \"realm\" choose the host");
            let hint = "put a fixed domain after it (https://{{ realm }}.example.com), or limit \"realm\"";
            assert!(
                matches!(found.as_slice(), [one] if one.contains(&message) && one.contains(hint)),
                "{found:?}"
            );
        }
    }
    let found = told("tokenUrl", ENDPOINTS[1].1, "https://{{ client_id }}/token", "{type: string}");
    assert!(found[0].contains("\"client_id\" choose the host"), "{found:?}");
}

#[test]
fn limited_values_may() {
    for realm in ["{enum: [a.example.com]}", "{pattern: \"^[a-z]+$\"}", "{type: boolean}"] {
        for (key, from) in ENDPOINTS {
            for url in OPEN {
                assert_eq!(told(key, from, url, realm), Vec::<String>::new(), "{url} {realm}");
            }
        }
    }
    let closed = "https://{{ realm }}.example.com/token";
    assert_eq!(told("tokenUrl", ENDPOINTS[1].1, closed, "{type: string}"), Vec::<String>::new());
}

#[test]
fn server_variables_by_host_suffixes() {
    let whole = changed("url: https://{subdomain}.example.com/v1", "url: https://{subdomain}/v1")
        .replace("https://{{ subdomain }}.example.com/", "https://{{ subdomain }}/");
    let pattern = "x-keybearer-pattern: \"^[a-z0-9-]+$\"";
    let with = |limit: &str| problems(&whole.replace(pattern, limit));
    assert_eq!(with("x-keybearer-host-suffixes: [example.com]"), []);
    assert_eq!(with("enum: [a.example.com]"), []);
    let open = with("x-note: none");
    assert!(open.len() == 2 && open.iter().all(|p| p.message.contains("choose the host")), "{open:?}");

    let part = problems(&changed(pattern, "x-keybearer-host-suffixes: [example.com]"));
    assert!(part[0].message.contains("only a part of the server url's host"), "{part:?}");
    let unknown = problems(&changed("revoke_url: https://api", "revoke_url: https://{{ subdomian }}"));
    assert!(unknown[0].to_string().contains("did you mean \"subdomain\"?"), "{unknown:?}");
}
