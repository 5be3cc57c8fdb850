//! Codes, token families and what became of them: the memory of the authorization server, as pure moves on a struct.
//! It knows RFC 6749 §4.1.2 and §6 and RFC 9700 §4.14 (rotation, reuse); it must not know HTTP or who the client is.
//! Secrets are kept as SHA-256 only; everything stays in memory until the process ends.

use std::collections::HashMap;

use crate::person::Person;
use crate::scope::{Scope, Scopes};
use crate::secret::{opaque, s256, same, sha256_hex};
use crate::sources::Random;

/// What a user agreed to, until a code is made of it.
#[derive(Clone, Debug)]
pub(crate) struct Consent {
    pub(crate) person: Person,
    pub(crate) scopes: Scopes,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
}

/// Time, randomness and lifetime for one issue, and the ways in which an injected fault bends it.
pub(crate) struct Issue<'a> {
    pub(crate) now_ms: u64,
    pub(crate) ttl_ms: u64,
    pub(crate) random: &'a Random,
    /// Issue no refresh token; on a refresh, the one used stays good (RFC 6749 §6 lets a server do so).
    pub(crate) keep_refresh: bool,
    /// Grant these scopes instead of what was asked.
    pub(crate) narrow: Option<Scopes>,
}

#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) access: String,
    pub(crate) refresh: Option<String>,
    pub(crate) scopes: Scopes,
}

/// A refusal by the token endpoint (RFC 6749 §5.2): registered code and description.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) error: &'static str,
    pub(crate) description: &'static str,
    /// Whether a used code or refresh token came back, which ended its family.
    pub(crate) reuse: bool,
}

#[derive(Debug)]
struct Code {
    consent: Consent,
    expires_ms: u64,
    family: Option<usize>,
}

#[derive(Debug)]
struct Family {
    person: Person,
    scopes: Scopes,
    revoked: bool,
}

#[derive(Debug)]
struct Access {
    family: usize,
    scopes: Scopes,
    expires_ms: u64,
}

#[derive(Debug)]
struct Refresh {
    family: usize,
    used: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Grants {
    codes: HashMap<String, Code>,
    families: Vec<Family>,
    access: HashMap<String, Access>,
    refresh: HashMap<String, Refresh>,
}

fn invalid(description: &'static str) -> Refused {
    Refused { error: "invalid_grant", description, reuse: false }
}

fn key(secret: &str) -> String {
    sha256_hex(secret.as_bytes())
}

impl Grants {
    /// A new authorization code for what the user agreed to.
    pub(crate) fn code(&mut self, consent: Consent, expires_ms: u64, random: &Random) -> String {
        let code = opaque(random, "ac_");
        self.codes.insert(key(&code), Code { consent, expires_ms, family: None });
        code
    }

    /// Exchanges a code (RFC 6749 §4.1.3). A code that was used before ends the tokens issued for it (§4.1.2).
    pub(crate) fn redeem(
        &mut self,
        code: &str,
        redirect_uri: &str,
        verifier: &str,
        issue: Issue<'_>,
    ) -> Result<Issued, Refused> {
        let code = self.codes.get_mut(&key(code)).ok_or(invalid("unknown code"))?;
        if let Some(family) = code.family {
            self.end(family);
            return Err(Refused { reuse: true, ..invalid("the code was used before") });
        }
        if issue.now_ms >= code.expires_ms {
            return Err(invalid("the code has expired"));
        }
        if redirect_uri != code.consent.redirect_uri {
            return Err(invalid("redirect_uri differs from the authorization request"));
        }
        if !same(&s256(verifier), &code.consent.challenge) {
            return Err(invalid("code_verifier does not fit the code_challenge"));
        }
        let id = self.families.len();
        code.family = Some(id);
        let Consent { person, scopes, .. } = code.consent.clone();
        self.families.push(Family { person, scopes: scopes.clone(), revoked: false });
        Ok(self.issue(id, scopes, issue))
    }

    /// Refreshes (RFC 6749 §6) and rotates the refresh token; one that was used before ends its family.
    pub(crate) fn refresh(
        &mut self,
        token: &str,
        asked: Option<Scopes>,
        issue: Issue<'_>,
    ) -> Result<Issued, Refused> {
        let token = self.refresh.get_mut(&key(token)).ok_or(invalid("unknown refresh token"))?;
        let id = token.family;
        if token.used {
            self.end(id);
            return Err(Refused { reuse: true, ..invalid("the refresh token was used before") });
        }
        let family = self.families.get(id).filter(|family| !family.revoked);
        let family = family.ok_or(invalid("the grant was revoked"))?;
        let scopes = asked.unwrap_or_else(|| family.scopes.clone());
        if !scopes.within(&family.scopes) {
            let description = "wider than what the user granted";
            return Err(Refused { error: "invalid_scope", description, reuse: false });
        }
        token.used = !issue.keep_refresh;
        Ok(self.issue(id, scopes, issue))
    }

    fn issue(&mut self, family: usize, scopes: Scopes, issue: Issue<'_>) -> Issued {
        let scopes = issue.narrow.unwrap_or(scopes);
        let access = opaque(issue.random, "at_");
        let expires_ms = issue.now_ms.saturating_add(issue.ttl_ms);
        self.access.insert(key(&access), Access { family, scopes: scopes.clone(), expires_ms });
        let offline = self.families.get(family).is_some_and(|family| family.scopes.has(Scope::Offline));
        let refresh = (offline && !issue.keep_refresh).then(|| {
            let token = opaque(issue.random, "rt_");
            self.refresh.insert(key(&token), Refresh { family, used: false });
            token
        });
        Issued { access, refresh, scopes }
    }

    /// Whose access token this is and what it may do; `None` when unknown, expired or revoked.
    pub(crate) fn access(&self, token: &str, now_ms: u64) -> Option<(Person, Scopes)> {
        let access = self.access.get(&key(token)).filter(|access| now_ms < access.expires_ms)?;
        let family = self.families.get(access.family).filter(|family| !family.revoked)?;
        Some((family.person, access.scopes.clone()))
    }

    /// RFC 7009 §2.1: a refresh token ends its whole family, an access token only itself; unknown ones do nothing.
    pub(crate) fn revoke(&mut self, token: &str) {
        let key = key(token);
        if let Some(refresh) = self.refresh.get(&key) {
            self.end(refresh.family);
        }
        self.access.remove(&key);
    }

    fn end(&mut self, family: usize) {
        if let Some(family) = self.families.get_mut(family) {
            family.revoked = true;
        }
    }

    /// Expires every access token now; answers how many were still good.
    pub(crate) fn expire_access(&mut self, now_ms: u64) -> usize {
        let mut expired = 0;
        for access in self.access.values_mut().filter(|access| now_ms < access.expires_ms) {
            access.expires_ms = now_ms;
            expired += 1;
        }
        expired
    }

    /// Ends every grant, as if each user had removed the application; answers how many were alive.
    pub(crate) fn end_all(&mut self) -> usize {
        let mut ended = 0;
        for family in self.families.iter_mut().filter(|family| !family.revoked) {
            family.revoked = true;
            ended += 1;
        }
        ended
    }
}
