//! Every route, and what it asks of its caller: the deny-by-default table.
//!
//! A route cannot be registered without an [`Access`]; a test walks this table with every kind of token.

use super::caller::Guarded;
use super::layer::{Answering, Edge};
use super::{
    App, audit, callback, connectors, definitions, describe, docs, execute, flows, health, import, jobs,
    oauth_apps, openapi, organization_settings, pages, redirect_urls, revocations, skills, templates, tokens,
    workspaces,
};
use crate::core::access::Access;
use crate::core::access::Access::{Application, Either, Public, Scoped};
use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodRouter, delete, get, post, put};
use http::Method;
use std::sync::Arc;

/// Where the API stands; the second is an alias.
pub const PREFIXES: [&str; 2] = ["/api/v1", "/v1"];

/// What stands before the id in the paths of an execute.
pub(super) const EXECUTES: [&str; 3] =
    ["/integrations/connectors/", "/connectors/sources/", "/connectors/instances/"];

/// One row of the table.
pub struct Route {
    /// Method.
    pub method: Method,
    /// Path below the prefix, with `{placeholders}`.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    handler: MethodRouter<App>,
}

macro_rules! route {
    ($access:ident, $method:ident $path:literal => $handler:expr) => {
        Route { method: Method::$method, path: $path, access: $access, handler: route!(@router $method, Guarded { access: $access, handler: $handler }) }
    };
    (@router GET, $handler:expr) => { get($handler) };
    (@router POST, $handler:expr) => { post($handler) };
    (@router PUT, $handler:expr) => { put($handler) };
    (@router DELETE, $handler:expr) => { delete($handler) };
}

/// The table, below each of [`PREFIXES`].
pub fn routes() -> Vec<Route> {
    vec![
        route!(Public, POST "/account/applications/token" => tokens::application),
        route!(Public, POST "/applications/token" => tokens::application),
        route!(Application, POST "/account/applications/scoped-token" => tokens::scoped),
        route!(Application, POST "/embedded/scoped-token" => tokens::scoped),
        route!(Scoped, GET "/account/applications/scoped-token/info" => tokens::info),
        route!(Scoped, GET "/embedded/scoped-token/info" => tokens::info),
        route!(Application, POST "/account/applications/widget-token" => tokens::widget),
        route!(Application, POST "/embedded/widget-token" => tokens::widget),
        route!(Application, PUT "/oauth/credentials" => oauth_apps::put),
        route!(Application, GET "/oauth/credentials" => oauth_apps::list),
        route!(Application, GET "/oauth/credentials/spec" => oauth_apps::spec),
        route!(Application, DELETE "/oauth/credentials/connector_type/{connector_type}" => oauth_apps::delete),
        route!(Application, GET "/organizations/redirect-urls" => redirect_urls::get),
        route!(Application, PUT "/organizations/redirect-urls" => redirect_urls::put),
        route!(Application, GET "/organizations/settings" => organization_settings::get),
        route!(Application, PUT "/organizations/settings" => organization_settings::put),
        route!(Either, POST "/integrations/connectors/oauth/initiate" => flows::start),
        route!(Public, GET "/integrations/connectors/oauth/callback" => callback::legacy),
        route!(Either, POST "/integrations/connectors" => connectors::create),
        route!(Either, GET "/integrations/connectors" => connectors::list),
        route!(Either, POST "/integrations/connectors/check" => connectors::check_unsaved),
        route!(Application, POST "/integrations/connectors/import" => import::import),
        route!(Application, GET "/integrations/connectors/export" => import::export),
        route!(Either, GET "/integrations/connectors/{id}" => connectors::get),
        route!(Either, PUT "/integrations/connectors/{id}" => connectors::put),
        route!(Either, DELETE "/integrations/connectors/{id}" => connectors::delete),
        route!(Either, POST "/integrations/connectors/{id}/check" => connectors::check),
        route!(Either, GET "/integrations/connectors/{id}/inspect" => describe::inspect),
        route!(Either, GET "/integrations/connectors/{id}/entities" => describe::entities),
        route!(Either, POST "/integrations/connectors/{id}/execute" => execute::run),
        route!(Either, POST "/connectors/sources/{id}/execute" => execute::run),
        route!(Either, POST "/connectors/instances/{id}/execute" => execute::run),
        route!(Either, GET "/connectors/connectors_for_user" => connectors::for_user),
        route!(Either, GET "/connectors/instances_for_user" => connectors::instances_for_user),
        route!(Either, GET "/skills/docs" => skills::docs),
        route!(Either, GET "/jobs/{job_id}" => jobs::get),
        route!(Application, GET "/audit" => audit::list),
        route!(Application, GET "/audit/export" => audit::export),
        route!(Application, POST "/revocations" => revocations::create),
        route!(Application, GET "/revocations" => revocations::list),
        route!(Application, GET "/revocations/{id}" => revocations::get),
        route!(Application, GET "/revocations/{id}/grants" => revocations::grants),
        route!(Either, GET "/integrations/definitions/sources" => definitions::list),
        route!(Either, GET "/integrations/definitions/sources/{id}" => definitions::get),
        route!(Either, GET "/integrations/templates/sources" => templates::list),
        route!(Either, GET "/integrations/templates/sources/global" => templates::list),
        route!(Either, GET "/integrations/templates/sources/{id}" => templates::get),
        route!(Application, GET "/workspaces" => workspaces::list),
        route!(Application, GET "/workspaces/stats" => workspaces::stats),
        route!(Application, GET "/workspaces/{id}" => workspaces::get),
        route!(Application, PUT "/workspaces/{id}" => workspaces::put),
        route!(Application, DELETE "/workspaces/{id}" => workspaces::delete),
    ]
}

/// Routes outside the prefix; all are public.
pub(super) fn outside() -> Vec<Route> {
    vec![
        route!(Public, GET "/health" => health::health),
        route!(Public, GET "/ready" => health::ready),
        route!(Public, GET "/oauth/callback/{slug}" => callback::context),
        route!(Public, GET "/connect" => pages::connect),
        route!(Public, GET "/openapi.json" => openapi::json),
        route!(Public, GET "/docs" => docs::page),
    ]
}

/// The whole API.
pub fn router(app: &App, cors_origins: &[String]) -> Edge {
    let mut router = Router::new();
    for prefix in PREFIXES {
        for Route { path, handler, .. } in routes() {
            router = router.route(&format!("{prefix}{path}"), handler);
        }
    }
    for Route { path, handler, .. } in outside() {
        router = router.route(path, handler);
    }
    let router = router
        .fallback(|| async { http::StatusCode::NOT_FOUND })
        .method_not_allowed_fallback(|| async { http::StatusCode::METHOD_NOT_ALLOWED })
        .with_state(Arc::clone(app));
    let (guarded, state) = (guarded(Access::Either, execute::run), Arc::clone(app));
    let execute = Box::new(move |request| guarded.clone().call(request, Arc::clone(&state)));
    Edge::new(router, execute, cors_origins, app)
}

fn guarded<T: 'static, H: Handler<T, App>>(
    access: Access,
    handler: H,
) -> impl Handler<T, App, Future = Answering> {
    Guarded { access, handler }
}

#[cfg(test)]
mod tests {
    use super::super::layer::executed;
    use super::*;
    use axum::extract::Request;

    const ID: &str = "0198f0c2-4a1b-7c3d-8e4f-123456789abc";

    fn goes_directly(method: &Method, path: &str) -> bool {
        let request = Request::builder().method(method).uri(path).body(axum::body::Body::empty()).unwrap();
        executed(&request).is_some_and(|id| id.0 == ID)
    }

    #[test]
    fn executes_and_nothing_else_go_around_the_router() {
        for prefix in PREFIXES {
            for Route { method, path, access, .. } in routes() {
                let expected = path.ends_with("/{id}/execute");
                let path = format!("{prefix}{}", path.replace("{id}", ID));
                assert_eq!(goes_directly(&method, &path), expected, "{path}");
                assert!(!expected || access == Either, "{path}");
            }
        }
        let path = |id: &str| format!("/api/v1/connectors/sources/{id}/execute");
        assert!(goes_directly(&Method::POST, &format!("{}?a=b", path(ID))));
        assert!(!goes_directly(&Method::GET, &path(ID)));
        for other in
            [format!("x/{ID}"), format!("{ID}/x"), format!("{{{ID}}}"), ID.replace('-', ""), "%30".repeat(12)]
        {
            assert!(!goes_directly(&Method::POST, &path(&other)), "{other}");
        }
        assert!(!goes_directly(&Method::POST, &format!("/api/v2/connectors/sources/{ID}/execute")));
        assert!(!goes_directly(&Method::POST, &format!("/api/v1/connectors/sources/{ID}/execute/")));
    }
}
