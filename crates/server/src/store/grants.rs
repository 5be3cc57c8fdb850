//! Grants: sealed tokens, and the claim that lets one process at a time renew them.
//!
//! Knows versions, claims and their deadlines. Must not know tokens, nor what a provider said.
//!
//! A claim is held by whoever's attempt stands in the row, until its deadline on the database's clock, because the
//! processes' clocks may differ. A claim is taken, renewed and used by one conditional UPDATE each, so two processes
//! can never both believe that they hold it. Whoever takes over a claim that died counts one send whose outcome nobody
//! knows, in the same statement. Every move that ends a grant takes the claim away, so a late commit finds nothing.

use super::Store;
use super::changes::Change;
use super::error::Result;
use super::sql::{Fork, FromRow, Row, row, values};
use super::work::Work;

row! {
    /// The tokens that came out of a flow, or static credentials.
    pub struct GrantRow in grants as grant_columns {
        /// Id, a UUID.
        pub id: String,
        /// The tenant.
        pub organization_id: String,
        /// Whose account it is for.
        pub workspace_id: String,
        /// Slug of the connector type.
        pub connector_type: String,
        /// OAuth app that obtained it; none: the instance's, or none was needed.
        pub oauth_app_id: Option<String>,
        /// Name of the definition's security scheme.
        pub scheme: String,
        /// `oauth` or `static`.
        pub kind: String,
        /// `quarantined`, `active`, `reauthorization_required`, `app_misconfigured` or `ended`.
        pub status: String,
        /// Our code for why it is not active.
        pub status_reason: Option<String>,
        /// Sealed tokens; empty when they were erased.
        pub sealed: Vec<u8>,
        /// Version of `sealed`.
        pub version: i64,
        /// When the access token ends, epoch milliseconds.
        pub expires_at: Option<i64>,
        /// When the access token came, epoch milliseconds.
        pub issued_at: Option<i64>,
        /// There is a refresh token.
        pub refreshable: bool,
        /// Granted scopes; a JSON array.
        pub scopes: Option<String>,
        /// The provider's id of the account.
        pub account_id: Option<String>,
        /// The provider's name of the account.
        pub account_name: Option<String>,
        /// Endpoints and hosts that the tokens may go to; JSON.
        pub pin: String,
        /// Who is renewing it.
        pub attempt: Option<String>,
        /// Until when, epoch milliseconds on the database's clock.
        pub attempt_deadline: Option<i64>,
        /// How often its refresh token was sent without a known outcome.
        pub unknown_sends: i64,
        /// Epoch milliseconds.
        pub created_at: i64,
        /// Epoch milliseconds.
        pub updated_at: i64,
        /// When it is refreshed although nobody calls it, epoch milliseconds; none: never.
        pub refresh_due: Option<i64>,
        /// The version of which it is known that a send does not use up what it is renewed with: the refresh token was
        /// the same after its last use, or there is none. Another version: not known.
        pub reusable_version: i64,
    }
}

impl GrantRow {
    /// Sending what it is renewed with does not use that up, as far as anyone saw.
    pub fn is_reusable(&self) -> bool {
        self.reusable_version == self.version
    }
}
pub(super) use grant_columns;

impl FromRow for (GrantRow, bool) {
    fn read(row: &mut Row) -> Result<Self> {
        Ok((GrantRow::read(row)?, row.take()?))
    }
}

/// What came of asking for a claim.
#[derive(Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is the caller's for 3 s, and again for 3 s after each renewal.
    Claimed {
        /// How often the refresh token was sent without a known outcome, the claim that was taken over included.
        unknown_sends: i64,
    },
    /// Another attempt holds it.
    Busy,
    /// The grant has another version, may not be renewed in its status, or is gone.
    Moved,
}

/// New tokens for a grant.
#[derive(Debug)]
pub struct Renewed {
    /// Sealed tokens.
    pub sealed: Vec<u8>,
    /// Their version, greater than the one before.
    pub version: i64,
    /// When the access token ends, epoch milliseconds.
    pub expires_at: Option<i64>,
    /// When it came, epoch milliseconds.
    pub issued_at: Option<i64>,
    /// Granted scopes, a JSON array; none: as before (RFC 6749 section 5.1).
    pub scopes: Option<String>,
    /// When it is refreshed although nobody calls it, epoch milliseconds; none: never.
    pub refresh_due: Option<i64>,
    /// `version`, where the refresh token was left as it was or there is none; else 0.
    pub reusable_version: i64,
    /// Epoch milliseconds.
    pub now: i64,
}

/// The database's clock in epoch milliseconds, at the moment when the row is looked at.
macro_rules! database_now {
    (sqlite) => {
        "CAST(ROUND((JULIANDAY('now') - 2440587.5) * 86400000) AS INTEGER)"
    };
    (postgres) => {
        "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
    };
}
pub(super) use database_now;
macro_rules! claim {
    ($database:ident) => {
        concat!(
            "UPDATE grants SET attempt = $4, attempt_deadline = ", database_now!($database), " + 3000,
             unknown_sends = unknown_sends + CASE WHEN attempt IS NULL THEN 0 ELSE 1 END,
             updated_at = CASE WHEN attempt IS NULL THEN updated_at ELSE $6 END
             WHERE organization_id = $1 AND id = $2 AND version = $3 AND (status IN ('active', 'app_misconfigured')
             OR ($8 = 1 AND status = 'reauthorization_required')) AND (attempt IS NULL
             OR (attempt = $5 AND attempt_deadline = $7 AND attempt_deadline <= ", database_now!($database), "))
             RETURNING unknown_sends"
        )
    };
}
macro_rules! renew {
    ($database:ident) => {
        concat!(
            "UPDATE grants SET attempt_deadline = ",
            database_now!($database),
            " + 3000
             WHERE organization_id = $1 AND id = $2 AND attempt = $3"
        )
    };
}
macro_rules! claimable {
    ($database:ident) => {
        concat!(
            "SELECT ",
            grant_columns!(names),
            ",
             CASE WHEN attempt_deadline <= ",
            database_now!($database),
            " THEN CAST(1 AS BIGINT) ELSE 0 END
             FROM grants WHERE organization_id = $1 AND id = $2"
        )
    };
}
const CLAIMABLE: Fork = Fork { sqlite: claimable!(sqlite), postgres: claimable!(postgres) };
const CLAIM: Fork = Fork { sqlite: claim!(sqlite), postgres: claim!(postgres) };
const RENEW: Fork = Fork { sqlite: renew!(sqlite), postgres: renew!(postgres) };
const UNCHANGED: &str = "SELECT id FROM grants WHERE organization_id = $1 AND id = $2 AND version = $3
    AND (status IN ('active', 'app_misconfigured') OR ($4 = 1 AND status = 'reauthorization_required'))";
const COMMIT: &str = "UPDATE grants SET sealed = $5, version = $6, expires_at = $7, issued_at = $8,
    scopes = COALESCE($9, scopes), status = 'active', status_reason = NULL, attempt = NULL, attempt_deadline = NULL,
    unknown_sends = 0, updated_at = $10, refresh_due = $11, reusable_version = $12
    WHERE organization_id = $1 AND id = $2 AND attempt = $3 AND version = $4 AND status <> 'ended'";
const RELEASE: &str =
    "UPDATE grants SET attempt = NULL, attempt_deadline = NULL, unknown_sends = unknown_sends + $4,
    updated_at = $5 WHERE organization_id = $1 AND id = $2 AND attempt = $3";
const MARK: &str = "UPDATE grants SET status = $5, status_reason = $6, updated_at = $7,
    attempt = CASE WHEN $3 IS NULL AND $5 <> 'ended' THEN attempt END,
    attempt_deadline = CASE WHEN $3 IS NULL AND $5 <> 'ended' THEN attempt_deadline END
    WHERE organization_id = $1 AND id = $2 AND ($3 IS NULL OR attempt = $3) AND version = $4
    AND status NOT IN ('quarantined', 'ended')";

const NOTHING: &[u8] = &[];

pub(super) async fn insert(work: &mut Work, row: &GrantRow) -> Result<()> {
    let text = concat!(
        "INSERT INTO grants (",
        grant_columns!(names),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
         $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)"
    );
    work.execute(text, &row.all()).await.map_err(|error| error.about("grant"))?;
    Ok(())
}

/// A grant that another one replaced: nobody revokes it, because many providers would end its successor with it, so
/// its tokens are erased.
pub(super) async fn supersede(work: &mut Work, organization: &str, id: &str, now: i64) -> Result<()> {
    let text = "UPDATE grants SET status = 'ended', status_reason = 'replaced', sealed = $3, attempt = NULL,
         attempt_deadline = NULL, updated_at = $4 WHERE organization_id = $1 AND id = $2 AND status <> 'ended'";
    work.execute(text, values![organization, id, NOTHING, now]).await?;
    Ok(())
}

impl Store {
    /// One grant.
    pub async fn grant(&self, organization: &str, id: &str) -> Result<Option<GrantRow>> {
        let text =
            concat!("SELECT ", grant_columns!(names), " FROM grants WHERE organization_id = $1 AND id = $2");
        self.row(text, values![organization, id]).await
    }

    /// One grant, and whether it has a claim whose deadline has passed.
    pub async fn claimable_grant(&self, organization: &str, id: &str) -> Result<Option<(GrantRow, bool)>> {
        self.row(CLAIMABLE, values![organization, id]).await
    }

    /// Asks for the claim on an active or misconfigured grant that has `version`, in the name of `attempt` (unique).
    /// Another attempt's claim is taken over only where it is just the one that `seen` has, and has run out; else it
    /// counts as held. A takeover is a change at `now`, because the pause after its unknown outcome begins then. With
    /// `revive` a grant that was marked dead may be claimed, too: for new tokens that are there already.
    #[expect(clippy::too_many_arguments, reason = "the condition and the new state, each named once")]
    pub async fn claim_grant(
        &self,
        organization: &str,
        id: &str,
        version: i64,
        attempt: &str,
        seen: Option<&GrantRow>,
        revive: bool,
        now: i64,
    ) -> Result<Claim> {
        let (holder, deadline) =
            seen.map_or((None, None), |row| (row.attempt.as_deref(), row.attempt_deadline));
        let values = values![organization, id, version, attempt, holder, now, deadline, revive];
        let claimed = self.write_row(CLAIM, values).await?;
        if let Some(unknown_sends) = claimed {
            return Ok(Claim::Claimed { unknown_sends });
        }
        let there: Option<String> = self.row(UNCHANGED, values![organization, id, version, revive]).await?;
        Ok(if there.is_some() { Claim::Busy } else { Claim::Moved })
    }

    /// Moves the claim's deadline to 3 s from now. False when it is not this attempt's any more.
    pub async fn renew_claim(&self, organization: &str, id: &str, attempt: &str) -> Result<bool> {
        Ok(self.execute(RENEW, values![organization, id, attempt]).await? == 1)
    }

    /// Stores new tokens where the claim is this attempt's and the version is `from_version`; ends the claim. False,
    /// and nothing stored, when it is not.
    pub async fn commit_grant(
        &self,
        organization: &str,
        id: &str,
        attempt: &str,
        from_version: i64,
        renewed: &Renewed,
    ) -> Result<bool> {
        let values = values![
            organization,
            id,
            attempt,
            from_version,
            &renewed.sealed,
            renewed.version,
            renewed.expires_at,
            renewed.issued_at,
            &renewed.scopes,
            renewed.now,
            renewed.refresh_due,
            renewed.reusable_version
        ];
        self.write_grant(COMMIT, values, organization, id, renewed.now).await
    }

    /// Gives the claim back without new tokens; `unknown` when the provider may have got the refresh token. False when
    /// it is not this attempt's any more.
    pub async fn release_claim(
        &self,
        organization: &str,
        id: &str,
        attempt: &str,
        unknown: bool,
        now: i64,
    ) -> Result<bool> {
        Ok(self.execute(RELEASE, values![organization, id, attempt, unknown, now]).await? == 1)
    }

    /// Forgets unknown outcomes of a grant that has `version` and that nobody is renewing, but for `left` of them. False
    /// when there are no more, or the grant moved.
    pub async fn forget_unknown_sends(
        &self,
        organization: &str,
        id: &str,
        version: i64,
        left: i64,
        now: i64,
    ) -> Result<bool> {
        let text =
            "UPDATE grants SET unknown_sends = $5, updated_at = $4 WHERE organization_id = $1 AND id = $2
             AND version = $3 AND unknown_sends > $5 AND attempt IS NULL
             AND status IN ('active', 'app_misconfigured')";
        self.write_grant(text, values![organization, id, version, now, left], organization, id, now).await
    }

    /// Says what became of a grant, where it still has `version` and, if `attempt` is given, that attempt's claim,
    /// which ends. Without `attempt` a claim that another one holds stays, unless the grant ends: its new tokens must
    /// not be lost. False when the grant moved, is quarantined or has ended.
    #[expect(clippy::too_many_arguments, reason = "the condition and the new state, each named once")]
    pub async fn mark_grant(
        &self,
        organization: &str,
        id: &str,
        attempt: Option<&str>,
        version: i64,
        status: &str,
        reason: &str,
        now: i64,
    ) -> Result<bool> {
        let values = values![organization, id, attempt, version, status, reason, now];
        self.write_grant(MARK, values, organization, id, now).await
    }

    /// Notes whose account it is. False when the grant is gone or has ended.
    pub async fn set_account(
        &self,
        organization: &str,
        id: &str,
        account_id: &str,
        account_name: Option<&str>,
        now: i64,
    ) -> Result<bool> {
        let text = "UPDATE grants SET account_id = $3, account_name = $4, updated_at = $5
             WHERE organization_id = $1 AND id = $2 AND status <> 'ended'";
        self.write_grant(
            text,
            values![organization, id, account_id, account_name, now],
            organization,
            id,
            now,
        )
        .await
    }

    /// One conditional UPDATE that cached views of the grant's connectors must learn of.
    async fn write_grant(
        &self,
        text: &'static str,
        values: &[super::sql::Value<'_>],
        organization: &str,
        id: &str,
        now: i64,
    ) -> Result<bool> {
        let mut work = self.begin().await?;
        if work.execute(text, values).await? == 0 {
            work.undo().await?;
            return Ok(false);
        }
        work.changed(Change::Grant { organization: organization.to_owned(), id: id.to_owned() });
        work.commit(now).await?;
        Ok(true)
    }
}
