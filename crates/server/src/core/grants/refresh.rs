//! Runs the grant machine for one refresh.
//!
//! Knows the store's claim, the question and the token call. Must not know operations, nor who waits (`single_flight`).
//! What a crash leaves: before the claim, nothing; after it, a claim that ends by its deadline and counts as one
//! unknown send; after the commit, the new tokens.

use super::idle;
use super::keeping::{Keep, Keeping, Renewal as Kept};
use super::machine::{self, Effect, Event, Holder, Outcome, State, Status, Verdict, View};
use super::outcome::Finished;
use super::question::{self, Asked, Turn};
use super::request::{oauth_of, prepare};
use super::secret::{expires_at, reusable_version};
use super::{GrantSecret, describe_fault, token_endpoint};
use crate::core::{Deps, audit};
use crate::store::{AuditRow, Claim, GrantRow, Renewed, StoreError};
use futures_util::FutureExt;
use keybearer_connector::oauth::token::{self, TokenAnswer, TokenFault};
use keybearer_connector::plan::OauthPlan;
use std::sync::Arc;
use std::time::Duration;

/// Between two looks at a grant that another replica refreshes.
const PAUSE: Duration = Duration::from_millis(150);
/// So long a claim is tried to be given back while the database cannot be reached: it stands no longer by itself.
const RELEASE: Duration = Duration::from_secs(3);
/// So often new tokens that are held are tried to be brought to the row while the database cannot be reached.
const HOLD_TRIES: u32 = 100;

/// New tokens that are not stored yet.
struct Fresh {
    secret: GrantSecret,
    renewed: Renewed,
}

/// One refresh.
pub(super) struct Run<'a> {
    deps: &'a Arc<Deps>,
    organization: &'a str,
    grant_id: &'a str,
    row: Option<GrantRow>,
    renewed: Option<Fresh>,
    attempt: String,
    keeping: Keeping,
    /// When the request left, epoch milliseconds: the new token's life is counted from there.
    sent_at: i64,
    why: Option<String>,
    /// The provider asked for this pause, or its endpoint is asked again after it.
    retry_after: Option<Duration>,
    /// An endpoint was asked: what is sent is sent again.
    is_retry: bool,
    /// Others of this endpoint wait for what becomes of it.
    turn: Option<Turn>,
}

impl<'a> Run<'a> {
    pub(super) fn new(deps: &'a Arc<Deps>, organization: &'a str, grant_id: &'a str) -> Self {
        Self {
            deps,
            organization,
            grant_id,
            row: None,
            renewed: None,
            attempt: String::new(),
            keeping: Keeping::claimed(Duration::ZERO),
            sent_at: 0,
            why: None,
            retry_after: None,
            is_retry: false,
            turn: None,
        }
    }

    /// To its end, for a caller that knows this version.
    pub(super) async fn run(mut self, known: i64) -> Finished {
        let (mut state, mut effect) = machine::start(known);
        let mut away = 0;
        loop {
            if let Effect::Finish(outcome) = effect {
                if outcome == Outcome::Gone {
                    self.revoke_orphan().await;
                }
                tracing::info!(grant = self.grant_id, ?outcome, why = self.why, "refresh finished");
                return Finished { outcome, why: self.why, retry_after: self.retry_after };
            }
            match self.carry_out(effect).await {
                Ok(event) => (state, effect) = machine::step(state, event),
                // The provider may have used the old refresh token up: these tokens may be all that is left of the grant.
                Err(StoreError::Unavailable(_)) if self.renewed.is_some() && away < HOLD_TRIES => {
                    away += 1;
                    tokio::time::sleep(PAUSE).await;
                    (state, effect) = machine::held(self.row.as_ref().map_or(known, |row| row.version));
                }
                Err(error) => {
                    self.deps.feed.lost(&self.deps.clock);
                    tracing::error!(grant = self.grant_id, %error, "refresh interrupted by the database");
                    // The provider said no: that is a known outcome.
                    if matches!(state, State::Confirming { .. } | State::Marking { .. }) {
                        self.release(false).await;
                    }
                    return Finished {
                        outcome: Outcome::Failed,
                        why: Some("the database cannot be reached".to_owned()),
                        retry_after: None,
                    };
                }
            }
        }
    }

    async fn carry_out(&mut self, effect: Effect) -> std::result::Result<Event, StoreError> {
        let (deps, org, id) = (self.deps, self.organization, self.grant_id);
        match effect {
            Effect::Read => {
                self.turn = None;
                let asked = deps.clock.ticks();
                let read = deps.store.claimable_grant(org, id).await?;
                deps.feed.answered(&deps.clock, asked);
                let (now, steady) = (deps.clock.now_ms(), deps.feed.is_steady(&deps.clock));
                let view = read.as_ref().map(|(row, ran_out)| view(row, now, *ran_out, steady));
                self.row = read.map(|(row, _)| row);
                Ok(Event::Row(view))
            }
            Effect::Ask => Ok(Event::Asked(self.ask().await)),
            Effect::Claim { version, take_over, revive } => {
                self.attempt = deps.random.uuid_v4();
                self.keeping = Keeping::claimed(deps.clock.ticks());
                let seen = self.row.as_ref().filter(|_| take_over);
                let now = deps.clock.now_ms();
                let claim = deps.store.claim_grant(org, id, version, &self.attempt, seen, revive, now).await;
                match claim {
                    Ok(Claim::Claimed { unknown_sends }) => Ok(Event::Claimed { unknown_sends }),
                    Ok(Claim::Busy) => Ok(Event::Busy),
                    Ok(Claim::Moved) => Ok(Event::Moved),
                    Err(error) => {
                        // It may be ours although its answer was lost; left alone it would count as a send.
                        self.release(false).await;
                        Err(error)
                    }
                }
            }
            Effect::Send => Ok(Event::Answered(self.send().await)),
            Effect::Commit { after } => {
                if !after.is_zero() {
                    tokio::time::sleep(after).await;
                }
                self.commit().await
            }
            Effect::Release { unknown } => {
                self.release(unknown).await;
                Ok(Event::Settled)
            }
            Effect::MarkDead => {
                self.mark("reauthorization_required", "The provider refused the newest refresh token").await
            }
            Effect::MarkMisconfigured => {
                self.mark("app_misconfigured", "The provider refused the OAuth app").await
            }
            Effect::Wait => {
                tokio::time::sleep(PAUSE).await;
                Ok(Event::Waited)
            }
            Effect::Finish(_) => Ok(Event::Settled),
        }
    }

    /// Gives the claim back, also where the database is away for a moment: a claim that is left behind counts as a send.
    async fn release(&self, unknown: bool) {
        let trying = async {
            loop {
                let (deps, now) = (self.deps, self.deps.clock.now_ms());
                let (org, id) = (self.organization, self.grant_id);
                match deps.store.release_claim(org, id, &self.attempt, unknown, now).await {
                    Ok(_) => return,
                    Err(error) => {
                        deps.feed.lost(&deps.clock);
                        tracing::warn!(grant = id, %error, "a claim could not be given back");
                    }
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        // Else it ends by itself.
        drop(tokio::time::timeout(RELEASE, trying).await);
    }

    /// The audit entry of a status that changed.
    fn told(&self, status: &str) -> AuditRow {
        AuditRow {
            workspace_id: self.row.as_ref().map(|row| row.workspace_id.clone()),
            subject: Some(self.grant_id.to_owned()),
            outcome: status.to_owned(),
            ..audit::entry(self.deps, self.organization, "server", "grant.refresh")
        }
    }

    async fn mark(&self, status: &str, reason: &str) -> std::result::Result<Event, StoreError> {
        let version = self.row.as_ref().map_or(0, |row| row.version);
        let (deps, org) = (self.deps, self.organization);
        let marked = deps
            .store
            .audited(self.told(status))
            .mark_grant(org, self.grant_id, Some(&self.attempt), version, status, reason, deps.clock.now_ms())
            .await?;
        deps.feed.moved();
        deps.ready.forget_grant(self.grant_id);
        Ok(Event::Marked(marked))
    }

    /// Whether the token endpoint answers.
    async fn ask(&mut self) -> bool {
        let Some(row) = &self.row else { return false };
        match question::ask(self.deps, row).await {
            // A stop waits only so long for what runs: the retry is left to the next process.
            Asked::Answered(turn) if !self.deps.tasks.is_closed() => {
                (self.turn, self.is_retry) = (turn, true);
                return true;
            }
            Asked::Answered(_) => self.why = Some("this server stops".to_owned()),
            Asked::Unanswered(left) => self.retry_after = Some(left),
            Asked::NotMade(why) => self.why = Some(why),
        }
        false
    }

    /// The token call, with the claim renewed beside it.
    async fn send(&mut self) -> Verdict {
        let Some(row) = self.row.clone() else { return Verdict::NotSent };
        let prepared = match prepare(self.deps, &row).await {
            Ok(prepared) => prepared,
            Err((verdict, why)) => {
                self.why = Some(why);
                return verdict;
            }
        };
        let (plan, scheme) = (Arc::clone(&prepared.plan), row.scheme.clone());
        let Some(oauth) = oauth_of(&plan, &scheme) else { return Verdict::InvalidClient };
        if self.keeping.left(self.deps.clock.ticks()).is_zero() {
            self.why = Some("the claim ran out before the request was sent".to_owned());
            return Verdict::NotSent;
        }
        self.sent_at = self.deps.clock.now_ms();
        let url = prepared.request.request.url.clone();
        let Some(response) = self.guarded(token_endpoint(self.deps, prepared.request)).await else {
            self.why = Some("the claim could not be renewed in time".to_owned());
            return Verdict::Unknown;
        };
        self.deps.endpoints.note(&url, &response, self.is_retry, self.deps.clock.ticks());
        self.turn = None;
        let read = match response {
            Ok(response) => token::read(oauth, &response),
            Err(fault) => {
                self.why = Some(fault.to_string());
                return if fault.0.may_have_been_sent() { Verdict::Unknown } else { Verdict::NotSent };
            }
        };
        match read {
            Ok(answer) => self.take_in(&row, oauth, &answer).await,
            Err(fault) => {
                self.why = Some(describe_fault(&fault));
                if let TokenFault::Transient { retry_after, .. } = &fault {
                    self.retry_after = *retry_after;
                }
                match fault {
                    _ if fault.may_have_acted() => Verdict::Unknown,
                    TokenFault::InvalidGrant { .. } => Verdict::InvalidGrant,
                    TokenFault::InvalidClient { .. } => Verdict::InvalidClient,
                    TokenFault::Refused { .. }
                    | TokenFault::Transient { .. }
                    | TokenFault::Unusable { .. } => Verdict::Refused,
                }
            }
        }
    }

    /// Runs a token call while the claim is kept. None when the claim could not be kept and no answer was there. The
    /// claim is looked at first: a process that stood still must not go on with a call that is not its own any more.
    async fn guarded<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        let mut call = std::pin::pin!(call);
        tokio::select! {
            biased;
            () = self.keep_claim() => call.now_or_never(),
            answer = &mut call => Some(answer),
        }
    }

    /// Renews the claim; returns when the call has to be cut off.
    async fn keep_claim(&self) {
        let clock = &self.deps.clock;
        let mut keeping = self.keeping;
        loop {
            tokio::time::sleep(keeping.pause(clock.ticks())).await;
            let asked = clock.ticks();
            let renewal = tokio::time::timeout(keeping.left(asked), self.renew_claim()).await;
            match keeping.on(asked, renewal.unwrap_or(Kept::TooLate)) {
                Keep::Again => {}
                Keep::CutOff => return,
                Keep::LetFinish => return std::future::pending().await,
            }
        }
    }

    async fn renew_claim(&self) -> Kept {
        match self.deps.store.renew_claim(self.organization, self.grant_id, &self.attempt).await {
            Ok(true) => Kept::Renewed,
            Ok(false) if self.is_ended().await => Kept::Ended,
            Ok(false) => Kept::NotOurs,
            Err(_) => Kept::Failed,
        }
    }

    async fn is_ended(&self) -> bool {
        let row = self.deps.store.grant(self.organization, self.grant_id).await;
        row.is_ok_and(|row| row.is_none_or(|row| row.status == "ended"))
    }

    /// New tokens of a grant that ended before they were stored are taken back. Those of a replaced grant are not: some
    /// providers would end the new grant of the same user with them.
    async fn revoke_orphan(&self) {
        let (Some(row), Some(fresh)) = (&self.row, &self.renewed) else { return };
        if row.status != "ended" || row.status_reason.as_deref() == Some("replaced") {
            return;
        }
        let next = GrantRow { version: fresh.renewed.version, ..row.clone() };
        if let Err(error) = super::revoke::tokens(self.deps, &next, &fresh.secret).await {
            tracing::warn!(grant = self.grant_id, %error, "tokens of a grant that ended meanwhile were not revoked");
        }
    }

    /// Seals what the provider answered, for the next version of the row.
    async fn take_in(&mut self, row: &GrantRow, oauth: &OauthPlan, answer: &TokenAnswer) -> Verdict {
        let now = self.deps.clock.now_ms();
        let next = GrantRow { version: row.version + 1, ..row.clone() };
        let sealed = GrantSecret::open(self.deps, row).await.and_then(|mut secret| {
            // A refresh token that was not sent says nothing of what was.
            let reusable = secret.renew(answer) || !oauth.renews_by_refresh_token();
            secret.seal(self.deps, &next).map(|sealed| (secret, sealed, reusable))
        });
        match sealed {
            Ok((secret, sealed, reusable)) => {
                let refresh_due = idle::due(&secret, answer.refresh_expires_in, now, self.deps.dice.number());
                let scopes = answer.scope.as_ref().and_then(|scopes| serde_json::to_string(scopes).ok());
                let renewed = Renewed {
                    sealed,
                    version: next.version,
                    expires_at: expires_at(self.sent_at, answer.expires_in),
                    issued_at: Some(self.sent_at),
                    scopes: scopes.or(next.scopes),
                    refresh_due,
                    reusable_version: reusable_version(next.version, reusable),
                    now,
                };
                self.renewed = Some(Fresh { secret, renewed });
                Verdict::Granted
            }
            Err(error) => {
                self.why = Some(error.to_string());
                Verdict::Unknown
            }
        }
    }

    /// Stores the new tokens before anything uses them. The machine asks again while the database is away.
    async fn commit(&self) -> std::result::Result<Event, StoreError> {
        let (Some(row), Some(fresh)) = (&self.row, &self.renewed) else { return Ok(Event::Committed(false)) };
        let (deps, renewed) = (self.deps, &fresh.renewed);
        let store = match row.status.as_str() {
            "active" => deps.store.clone(),
            _ => deps.store.audited(self.told("active")),
        };
        let storing =
            store.commit_grant(self.organization, self.grant_id, &self.attempt, row.version, renewed);
        // The claim is kept meanwhile as far as possible; the tokens are stored in any case.
        let stored = tokio::select! {
            biased;
            stored = storing => stored,
            never = async { self.keep_claim().await; std::future::pending().await } => never,
        };
        if let Err(StoreError::Unavailable(_)) = stored {
            return Ok(Event::NotCommitted);
        }
        deps.feed.moved();
        deps.ready.forget_grant(self.grant_id);
        Ok(Event::Committed(stored?))
    }
}

fn view(row: &GrantRow, now: i64, ran_out: bool, steady: bool) -> View {
    let status = match row.status.as_str() {
        "active" | "app_misconfigured" => Status::Live,
        "reauthorization_required" => Status::Dead,
        _ => Status::Ended,
    };
    View {
        version: row.version,
        status,
        refreshable: row.refreshable,
        reusable: row.is_reusable(),
        unknown_sends: row.unknown_sends,
        // Also where another replica's clock is ahead: a time that lies far in the future must not stop renewals.
        quiet: Duration::from_millis(now.abs_diff(row.updated_at)),
        holder: match (&row.attempt, ran_out) {
            (None, _) => Holder::Nobody,
            (Some(_), false) => Holder::Alive,
            (Some(_), true) => Holder::RanOut,
        },
        steady,
    }
}
