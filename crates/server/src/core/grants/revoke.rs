//! Revocation: the tokens of an ended grant are taken back at the provider (RFC 7009, or the provider's own way).
//!
//! Knows the outcome per token. Must not know why the grant ended. A refresh token goes first: providers take its
//! access tokens along (RFC 7009 section 2.1).

use super::request::{app_of, oauth_of};
use super::{GrantSecret, token_endpoint};
use crate::core::Deps;
use crate::core::error::Result;
use crate::core::pin::Pin;
use crate::store::GrantRow;
use keybearer_connector::call::Environment;
use keybearer_connector::oauth::ClientKeys;
use keybearer_connector::oauth::revoke::{self, Kind, Outcome, Revoke};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

/// What became of one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenOutcome {
    /// The provider took it back, or does not know it any more.
    Revoked,
    /// The provider offers no way, or there is no app to authenticate with.
    Unsupported,
    /// An access token that had ended by itself, and that the provider refused to revoke.
    Expired,
    /// Not tried yet, or to be tried again.
    Pending,
    /// Given up.
    Failed,
}

const NAMES: [(TokenOutcome, &str); 5] = [
    (TokenOutcome::Revoked, "revoked"),
    (TokenOutcome::Unsupported, "unsupported"),
    (TokenOutcome::Expired, "expired"),
    (TokenOutcome::Pending, "pending"),
    (TokenOutcome::Failed, "failed"),
];

impl TokenOutcome {
    fn name(self) -> &'static str {
        NAMES.iter().find(|(outcome, _)| *outcome == self).map_or("pending", |(_, name)| name)
    }
}

/// Outcome per token, in the order in which they are revoked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report(Vec<(String, TokenOutcome)>);

impl Report {
    /// The grant's box does not open now, so nobody knows its tokens.
    pub fn unopened() -> Self {
        Self(vec![("grant".to_owned(), TokenOutcome::Pending)])
    }

    /// As [`Report::to_text`] wrote it.
    pub fn from_text(text: &str) -> Self {
        let list: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
        let read = |one: &Value| {
            let outcome = one.get("outcome")?.as_str()?;
            let (outcome, _) = NAMES.iter().find(|(_, name)| *name == outcome)?;
            Some((one.get("token")?.as_str()?.to_owned(), *outcome))
        };
        Self(list.iter().filter_map(read).collect())
    }

    /// `[{"token","outcome"}]`, as the API shows it.
    pub fn to_text(&self) -> String {
        let show =
            |(token, outcome): &(String, TokenOutcome)| json!({ "token": token, "outcome": outcome.name() });
        Value::Array(self.0.iter().map(show).collect()).to_string()
    }

    /// Nothing is left to try.
    pub fn is_settled(&self) -> bool {
        self.0.iter().all(|(_, outcome)| *outcome != TokenOutcome::Pending)
    }

    /// What is still pending failed: no further try is made. A report of nothing says that the grant failed.
    #[must_use]
    pub fn given_up(self) -> Self {
        let mut outcomes = if self.0.is_empty() { Self::unopened().0 } else { self.0 };
        for (_, outcome) in &mut outcomes {
            if *outcome == TokenOutcome::Pending {
                *outcome = TokenOutcome::Failed;
            }
        }
        Self(outcomes)
    }

    /// After the last try: as [`Report::given_up`], where anything is pending.
    #[must_use]
    pub fn given_up_if_pending(self) -> Self {
        if self.is_settled() { self } else { self.given_up() }
    }

    /// One word for the grant: `pending` and `failed` where a token is, else what became of the first token, because the
    /// refresh token is what lives on. A grant without tokens that a provider could revoke is `unsupported`: an API key stays good.
    pub fn outcome(&self) -> &'static str {
        let any = |wanted: TokenOutcome| self.0.iter().any(|(_, outcome)| *outcome == wanted);
        match self.0.first() {
            _ if any(TokenOutcome::Pending) => "pending",
            _ if any(TokenOutcome::Failed) => "failed",
            Some((_, TokenOutcome::Revoked | TokenOutcome::Expired)) => "revoked",
            _ => "unsupported",
        }
    }

    fn settled(&self, token: &str) -> Option<TokenOutcome> {
        let found = self.0.iter().find(|(name, _)| name == token).map(|(_, outcome)| *outcome);
        found.filter(|outcome| *outcome != TokenOutcome::Pending)
    }
}

/// Revokes the tokens of one grant, but for those that `before` tells as settled.
pub async fn revoke(deps: &Deps, organization: &str, grant_id: &str, before: &Report) -> Result<Report> {
    match opened(deps, organization, grant_id).await? {
        Some((row, secret)) => remaining(deps, &row, &secret, before).await,
        None => Ok(before.clone()),
    }
}

/// What a revocation that has not been tried yet is going to do.
pub async fn waiting(deps: &Deps, organization: &str, grant_id: &str) -> Result<Report> {
    let opened = opened(deps, organization, grant_id).await?;
    let pending = |(name, _): &(&str, Kind)| ((*name).to_owned(), TokenOutcome::Pending);
    Ok(Report(opened.map_or_else(Vec::new, |(_, secret)| held(&secret).iter().map(pending).collect())))
}

/// The grant with its tokens; none where there is nothing that a provider could revoke. Tokens that were replaced or
/// already revoked are erased.
async fn opened(deps: &Deps, organization: &str, grant_id: &str) -> Result<Option<(GrantRow, GrantSecret)>> {
    let Some(row) = deps.store.grant(organization, grant_id).await? else { return Ok(None) };
    if row.kind != "oauth" || row.sealed.is_empty() {
        return Ok(None);
    }
    let secret = GrantSecret::open(deps, &row).await?;
    Ok(Some((row, secret)))
}

fn held(secret: &GrantSecret) -> Vec<(&'static str, Kind)> {
    let kinds = [("refresh_token", Kind::RefreshToken), ("access_token", Kind::AccessToken)];
    kinds.into_iter().filter(|(name, _)| secret.value(name).is_some()).collect()
}

/// Revokes tokens that came for a grant and could not be stored, because it had ended meanwhile.
pub async fn tokens(deps: &Deps, row: &GrantRow, secret: &GrantSecret) -> Result<Report> {
    remaining(deps, row, secret, &Report(Vec::new())).await
}

async fn remaining(deps: &Deps, row: &GrantRow, secret: &GrantSecret, before: &Report) -> Result<Report> {
    let mut outcomes = Vec::new();
    for (name, kind) in held(secret) {
        let outcome = match before.settled(name) {
            Some(settled) => settled,
            None => one(deps, row, secret, kind).await?,
        };
        outcomes.push((name.to_owned(), outcome));
    }
    Ok(Report(outcomes))
}

async fn one(deps: &Deps, row: &GrantRow, secret: &GrantSecret, kind: Kind) -> Result<TokenOutcome> {
    let Some(plan) = deps.catalog.find(&row.connector_type).and_then(|kind| kind.plan().ok()) else {
        return Ok(TokenOutcome::Unsupported);
    };
    // As at refresh: never to an endpoint that the tokens were not made for.
    if Pin::from_text(&row.pin).is_none_or(|pin| !pin.covers(plan)) {
        return Ok(TokenOutcome::Unsupported);
    }
    let Some(oauth) = oauth_of(plan, &row.scheme) else { return Ok(TokenOutcome::Unsupported) };
    let app = app_of(deps, row, secret, plan).await?;
    let own = secret.value("client_id").map(SecretString::expose_secret);
    let client = match (&app, own) {
        (Some(app), _) => ClientKeys { client_id: &app.client_id, client_secret: Some(&app.client_secret) },
        (None, Some(client_id)) => ClientKeys { client_id, client_secret: secret.value("client_secret") },
        (None, None) => ClientKeys { client_id: "", client_secret: None },
    };
    let environment = Environment(secret.extracted.clone().into_iter().collect()).with_defaults(plan);
    let tokens = Revoke {
        kind,
        access_token: secret.value("access_token"),
        refresh_token: secret.value("refresh_token"),
    };
    let request = match revoke::request(oauth, &tokens, &client, &environment) {
        Ok(Some(request)) => request,
        Ok(None) => return Ok(TokenOutcome::Unsupported),
        Err(error) => {
            tracing::warn!(grant = %row.id, %error, "a revocation cannot be written");
            return Ok(TokenOutcome::Unsupported);
        }
    };
    let expired = kind == Kind::AccessToken && row.expires_at.is_some_and(|end| end <= deps.clock.now_ms());
    Ok(match token_endpoint(deps, request).await.map(|response| revoke::read(oauth, &response)) {
        Ok(Outcome::Revoked) => TokenOutcome::Revoked,
        Ok(Outcome::Unsupported) => TokenOutcome::Unsupported,
        // Not every provider follows RFC 7009 section 2.2, by which a token that has ended is a success.
        Ok(Outcome::Refused) if expired => TokenOutcome::Expired,
        Ok(Outcome::Refused | Outcome::Failed) => TokenOutcome::Pending,
        Err(fault) => {
            tracing::warn!(grant = %row.id, %fault, "a revocation did not reach the provider");
            TokenOutcome::Pending
        }
    })
}

#[cfg(test)]
mod tests {
    use super::TokenOutcome::{Expired, Failed, Pending, Revoked, Unsupported};
    use super::*;

    #[test]
    fn one_word_tells_a_grant_and_nothing_pending_is_lost() {
        let of = |outcomes: &[(&str, TokenOutcome)]| {
            Report(outcomes.iter().map(|(name, outcome)| ((*name).to_owned(), *outcome)).collect())
        };
        for (report, word) in [
            (of(&[]), "unsupported"),
            (of(&[("refresh_token", Revoked), ("access_token", Unsupported)]), "revoked"),
            (of(&[("refresh_token", Unsupported), ("access_token", Revoked)]), "unsupported"),
            (of(&[("access_token", Expired)]), "revoked"),
            (of(&[("refresh_token", Revoked), ("access_token", Pending)]), "pending"),
            (of(&[("refresh_token", Failed), ("access_token", Revoked)]), "failed"),
        ] {
            assert_eq!(report.outcome(), word, "{report:?}");
            assert_eq!(Report::from_text(&report.to_text()), report);
        }
        let tried = of(&[("refresh_token", Revoked), ("access_token", Pending)]);
        assert_eq!(tried.given_up(), of(&[("refresh_token", Revoked), ("access_token", Failed)]));
        assert_eq!(of(&[]).given_up(), of(&[("grant", Failed)]));
    }
}
