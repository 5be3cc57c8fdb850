//! The form of sealed bytes, and the place that they are bound to.
//!
//! Knows AES-256-GCM-SIV (RFC 8452), which stays safe should a nonce ever repeat. Must not know which key is whose.
//!
//! Format 1: the byte 1 · key id, 4 bytes · nonce, 12 · ciphertext · tag, 16. The associated data hold the format, the
//! key id and the place, each with its length before it, so that bytes sealed for one row, tenant, purpose or version
//! open nowhere else: rows cannot be swapped, and an old version cannot be put back.

use crate::clock::Random;
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use secrecy::{ExposeSecretMut, SecretSlice};

const FORMAT: u8 = 1;
const ID_LEN: usize = 4;
const TAG_LEN: usize = 16;
const HEADER_LEN: usize = 1 + ID_LEN + NONCE_LEN;

/// Where sealed bytes belong. All of it is bound to them, and none of it is secret.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// What they are for, such as `grant.tokens`.
    pub purpose: &'static str,
    /// The tenant.
    pub organization: &'a str,
    /// Id of their row.
    pub row: &'a str,
    /// Version of them in that row.
    pub version: i64,
}

/// Why bytes were not sealed or opened. Never says what they hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealedError {
    /// They are no sealed bytes of a known format.
    #[error("the sealed bytes have no known format")]
    Format,
    /// The keyring does not have their key.
    #[error("the sealed bytes need a key that is not in the keyring")]
    UnknownKey,
    /// They were changed, or belong to another place.
    #[error("the sealed bytes were changed or belong elsewhere")]
    Refused,
    /// The cipher refused to seal them; too many bytes.
    #[error("the bytes cannot be sealed")]
    Unsealable,
}

/// Id of a key as it stands in sealed bytes.
pub(super) type KeyId = [u8; ID_LEN];

/// A key that seals and opens.
pub(super) struct Cipher(LessSafeKey);

impl Cipher {
    pub(super) fn new(key: &[u8; 32]) -> Option<Self> {
        UnboundKey::new(&AES_256_GCM_SIV, key).ok().map(|key| Self(LessSafeKey::new(key)))
    }

    pub(super) fn seal(
        &self,
        id: KeyId,
        place: &Place<'_>,
        plaintext: &[u8],
        random: &Random,
    ) -> Result<Vec<u8>, SealedError> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce);
        // Sized for all of it at once: a vector that grows would leave the plaintext behind in freed memory.
        let mut sealed = Vec::with_capacity(HEADER_LEN + plaintext.len() + TAG_LEN);
        sealed.push(FORMAT);
        sealed.extend_from_slice(&id);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let body = sealed.get_mut(HEADER_LEN..).ok_or(SealedError::Unsealable)?;
        let associated = Aad::from(associated_data(id, place));
        let tag = self.0.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), associated, body);
        sealed.extend_from_slice(tag.map_err(|_| SealedError::Unsealable)?.as_ref());
        Ok(sealed)
    }

    pub(super) fn open(
        &self,
        id: KeyId,
        place: &Place<'_>,
        sealed: &[u8],
    ) -> Result<SecretSlice<u8>, SealedError> {
        let rest = sealed.get(1 + ID_LEN..).ok_or(SealedError::Format)?;
        let (nonce, rest) = rest.split_at_checked(NONCE_LEN).ok_or(SealedError::Format)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealedError::Format)?;
        let length = rest.len().checked_sub(TAG_LEN).ok_or(SealedError::Format)?;
        let (ciphertext, tag) = rest.split_at_checked(length).ok_or(SealedError::Format)?;
        let mut plaintext = SecretSlice::from(vec![0; length]);
        let associated = Aad::from(associated_data(id, place));
        self.0
            .open_separate_gather(nonce, associated, ciphertext, tag, plaintext.expose_secret_mut())
            .map_err(|_| SealedError::Refused)?;
        Ok(plaintext)
    }
}

/// What all bytes begin with that this key sealed.
pub(super) fn prefix(id: KeyId) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    bytes.extend_from_slice(&id);
    bytes
}

/// The id of the key that sealed these bytes.
pub(super) fn key_id(sealed: &[u8]) -> Result<KeyId, SealedError> {
    match sealed {
        [FORMAT, a, b, c, d, ..] => Ok([*a, *b, *c, *d]),
        _ => Err(SealedError::Format),
    }
}

fn associated_data(id: KeyId, place: &Place<'_>) -> Vec<u8> {
    let version = place.version.to_be_bytes();
    let parts: [&[u8]; 6] = [
        &[FORMAT],
        &id,
        place.purpose.as_bytes(),
        place.organization.as_bytes(),
        place.row.as_bytes(),
        &version,
    ];
    let mut data = Vec::with_capacity(128);
    for part in parts {
        data.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        data.extend_from_slice(part);
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    const ID: KeyId = [1, 2, 3, 4];

    fn cipher() -> Cipher {
        Cipher::new(&[7; 32]).unwrap()
    }

    fn place<'a>(organization: &'a str, row: &'a str, version: i64) -> Place<'a> {
        Place { purpose: "grant.tokens", organization, row, version }
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_at_its_place(bytes: Vec<u8>, organization: String, row: String, version: i64) {
            let place = place(&organization, &row, version);
            let sealed = cipher().seal(ID, &place, &bytes, &Random::seeded(1)).unwrap();
            prop_assert_eq!(sealed.len(), HEADER_LEN + bytes.len() + TAG_LEN);
            prop_assert_eq!(key_id(&sealed), Ok(ID));
            let opened = cipher().open(ID, &place, &sealed).unwrap();
            prop_assert_eq!(opened.expose_secret(), bytes.as_slice());
        }

        #[test]
        fn any_changed_bit_after_the_key_id_is_noticed(bytes: Vec<u8>, position: prop::sample::Index, bit in 0..8_u8) {
            let place = place("o", "r", 1);
            let mut sealed = cipher().seal(ID, &place, &bytes, &Random::seeded(1)).unwrap();
            let position = 5 + position.index(sealed.len() - 5);
            sealed[position] ^= 1 << bit;
            prop_assert!(matches!(cipher().open(ID, &place, &sealed), Err(SealedError::Refused)));
        }

        #[test]
        fn any_cut_is_noticed(bytes: Vec<u8>, length: prop::sample::Index) {
            let place = place("o", "r", 1);
            let sealed = cipher().seal(ID, &place, &bytes, &Random::seeded(1)).unwrap();
            let length = length.index(sealed.len());
            prop_assert!(cipher().open(ID, &place, &sealed[..length]).is_err());
        }

        #[test]
        fn foreign_bytes_never_panic(bytes: Vec<u8>) {
            let _ = key_id(&bytes);
            prop_assert!(cipher().open(ID, &place("o", "r", 1), &bytes).is_err());
        }

        #[test]
        fn two_places_never_share_associated_data(a: (String, String, i64), b: (String, String, i64)) {
            prop_assume!(a != b);
            prop_assert_ne!(associated_data(ID, &place(&a.0, &a.1, a.2)), associated_data(ID, &place(&b.0, &b.1, b.2)));
        }
    }

    #[test]
    fn every_part_of_the_place_is_bound() {
        let home = place("org", "row", 3);
        let sealed = cipher().seal(ID, &home, b"token", &Random::seeded(1)).unwrap();
        let elsewhere = [
            Place { purpose: "flow.verifier", ..home },
            Place { organization: "other", ..home },
            Place { row: "other", ..home },
            Place { version: 2, ..home },
            Place { version: 4, ..home },
            Place { organization: "orgr", row: "ow", ..home },
        ];
        for place in elsewhere {
            assert!(matches!(cipher().open(ID, &place, &sealed), Err(SealedError::Refused)), "{place:?}");
        }
        assert!(
            matches!(cipher().open([1, 2, 3, 5], &home, &sealed), Err(SealedError::Refused)),
            "the key id is bound"
        );
        assert!(Cipher::new(&[8; 32]).unwrap().open(ID, &home, &sealed).is_err(), "another key");
    }

    #[test]
    fn the_same_bytes_are_never_sealed_alike() {
        let random = Random::seeded(1);
        let seal = || cipher().seal(ID, &place("o", "r", 1), b"token", &random).unwrap();
        assert_ne!(seal(), seal());
    }
}
