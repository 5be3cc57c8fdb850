//! OAuth apps: the client id and secret that an organization, or the whole instance, has at a provider.
//!
//! Knows which app a flow uses and which a grant stays pinned to. Must not know flows or tokens.
//! A PUT with the same client id replaces the secret of that app, so that its grants heal. A PUT with another
//! client id is another app: grants of the old one go on using the old one.

use crate::core::access::Caller;
use crate::core::catalog::ConnectorType;
use crate::core::error::{Error, FieldError, Kind, Result};
use crate::core::pin::Pin;
use crate::core::{Deps, audit, keys};
use crate::store::{AuditRow, OauthAppRow};
use crate::vault::Place;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

/// What sealed configurations are for.
pub const PURPOSE: &str = "oauth_app.configuration";

/// An opened app.
#[derive(Clone)]
pub struct OauthApp {
    /// Row id; none: the instance-wide app.
    pub id: Option<String>,
    /// Public part.
    pub client_id: String,
    /// Secret part.
    pub client_secret: SecretString,
    /// The callback path that was registered for it.
    pub callback: Callback,
    /// Token endpoint and hosts that the secret was entered for; none: the operator's own setting.
    pub pin: Option<Pin>,
}

/// The callback path that an OAuth app was registered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callback {
    /// `/oauth/callback/<slug>`: one per connector type, so that providers cannot be mixed up.
    Context,
    /// `/api/v1/integrations/connectors/oauth/callback`, for apps that were registered with it.
    Legacy,
}

impl Callback {
    /// Its name in the app's configuration and in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Context => "context",
            Self::Legacy => "legacy",
        }
    }

    /// The redirect URI to register at the provider.
    pub fn url(self, public_url: &str, slug: &str) -> String {
        match self {
            Self::Context => format!("{public_url}/oauth/callback/{slug}"),
            Self::Legacy => format!("{public_url}/api/v1/integrations/connectors/oauth/callback"),
        }
    }
}

/// Checks a configuration against the connector's form and stores it as the organization's app.
pub async fn put(
    deps: &Deps,
    caller: &Caller,
    kind: &ConnectorType,
    configuration: &Map<String, Value>,
) -> Result<OauthAppRow> {
    let plan = kind.plan()?;
    let Some((_, oauth)) = plan.oauth() else { return Err(no_oauth(kind)) };
    let extra: Vec<_> = oauth.app_fields.iter().map(|field| (field.name.as_str(), field.required)).collect();
    check_configuration(configuration, &extra)?;
    let text = |name: &str| configuration.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let client_id = text("client_id");
    let callback = if text("callback") == "legacy" { Callback::Legacy } else { Callback::Context };
    let org = caller.organization();
    let known = deps.store.oauth_app_by_client(org, &kind.info.slug, &client_id).await?;
    let now = deps.clock.now_ms();
    let mut row = OauthAppRow {
        id: known.as_ref().map_or_else(|| deps.random.uuid_v7(&deps.clock), |row| row.id.clone()),
        organization_id: org.to_owned(),
        connector_type: kind.info.slug.clone(),
        definition_id: kind.info.definition_id.clone(),
        client_id,
        sealed: Vec::new(),
        version: known.as_ref().map_or(1, |row| row.version + 1),
        pin: Pin::of(plan).to_text(),
        callback: callback.name().to_owned(),
        current: true,
        created_at: known.as_ref().map_or(now, |row| row.created_at),
        updated_at: now,
    };
    let plaintext = Value::Object(configuration.clone()).to_string();
    row.sealed =
        deps.keyring.seal(&place(&row), plaintext.as_bytes(), &deps.random).map_err(Error::internal)?;
    let store = deps.store.audited(told(deps, caller, "oauth_app.put", &kind.info.slug));
    let stored = match known {
        None => store.insert_oauth_app(&row).await.map(|()| true),
        Some(old) => store.update_oauth_app(&row, old.version).await,
    };
    match stored {
        Ok(true) => {
            deps.oauth_app_changed();
            Ok(row)
        }
        Ok(false) | Err(crate::store::StoreError::Conflict(_)) => Err(Error::new(
            Kind::Conflict,
            "The OAuth app was changed by another call at the same time; send it again",
        )),
        Err(error) => Err(error.into()),
    }
}

/// The organization's own apps, without secrets.
pub async fn list(deps: &Deps, caller: &Caller) -> Result<Vec<OauthAppRow>> {
    Ok(deps.store.list_oauth_apps(caller.organization()).await?)
}

/// Ends the organization's own app for new flows; grants of it keep it. True also when there was none.
pub async fn delete(deps: &Deps, caller: &Caller, kind: &ConnectorType) -> Result<()> {
    let store = deps.store.audited(told(deps, caller, "oauth_app.delete", &kind.info.slug));
    store.retire_oauth_app(caller.organization(), &kind.info.slug, deps.clock.now_ms()).await?;
    deps.oauth_app_changed();
    Ok(())
}

/// The audit entry of a change to an OAuth app, told by its connector type.
fn told(deps: &Deps, caller: &Caller, operation: &str, slug: &str) -> AuditRow {
    AuditRow { subject: Some(slug.to_owned()), ..audit::by_caller(deps, caller, operation) }
}

/// The app that a new flow uses: the organization's, else the instance's.
pub async fn for_flow(deps: &Deps, organization: &str, slug: &str) -> Result<OauthApp> {
    if let Some(row) = deps.store.current_oauth_app(organization, slug).await? {
        return open(deps, &row).await;
    }
    instance(deps, slug).ok_or_else(|| {
        Error::new(
            Kind::OauthAppMissing,
            format!("No OAuth app is configured for `{slug}`: PUT /oauth/credentials sets the organization's, KEYBEARER_OAUTH_{}_CLIENT_ID the instance's",
                slug.to_ascii_uppercase().replace('-', "_")),
        )
    })
}

/// The app that a grant is pinned to; none when it is gone.
pub async fn pinned(
    deps: &Deps,
    organization: &str,
    slug: &str,
    id: Option<&str>,
    client_id: &str,
) -> Result<Option<OauthApp>> {
    match id {
        Some(id) => match deps.store.oauth_app(organization, id).await? {
            Some(row) => open(deps, &row).await.map(Some),
            None => Ok(None),
        },
        None => Ok(instance(deps, slug).filter(|app| app.client_id == client_id)),
    }
}

fn instance(deps: &Deps, slug: &str) -> Option<OauthApp> {
    let app = deps.settings.oauth_apps.get(slug)?;
    Some(OauthApp {
        id: None,
        client_id: app.client_id.clone(),
        client_secret: app.client_secret.clone(),
        callback: Callback::Context,
        pin: None,
    })
}

async fn open(deps: &Deps, row: &OauthAppRow) -> Result<OauthApp> {
    let bytes = keys::open(deps, &place(row), &row.sealed).await?;
    let configuration: Map<String, Value> =
        serde_json::from_slice(bytes.expose_secret()).map_err(Error::internal)?;
    let secret = configuration.get("client_secret").and_then(Value::as_str).unwrap_or_default();
    Ok(OauthApp {
        id: Some(row.id.clone()),
        client_id: row.client_id.clone(),
        client_secret: SecretString::from(secret.to_owned()),
        callback: if row.callback == "legacy" { Callback::Legacy } else { Callback::Context },
        pin: Pin::from_text(&row.pin),
    })
}

fn place(row: &OauthAppRow) -> Place<'_> {
    Place { purpose: PURPOSE, organization: &row.organization_id, row: &row.id, version: row.version }
}

fn check_configuration(configuration: &Map<String, Value>, extra: &[(&str, bool)]) -> Result<()> {
    let mut wanted = vec![("client_id", true), ("client_secret", true), ("callback", false)];
    wanted.extend(
        extra.iter().filter(|(name, _)| !matches!(*name, "client_id" | "client_secret" | "callback")),
    );
    let mut wrong = Vec::new();
    let mut push = |name: &str, code, message: String| {
        wrong.push(FieldError { field: format!("configuration.{name}"), message, code });
    };
    for (name, required) in &wanted {
        match configuration.get(*name) {
            None | Some(Value::Null) if *required => push(name, "missing", "is required".to_owned()),
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if *required && text.trim().is_empty() => {
                push(name, "missing", "must not be blank".to_owned());
            }
            Some(Value::String(text)) if text.len() > 4096 => {
                push(name, "too_long", "must have at most 4096 bytes".to_owned());
            }
            Some(Value::String(text)) if text.chars().any(char::is_control) => {
                push(name, "invalid_value", "must not contain control characters".to_owned());
            }
            Some(Value::String(text))
                if *name == "callback" && !matches!(text.as_str(), "context" | "legacy") =>
            {
                push(name, "invalid_value", "must be `context` or `legacy`".to_owned());
            }
            Some(Value::String(_)) => {}
            Some(_) => push(name, "invalid_type", "must be a text".to_owned()),
        }
    }
    let names = wanted.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    for name in configuration.keys().filter(|name| !wanted.iter().any(|(known, _)| known == name)) {
        // The name is the caller's own text and could be a secret in the wrong place: it is shown shortened.
        let shown: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
        push(&shown, "unknown_field", format!("is not known; known are {names}"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::invalid(wrong)) }
}

/// The answer where a connector type has no consent flow.
pub fn no_oauth(kind: &ConnectorType) -> Error {
    Error::new(
        Kind::OauthNotSupported,
        format!("`{}` has no OAuth consent; create the connector with `credentials` instead", kind.info.slug),
    )
}
