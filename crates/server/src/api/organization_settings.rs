//! `/organizations/settings`: what the organization asks of its consents.
//!
//! Knows the body; the rules are in `core::organization_settings`.

use super::answer::ok;
use super::body::{Body, Fields};
use super::{Answer, App, schema};
use crate::core::access::Caller;
use crate::core::audit;
use crate::core::organization_settings::{self, Change, OrganizationSettings};
use axum::extract::State;
use serde_json::{Value, json};

/// Read the organization's settings
#[utoipa::path(
    get,
    path = "/api/v1/organizations/settings",
    tag = "Organization",
    operation_id = "getOrganizationSettings",
    responses(
        (status = 200, description = "The settings.", body = schema::organization_settings::OrganizationSettings),
    ),
    extensions(("x-keybearer-errors" = json!(["not_found"]))),
)]
pub(super) async fn get(State(app): State<App>, caller: Caller) -> Answer {
    ok(shown(organization_settings::get(&app, caller.organization()).await?))
}

/// Change the organization's settings
///
/// A setting that is not given stays as it is. Consents that are under way are held to the new settings, too. Unknown
/// fields are refused, so that a misspelt setting does not seem to be on.
#[utoipa::path(
    put,
    path = "/api/v1/organizations/settings",
    tag = "Organization",
    operation_id = "putOrganizationSettings",
    request_body = schema::organization_settings::OrganizationSettingsRequest,
    responses(
        (status = 200, description = "All settings.", body = schema::organization_settings::OrganizationSettings),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid", "not_found"]))),
)]
pub(super) async fn put(State(app): State<App>, caller: Caller, Body(body): Body) -> Answer {
    let mut fields = Fields::of(body);
    let change = Change { require_binding: fields.flag("require_binding") };
    fields.refuse_rest("`require_binding`");
    fields.finish()?;
    let entry = audit::by_caller(&app, &caller, organization_settings::CHANGED);
    ok(shown(organization_settings::change(&app, caller.organization(), &change, entry).await?))
}

fn shown(settings: OrganizationSettings) -> Value {
    json!({ "require_binding": settings.require_binding })
}
