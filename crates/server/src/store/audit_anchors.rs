//! The oldest entries of the audit log on their way out.
//!
//! Knows that entries go from the front of an organization's chain, together with an anchor that says where the rest
//! begins, in one transaction under the lock of the chain's head. Must not know how an anchor is computed, nor which
//! entries are too old (`core` does).

use super::Store;
use super::audit::{self, AuditHead, AuditRow};
use super::error::Result;
use super::sql::{row, values};

row! {
    /// The last entry that was pruned from an organization's chain.
    pub struct AuditAnchor in audit_anchors as anchor_columns {
        /// The tenant.
        pub organization_id: String,
        /// Its place, so also how many were pruned.
        pub seq: i64,
        /// Its hash.
        pub hash: String,
        /// When the youngest of all that were pruned happened, epoch milliseconds.
        pub latest: i64,
        /// Proof that the server wrote this row.
        pub mac: String,
        /// Epoch milliseconds.
        pub updated_at: i64,
    }
}

/// Chooses what goes: from the head, the anchor and the oldest entries after it to the new anchor, the last entry that
/// goes. None keeps all.
pub type Cut<'a> =
    dyn FnMut(&AuditHead, Option<&AuditAnchor>, &[AuditRow]) -> Option<AuditAnchor> + Send + 'a;

const ANCHOR: &str =
    concat!("SELECT ", anchor_columns!(names), " FROM audit_anchors WHERE organization_id = $1");

impl Store {
    /// Where an organization's chain begins; none: nothing was ever pruned.
    pub async fn audit_anchor(&self, organization: &str) -> Result<Option<AuditAnchor>> {
        self.row(ANCHOR, values![organization]).await
    }

    /// Organizations with entries from before that time.
    pub async fn organizations_audited_before(&self, before: i64) -> Result<Vec<String>> {
        let text = "SELECT organization_id FROM audit_heads WHERE EXISTS (SELECT 1 FROM audit_entries
             WHERE audit_entries.organization_id = audit_heads.organization_id AND audit_entries.at < $1)
             ORDER BY organization_id";
        self.rows(text, values![before]).await
    }

    /// Removes one batch of an organization's oldest entries, as `cut` says, and moves the anchor; how many.
    pub async fn prune_audit(&self, organization: &str, now: i64, cut: &mut Cut<'_>) -> Result<u64> {
        let mut work = self.begin().await?;
        let head = audit::hold_head(&mut work, organization).await?;
        let old: Option<AuditAnchor> = work.row(ANCHOR, values![organization]).await?;
        let after = old.as_ref().map_or(0, |anchor| anchor.seq);
        let oldest = audit::chain_after(&mut work, organization, after).await?;
        let Some(new) = head.and_then(|head| cut(&head, old.as_ref(), &oldest)) else {
            work.undo().await?;
            return Ok(0);
        };
        let text = "DELETE FROM audit_entries WHERE organization_id = $1 AND seq > $2 AND seq <= $3";
        let count = work.execute(text, values![organization, after, new.seq]).await?;
        let text = concat!(
            "INSERT INTO audit_anchors (",
            anchor_columns!(names),
            ") VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (organization_id) DO UPDATE SET seq = excluded.seq,
             hash = excluded.hash, latest = excluded.latest, mac = excluded.mac, updated_at = excluded.updated_at"
        );
        work.execute(text, &new.all()).await?;
        work.commit(now).await?;
        Ok(count)
    }
}
