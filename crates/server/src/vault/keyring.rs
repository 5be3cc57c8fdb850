//! The data keys: wrapped by the master key where they are stored, open here.
//!
//! Knows which key seals and which ones still open. Must not know sealed bytes' places beyond binding them.

use super::master_key::{MasterKey, derive};
use super::master_keys::{MasterKeys, MasterSource};
use super::sealed::{Cipher, KeyId, Place, SealedError, key_id, prefix};
use crate::clock::Random;
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, SecretSlice};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

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
    /// The master keys cannot be read.
    #[error("{0}")]
    Master(String),
    /// There is no data key to seal with.
    #[error("the database holds no data key")]
    Empty,
    /// The cipher refused.
    #[error("the cryptographic library refused a key")]
    Cipher,
}

/// The open data keys. The newest seals; all open. They can be read again while others use them.
pub struct Keyring {
    source: MasterSource,
    opened: RwLock<Arc<Opened>>,
}

struct Opened {
    keys: HashMap<KeyId, DataKey>,
    newest: KeyId,
    /// Ids of the keys that the current master key wraps.
    current: HashSet<KeyId>,
}

struct DataKey {
    cipher: Cipher,
    signing: SecretBox<[u8; 32]>,
    superseded_at: Option<i64>,
}

/// A key that signs bearer tokens, made from a data key and known by its id.
pub struct SigningKey {
    /// The data key's id.
    pub id: String,
    /// 32 bytes.
    pub key: SecretSlice<u8>,
    /// When a newer data key came, epoch milliseconds.
    pub superseded_at: Option<i64>,
}

impl Keyring {
    /// A new data key, wrapped by the current master key. It counts once it is stored.
    pub fn new_key(masters: &MasterKeys, random: &Random, now: i64) -> Result<WrappedKey, KeyringError> {
        let mut id = MASTER_ID;
        while id == MASTER_ID {
            random.fill(&mut id);
        }
        let mut key = SecretBox::new(Box::new([0; 32]));
        random.fill(key.expose_secret_mut());
        let id = to_hex(id);
        let sealed = wrapping(masters.current())?.seal(MASTER_ID, &place(&id), key.expose_secret(), random);
        Ok(WrappedKey { wrapped: sealed.map_err(|_| KeyringError::Cipher)?, id, created_at: now })
    }

    /// Opens all stored data keys. One that no master key opens means that the right one is missing: it is said, and
    /// nothing is ever sealed with a mixture.
    pub fn unlock(source: MasterSource, rows: &[WrappedKey]) -> Result<Self, KeyringError> {
        let opened = RwLock::new(Arc::new(open_all(&source, rows)?));
        Ok(Self { source, opened })
    }

    /// Takes up data keys that were stored since, and master keys that were put into a file. What was open stays open
    /// when this fails.
    pub fn reload(&self, rows: &[WrappedKey]) -> Result<(), KeyringError> {
        let opened = Arc::new(open_all(&self.source, rows)?);
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = opened;
        Ok(())
    }

    /// Where the master keys come from.
    pub fn source(&self) -> &MasterSource {
        &self.source
    }

    /// The newest data key is wrapped by the current master key.
    pub fn is_rotated(&self) -> bool {
        let opened = self.opened();
        opened.current.contains(&opened.newest)
    }

    /// The row as the current master key wraps it; none when it does so already.
    pub fn rewrapped(&self, row: &WrappedKey, random: &Random) -> Result<Option<WrappedKey>, KeyringError> {
        let masters = read(&self.source)?;
        let id = from_hex(&row.id).ok_or_else(|| KeyringError::WrongKey { id: row.id.clone() })?;
        let (key, position) = unwrap(&masters, row)?;
        if position == 0 {
            return Ok(None);
        }
        debug_assert_ne!(id, MASTER_ID);
        let sealed =
            wrapping(masters.current())?.seal(MASTER_ID, &place(&row.id), key.expose_secret(), random);
        Ok(Some(WrappedKey { wrapped: sealed.map_err(|_| KeyringError::Cipher)?, ..row.clone() }))
    }

    /// Seals bytes for one place, with the newest data key.
    pub fn seal(&self, place: &Place<'_>, plaintext: &[u8], random: &Random) -> Result<Vec<u8>, SealedError> {
        let opened = self.opened();
        let key = opened.keys.get(&opened.newest).ok_or(SealedError::UnknownKey)?;
        key.cipher.seal(opened.newest, place, plaintext, random)
    }

    /// Opens bytes that were sealed for this place. What comes out is wiped from memory when dropped.
    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<SecretSlice<u8>, SealedError> {
        let id = key_id(sealed)?;
        self.opened().keys.get(&id).ok_or(SealedError::UnknownKey)?.cipher.open(id, place, sealed)
    }

    /// What everything begins with that the newest data key sealed.
    pub fn prefix(&self) -> Vec<u8> {
        prefix(self.opened().newest)
    }

    /// Id of the newest data key.
    pub fn newest(&self) -> String {
        to_hex(self.opened().newest)
    }

    /// The key that signs bearer tokens now; the same on all replicas.
    pub fn signing_key(&self) -> Option<SigningKey> {
        self.signing_key_of(&self.newest())
    }

    /// The key that signed under that id.
    pub fn signing_key_of(&self, id: &str) -> Option<SigningKey> {
        let opened = self.opened();
        let key = opened.keys.get(&from_hex(id)?)?;
        Some(SigningKey {
            id: id.to_owned(),
            key: SecretSlice::from(key.signing.expose_secret().to_vec()),
            superseded_at: key.superseded_at,
        })
    }

    fn opened(&self) -> Arc<Opened> {
        Arc::clone(&self.opened.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn read(source: &MasterSource) -> Result<MasterKeys, KeyringError> {
    source.read().map_err(|error| KeyringError::Master(error.to_string()))
}

fn open_all(source: &MasterSource, rows: &[WrappedKey]) -> Result<Opened, KeyringError> {
    let masters = read(source)?;
    let mut rows: Vec<&WrappedKey> = rows.iter().collect();
    rows.sort_by_key(|row| (row.created_at, &row.id));
    let (mut keys, mut current) = (HashMap::new(), HashSet::new());
    let mut newer = rows.iter().skip(1).map(|row| row.created_at);
    for row in &rows {
        let wrong = || KeyringError::WrongKey { id: row.id.clone() };
        let id = from_hex(&row.id).filter(|id| *id != MASTER_ID).ok_or_else(wrong)?;
        let (key, position) = unwrap(&masters, row)?;
        if position == 0 {
            current.insert(id);
        }
        let cipher = Cipher::new(key.expose_secret()).ok_or(KeyringError::Cipher)?;
        let signing = derive(key.expose_secret(), SIGNING).ok_or(KeyringError::Cipher)?;
        keys.insert(id, DataKey { cipher, signing, superseded_at: newer.next() });
    }
    let newest = rows.last().and_then(|row| from_hex(&row.id)).ok_or(KeyringError::Empty)?;
    Ok(Opened { keys, newest, current })
}

/// Fingerprints of the master keys that open these data keys, the current one first. An error when one opens under none.
pub fn openers(masters: &MasterKeys, rows: &[WrappedKey]) -> Result<Vec<String>, KeyringError> {
    let mut positions = BTreeSet::new();
    for row in rows {
        positions.insert(unwrap(masters, row)?.1);
    }
    let all = masters.all().enumerate();
    Ok(all.filter(|(at, _)| positions.contains(at)).map(|(_, master)| master.fingerprint()).collect())
}

/// A data key, and which master key opened it; 0 is the current one.
fn unwrap(masters: &MasterKeys, row: &WrappedKey) -> Result<(SecretBox<[u8; 32]>, usize), KeyringError> {
    for (position, master) in masters.all().enumerate() {
        let Ok(bytes) = wrapping(master)?.open(MASTER_ID, &place(&row.id), &row.wrapped) else { continue };
        if let Ok(key) = <[u8; 32]>::try_from(bytes.expose_secret()) {
            return Ok((SecretBox::new(Box::new(key)), position));
        }
    }
    Err(KeyringError::WrongKey { id: row.id.clone() })
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
    use secrecy::SecretString;

    const HOME: Place<'_> = Place { purpose: "grant.tokens", organization: "o", row: "r", version: 1 };

    /// Master keys of these letters, the first one current.
    fn masters(letters: &str) -> MasterSource {
        let texts: Vec<String> = letters.chars().map(|letter| letter.to_string().repeat(43)).collect();
        MasterSource::Text(SecretString::from(texts.join("\n")))
    }

    fn unlock(letters: &str, rows: &[WrappedKey]) -> Result<Keyring, KeyringError> {
        Keyring::unlock(masters(letters), rows)
    }

    fn new_key(letters: &str, random: &Random, now: i64) -> WrappedKey {
        Keyring::new_key(&masters(letters).read().unwrap(), random, now).unwrap()
    }

    fn keys(count: i64) -> (Vec<WrappedKey>, Random) {
        let random = Random::seeded(5);
        ((1..=count).map(|now| new_key("A", &random, now)).collect(), random)
    }

    fn signing(keyring: &Keyring, id: &str) -> Vec<u8> {
        keyring.signing_key_of(id).unwrap().key.expose_secret().to_vec()
    }

    #[test]
    fn the_newest_key_seals_and_old_ones_still_open() {
        let (mut rows, random) = keys(2);
        let old = unlock("A", &rows[..1]).unwrap();
        rows.reverse();
        let both = unlock("A", &rows).unwrap();
        let before = old.seal(&HOME, b"token", &random).unwrap();
        let after = both.seal(&HOME, b"token", &random).unwrap();
        assert_eq!(to_hex(key_id(&after).unwrap()), rows[0].id);
        assert!(after.starts_with(&both.prefix()) && !before.starts_with(&both.prefix()));
        assert_eq!(both.open(&HOME, &before).unwrap().expose_secret(), b"token");
        assert_eq!(both.open(&HOME, &after).unwrap().expose_secret(), b"token");
        assert!(matches!(old.open(&HOME, &after), Err(SealedError::UnknownKey)));
        old.reload(&rows).unwrap();
        assert_eq!(old.open(&HOME, &after).unwrap().expose_secret(), b"token");
        // Bearer tokens are known by their key; the older one says since when it is.
        assert_eq!(signing(&old, &rows[1].id), signing(&both, &rows[1].id));
        assert_ne!(signing(&both, &rows[0].id), signing(&both, &rows[1].id));
        assert_eq!(both.signing_key().unwrap().id, rows[0].id);
        assert_eq!(both.signing_key().unwrap().superseded_at, None);
        assert_eq!(both.signing_key_of(&rows[1].id).unwrap().superseded_at, Some(2));
        assert!(both.signing_key_of("0badc0de").is_none() && both.signing_key_of("no id").is_none());
    }

    #[test]
    fn another_master_key_opens_nothing() {
        let (mut rows, random) = keys(1);
        assert_eq!(unlock("E", &rows).err(), Some(KeyringError::WrongKey { id: rows[0].id.clone() }));
        rows.push(new_key("E", &random, 9));
        assert!(matches!(unlock("A", &rows), Err(KeyringError::WrongKey { .. })), "a mixture");
        let own = unlock("A", &rows[..1]).unwrap();
        assert!(matches!(own.reload(&rows), Err(KeyringError::WrongKey { .. })));
        let sealed = own.seal(&HOME, b"token", &random).unwrap();
        assert_eq!(own.open(&HOME, &sealed).unwrap().expose_secret(), b"token", "what was open stays open");
    }

    #[test]
    fn a_master_key_is_replaced_step_by_step() {
        let (mut rows, random) = keys(2);
        let before = unlock("A", &rows).unwrap();
        let sealed = before.seal(&HOME, b"token", &random).unwrap();
        let both = unlock("EA", &rows).unwrap();
        assert!(before.is_rotated() && !both.is_rotated());
        rows.push(new_key("EA", &random, 3));
        assert!(matches!(unlock("A", &rows), Err(KeyringError::WrongKey { .. })));
        both.reload(&rows).unwrap();
        assert!(both.is_rotated());
        for row in &mut rows {
            if let Some(rewrapped) = both.rewrapped(row, &random).unwrap() {
                *row = rewrapped;
            }
            assert!(both.rewrapped(row, &random).unwrap().is_none());
        }
        let names =
            |letters: &str| openers(&masters(letters).read().unwrap(), &rows).map(|names| names.len());
        assert_eq!(names("EA"), Ok(1));
        assert!(matches!(names("A"), Err(KeyringError::WrongKey { .. })));
        let after = unlock("E", &rows).unwrap();
        assert_eq!(after.open(&HOME, &sealed).unwrap().expose_secret(), b"token");
        assert!(matches!(unlock("A", &rows), Err(KeyringError::WrongKey { .. })));
    }

    #[test]
    fn swapped_damaged_or_missing_keys_are_noticed() {
        let (mut rows, _) = keys(2);
        assert_eq!(unlock("A", &[]).err(), Some(KeyringError::Empty));
        let (left, right) = rows.split_at_mut(1);
        std::mem::swap(&mut left[0].wrapped, &mut right[0].wrapped);
        assert!(matches!(unlock("A", &rows), Err(KeyringError::WrongKey { .. })));
        for id in ["", "xyz", "00000000", "ABCDEF01", "+1234567"] {
            let row = WrappedKey { id: id.to_owned(), ..rows[0].clone() };
            assert!(matches!(unlock("A", &[row]), Err(KeyringError::WrongKey { .. })), "{id}");
        }
    }

    #[test]
    fn ids_are_eight_hexadecimal_digits() {
        let (rows, _) = keys(3);
        assert!(rows.iter().all(|row| from_hex(&row.id).map(to_hex) == Some(row.id.clone())));
    }
}
