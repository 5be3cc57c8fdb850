//! What several groups of tests need.

pub(crate) mod databases;
