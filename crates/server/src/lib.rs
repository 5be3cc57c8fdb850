//! Keybearer: carries the keys of an application's users.
//!
//! An application asks for a consent link, its user agrees at the provider, the server keeps the grant and from then
//! on executes operations at that provider in the user's name. `docs/ARCHITECTURE.md` walks through one consent and
//! one execute. Arrows: `api -> core -> store, vault, egress, keybearer_connector`; never back.

pub mod api;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod core;
pub mod egress;
pub mod jobs;
pub mod listener;
pub mod observe;
pub mod store;
pub mod vault;
