//! A walk along a chain: whether it is as it was written, and where not.
//!
//! Knows what a broken chain looks like. Must not know SQL, nor how codes are computed ([`super::chain`]).

use super::Chain;
use crate::core::Deps;
use crate::core::error::Result;
use crate::store::{AuditAnchor, AuditHead, AuditRow};

/// What a walk along a chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Place of the last entry that fits, counted from the first that ever was.
    pub good: i64,
    /// What was pruned before them.
    pub pruned: Option<Pruned>,
    /// Hash of the last entry, to be noted elsewhere; none: nothing is linked yet.
    pub head: Option<String>,
    /// The first thing that is wrong.
    pub fault: Option<Fault>,
}

/// What the server itself removed from the front of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// How many entries.
    pub entries: i64,
    /// When the youngest of them happened, epoch milliseconds.
    pub latest: i64,
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
    /// What says where the chain begins was changed.
    #[error("the anchor that stands for pruned entries is not as it was written")]
    Anchor,
}

/// How far a walk came.
struct Walked {
    good: i64,
    hash: String,
    fault: Option<Fault>,
}

/// Walks an organization's chain from its first entry, or from the last one that was pruned, to its head.
pub async fn verify(deps: &Deps, organization: &str) -> Result<Verdict> {
    // In this order: what is read later may be ahead, so an honest anchor never is ahead of the head.
    let mut anchor = deps.store.audit_anchor(organization).await?;
    loop {
        let head = deps.store.audit_head(organization).await?;
        let verdict = from(deps, organization, anchor.as_ref(), head).await?;
        let now = deps.store.audit_anchor(organization).await?;
        // What was pruned under the walk is not missing.
        if verdict.fault.is_none() || now == anchor {
            return Ok(verdict);
        }
        anchor = now;
    }
}

async fn from(
    deps: &Deps,
    organization: &str,
    anchor: Option<&AuditAnchor>,
    head: Option<AuditHead>,
) -> Result<Verdict> {
    let chain = &deps.audit.chain;
    let known = anchor.filter(|anchor| chain.wrote_anchor(anchor));
    let pruned = known.map(|anchor| Pruned { entries: anchor.seq, latest: anchor.latest });
    let walked = if anchor == known {
        walk(deps, organization, anchor, head.as_ref()).await?
    } else {
        Walked { good: 0, hash: String::new(), fault: Some(Fault::Anchor) }
    };
    let fault = walked.fault.or_else(|| end(chain, head.as_ref(), walked.good, &walked.hash));
    let head = head.map(|head| head.hash).filter(|hash| !hash.is_empty());
    Ok(Verdict { good: walked.good, pruned, head, fault })
}

async fn walk(
    deps: &Deps,
    organization: &str,
    anchor: Option<&AuditAnchor>,
    head: Option<&AuditHead>,
) -> Result<Walked> {
    let (mut good, mut hash) = anchor.map_or((0, String::new()), |anchor| (anchor.seq, anchor.hash.clone()));
    // What was linked since the head was read is not walked.
    let end = head.map_or(i64::MAX, |head| head.seq);
    while good < end {
        let page = deps.store.audit_chain(organization, good).await?;
        if page.is_empty() {
            break;
        }
        for row in page {
            if good >= end {
                break;
            }
            if !deps.audit.chain.follows(&row, good, &hash) {
                return Ok(Walked { good, hash, fault: Some(wrong(row, good + 1)) });
            }
            good += 1;
            hash = row.hash.unwrap_or_default();
        }
    }
    Ok(Walked { good, hash, fault: None })
}

fn wrong(row: AuditRow, seq: i64) -> Fault {
    if row.seq == Some(seq) {
        Fault::Changed { seq, id: row.id, operation: row.operation }
    } else {
        Fault::Missing { seq }
    }
}

/// Whether the head fits the last entry.
fn end(chain: &Chain, head: Option<&AuditHead>, good: i64, hash: &str) -> Option<Fault> {
    match head {
        Some(head) if head.seq > good => Some(Fault::Truncated { seq: good + 1, last: head.seq }),
        Some(head) if head.seq == good && head.hash == hash && chain.wrote_head(head) => None,
        None if good == 0 => None,
        _ => Some(Fault::Head { seq: good }),
    }
}
