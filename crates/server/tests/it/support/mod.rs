//! What several groups of tests need.

pub(crate) mod databases;
pub(crate) mod http;
pub(crate) mod log;
pub(crate) mod provider;
pub(crate) mod secrets;
pub(crate) mod stage;
pub(crate) mod upstream;
pub(crate) mod walk;
