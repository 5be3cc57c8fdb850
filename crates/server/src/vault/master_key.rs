//! The operator's key: where it comes from and the keys that are derived from it.
//!
//! Knows its text form and its file. Must not know what the derived keys open.

use crate::clock::Random;
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, SecretString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const FINGERPRINT: &[u8] = b"keybearer key fingerprint v1";

/// 32 bytes that everything else is opened with. Wiped from memory when dropped.
pub struct MasterKey(SecretBox<[u8; 32]>);

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// It has another length, or is no base64. Never shows it.
    #[error(
        "the master key must be exactly 32 bytes in base64 (44 characters; `openssl rand -base64 32` makes one)"
    )]
    Form,
    /// Its file cannot be read or made.
    #[error("the master key file {path} cannot be used: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Its file holds something else.
    #[error("the file {path} does not hold a master key, which is exactly 32 bytes in base64", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
    },
}

impl MasterKey {
    /// Reads a key: exactly 32 bytes, base64 in either alphabet (RFC 4648 sections 4 and 5), padded or not; white space
    /// around it is ignored.
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let text = text.trim();
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let alphabet =
            if text.contains(['-', '_']) { &base64::alphabet::URL_SAFE } else { &base64::alphabet::STANDARD };
        let mut key = SecretBox::new(Box::new([0; 32]));
        // One byte more than a key, so that a longer one is noticed.
        let mut buffer = SecretBox::new(Box::new([0; 36]));
        let length = GeneralPurpose::new(alphabet, config)
            .decode_slice(text, buffer.expose_secret_mut())
            .map_err(|_| MasterKeyError::Form)?;
        let bytes = buffer.expose_secret().get(..length).ok_or(MasterKeyError::Form)?;
        *key.expose_secret_mut() = bytes.try_into().map_err(|_| MasterKeyError::Form)?;
        Ok(Self(key))
    }

    /// The key in that file; none when there is no file.
    fn load(path: &Path) -> Result<Option<Self>, MasterKeyError> {
        let Some(text) = read(path)? else { return Ok(None) };
        // Where a key is being replaced the first one counts.
        let first = text.expose_secret().split_whitespace().next().unwrap_or_default();
        let content = |_| MasterKeyError::Content { path: path.to_owned() };
        Self::parse(first).map(Some).map_err(content)
    }

    /// A new key, stored nowhere.
    pub(super) fn generate(random: &Random) -> Self {
        let mut key = SecretBox::new(Box::new([0; 32]));
        random.fill(key.expose_secret_mut());
        Self(key)
    }

    /// Its text form.
    pub(super) fn to_text(&self) -> SecretString {
        SecretString::from(STANDARD.encode(self.0.expose_secret()))
    }

    /// What names this key without saying anything about it: 16 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let derived = self.derive(FINGERPRINT);
        let bytes = derived.as_ref().and_then(|key| key.expose_secret().first_chunk::<8>());
        format!("{:016x}", u64::from_be_bytes(bytes.copied().unwrap_or_default()))
    }

    /// The key in that file; made, with mode 0600, when there is no file. Call this only where nothing is sealed yet: a
    /// new key opens nothing old.
    pub fn load_or_generate(path: &Path, random: &Random) -> Result<Self, MasterKeyError> {
        if let Some(key) = Self::load(path)? {
            return Ok(key);
        }
        let key = Self::generate(random);
        let failed = |source| MasterKeyError::File { path: path.to_owned(), source };
        if write_new(path, &key.to_text(), random).map_err(failed)? {
            return Ok(key);
        }
        // Another process was first; its key counts.
        Self::load(path)?.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))
    }

    /// A key for one purpose, which says nothing about this one or the others.
    pub(super) fn derive(&self, label: &[u8]) -> Option<SecretBox<[u8; 32]>> {
        derive(self.0.expose_secret(), label)
    }
}

/// A key for one purpose, made from another key (HKDF-SHA256, RFC 5869).
pub(super) fn derive(key: &[u8; 32], label: &[u8]) -> Option<SecretBox<[u8; 32]>> {
    let mut derived = SecretBox::new(Box::new([0; 32]));
    let secret = Salt::none(HKDF_SHA256).extract(key);
    let label = [label];
    let output = secret.expand(&label, HKDF_SHA256).ok()?;
    output.fill(derived.expose_secret_mut()).ok()?;
    Some(derived)
}

/// The text of a key file; none when there is no file.
pub(super) fn read(path: &Path) -> Result<Option<SecretString>, MasterKeyError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => SecretString::from(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(MasterKeyError::File { path: path.to_owned(), source }),
    };
    warn_if_shared(path);
    Ok(Some(text))
}

/// Writes the file as a whole or not at all; false when there is one.
fn write_new(path: &Path, text: &SecretString, random: &Random) -> io::Result<bool> {
    with_draft(path, text, random, |draft| {
        // A link fails where the name is taken; a rename would replace the other key.
        match std::fs::hard_link(draft, path) {
            Ok(()) => std::fs::remove_file(draft).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                std::fs::remove_file(draft).map(|()| false)
            }
            Err(error) => Err(error),
        }
    })
}

/// Writes the file over the one that is there, as a whole or not at all.
pub(super) fn replace(path: &Path, text: &SecretString, random: &Random) -> io::Result<()> {
    with_draft(path, text, random, |draft| std::fs::rename(draft, path))
}

/// Writes a private file beside `path`, durably, and moves it there. None stays behind.
fn with_draft<T>(
    path: &Path,
    text: &SecretString,
    random: &Random,
    place: impl FnOnce(&Path) -> io::Result<T>,
) -> io::Result<T> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    make_private(directory)?;
    let draft = directory.join(format!(".master-key-{}", random.uuid_v4()));
    let mut file = options.open(&draft)?;
    let placed = (|| {
        file.write_all(text.expose_secret().trim_end().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        place(&draft)
    })();
    if placed.is_err() {
        // The first error is the one to tell.
        drop(std::fs::remove_file(&draft));
    }
    std::fs::File::open(directory)?.sync_all()?;
    placed
}

fn make_private(directory: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// A warning only: some platforms mount files with a group's mode whatever they were given.
fn warn_if_shared(path: &Path) {
    #[cfg(unix)]
    if let Ok(metadata) = std::fs::metadata(path)
        && std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0
    {
        tracing::warn!(path = %path.display(), "the master key file can be read by others; `chmod 600` it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    fn bytes(key: &MasterKey) -> [u8; 32] {
        *key.0.expose_secret()
    }

    #[test]
    fn other_lengths_and_texts_are_refused_without_showing_them() {
        for text in [
            "",
            " ",
            "hunter2",
            &STANDARD.encode([7; 31]),
            &STANDARD.encode([7; 33]),
            &STANDARD.encode([7; 64]),
            &"=".repeat(44),
        ] {
            let Err(error) = MasterKey::parse(text) else { panic!("accepted {text:?}") };
            let shown = format!("{error} {error:?}");
            assert!(text.trim().is_empty() || text.starts_with('=') || !shown.contains(text), "{shown}");
            assert!(shown.contains("exactly 32 bytes"), "{shown}");
        }
    }

    #[test]
    fn a_generated_key_is_private_and_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data/master.key");
        assert!(MasterKey::load(&path).unwrap().is_none());
        let made = MasterKey::load_or_generate(&path, &Random::system()).unwrap();
        let found = MasterKey::load_or_generate(&path, &Random::system()).unwrap();
        assert_eq!(bytes(&made), bytes(&found));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let names: Vec<_> = std::fs::read_dir(path.parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["master.key"], "no draft stays behind");
    }

    #[test]
    fn a_damaged_file_is_never_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        std::fs::write(&path, "not a key").unwrap();
        assert!(matches!(
            MasterKey::load_or_generate(&path, &Random::system()),
            Err(MasterKeyError::Content { .. })
        ));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "not a key");
    }

    #[test]
    fn of_keys_made_at_the_same_time_one_counts() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let keys: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| bytes(&MasterKey::load_or_generate(&path, &Random::system()).unwrap()))
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    proptest! {
        #[test]
        fn every_base64_form_is_read(key: [u8; 32]) {
            for text in [STANDARD.encode(key), STANDARD_NO_PAD.encode(key), URL_SAFE.encode(key), URL_SAFE_NO_PAD.encode(key)] {
                prop_assert_eq!(bytes(&MasterKey::parse(&format!("\n {text}\r\n")).unwrap()), key);
            }
        }

        #[test]
        fn no_text_panics(text in ".{0,80}") {
            let _ = MasterKey::parse(&text);
        }
    }
}
