//! The rules: what may happen to flows, grants and connectors, and in which order.
//!
//! Every function takes [`Deps`] and, where someone asks, the [`access::Caller`] first. Knows store, vault, egress
//! and the connector engine. Must not know HTTP (`api`), the command line, or `app`.

pub mod access;
pub mod audit;
pub mod call;
pub mod catalog;
pub mod connectors;
pub mod consent;
pub mod credentials;
pub mod describe;
pub mod error;
pub mod feed;
pub mod grants;
pub mod idempotency;
pub mod import;
pub mod jobs;
pub mod keys;
pub mod oauth_apps;
pub mod organization_settings;
pub mod organizations;
pub mod pin;
pub mod rate_limits;
pub mod redirect_urls;
pub mod revocations;
pub mod sign_ins;
pub mod skill_docs;
pub mod tokens;
pub mod workspaces;

use crate::clock::{Clock, Random};
use crate::config::{AuditExecutes, CallbackMode, ClientCredentials};
use crate::egress::Egress;
use crate::store::{Store, StoreError};
use crate::vault::Keyring;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

/// What the rules work with. Built once by `app`.
pub struct Deps {
    /// Rows.
    pub store: Store,
    /// Boxes.
    pub keyring: Keyring,
    /// The door out.
    pub egress: Egress,
    /// Connector types.
    pub catalog: Arc<catalog::Catalog>,
    /// Time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// What the operator chose.
    pub settings: Settings,
    /// Our own bearer tokens.
    pub tokens: tokens::Tokens,
    /// Failed sign-ins.
    pub sign_ins: sign_ins::SignIns,
    /// How often callers may call.
    pub rate_limits: rate_limits::RateLimits,
    /// Opened connectors, ready to call.
    pub ready: call::ReadyCache,
    /// How many operations of each connector run at once.
    pub gates: call::gate::Gates,
    /// Refreshes that run in this process.
    pub refreshes: grants::Refreshes,
    /// Grants that are left alone for a moment.
    pub rests: grants::Rests,
    /// When token endpoints last answered.
    pub endpoints: grants::Endpoints,
    /// When this process last read the change feed.
    pub feed: feed::Feed,
    /// The audit log.
    pub audit: audit::Audit,
    /// Numbers that need not be secret: seeds of back-off jitter.
    pub dice: Dice,
    /// Wakes the job runner.
    pub wake: Notify,
    /// Work that must end even when its caller goes away: token calls with their commits. The stop waits for it.
    pub tasks: TaskTracker,
}

/// Cheap, well-spread numbers for one process. Not for secrets: each follows from the one before.
pub struct Dice(AtomicU64);

impl Dice {
    /// Starts anywhere.
    pub fn new(random: &Random) -> Self {
        Self(AtomicU64::new(random.number()))
    }

    /// The next number (the increment is that of SplitMix64).
    pub fn number(&self) -> u64 {
        self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed)
    }
}

/// What the operator chose, as far as the rules care.
pub struct Settings {
    /// Base of every URL that the server hands out.
    pub public_url: String,
    /// How long a consent may take.
    pub oauth_session_ttl: Duration,
    /// How long a `secret_id` lives.
    pub secret_ttl: Duration,
    /// Consents that may be under way, of one organization and of one workspace.
    pub pending_consents: crate::store::PendingLimit,
    /// Default of `callback_mode`.
    pub callback_mode: CallbackMode,
    /// Proxies whose word on the caller's address is taken.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// Operations of one organization that may run at once in this process.
    pub max_concurrent_calls: usize,
    /// Access tokens are renewed shortly before they expire.
    pub refresh_ahead: bool,
    /// Which executes the audit log tells.
    pub audit_executes: AuditExecutes,
    /// Entries of the audit log that are older are removed; none: they are kept for ever.
    pub audit_retention: Option<Duration>,
    /// For one call with all its tries.
    pub upstream_timeout: Duration,
    /// Base of the retry back-off.
    pub retry_base_delay: Duration,
    /// Instance-wide OAuth apps by slug.
    pub oauth_apps: BTreeMap<String, ClientCredentials>,
}

impl Deps {
    /// One connector changed: this process drops it at once, other replicas follow by the feed.
    pub fn connector_changed(&self, id: &str) {
        self.feed.moved();
        self.ready.remove(id);
    }

    /// An OAuth app was set or removed: grants whose app was refused are tried again at once.
    pub fn oauth_app_changed(&self) {
        self.rests.clear();
    }

    /// A workspace changed or ended: its connectors are dropped, and every bearer is checked again.
    pub fn workspace_changed(&self, id: &str) {
        self.feed.moved();
        self.ready.forget_workspace(id);
        self.tokens.forget_all();
    }

    /// Any number of an organization's connectors ended.
    pub fn organization_changed(&self, id: &str) {
        self.feed.moved();
        self.ready.forget_organization(id);
    }

    /// The change feed was not read for so long that changes may be missing: nothing cached is believed.
    pub fn forget_all(&self) {
        self.feed.moved();
        self.ready.clear();
        self.tokens.forget_all();
    }

    /// An application credential changed: every bearer is checked again.
    pub fn credential_changed(&self) {
        self.feed.moved();
        self.tokens.forget_all();
    }
}

impl From<StoreError> for error::Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => {
                Self::new(error::Kind::Unavailable, "The database cannot be reached; try again")
                    .caused_by(error)
            }
            StoreError::Conflict(_) => {
                Self::new(error::Kind::Conflict, "Another call changed this at the same time; read it again")
                    .caused_by(error)
            }
            other => Self::internal(other),
        }
    }
}
