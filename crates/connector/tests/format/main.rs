//! The published definition format, key by key: what a tiny document compiles to, and what is sent for it.
//!
//! Knows the public API only. Must not know how a document is read or a request put together.

#[cfg(test)]
mod bodies;
#[cfg(test)]
mod headers;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod paths;
#[cfg(test)]
mod queries;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod skeleton;
#[cfg(test)]
mod support;
