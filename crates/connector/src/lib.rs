//! Keybearer's connector engine: what it knows about third-party services, and how one call runs.
//!
//! Pure: no sockets, no clock, no files, no global state. Bytes and values come in, requests and answers go out.
//! [`document`] reads definitions, [`plan`] is what a call needs, [`describe`] what people and agents read,
//! [`call`] the machine of one call, [`oauth`] the messages of RFC 6749 and its relatives, [`vectors`] the tests of a definition.

pub mod call;
pub mod describe;
pub mod document;
pub mod oauth;
pub mod plan;
pub mod spelling;
pub mod vectors;
