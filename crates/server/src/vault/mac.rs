//! Proof that this server wrote something: HMAC-SHA256 (RFC 2104) over a list of fields.
//!
//! Knows how fields are told apart. Must not know what they mean.

use crate::clock::Random;
use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key};
use secrecy::{ExposeSecretMut, SecretBox};

/// A key that only this installation knows.
pub struct MacKey(Key);

impl MacKey {
    /// Bytes of a new key, to be sealed.
    pub fn generate(random: &Random) -> SecretBox<[u8; 32]> {
        let mut bytes = SecretBox::new(Box::new([0; 32]));
        random.fill(bytes.expose_secret_mut());
        bytes
    }

    /// Of such bytes; none where there are not 32.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == 32).then(|| Self(Key::new(HMAC_SHA256, bytes)))
    }

    /// The code of a list of fields, in hexadecimal digits. Each field is written with whether it is there and how long
    /// it is, so that no two lists are written alike.
    pub fn mac(&self, fields: &[Option<&[u8]>]) -> String {
        let mut context = Context::with_key(&self.0);
        for field in fields {
            match field {
                None => context.update(&[0]),
                Some(bytes) => {
                    context.update(&[1]);
                    context.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
                    context.update(bytes);
                }
            }
        }
        let code = context.sign();
        let digits = code.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn lists_that_read_alike_have_different_codes() {
        let key = MacKey::of(&[7; 32]).unwrap();
        let lists: [&[Option<&[u8]>]; 6] = [
            &[Some(b"ab"), Some(b"c")],
            &[Some(b"a"), Some(b"bc")],
            &[Some(b"abc")],
            &[Some(b"abc"), None],
            &[Some(b"abc"), Some(b"")],
            &[None, Some(b"abc")],
        ];
        let codes: std::collections::BTreeSet<String> = lists.iter().map(|list| key.mac(list)).collect();
        assert_eq!(codes.len(), lists.len());
        assert_eq!(key.mac(lists[0]), key.mac(lists[0]));
        assert_ne!(MacKey::of(&[8; 32]).unwrap().mac(lists[0]), key.mac(lists[0]));
        assert!(MacKey::of(&[7; 31]).is_none());
        let bytes = MacKey::generate(&Random::seeded(1));
        assert!(MacKey::of(bytes.expose_secret()).is_some() && bytes.expose_secret() != &[0; 32]);
    }
}
