//! Calls that are done once however often they are sent: `Idempotency-Key`.
//!
//! Knows when a key is claimed, what is kept of the outcome, and what the next call with it gets. Must not know what a
//! call does, nor HTTP: an answer is a status and bytes.
//!
//! The rule that does the work claims the key with [`Keyed::claim`] at the last moment before anything is done that
//! cannot be undone: the first request to the provider, or the transaction. What stops a call before that leaves no trace, so the same key can be
//! used again. Whatever comes after it is kept. A key is never claimed twice, so a call whose outcome was lost is never
//! sent again ([ADR 0015](../../../../docs/adr/0015-idempotency-keys.md)).

use crate::core::access::Caller;
use crate::core::error::{Error, Kind, Result};
use crate::core::{Deps, keys};
use crate::vault::{Place, digest, same};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Largest answer that is kept, in bytes.
pub const ANSWER_MAX: usize = 256 * 1024;
/// How often a holder says that it is at work; the hold lasts five times as long.
const HOLD_EVERY: Duration = Duration::from_secs(1);
/// What sealed digests of requests are for.
pub const REQUEST: &str = "idempotency.request";
/// What sealed answers are for.
pub const ANSWER: &str = "idempotency.answer";

/// A call that came with a key.
pub struct Keyed {
    organization: String,
    key_hash: [u8; 32],
    request: [u8; 32],
    /// Names the claim.
    id: String,
    claimed: AtomicBool,
}

/// An answer as it was given the first time.
#[derive(Clone)]
pub struct Kept {
    /// HTTP's status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// What a call with a key comes to.
pub enum Outcome {
    /// It was done now.
    First(Result<Vec<u8>>),
    /// It was done before.
    Again(Kept),
}

/// What a key was used for, independent of the order of a body's members. Kept sealed only: a body may hold secrets
/// that can be guessed.
pub fn fingerprint(body: Map<String, Value>) -> [u8; 32] {
    let mut body = Value::Object(body);
    body.sort_all_objects();
    digest("idempotency request", &body.to_string())
}

impl Keyed {
    /// A key counts for one organization, workspace and route. `route` tells what is called, the connector included.
    pub fn new(
        deps: &Deps,
        caller: &Caller,
        workspace: &str,
        route: &str,
        key: &str,
        fingerprint: [u8; 32],
    ) -> Self {
        let scope = serde_json::json!([workspace, route, key]).to_string();
        Self {
            organization: caller.organization().to_owned(),
            key_hash: digest("idempotency key", &scope),
            request: fingerprint,
            id: deps.random.uuid_v7(&deps.clock),
            claimed: AtomicBool::new(false),
        }
    }

    /// To be called right before something is done that cannot be undone. An error when another call was faster: then
    /// nothing may be done.
    pub async fn claim(&self, deps: &Deps) -> Result<()> {
        let row = self.row(&self.id);
        let sealed = deps.keyring.seal(&self.place(REQUEST, &row), &self.request, &deps.random);
        let sealed = sealed.map_err(Error::internal)?;
        let claimed =
            deps.store.claim_idempotency_key(&self.organization, &self.key_hash, &self.id, &sealed).await?;
        if !claimed {
            return Err(in_progress());
        }
        self.claimed.store(true, Ordering::Release);
        Ok(())
    }

    fn is_claimed(&self) -> bool {
        self.claimed.load(Ordering::Acquire)
    }

    /// What the first call with this key got; none when there was none.
    async fn find(&self, deps: &Deps) -> Result<Option<Kept>> {
        let Some(found) = deps.store.idempotency_key(&self.organization, &self.key_hash).await? else {
            return Ok(None);
        };
        let row = self.row(&found.id);
        let request = keys::open(deps, &self.place(REQUEST, &row), &found.request).await?;
        if !same(request.expose_secret(), &self.request) {
            return Err(Error::new(
                Kind::IdempotencyKeyReused,
                "This Idempotency-Key was used with another body; use a new key for another call",
            )
            .with("retryable", false));
        }
        match (found.status, found.answer) {
            (Some(status), Some(answer)) => {
                let body = keys::open(deps, &self.place(ANSWER, &row), &answer).await?;
                let status = u16::try_from(status).map_err(Error::internal)?;
                Ok(Some(Kept { status, body: body.expose_secret().to_vec() }))
            }
            (Some(status), None) => Err(Error::new(
                Kind::AnswerNotKept,
                format!("The first call with this Idempotency-Key ended with status {status}; its answer was too large to keep"),
            )
            .with("retryable", false)
            .with("first_status", status)),
            (None, _) if found.is_held => Err(in_progress()),
            (None, _) => Err(Error::new(
                Kind::UnknownOutcome,
                "The first call with this Idempotency-Key was interrupted, and nobody knows whether it took effect; look, then decide on a new key",
            )
            .with("retryable", false)),
        }
    }

    async fn keep(&self, deps: &Deps, kept: &Kept) -> Result<()> {
        let row = self.row(&self.id);
        let answer = if kept.body.len() > ANSWER_MAX {
            None
        } else {
            let sealed = deps.keyring.seal(&self.place(ANSWER, &row), &kept.body, &deps.random);
            Some(sealed.map_err(Error::internal)?)
        };
        let status = i64::from(kept.status);
        deps.store
            .finish_idempotency_key(&self.organization, &self.key_hash, &self.id, status, &answer)
            .await?;
        Ok(())
    }

    /// Says each second that this process is at work.
    async fn hold(&self, deps: &Deps) {
        loop {
            tokio::time::sleep(HOLD_EVERY).await;
            if self.is_claimed()
                && let Err(error) =
                    deps.store.hold_idempotency_key(&self.organization, &self.key_hash, &self.id).await
            {
                tracing::warn!(%error, "an idempotency key could not be held; others may be told that its outcome is unknown");
            }
        }
    }

    /// A row is told by the key's hash and by the claim, so that sealed bytes move neither to another key nor to a later use.
    fn row(&self, claim: &str) -> String {
        use std::fmt::Write;
        let mut row = String::with_capacity(64 + 37);
        for byte in self.key_hash {
            // Writing to a String cannot fail.
            let _ = write!(row, "{byte:02x}");
        }
        row.push('.');
        row.push_str(claim);
        row
    }

    fn place<'a>(&'a self, purpose: &'static str, row: &'a str) -> Place<'a> {
        Place { purpose, organization: &self.organization, row, version: 1 }
    }
}

/// [`Keyed::claim`], where the call has a key.
pub async fn claim(deps: &Deps, keyed: Option<&Keyed>) -> Result<()> {
    match keyed {
        // Boxed, because it is rare: its state would be moved with every call otherwise.
        Some(keyed) => Box::pin(keyed.claim(deps)).await,
        None => Ok(()),
    }
}

fn in_progress() -> Error {
    Error::new(Kind::IdempotencyInProgress, "The first call with this Idempotency-Key still runs; ask again")
        .with("retryable", true)
        .with("retry_after_seconds", 1)
}

/// Does the work, or finds what came of it the first time. The work runs on when its caller goes away: the next call
/// with the key finds its answer. `failed` writes a failure as it is kept.
pub async fn once<W>(
    deps: &Arc<Deps>,
    keyed: Keyed,
    work: impl FnOnce(Arc<Keyed>) -> W,
    failed: impl Fn(&Error) -> Kept + Send + 'static,
) -> Result<Outcome>
where
    W: Future<Output = Result<Vec<u8>>> + Send + 'static,
{
    if let Some(kept) = keyed.find(deps).await? {
        return Ok(Outcome::Again(kept));
    }
    let keyed = Arc::new(keyed);
    let work = work(Arc::clone(&keyed));
    let (task_deps, holder) = (Arc::clone(deps), Arc::clone(&keyed));
    let task = deps.tasks.spawn(async move {
        let done = tokio::select! {
            done = work => done,
            () = holder.hold(&task_deps) => Err(Error::internal("a hold never ends")),
        };
        if holder.is_claimed() {
            let kept = match &done {
                Ok(body) => Kept { status: 200, body: body.clone() },
                Err(error) => failed(error),
            };
            // The caller gets its answer all the same; the next one is told that the outcome is unknown.
            if let Err(error) = holder.keep(&task_deps, &kept).await {
                tracing::error!(%error, cause = error.source.as_ref().map(ToString::to_string), "an answer could not be kept for its idempotency key");
            }
        }
        done
    });
    let done = task.await.map_err(|_| Error::internal("a call with an idempotency key panicked"))?;
    match done {
        // Another call with the key may have been faster, and have taken what this one needed.
        Err(error) if !keyed.is_claimed() => match keyed.find(deps).await? {
            Some(kept) => Ok(Outcome::Again(kept)),
            None => Err(error),
        },
        done => Ok(Outcome::First(done)),
    }
}
