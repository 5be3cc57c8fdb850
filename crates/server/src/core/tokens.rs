//! Our own bearer tokens: minted for an application or one workspace, verified on every call.
//!
//! Knows claims, lifetimes and the credential behind a token. Must not know routes (`core::access`) or headers.
//! Tokens are HMAC JWTs (RFC 7519) because nobody but this server verifies them; a verified one is remembered by
//! its hash until it expires or its credential changes.

use crate::core::Deps;
use crate::core::access::{Caller, Identity, Scope};
use crate::core::error::{Error, Kind, Result};
use crate::store::{CredentialRow, WorkspaceRow};
use crate::vault::{digest, same};
use base64::Engine;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use quick_cache::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::Duration;

/// Life of an application token. The published SDK keeps one for 14 minutes.
pub const APPLICATION_TTL: Duration = Duration::from_mins(15);
/// Life of a scoped token.
pub const SCOPED_TTL: Duration = Duration::from_mins(20);

const ISSUER: &str = "keybearer";
const REMEMBERED: usize = 50_000;

/// Keys and memory of the tokens.
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    verified: Cache<[u64; 2], (Caller, i64)>,
    keys: [RandomState; 2],
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    /// The credential that the token was minted with.
    sub: String,
    org: String,
    typ: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ws: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wsn: Option<String>,
    iat: i64,
    exp: i64,
    jti: String,
}

/// An application token and whom it speaks for.
pub struct ApplicationToken {
    /// The bearer.
    pub token: SecretString,
    /// The tenant.
    pub organization_id: String,
}

impl Tokens {
    /// With a signing key that only this installation knows.
    pub fn new(signing_key: &[u8]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        // Expiry is checked against the server's clock, which is a parameter, and `aud` is not used.
        validation.validate_exp = false;
        validation.validate_aud = false;
        Self {
            encoding: EncodingKey::from_secret(signing_key),
            decoding: DecodingKey::from_secret(signing_key),
            validation,
            verified: Cache::new(REMEMBERED),
            keys: [RandomState::new(), RandomState::new()],
        }
    }

    /// What a bearer is remembered by: 128 bits of a keyed hash, whose keys only this process knows. The bearer itself
    /// is not kept, and SHA-256 of it on every call would cost as much as a tenth of the call.
    fn remembered_as(&self, bearer: &str) -> [u64; 2] {
        self.keys.each_ref().map(|key| key.hash_one(bearer))
    }

    /// Forgets every verified token, so that each is checked against the database again.
    pub fn forget_all(&self) {
        self.verified.clear();
    }

    fn mint(&self, deps: &Deps, identity: &Identity, ttl: Duration) -> Result<SecretString> {
        let now = deps.clock.now_ms() / 1000;
        let (typ, ws, wsn) = match &identity.scope {
            Scope::Organization | Scope::Operator => ("application", None, None),
            Scope::Workspace { id, name } => ("scoped", Some(id.clone()), Some(name.clone())),
        };
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: identity.credential_id.clone(),
            org: identity.organization_id.clone(),
            typ: typ.to_owned(),
            ws,
            wsn,
            iat: now,
            exp: now + i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX),
            jti: deps.random.uuid_v4(),
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
            .map_err(Error::internal)?;
        Ok(SecretString::from(token))
    }
}

/// An application token for a client id and secret. One answer for an unknown id, a wrong secret and a removed credential.
pub async fn application_token(
    deps: &Deps,
    client_id: &str,
    client_secret: &SecretString,
    address: Option<IpAddr>,
) -> Result<ApplicationToken> {
    if let Some(left) = deps.sign_ins.blocked(client_id, address, deps.clock.now_ms()) {
        return Err(Error::new(
            Kind::RateLimited,
            "Too many failed sign-ins with this client id from this address; wait",
        )
        .with("retryable", true)
        .with("retry_after_seconds", left.as_secs() + 1));
    }
    let row = deps.store.credential_by_client_id(client_id).await?;
    // A digest is compared even for an unknown id, so that both take the same time.
    let known = row.as_ref().map_or([0_u8; 32].as_slice(), |row| row.secret_hash.as_slice());
    let matches = same(known, &digest("client_secret", client_secret.expose_secret()));
    let Some(CredentialRow { id, organization_id, .. }) =
        row.filter(|row| matches && row.removed_at.is_none())
    else {
        deps.sign_ins.failed(client_id, address, deps.clock.now_ms());
        return Err(Error::new(Kind::Unauthorized, "Invalid client credentials"));
    };
    let identity =
        Identity { organization_id: organization_id.clone(), credential_id: id, scope: Scope::Organization };
    let token = deps.tokens.mint(deps, &identity, APPLICATION_TTL)?;
    Ok(ApplicationToken { token, organization_id })
}

/// A scoped token for one workspace of the caller's organization.
pub fn scoped_token(deps: &Deps, caller: &Caller, workspace: &WorkspaceRow) -> Result<SecretString> {
    let scope = Scope::Workspace { id: workspace.id.clone(), name: workspace.name.clone() };
    let identity = Identity {
        organization_id: caller.organization().to_owned(),
        credential_id: caller.credential_id().to_owned(),
        scope,
    };
    deps.tokens.mint(deps, &identity, SCOPED_TTL)
}

/// A widget token: base64 of the scoped token and the page that the widget shows.
pub fn widget_token(
    deps: &Deps,
    caller: &Caller,
    workspace: &WorkspaceRow,
    page_query: &str,
) -> Result<SecretString> {
    let token = scoped_token(deps, caller, workspace)?;
    let url = format!("{}/connect?workspaceId={}&{page_query}", deps.settings.public_url, workspace.id);
    let body = serde_json::json!({ "token": token.expose_secret(), "widgetUrl": url });
    Ok(SecretString::from(base64::engine::general_purpose::STANDARD.encode(body.to_string())))
}

/// Who a bearer speaks for. No database statement when the token was seen before.
pub async fn verify(deps: &Deps, bearer: &str) -> Result<Caller> {
    let key = deps.tokens.remembered_as(bearer);
    if let Some((caller, expires)) = deps.tokens.verified.get(&key)
        && deps.feed.is_fresh(&deps.clock)
    {
        return if deps.clock.now_ms() < expires { Ok(caller) } else { Err(expired()) };
    }
    let claims = decode(deps, bearer)?;
    let expires = claims.exp.saturating_mul(1000);
    if deps.clock.now_ms() >= expires {
        return Err(expired());
    }
    let started = deps.feed.generation();
    // Boxed, because it is rare: its state would be moved with every call otherwise.
    let caller = Box::pin(check(deps, claims)).await?;
    if deps.feed.generation() == started {
        deps.tokens.verified.insert(key, (caller.clone(), expires));
    }
    Ok(caller)
}

fn decode(deps: &Deps, bearer: &str) -> Result<Claims> {
    jsonwebtoken::decode::<Claims>(bearer, &deps.tokens.decoding, &deps.tokens.validation)
        .map(|token| token.claims)
        .map_err(|_| Error::new(Kind::Unauthorized, "The bearer token is not valid"))
}

async fn check(deps: &Deps, claims: Claims) -> Result<Caller> {
    let ended = || Error::new(Kind::Unauthorized, "The bearer token has been revoked");
    let credential = deps.store.credential(&claims.sub).await?;
    if credential.is_none_or(|row| row.removed_at.is_some() || row.organization_id != claims.org) {
        return Err(ended());
    }
    let scope = match (claims.typ.as_str(), claims.ws, claims.wsn) {
        ("application", None, None) => Scope::Organization,
        ("scoped", Some(id), Some(_)) => {
            let workspace = deps.store.workspace(&claims.org, &id).await?;
            let row = workspace.filter(|row| row.deleted_at.is_none()).ok_or_else(ended)?;
            // The name of today: after a rename the old one may be another workspace's.
            Scope::Workspace { id, name: row.name }
        }
        _ => return Err(ended()),
    };
    Ok(Caller::new(Identity { organization_id: claims.org, credential_id: claims.sub, scope }))
}

fn expired() -> Error {
    Error::new(Kind::Unauthorized, "The bearer token has expired")
}
