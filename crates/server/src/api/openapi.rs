//! `GET /openapi.json`: this API as an OpenAPI 3.1 document.
//!
//! Knows which operations are described and how the document is put together; what each operation says stands at its
//! handler, what each body holds in `api::schema`. Must not know rules. `openapi.json` at the root of the repository
//! is this document as committed: a test fails when it is stale.

mod aliases;
mod complete;
mod failures;
#[cfg(test)]
mod tests;

use super::{
    Answer, audit, callback, connectors, definitions, describe, docs, execute, flows, health, import, jobs,
    oauth_apps, organization_settings, pages, redirect_urls, revocations, schema, skills, templates, tokens,
    workspaces,
};
use axum::response::IntoResponse;
use http::header;
use serde_json::Value;
use std::sync::OnceLock;
use utoipa::OpenApi;

/// What the handlers say of themselves; `complete` adds what the table of routes knows.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Keybearer",
        description = "Keeps the OAuth grants of an application's users and executes operations at third-party \
            services in their name.\n\n\
            The usual way: `POST /api/v1/account/applications/token` with the credentials of the organization, `PUT \
            /api/v1/oauth/credentials` once a connector type, `POST /api/v1/integrations/connectors/oauth/initiate` \
            for a user, redeem the `secret_id` that comes back at `POST /api/v1/integrations/connectors`, then `POST \
            /api/v1/integrations/connectors/{id}/execute`.\n\n\
            `/v1` is an alias of `/api/v1` for every path. Bodies are JSON; a `null` field counts as not given, and \
            unknown fields are ignored unless an operation says otherwise. Ids are UUIDs, times RFC 3339 in UTC. Every \
            answer has `X-Request-Id`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "Tokens", description = "Bearer tokens of this API: for an application, or for one user's workspace."),
        (name = "OAuth apps", description = "The organization's own OAuth apps at the providers."),
        (name = "Redirect URLs", description = "Where users may be sent back to after a consent."),
        (name = "Organization", description = "What the organization asks of its consents."),
        (name = "Consent", description = "From the consent link to the browser that comes back."),
        (name = "Connectors", description = "A connector type with one user's credentials: what operations run on."),
        (name = "Execute", description = "Operations at the providers."),
        (name = "Jobs", description = "Work that outlives a request."),
        (name = "Revocations", description = "The kill switch: all grants of a scope end at once."),
        (name = "Audit", description = "Who did what, in a chain that shows when it was changed."),
        (name = "Connector types", description = "The providers that this server knows, and what they can do."),
        (name = "Workspaces", description = "One workspace a user or customer; they are created on first use."),
        (name = "Health", description = "For load balancers."),
        (name = "Pages", description = "Pages for people, and this description."),
    ),
    paths(
        tokens::application, tokens::scoped, tokens::info, tokens::widget,
        oauth_apps::put, oauth_apps::list, oauth_apps::spec, oauth_apps::delete,
        redirect_urls::get, redirect_urls::put, organization_settings::get, organization_settings::put,
        flows::start, callback::legacy, callback::context,
        connectors::create, connectors::list, connectors::check_unsaved, connectors::get, connectors::put,
        connectors::delete, connectors::check, describe::inspect, describe::entities,
        connectors::for_user, connectors::instances_for_user, import::import, import::export,
        execute::run, jobs::get,
        audit::list, audit::export,
        revocations::create, revocations::list, revocations::get, revocations::grants,
        definitions::list, definitions::get, templates::list, templates::get, skills::docs,
        workspaces::list, workspaces::stats, workspaces::get, workspaces::put, workspaces::delete,
        health::health, health::ready, pages::connect, json, docs::page,
    ),
    components(schemas(schema::errors::ErrorBody)),
)]
struct Described;

/// The whole document, put together on first use: the start does not wait for it.
pub(super) fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| complete::complete(described()))
}

/// The document as text, as it is served and committed.
fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| format!("{:#}\n", document()))
}

fn described() -> Value {
    serde_json::to_value(Described::openapi()).unwrap_or_default()
}

/// Read this description
///
/// OpenAPI 3.1.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "Pages",
    operation_id = "getOpenapi",
    responses((status = 200, description = "The document.", body = Object)),
)]
pub(super) async fn json() -> Answer {
    Ok(([(header::CONTENT_TYPE, "application/json")], text()).into_response())
}
