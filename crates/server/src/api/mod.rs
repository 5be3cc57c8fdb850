//! The HTTP edge: extract, call a rule, answer. No SQL, no crypto, no HTTP client.
//!
//! [`mod@routes`] is the one table of routes with what each asks of its caller; [`layer`] wraps them all; [`problem`] is
//! the only place that turns an error into a status.

mod answer;
mod audit;
mod body;
mod callback;
mod caller;
mod connectors;
mod definitions;
mod describe;
mod docs;
mod drain;
mod execute;
mod flows;
mod health;
mod idempotency;
mod import;
mod jobs;
mod layer;
mod members;
mod oauth_apps;
mod openapi;
mod organization_settings;
mod pages;
mod peer;
mod pieces;
pub mod problem;
mod query;
mod redirect_urls;
mod revocations;
mod routes;
mod schema;
mod skills;
mod templates;
mod tokens;
mod workspaces;

pub use audit::entry as audit_entry;
pub use import::{exported, read_line};
pub use layer::Edge;
pub use routes::{PREFIXES, Route, router, routes};

use crate::core::Deps;
use crate::core::error::Error;
use axum::response::Response;
use std::sync::Arc;

/// What handlers share.
pub type App = Arc<Deps>;

/// What handlers return.
pub type Answer = Result<Response, Error>;
