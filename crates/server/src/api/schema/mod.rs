//! The shapes of bodies, queries and answers as `/openapi.json` describes them.
//!
//! Documentation only: bodies are read by `api::body::Fields` and answers are written as JSON values, so no type here
//! is ever built. Knows names, types, limits and meanings. Must not know routes. A test sends a wrong type for every
//! documented body field, another holds real answers against these shapes.

#![expect(dead_code, reason = "documentation only: read by the derive macros")]

pub(super) mod audit;
pub(super) mod checks;
pub(super) mod connectors;
pub(super) mod consent;
pub(super) mod definitions;
pub(super) mod descriptions;
pub(super) mod errors;
pub(super) mod execute;
pub(super) mod health;
pub(super) mod idempotency;
pub(super) mod import;
pub(super) mod jobs;
pub(super) mod oauth_apps;
pub(super) mod organization_settings;
pub(super) mod redirect_urls;
pub(super) mod revocations;
pub(super) mod tokens;
pub(super) mod workspaces;
