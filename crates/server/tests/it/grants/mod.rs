//! Grants and the connectors that hold them: made by credentials, refreshed, pinned to their OAuth app, ended.

mod ahead;
mod bulk;
mod claims;
mod credentials;
mod ending;
mod imported;
mod moved;
mod pinned_apps;
mod races;
mod refresh;
mod refused;
mod revocations;
mod unanswered;
