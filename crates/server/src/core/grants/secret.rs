//! What is sealed of a grant: the credential's values, and what the provider said beside the tokens.
//!
//! Knows how a grant row is made and opened. Must not know when to refresh.

use super::idle;
use crate::core::error::{Error, Result};
use crate::core::pin::Pin;
use crate::core::{Deps, keys};
use crate::store::GrantRow;
use crate::vault::Place;
use indexmap::IndexMap;
use keybearer_connector::oauth::token::TokenAnswer;
use keybearer_connector::plan::Credential;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use std::time::Duration;

/// What sealed tokens are for.
pub const PURPOSE: &str = "grant.tokens";
/// A provider's `expires_in` beyond this is taken as this: a year.
const LONGEST_LIFE: Duration = Duration::from_hours(24 * 366);

/// The opened content of a grant.
#[derive(Clone, Default)]
pub struct GrantSecret {
    /// Authentication key to value: `access_token`, `refresh_token`, `api_key`, …
    pub values: IndexMap<String, SecretString>,
    /// Variables that URLs need: pinned at consent, from the callback (`realmId`), from the tokens (`instance_url`).
    pub extracted: Map<String, Value>,
}

impl GrantSecret {
    /// Opens a row's box. Fails when the row was swapped, rolled back, or sealed with a key that is gone.
    pub async fn open(deps: &Deps, row: &GrantRow) -> Result<Self> {
        let bytes = keys::open(deps, &place(row), &row.sealed).await?;
        let stored: Value = serde_json::from_slice(bytes.expose_secret())
            .map_err(|_| Error::internal("a grant's content is no JSON"))?;
        let object = |name: &str| stored.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
        let values = object("values")
            .into_iter()
            .filter_map(|(name, value)| Some((name, SecretString::from(value.as_str()?.to_owned()))))
            .collect();
        Ok(Self { values, extracted: object("extracted") })
    }

    /// Seals for a row, whose id, organization and version must be final.
    pub fn seal(&self, deps: &Deps, row: &GrantRow) -> Result<Vec<u8>> {
        let values: Map<String, Value> = self
            .values
            .iter()
            .map(|(name, value)| (name.clone(), Value::String(value.expose_secret().to_owned())))
            .collect();
        let plaintext = SecretString::from(
            serde_json::json!({ "values": values, "extracted": self.extracted }).to_string(),
        );
        deps.keyring
            .seal(&place(row), plaintext.expose_secret().as_bytes(), &deps.random)
            .map_err(Error::internal)
    }

    /// One value.
    pub fn value(&self, name: &str) -> Option<&SecretString> {
        self.values.get(name).filter(|value| !value.expose_secret().is_empty())
    }

    /// Takes in a token answer. A refresh token that does not come back is kept (RFC 6749 section 6). True when what
    /// was sent for it can be sent again: the refresh token is the same, or there is none.
    pub fn renew(&mut self, answer: &TokenAnswer) -> bool {
        self.values.insert("access_token".to_owned(), answer.access_token.clone());
        let mut reusable = true;
        if let Some(new) = &answer.refresh_token {
            let old = self.values.insert("refresh_token".to_owned(), new.clone());
            reusable = old.is_some_and(|old| old.expose_secret() == new.expose_secret());
        }
        self.extracted.extend(
            answer.extracted.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))),
        );
        reusable
    }

    /// Nothing in it can be used up by being sent: client credentials and service accounts are proofs, not tokens.
    fn has_no_refresh_token(&self) -> bool {
        self.value("refresh_token").is_none()
    }
}

/// What the row of this version says of it: itself where what it is renewed with can be sent again, else none that there is.
pub(super) fn reusable_version(version: i64, is_reusable: bool) -> i64 {
    if is_reusable { version } else { 0 }
}

/// When an access token ends, epoch milliseconds; none when the provider does not say.
pub(super) fn expires_at(now: i64, expires_in: Option<Duration>) -> Option<i64> {
    let life = expires_in?.min(LONGEST_LIFE);
    Some(now + i64::try_from(life.as_millis()).unwrap_or(i64::MAX / 2))
}

/// What a consent knows of the grant that it leads to.
pub struct Consented<'a> {
    /// Tenant.
    pub organization_id: &'a str,
    /// Whose account.
    pub workspace_id: &'a str,
    /// Connector type.
    pub connector_type: &'a str,
    /// Pinned OAuth app; none: the instance's.
    pub oauth_app_id: Option<&'a str>,
    /// Its client id.
    pub client_id: &'a str,
    /// Values chosen before consent.
    pub environment: &'a Map<String, Value>,
    /// Scopes that were asked for.
    pub scopes: &'a [String],
}

/// A quarantined grant of a fresh token answer. Scopes: those granted, else those asked for (RFC 6749 section 5.1).
pub fn from_answer(
    deps: &Deps,
    consented: &Consented<'_>,
    scheme: &str,
    answer: &TokenAnswer,
    kept: Map<String, Value>,
    pin: &Pin,
) -> Result<GrantRow> {
    let now = deps.clock.now_ms();
    // Values from before the consent stand beside those of the callback and the token answer: token endpoints may need them.
    let mut extracted = consented.environment.clone();
    extracted.extend(kept);
    let mut secret = GrantSecret { extracted, ..GrantSecret::default() };
    // The client id stands beside the tokens: it names the app that alone may refresh them.
    secret.values.insert("client_id".to_owned(), SecretString::from(consented.client_id.to_owned()));
    secret.renew(answer);
    let scopes = answer.scope.as_deref().unwrap_or(consented.scopes);
    let mut row = GrantRow {
        id: deps.random.uuid_v7(&deps.clock),
        organization_id: consented.organization_id.to_owned(),
        workspace_id: consented.workspace_id.to_owned(),
        connector_type: consented.connector_type.to_owned(),
        oauth_app_id: consented.oauth_app_id.map(str::to_owned),
        scheme: scheme.to_owned(),
        kind: "oauth".to_owned(),
        status: "quarantined".to_owned(),
        status_reason: None,
        sealed: Vec::new(),
        version: 1,
        expires_at: expires_at(now, answer.expires_in),
        issued_at: Some(now),
        refreshable: answer.refresh_token.is_some(),
        scopes: Some(serde_json::to_string(scopes).map_err(Error::internal)?),
        account_id: None,
        account_name: None,
        pin: pin.to_text(),
        attempt: None,
        attempt_deadline: None,
        unknown_sends: 0,
        reusable_version: reusable_version(1, secret.has_no_refresh_token()),
        created_at: now,
        updated_at: now,
        refresh_due: idle::due(&secret, answer.refresh_expires_in, now, deps.dice.number()),
    };
    row.sealed = secret.seal(deps, &row)?;
    Ok(row)
}

/// Where a credential that was handed in belongs.
pub struct Import<'a> {
    /// Workspace of the connector.
    pub workspace_id: &'a str,
    /// Connector type.
    pub connector_type: &'a str,
    /// Scheme it matched.
    pub scheme: &'a str,
    /// Only for OAuth schemes.
    pub oauth: Option<ImportedOauth>,
}

/// OAuth side of an imported credential.
#[derive(Default)]
pub struct ImportedOauth {
    /// Our app row that refreshes it; none: the instance's, or the credential carries its own client.
    pub oauth_app_id: Option<String>,
    /// Client id of that app; none when the credential carries its own.
    pub client_id: Option<String>,
    /// The definition can renew it with what is there.
    pub refreshable: bool,
    /// Epoch milliseconds.
    pub expires_at: Option<i64>,
}

/// An active grant of values that the caller handed in.
pub fn imported(
    deps: &Deps,
    organization: &str,
    import: Import<'_>,
    credential: Credential,
    environment: &Map<String, Value>,
    pin: &Pin,
) -> Result<(GrantRow, GrantSecret)> {
    let now = deps.clock.now_ms();
    let mut secret = GrantSecret { values: credential.values, extracted: environment.clone() };
    let is_oauth = import.oauth.is_some();
    let oauth = import.oauth.unwrap_or_default();
    if let Some(client_id) = oauth.client_id {
        secret.values.insert("client_id".to_owned(), SecretString::from(client_id));
    }
    // A token that must be fetched before the first call counts as expired from the start.
    let absent = is_oauth && secret.value("access_token").is_none();
    let expires_at = if absent { Some(0) } else { oauth.expires_at };
    let mut row = GrantRow {
        id: deps.random.uuid_v7(&deps.clock),
        organization_id: organization.to_owned(),
        workspace_id: import.workspace_id.to_owned(),
        connector_type: import.connector_type.to_owned(),
        oauth_app_id: oauth.oauth_app_id,
        scheme: import.scheme.to_owned(),
        kind: if is_oauth { "oauth" } else { "static" }.to_owned(),
        status: "active".to_owned(),
        status_reason: None,
        sealed: Vec::new(),
        version: 1,
        expires_at,
        issued_at: None,
        refreshable: oauth.refreshable,
        scopes: None,
        account_id: None,
        account_name: None,
        pin: pin.to_text(),
        attempt: None,
        attempt_deadline: None,
        unknown_sends: 0,
        reusable_version: reusable_version(1, secret.has_no_refresh_token()),
        created_at: now,
        updated_at: now,
        // A token of unknown lifetime is left to its owner until a 401 asks for a refresh.
        refresh_due: (oauth.refreshable && expires_at.is_some())
            .then(|| idle::due(&secret, None, now, deps.dice.number()))
            .flatten(),
    };
    row.sealed = secret.seal(deps, &row)?;
    Ok((row, secret))
}

fn place(row: &GrantRow) -> Place<'_> {
    Place { purpose: PURPOSE, organization: &row.organization_id, row: &row.id, version: row.version }
}
