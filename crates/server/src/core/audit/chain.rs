//! The chain: each entry carries a code over itself and the entry before, and a signed head says where it ends.
//!
//! Knows how entries, heads and anchors are written for their codes. Must not know SQL. The codes are
//! HMACs with a key that stands sealed in the database: who has only the database cannot compute one, so a changed
//! entry cannot be made to fit ([ADR 0018](../../../../../docs/adr/0018-audit-chain.md)).

use crate::clock::{Clock, Random};
use crate::core::Deps;
use crate::core::error::{Error, Result};
use crate::store::{AuditAnchor, AuditHead, AuditRow, Store};
use crate::vault::{Keyring, MacKey, Place};
use secrecy::ExposeSecret;

const KEY: &str = "chain";
/// What the key is sealed for.
pub const PURPOSE: &str = "audit.key";
const PLACE: Place<'_> = Place { purpose: PURPOSE, organization: "", row: KEY, version: 1 };

/// The key of all chains of this installation.
pub struct Chain(MacKey);

impl Chain {
    /// Opens the installation's key, or makes it. Of replicas that start together one makes it.
    pub async fn open(store: &Store, keyring: &Keyring, clock: &Clock, random: &Random) -> Result<Self> {
        if store.audit_key(KEY).await?.is_none() {
            let key = MacKey::generate(random);
            let sealed = keyring.seal(&PLACE, key.expose_secret(), random).map_err(Error::internal)?;
            store.insert_audit_key(KEY, &sealed, clock.now_ms()).await?;
        }
        let stored = Self::stored(store, keyring).await?;
        stored.ok_or_else(|| Error::internal("the audit key is not stored"))
    }

    /// Opens the installation's key, if there is one.
    pub async fn stored(store: &Store, keyring: &Keyring) -> Result<Option<Self>> {
        let Some(stored) = store.audit_key(KEY).await? else { return Ok(None) };
        let bytes = keyring.open(&PLACE, &stored.0).map_err(Error::internal)?;
        let key = MacKey::of(bytes.expose_secret());
        key.map(|key| Some(Self(key))).ok_or_else(|| Error::internal("the audit key has no 32 bytes"))
    }

    /// Links entries after the head. None where the head is not this server's work: to go on from it would sign what
    /// somebody else wrote.
    pub fn link(&self, head: &AuditHead, entries: &mut [AuditRow], now: i64) -> Option<AuditHead> {
        if head.seq != 0 && !self.wrote_head(head) {
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

    /// Whether an entry is as this server wrote it, next after the one with that place and hash.
    pub(super) fn follows(&self, row: &AuditRow, seq: i64, prev_hash: &str) -> bool {
        row.seq == Some(seq + 1)
            && row.prev_hash.as_deref() == Some(prev_hash)
            && row.hash.as_ref() == Some(&self.entry(row))
    }

    /// Whether a head is as this server wrote it.
    pub(super) fn wrote_head(&self, head: &AuditHead) -> bool {
        head.mac == self.head(head)
    }

    /// Whether an anchor is as this server wrote it.
    pub(super) fn wrote_anchor(&self, anchor: &AuditAnchor) -> bool {
        anchor.mac == self.anchor(anchor)
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

    /// The code of an anchor.
    pub(super) fn anchor(&self, anchor: &AuditAnchor) -> String {
        let (seq, latest) = (anchor.seq.to_be_bytes(), anchor.latest.to_be_bytes());
        self.0.mac(&[
            Some(b"keybearer audit anchor 1"),
            Some(anchor.organization_id.as_bytes()),
            Some(&seq),
            Some(anchor.hash.as_bytes()),
            Some(&latest),
        ])
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
