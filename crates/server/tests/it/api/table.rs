//! The route table, checked in: a new route, or one that opens up, has to be written here too.

use keybearer::api::routes;
use keybearer::core::access::Access;

/// `method path access`: `public`, `application` token, `scoped` token, or `either`.
pub(crate) const TABLE: &[(&str, &str, &str)] = &[
    ("POST", "/account/applications/token", "public"),
    ("POST", "/applications/token", "public"),
    ("POST", "/account/applications/scoped-token", "application"),
    ("POST", "/embedded/scoped-token", "application"),
    ("GET", "/account/applications/scoped-token/info", "scoped"),
    ("GET", "/embedded/scoped-token/info", "scoped"),
    ("POST", "/account/applications/widget-token", "application"),
    ("POST", "/embedded/widget-token", "application"),
    ("PUT", "/oauth/credentials", "application"),
    ("GET", "/oauth/credentials", "application"),
    ("GET", "/oauth/credentials/spec", "application"),
    ("DELETE", "/oauth/credentials/connector_type/{connector_type}", "application"),
    ("GET", "/organizations/redirect-urls", "application"),
    ("PUT", "/organizations/redirect-urls", "application"),
    ("GET", "/organizations/settings", "application"),
    ("PUT", "/organizations/settings", "application"),
    ("POST", "/integrations/connectors/oauth/initiate", "either"),
    ("GET", "/integrations/connectors/oauth/callback", "public"),
    ("POST", "/integrations/connectors", "either"),
    ("GET", "/integrations/connectors", "either"),
    ("POST", "/integrations/connectors/check", "either"),
    ("POST", "/integrations/connectors/import", "application"),
    ("GET", "/integrations/connectors/export", "application"),
    ("GET", "/integrations/connectors/{id}", "either"),
    ("PUT", "/integrations/connectors/{id}", "either"),
    ("DELETE", "/integrations/connectors/{id}", "either"),
    ("POST", "/integrations/connectors/{id}/check", "either"),
    ("GET", "/integrations/connectors/{id}/inspect", "either"),
    ("GET", "/integrations/connectors/{id}/entities", "either"),
    ("POST", "/integrations/connectors/{id}/execute", "either"),
    ("POST", "/connectors/sources/{id}/execute", "either"),
    ("POST", "/connectors/instances/{id}/execute", "either"),
    ("GET", "/connectors/connectors_for_user", "either"),
    ("GET", "/connectors/instances_for_user", "either"),
    ("GET", "/skills/docs", "either"),
    ("GET", "/jobs/{job_id}", "either"),
    ("GET", "/audit", "application"),
    ("GET", "/audit/export", "application"),
    ("POST", "/revocations", "application"),
    ("GET", "/revocations", "application"),
    ("GET", "/revocations/{id}", "application"),
    ("GET", "/revocations/{id}/grants", "application"),
    ("GET", "/integrations/definitions/sources", "either"),
    ("GET", "/integrations/definitions/sources/{id}", "either"),
    ("GET", "/integrations/templates/sources", "either"),
    ("GET", "/integrations/templates/sources/global", "either"),
    ("GET", "/integrations/templates/sources/{id}", "either"),
    ("GET", "/workspaces", "application"),
    ("GET", "/workspaces/stats", "application"),
    ("GET", "/workspaces/{id}", "application"),
    ("PUT", "/workspaces/{id}", "application"),
    ("DELETE", "/workspaces/{id}", "application"),
];

#[test]
fn the_server_has_exactly_the_routes_of_this_table() {
    let mut seen: Vec<(String, &str, &str)> = routes()
        .iter()
        .map(|route| {
            let access = match route.access {
                Access::Public => "public",
                Access::Application => "application",
                Access::Scoped => "scoped",
                Access::Either => "either",
            };
            (route.method.to_string(), route.path, access)
        })
        .collect();
    let mut wanted: Vec<(String, &str, &str)> =
        TABLE.iter().map(|(method, path, access)| ((*method).to_owned(), *path, *access)).collect();
    seen.sort();
    wanted.sort();
    let missing: Vec<_> = wanted.iter().filter(|route| !seen.contains(route)).collect();
    let extra: Vec<_> = seen.iter().filter(|route| !wanted.contains(route)).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing: {missing:#?}\nnot in the table: {extra:#?}");
}
