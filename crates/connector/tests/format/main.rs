//! The published definition format, statement by statement: what a tiny document compiles to, what is sent for it, and
//! what is read from answers.
//!
//! Knows the public API only. Must not know how a document is read, a request put together or an answer taken apart.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod authentication;
#[cfg(test)]
mod bodies;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod downloads;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod graphql;
#[cfg(test)]
mod headers;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod paths;
#[cfg(test)]
mod queries;
#[cfg(test)]
mod renewals;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod skeleton;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tiny;
