//! What a secret was entered for: the token endpoint and the hosts of the definition at that time.
//!
//! Knows how to compare a pin with a plan. Must not know secrets.
//! A definition is data that can change under a stored secret (an overlay named `hubspot` with another token URL).
//! A secret is never sent to an endpoint that was not there when it was entered; entering it again approves the new one.

use keybearer_connector::plan::{HostPattern, Plan};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Token endpoints and hosts, as the definition's own texts (with placeholders).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// Token, refresh and revocation endpoints.
    pub endpoints: BTreeSet<String>,
    /// Server URL and further hosts.
    pub hosts: BTreeSet<String>,
}

impl Pin {
    /// The pin of a plan.
    pub fn of(plan: &Plan) -> Self {
        let mut endpoints = BTreeSet::new();
        if let Some((_, oauth)) = plan.oauth() {
            endpoints.extend(oauth.token_url.iter().map(|url| url.source.clone()));
            endpoints.extend(oauth.refresh.iter().map(|refresh| refresh.url.source.clone()));
            endpoints.extend(oauth.revocation.iter().map(|revocation| revocation.url.clone()));
        }
        let mut hosts = BTreeSet::from([plan.server.url.clone()]);
        hosts.extend(plan.hosts.iter().map(|host| match host {
            HostPattern::Exact(host) => host.clone(),
            HostPattern::Suffix(suffix) => format!("*.{suffix}"),
        }));
        Self { endpoints, hosts }
    }

    /// True when the plan sends secrets nowhere that this pin does not name.
    pub fn covers(&self, plan: &Plan) -> bool {
        let now = Self::of(plan);
        now.endpoints.is_subset(&self.endpoints) && now.hosts.is_subset(&self.hosts)
    }

    /// For the store.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From the store; none when it is no pin.
    pub fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}
