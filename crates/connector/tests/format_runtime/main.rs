//! The published format's run-time meaning, statement by statement: tiny definitions, what they send and what they read.
//!
//! Knows the public API only. Must not know how a request is put together or an answer is read.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod authentication;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod downloads;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod graphql;
#[cfg(test)]
mod renewals;
#[cfg(test)]
mod tiny;
