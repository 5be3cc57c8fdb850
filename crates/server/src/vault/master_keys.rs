//! All keys that the operator holds at the moment: one, or for a while two, when one is replaced.
//!
//! Knows that the first wraps and that the others only open, and where they are read again. Must not know data keys.

use super::master_key::{MasterKey, MasterKeyError, replace};
use crate::clock::Random;
use secrecy::{ExposeSecret, SecretString};
use std::path::{Path, PathBuf};

/// The operator's keys; the first is the current one.
pub struct MasterKeys {
    first: MasterKey,
    others: Vec<MasterKey>,
}

/// Where the operator's keys come from. Read again when a data key turns up that they did not open before.
#[derive(Clone)]
pub enum MasterSource {
    /// A setting, which stays as it is while the process runs.
    Text(SecretString),
    /// A file, which the operator or `keys rotate` may change.
    File(PathBuf),
}

impl MasterKeys {
    /// Reads keys that are parted by white space or commas.
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let mut parts = text.split(|c: char| c.is_whitespace() || c == ',').filter(|part| !part.is_empty());
        let first = MasterKey::parse(parts.next().unwrap_or_default())?;
        Ok(Self { first, others: parts.map(MasterKey::parse).collect::<Result<_, _>>()? })
    }

    /// The keys in that file; none when there is no file.
    pub fn load(path: &Path) -> Result<Option<Self>, MasterKeyError> {
        let Some(text) = super::master_key::read(path)? else { return Ok(None) };
        let content = |_| MasterKeyError::Content { path: path.to_owned() };
        Self::parse(text.expose_secret()).map(Some).map_err(content)
    }

    /// Puts a new key in front of those in the file. The file is replaced as a whole or not at all.
    pub fn put_new_first(path: &Path, random: &Random) -> Result<(), MasterKeyError> {
        let old = super::master_key::read(path)?.unwrap_or_default();
        Self::parse(old.expose_secret()).map_err(|_| MasterKeyError::Content { path: path.to_owned() })?;
        let new = MasterKey::generate(random);
        let text = SecretString::from(format!(
            "{}\n{}\n",
            new.to_text().expose_secret(),
            old.expose_secret().trim()
        ));
        replace(path, &text, random).map_err(|source| MasterKeyError::File { path: path.to_owned(), source })
    }

    /// The key that wraps.
    pub fn current(&self) -> &MasterKey {
        &self.first
    }

    /// All, the current one first.
    pub fn all(&self) -> impl Iterator<Item = &MasterKey> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// There is one only, so none is being replaced.
    pub fn is_single(&self) -> bool {
        self.others.is_empty()
    }
}

impl MasterSource {
    /// The keys as they are now.
    pub fn read(&self) -> Result<MasterKeys, MasterKeyError> {
        match self {
            Self::Text(text) => MasterKeys::parse(text.expose_secret()),
            Self::File(path) => MasterKeys::load(path)?.ok_or_else(|| MasterKeyError::File {
                path: path.clone(),
                source: std::io::ErrorKind::NotFound.into(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_parted_by_lines_blanks_or_commas() {
        let (a, b) = ("A".repeat(43), "E".repeat(43));
        for text in [format!("{a}\n{b}\n"), format!("{a} {b}"), format!("\n{a},{b}"), format!("{a}, {b}")] {
            let keys = MasterKeys::parse(&text).unwrap();
            assert_eq!(keys.all().count(), 2, "{text:?}");
            assert_eq!(keys.current().fingerprint(), MasterKey::parse(&a).unwrap().fingerprint());
            assert!(!keys.is_single());
        }
        assert!(MasterKeys::parse(&a).unwrap().is_single());
        for text in ["", " \n", "short", &format!("{a}\nshort")] {
            assert!(MasterKeys::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_new_key_comes_first_and_the_file_stays_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let random = Random::system();
        MasterKey::load_or_generate(&path, &random).unwrap();
        let before = MasterKeys::load(&path).unwrap().unwrap().current().fingerprint();
        MasterKeys::put_new_first(&path, &random).unwrap();
        let after = MasterKeys::load(&path).unwrap().unwrap();
        let fingerprints: Vec<String> = after.all().map(MasterKey::fingerprint).collect();
        assert_eq!(fingerprints.len(), 2);
        assert_ne!(fingerprints[0], before);
        assert_eq!(fingerprints[1], before);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "no draft stays behind");
        std::fs::write(&path, "damaged").unwrap();
        assert!(MasterKeys::put_new_first(&path, &random).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "damaged");
    }
}
