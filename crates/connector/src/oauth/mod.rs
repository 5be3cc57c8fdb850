//! The messages of OAuth 2: authorization URL, token requests, token answers, revocation.
//!
//! Knows RFC 6749, 6750, 7009, 7523 and 7636, and what providers do differently. Pure: it writes requests and reads
//! answers. Must not send, store, or print a secret; no error text here repeats what a token answer held.

mod assertion;
pub mod authorize;
mod client;
mod endpoint;
mod grant_error;
mod identity;
mod pkce;
pub mod revoke;
pub mod token;
mod token_answer;

pub use client::{ClientKeys, TokenRequest};
pub use endpoint::OauthError;
pub use grant_error::redact;
pub use identity::{Account, identity_of};
pub use pkce::code_challenge;
