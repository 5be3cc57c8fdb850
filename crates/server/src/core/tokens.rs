//! Our own bearer tokens: minted for an application or one workspace, verified on every call.
//!
//! Knows claims, lifetimes and the credential behind a token. Must not know routes (`core::access`) or headers.
//! Tokens are HMAC JWTs (RFC 7519) because nobody but this server verifies them; a verified one is remembered by
//! its hash until it expires or its credential changes.

use crate::core::access::{Caller, Identity, Scope};
use crate::core::error::{Error, Kind, Result};
use crate::core::{Deps, keys};
use crate::store::{CredentialRow, WorkspaceRow};
use crate::vault::{SigningKey, digest, same};
use base64::Engine;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use quick_cache::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Life of an application token. The published SDK keeps one for 14 minutes.
pub const APPLICATION_TTL: Duration = Duration::from_mins(15);
/// Life of a scoped token.
pub const SCOPED_TTL: Duration = Duration::from_mins(20);

/// Other processes may sign with an older key for so long after a newer one came.
const SUPERSEDED_GRACE: Duration = Duration::from_mins(1);
const ISSUER: &str = "keybearer";
const REMEMBERED: usize = 50_000;
const REMEMBERED_ENDED: usize = 10_000;

/// Keys and memory of the tokens.
pub struct Tokens {
    validation: Validation,
    verified: Cache<[u64; 2], (Caller, i64)>,
    ended: Cache<[u64; 2], ()>,
    keys: [RandomState; 2],
    /// When keys were last read again for a token whose key was not known, by the process's own clock.
    asked_at_ms: AtomicU64,
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

impl Default for Tokens {
    fn default() -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        // Expiry is checked against the server's clock, which is a parameter, and `aud` is not used.
        validation.validate_exp = false;
        validation.validate_aud = false;
        Self {
            validation,
            verified: Cache::new(REMEMBERED),
            ended: Cache::new(REMEMBERED_ENDED),
            keys: [RandomState::new(), RandomState::new()],
            asked_at_ms: AtomicU64::new(0),
        }
    }
}

impl Tokens {
    /// What a bearer is remembered by: keyed hashes of all of it and of its signature, 64 bits each, whose keys only this
    /// process knows. Whoever wants to pass for it needs its signature, which is as good as having it, and one guess in
    /// 2^64 besides. The bearer itself is not kept, and SHA-256 of it on every call would cost a tenth of the call.
    fn remembered_as(&self, bearer: &str) -> [u64; 2] {
        let signature = bearer.rsplit_once('.').map_or(bearer, |(_, signature)| signature);
        let [whole, part] = &self.keys;
        [whole.hash_one(bearer), part.hash_one(signature)]
    }

    /// Whether keys may be read again now: once a second, because anybody can name a key that there is not.
    fn may_ask(&self, deps: &Deps) -> bool {
        // From 1 on, so that the first one may ask.
        let now = u64::try_from(deps.clock.ticks().as_millis()).unwrap_or(u64::MAX).saturating_add(1001);
        let before = self.asked_at_ms.load(Ordering::Relaxed);
        now.saturating_sub(before) > 1000
            && self.asked_at_ms.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Forgets every verified token, so that each is checked against the database again.
    pub fn forget_all(&self) {
        self.verified.clear();
    }
}

fn mint(deps: &Deps, identity: &Identity, ttl: Duration) -> Result<SecretString> {
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
    let signing = deps.keyring.signing_key().ok_or_else(|| Error::internal("there is no signing key"))?;
    let header = Header { kid: Some(signing.id), ..Header::new(Algorithm::HS256) };
    let key = EncodingKey::from_secret(signing.key.expose_secret());
    let token = jsonwebtoken::encode(&header, &claims, &key).map_err(Error::internal)?;
    Ok(SecretString::from(token))
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
    let token = mint(deps, &identity, APPLICATION_TTL)?;
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
    mint(deps, &identity, SCOPED_TTL)
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
///
/// A bearer that this server never made costs one HMAC and no statement, and is counted for the address that it came from
/// (`address` is asked only then). One that has ended is remembered as ended: that never changes.
pub async fn verify(deps: &Deps, bearer: &str, address: impl FnOnce() -> Option<IpAddr>) -> Result<Caller> {
    let key = deps.tokens.remembered_as(bearer);
    if let Some((caller, expires)) = deps.tokens.verified.get(&key)
        && deps.feed.is_fresh(&deps.clock)
    {
        return if deps.clock.now_ms() < expires { Ok(caller) } else { Err(expired()) };
    }
    if deps.tokens.ended.get(&key).is_some() {
        return Err(ended());
    }
    let claims = match Box::pin(decode(deps, bearer)).await {
        Ok(claims) => claims,
        Err(forged) => {
            deps.rate_limits.forged(deps, address())?;
            return Err(forged);
        }
    };
    let expires = claims.exp.saturating_mul(1000);
    if deps.clock.now_ms() >= expires {
        return Err(expired());
    }
    let started = deps.feed.generation();
    // Boxed, because it is rare: its state would be moved with every call otherwise.
    let caller = match Box::pin(check(deps, claims)).await {
        Err(error) if error.kind == Kind::Unauthorized => {
            deps.tokens.ended.insert(key, ());
            return Err(error);
        }
        other => other?,
    };
    if deps.feed.generation() == started {
        deps.tokens.verified.insert(key, (caller.clone(), expires));
    }
    Ok(caller)
}

async fn decode(deps: &Deps, bearer: &str) -> Result<Claims> {
    let invalid = || Error::new(Kind::Unauthorized, "The bearer token is not valid");
    let header = jsonwebtoken::decode_header(bearer).map_err(|_| invalid())?;
    let signing = signing_key(deps, header.kid.as_deref().unwrap_or_default()).await.ok_or_else(invalid)?;
    let key = DecodingKey::from_secret(signing.key.expose_secret());
    jsonwebtoken::decode::<Claims>(bearer, &key, &deps.tokens.validation)
        .map(|token| token.claims)
        .map_err(|_| invalid())
}

/// The key of that id. A newer one may have come: another process's tokens are good here at once. An older one counts as
/// long as a token of its last moment lives, and no longer, in case it is why there is a newer one.
async fn signing_key(deps: &Deps, id: &str) -> Option<SigningKey> {
    let mut found = deps.keyring.signing_key_of(id);
    if found.is_none() && deps.tokens.may_ask(deps) {
        if let Err(error) = keys::reload(deps).await {
            tracing::warn!(%error, "data keys could not be read again");
        }
        found = deps.keyring.signing_key_of(id);
    }
    let life = i64::try_from((SCOPED_TTL + SUPERSEDED_GRACE).as_millis()).unwrap_or(i64::MAX);
    found.filter(|key| key.superseded_at.is_none_or(|at| deps.clock.now_ms() < at.saturating_add(life)))
}

async fn check(deps: &Deps, claims: Claims) -> Result<Caller> {
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

fn ended() -> Error {
    Error::new(Kind::Unauthorized, "The bearer token has been revoked")
}

fn expired() -> Error {
    Error::new(Kind::Unauthorized, "The bearer token has expired")
}
