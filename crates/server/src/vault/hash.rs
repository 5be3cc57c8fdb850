//! One-way views of secrets. Knows SHA-256; must not know which secret is meant.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA256};

/// SHA-256 of a random secret, for finding or recognising it without keeping it. The label says what sort of secret it
/// is; the same secret under another label has another digest. Not for passwords: those need a slow hash.
pub fn digest(label: &str, secret: &str) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    // The length first, so that no label and secret read together like another pair.
    context.update(&u64::try_from(label.len()).unwrap_or(u64::MAX).to_be_bytes());
    context.update(label.as_bytes());
    context.update(secret.as_bytes());
    to_array(context)
}

/// Whether two texts of bytes are equal, in a time that depends on their lengths only.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    verify_slices_are_equal(a, b).is_ok()
}

fn to_array(context: Context) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_differ_by_label_and_secret() {
        assert_eq!(digest("state", "abc"), digest("state", "abc"));
        assert_ne!(digest("state", "abc"), digest("secret_id", "abc"));
        assert_ne!(digest("state", "abc"), digest("statea", "bc"));
        assert_ne!(digest("state", "abc"), digest("state", "abd"));
    }

    #[test]
    fn equality_needs_the_same_length_and_bytes() {
        assert!(same(b"", b"") && same(b"abc", b"abc"));
        assert!(!same(b"abc", b"abd") && !same(b"abc", b"ab") && !same(b"", b"a"));
    }
}
