//! The chain: each entry carries a code over itself and the entry before, and a signed head says where it ends.
//!
//! Knows how an entry is written for its code, and what a broken chain looks like. Must not know SQL. The codes are
//! HMACs with a key that stands sealed in the database: who has only the database cannot compute one, so a changed
//! entry cannot be made to fit ([ADR 0018](../../../../../docs/adr/0018-audit-chain.md)).

use crate::clock::{Clock, Random};
use crate::core::Deps;
use crate::core::error::{Error, Result};
use crate::store::{AuditHead, AuditRow, Store};
use crate::vault::{Keyring, MacKey, Place};
use secrecy::ExposeSecret;

const KEY: &str = "chain";
/// What the key is sealed for.
pub const PURPOSE: &str = "audit.key";
const PLACE: Place<'_> = Place { purpose: PURPOSE, organization: "", row: KEY, version: 1 };

/// The key of all chains of this installation.
pub struct Chain(MacKey);

/// What a walk along a chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Entries that fit, from the first.
    pub good: i64,
    /// Hash of the last entry, to be noted elsewhere; none: nothing is linked yet.
    pub head: Option<String>,
    /// The first thing that is wrong.
    pub fault: Option<Fault>,
}

/// What is wrong with a chain, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The entry or its place was changed.
    #[error("entry {seq} ({id}, {operation}) is not as it was written")]
    Changed {
        /// Its place.
        seq: i64,
        /// Its id.
        id: String,
        /// Its operation, as it stands there now.
        operation: String,
    },
    /// There is no entry at that place.
    #[error("entry {seq} is missing")]
    Missing {
        /// The place.
        seq: i64,
    },
    /// The last entries are gone.
    #[error("entries {seq} to {last} are missing at the end")]
    Truncated {
        /// The first that is missing.
        seq: i64,
        /// The last one that was written.
        last: i64,
    },
    /// The head is gone, was changed, or is another chain's.
    #[error("the head of the chain is not as it was written; entries are good up to {seq}")]
    Head {
        /// The last good entry.
        seq: i64,
    },
}

impl Chain {
    /// Opens the installation's key, or makes it. Of replicas that start together one makes it.
    pub async fn open(store: &Store, keyring: &Keyring, clock: &Clock, random: &Random) -> Result<Self> {
        if store.audit_key(KEY).await?.is_none() {
            let key = MacKey::generate(random);
            let sealed = keyring.seal(&PLACE, key.expose_secret(), random).map_err(Error::internal)?;
            store.insert_audit_key(KEY, &sealed, clock.now_ms()).await?;
        }
        let stored =
            store.audit_key(KEY).await?.ok_or_else(|| Error::internal("the audit key is not stored"))?;
        let bytes = keyring.open(&PLACE, &stored.0).map_err(Error::internal)?;
        MacKey::of(bytes.expose_secret())
            .map(Self)
            .ok_or_else(|| Error::internal("the audit key has no 32 bytes"))
    }

    /// Links entries after the head. None where the head is not this server's work: to go on from it would sign what
    /// somebody else wrote.
    pub fn link(&self, head: &AuditHead, entries: &mut [AuditRow], now: i64) -> Option<AuditHead> {
        if head.seq != 0 && head.mac != self.head(head) {
            return None;
        }
        let mut last = head.clone();
        for entry in entries {
            last.seq += 1;
            entry.seq = Some(last.seq);
            entry.prev_hash = Some(std::mem::take(&mut last.hash));
            last.hash = self.entry(entry);
            entry.hash = Some(last.hash.clone());
        }
        last.updated_at = now;
        last.mac = self.head(&last);
        Some(last)
    }

    fn entry(&self, row: &AuditRow) -> String {
        let (at, seq) = (row.at.to_be_bytes(), row.seq.unwrap_or_default().to_be_bytes());
        self.0.mac(&[
            Some(b"keybearer audit entry 1"),
            Some(row.organization_id.as_bytes()),
            Some(&seq),
            row.prev_hash.as_deref().map(str::as_bytes),
            Some(row.id.as_bytes()),
            Some(&at),
            Some(row.actor.as_bytes()),
            row.credential_id.as_deref().map(str::as_bytes),
            row.workspace_id.as_deref().map(str::as_bytes),
            row.connector_id.as_deref().map(str::as_bytes),
            row.subject.as_deref().map(str::as_bytes),
            Some(row.operation.as_bytes()),
            Some(row.outcome.as_bytes()),
            row.intent.as_deref().map(str::as_bytes),
            row.request_id.as_deref().map(str::as_bytes),
        ])
    }

    fn head(&self, head: &AuditHead) -> String {
        let seq = head.seq.to_be_bytes();
        let fields: [Option<&[u8]>; 4] = [
            Some(b"keybearer audit head 1"),
            Some(head.organization_id.as_bytes()),
            Some(&seq),
            Some(head.hash.as_bytes()),
        ];
        self.0.mac(&fields)
    }
}

/// Links what has come, of all organizations.
pub async fn link_all(deps: &Deps) -> Result<()> {
    for organization in deps.store.unchained_organizations().await? {
        let mut foreign = false;
        let mut link = |head: &AuditHead, entries: &mut [AuditRow]| {
            let next = deps.audit.chain.link(head, entries, deps.clock.now_ms());
            foreign = next.is_none();
            next
        };
        while deps.store.chain_audit(&organization, deps.clock.now_ms(), &mut link).await? > 0 {}
        if foreign {
            tracing::error!(
                organization,
                "the audit chain's head was changed; entries are not linked: `keybearer audit verify`"
            );
        }
    }
    Ok(())
}

/// Walks an organization's chain from its first entry to its head.
pub async fn verify(deps: &Deps, organization: &str) -> Result<Verdict> {
    let head = deps.store.audit_head(organization).await?;
    let (mut good, mut hash) = (0, String::new());
    let end = head.as_ref().map_or(i64::MAX, |head| head.seq);
    'walk: loop {
        let page = deps.store.audit_chain(organization, good).await?;
        for row in &page {
            // What was linked since the head was read.
            if good >= end {
                break 'walk;
            }
            if let Some(fault) = wrong(&deps.audit.chain, row, good + 1, &hash) {
                return Ok(Verdict { good, head: head.map(|head| head.hash), fault: Some(fault) });
            }
            good += 1;
            hash = row.hash.clone().unwrap_or_default();
        }
        if page.is_empty() {
            break;
        }
    }
    let fault = match &head {
        Some(head) if head.seq > good => Some(Fault::Truncated { seq: good + 1, last: head.seq }),
        Some(head) if head.hash == hash && head.mac == deps.audit.chain.head(head) => None,
        None if good == 0 => None,
        _ => Some(Fault::Head { seq: good }),
    };
    Ok(Verdict { good, head: head.map(|head| head.hash).filter(|hash| !hash.is_empty()), fault })
}

fn wrong(chain: &Chain, row: &AuditRow, seq: i64, prev_hash: &str) -> Option<Fault> {
    if row.seq != Some(seq) {
        return Some(Fault::Missing { seq });
    }
    let fits = row.prev_hash.as_deref() == Some(prev_hash) && row.hash.as_ref() == Some(&chain.entry(row));
    (!fits).then(|| Fault::Changed { seq, id: row.id.clone(), operation: row.operation.clone() })
}
