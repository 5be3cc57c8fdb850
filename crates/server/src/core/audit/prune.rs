//! The oldest entries go once they are older than the operator wants.
//!
//! Knows what may go: a piece from the front of the chain, after it was found to be as it was written, so that nobody
//! has the server remove what shows a change. The anchor carries the code of the server, so that the chain is proven
//! from there. Must not know SQL, nor when this is done.

use super::Chain;
use crate::core::Deps;
use crate::core::error::Result;
use crate::store::{AuditAnchor, AuditHead, AuditRow};

/// Removes one batch of an organization's entries that are from before that time; how many. None go from a chain that
/// is not as it was written.
pub async fn prune(deps: &Deps, organization: &str, before: i64) -> Result<u64> {
    let now = deps.clock.now_ms();
    let mut foreign = false;
    let mut cut = |head: &AuditHead, anchor: Option<&AuditAnchor>, oldest: &[AuditRow]| {
        let cut = deps.audit.chain.cut(head, anchor, oldest, before);
        foreign = cut.is_err();
        cut.ok().flatten().map(|anchor| AuditAnchor { updated_at: now, ..anchor })
    };
    let count = deps.store.prune_audit(organization, now, &mut cut).await?;
    if foreign {
        tracing::error!(
            organization,
            "the audit chain was changed; nothing is pruned from it: `keybearer audit verify`"
        );
    }
    Ok(count)
}

/// The chain is not as this server wrote it.
struct Foreign;

impl Chain {
    /// The anchor after which the chain begins without those of its oldest entries that are from before that time;
    /// none where the first is younger. Entries are in the order in which they were linked, so an old one that came
    /// late stays until those before it are old too.
    fn cut(
        &self,
        head: &AuditHead,
        anchor: Option<&AuditAnchor>,
        oldest: &[AuditRow],
        before: i64,
    ) -> std::result::Result<Option<AuditAnchor>, Foreign> {
        if head.seq != 0 && !self.wrote_head(head) || anchor.is_some_and(|anchor| !self.wrote_anchor(anchor))
        {
            return Err(Foreign);
        }
        let start = AuditAnchor {
            organization_id: head.organization_id.clone(),
            seq: 0,
            hash: String::new(),
            latest: i64::MIN,
            mac: String::new(),
            updated_at: 0,
        };
        let mut last = anchor.cloned().unwrap_or(start);
        let first = last.seq;
        for row in oldest.iter().take_while(|row| row.at < before) {
            if last.seq >= head.seq || !self.follows(row, last.seq, &last.hash) {
                return Err(Foreign);
            }
            last.seq += 1;
            last.hash = row.hash.clone().unwrap_or_default();
            last.latest = last.latest.max(row.at);
        }
        last.mac = self.anchor(&last);
        Ok((last.seq > first).then_some(last))
    }
}
