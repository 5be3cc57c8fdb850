//! Boxes: secrets sealed for one place, and opened only there.
//!
//! Knows keys, ciphers and hashes. Must not know where sealed bytes are kept (`store` does) nor what they are for.
//!
//! Keys in two steps: the operator's master key wraps data keys, whose wrapped form is stored; data keys seal. The
//! master key can so be changed without touching what is sealed, and data keys can be added while the server runs.

mod hash;
mod keyring;
mod mac;
mod master_key;
mod master_keys;
mod sealed;

pub use hash::{digest, same};
pub use keyring::{Keyring, KeyringError, SigningKey, WrappedKey, openers};
pub use mac::MacKey;
pub use master_key::{MasterKey, MasterKeyError};
pub use master_keys::{MasterKeys, MasterSource};
pub use sealed::{Place, SealedError};
