//! Properties of every encoder: whatever values a caller, a user or a provider brings, they stay values.
//!
//! Knows the public API only: a definition is loaded, a call is begun, and what would be sent is read back with decoders
//! of other makers. Must not know how a request is put together.

#[cfg(test)]
mod bodies;
#[cfg(test)]
mod graphql;
#[cfg(test)]
mod headers;
#[cfg(test)]
mod paths;
#[cfg(test)]
mod queries;
#[cfg(test)]
mod request;
#[cfg(test)]
mod restli;
#[cfg(test)]
mod templates;
