//! The data keys: wrapped by the master key where they are stored, open here.
//!
//! Knows which key seals and which ones still open. Must not know sealed bytes' places beyond binding them.

use super::master_key::MasterKey;
use super::sealed::{Cipher, KeyId, Place, SealedError, key_id};
use crate::clock::{Clock, Random};
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, SecretSlice};
use std::collections::HashMap;

const WRAPPING: &[u8] = b"keybearer key wrapping v1";
const SIGNING: &[u8] = b"keybearer bearer tokens v1";
const PURPOSE: &str = "vault_key";
/// Data keys are sealed in the form of everything sealed, by a key with this id, which no data key has.
const MASTER_ID: KeyId = [0; 4];

/// A data key as it is stored.
#[derive(Clone)]
pub struct WrappedKey {
    /// 8 hexadecimal digits.
    pub id: String,
    /// The key, sealed by the master key for this id.
    pub wrapped: Vec<u8>,
    /// Epoch milliseconds.
    pub created_at: i64,
}

/// Why there is no keyring.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// The master key does not open a stored data key.
    #[error(
        "the master key is not the one that this database was set up with: it does not open data key {id}"
    )]
    WrongKey {
        /// The data key.
        id: String,
    },
    /// There is no data key to seal with.
    #[error("the database holds no data key")]
    Empty,
    /// The cipher refused.
    #[error("the cryptographic library refused a key")]
    Cipher,
}

/// The open data keys. The newest seals; all open.
pub struct Keyring {
    ciphers: HashMap<KeyId, Cipher>,
    primary: KeyId,
    signing: SecretBox<[u8; 32]>,
}

impl Keyring {
    /// A new data key, wrapped by the master key. It counts once it is stored.
    pub fn new_key(master: &MasterKey, random: &Random, clock: &Clock) -> Result<WrappedKey, KeyringError> {
        let mut id = MASTER_ID;
        while id == MASTER_ID {
            random.fill(&mut id);
        }
        let mut key = SecretBox::new(Box::new([0; 32]));
        random.fill(key.expose_secret_mut());
        let id = to_hex(id);
        let sealed = wrapping(master)?.seal(MASTER_ID, &place(&id), key.expose_secret(), random);
        Ok(WrappedKey { wrapped: sealed.map_err(|_| KeyringError::Cipher)?, id, created_at: clock.now_ms() })
    }

    /// Opens all stored data keys. One that does not open means that the master key is another: it is said, and nothing
    /// is ever sealed with a mixture.
    pub fn unlock(master: &MasterKey, rows: &[WrappedKey]) -> Result<Self, KeyringError> {
        let wrapping = wrapping(master)?;
        let mut ciphers = HashMap::new();
        for row in rows {
            let wrong = || KeyringError::WrongKey { id: row.id.clone() };
            let id = from_hex(&row.id).filter(|id| *id != MASTER_ID).ok_or_else(wrong)?;
            let key = wrapping.open(MASTER_ID, &place(&row.id), &row.wrapped).map_err(|_| wrong())?;
            let key = key.expose_secret().first_chunk::<32>().filter(|_| key.expose_secret().len() == 32);
            ciphers.insert(id, Cipher::new(key.ok_or_else(wrong)?).ok_or(KeyringError::Cipher)?);
        }
        let newest = rows.iter().max_by_key(|row| (row.created_at, &row.id)).ok_or(KeyringError::Empty)?;
        let primary = from_hex(&newest.id).ok_or(KeyringError::Empty)?;
        let signing = master.derive(SIGNING).ok_or(KeyringError::Cipher)?;
        Ok(Self { ciphers, primary, signing })
    }

    /// Seals bytes for one place, with the newest data key.
    pub fn seal(&self, place: &Place<'_>, plaintext: &[u8], random: &Random) -> Result<Vec<u8>, SealedError> {
        let cipher = self.ciphers.get(&self.primary).ok_or(SealedError::UnknownKey)?;
        cipher.seal(self.primary, place, plaintext, random)
    }

    /// Opens bytes that were sealed for this place. What comes out is wiped from memory when dropped.
    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<SecretSlice<u8>, SealedError> {
        let id = key_id(sealed)?;
        self.ciphers.get(&id).ok_or(SealedError::UnknownKey)?.open(id, place, sealed)
    }

    /// The key that signs bearer tokens, 32 bytes; the same on all replicas that have the same master key.
    pub fn signing_key(&self) -> &[u8] {
        self.signing.expose_secret()
    }
}

fn wrapping(master: &MasterKey) -> Result<Cipher, KeyringError> {
    let key = master.derive(WRAPPING).ok_or(KeyringError::Cipher)?;
    Cipher::new(key.expose_secret()).ok_or(KeyringError::Cipher)
}

/// Data keys belong to no organization and never change.
fn place(id: &str) -> Place<'_> {
    Place { purpose: PURPOSE, organization: "", row: id, version: 1 }
}

fn to_hex(id: KeyId) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

fn from_hex(text: &str) -> Option<KeyId> {
    let plain = text.len() == 8 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    plain.then(|| u32::from_str_radix(text, 16).ok()).flatten().map(u32::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const HOME: Place<'_> = Place { purpose: "grant.tokens", organization: "o", row: "r", version: 1 };

    fn master(byte: &str) -> MasterKey {
        MasterKey::parse(&byte.repeat(43)).unwrap()
    }

    fn keys(count: u64) -> (Vec<WrappedKey>, Random) {
        let (random, clock) = (Random::seeded(5), Clock::manual(1));
        let make = |_| {
            clock.advance(Duration::from_millis(1));
            Keyring::new_key(&master("A"), &random, &clock).unwrap()
        };
        ((0..count).map(make).collect(), random)
    }

    #[test]
    fn the_newest_key_seals_and_old_ones_still_open() {
        let (mut rows, random) = keys(2);
        let old = Keyring::unlock(&master("A"), &rows[..1]).unwrap();
        rows.reverse();
        let both = Keyring::unlock(&master("A"), &rows).unwrap();
        let before = old.seal(&HOME, b"token", &random).unwrap();
        let after = both.seal(&HOME, b"token", &random).unwrap();
        assert_eq!(to_hex(key_id(&after).unwrap()), rows[0].id);
        assert_eq!(both.open(&HOME, &before).unwrap().expose_secret(), b"token");
        assert_eq!(both.open(&HOME, &after).unwrap().expose_secret(), b"token");
        assert!(matches!(old.open(&HOME, &after), Err(SealedError::UnknownKey)));
        assert_eq!(old.signing_key(), both.signing_key());
    }

    #[test]
    fn another_master_key_opens_nothing_and_signs_otherwise() {
        let (mut rows, random) = keys(1);
        assert_eq!(
            Keyring::unlock(&master("E"), &rows).err(),
            Some(KeyringError::WrongKey { id: rows[0].id.clone() })
        );
        rows.push(Keyring::new_key(&master("E"), &random, &Clock::manual(9)).unwrap());
        assert!(
            matches!(Keyring::unlock(&master("A"), &rows), Err(KeyringError::WrongKey { .. })),
            "a mixture"
        );
        let own = Keyring::unlock(&master("A"), &rows[..1]).unwrap();
        let other = Keyring::unlock(&master("E"), &rows[1..]).unwrap();
        assert_ne!(own.signing_key(), other.signing_key());
    }

    #[test]
    fn swapped_damaged_or_missing_keys_are_noticed() {
        let (mut rows, _) = keys(2);
        assert_eq!(Keyring::unlock(&master("A"), &[]).err(), Some(KeyringError::Empty));
        let (left, right) = rows.split_at_mut(1);
        std::mem::swap(&mut left[0].wrapped, &mut right[0].wrapped);
        assert!(matches!(Keyring::unlock(&master("A"), &rows), Err(KeyringError::WrongKey { .. })));
        for id in ["", "xyz", "00000000", "ABCDEF01", "+1234567"] {
            let row = WrappedKey { id: id.to_owned(), ..rows[0].clone() };
            assert!(
                matches!(Keyring::unlock(&master("A"), &[row]), Err(KeyringError::WrongKey { .. })),
                "{id}"
            );
        }
    }

    #[test]
    fn ids_are_eight_hexadecimal_digits() {
        let (rows, _) = keys(3);
        assert!(rows.iter().all(|row| from_hex(&row.id).map(to_hex) == Some(row.id.clone())));
    }
}
