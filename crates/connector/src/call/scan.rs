//! A validating JSON scanner over bytes: it finds where values begin and end, and builds nothing.
//!
//! Knows RFC 8259 and a depth limit. Must not know paths or results. Numbers stay text, so big ones stay exact.
//! Every answer of a provider passes here whole: the functions below take a position and give the next one, so that it
//! stays in a register, and strings are read sixteen bytes at a time.

use wide::u8x16;

/// Deepest nesting that is accepted.
pub(super) const MAX_DEPTH: u32 = 128;

/// The text is no JSON (or nested deeper than [`MAX_DEPTH`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotJson;

/// A position in JSON text.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u32,
}

impl<'a> Scanner<'a> {
    /// At the start of a text.
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, depth: 0 }
    }

    /// Offset of the next byte.
    pub(super) const fn position(&self) -> usize {
        self.at
    }

    /// The next byte, unread.
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Skips white space.
    pub(super) fn space(&mut self) {
        self.at = after_space(self.bytes, self.at);
    }

    /// Reads that byte.
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), NotJson> {
        if self.take(byte) { Ok(()) } else { Err(NotJson) }
    }

    /// Reads that byte if it is next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// One level down.
    pub(super) fn enter(&mut self) -> Result<(), NotJson> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(NotJson) } else { Ok(()) }
    }

    /// One level up.
    pub(super) const fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Reads a member's name and the colon. The name is what stands between the quotes, escapes unread.
    pub(super) fn key(&mut self) -> Result<&'a [u8], NotJson> {
        self.expect(b'"')?;
        let start = self.at;
        self.at = after_string(self.bytes, start)?;
        let key = self.bytes.get(start..self.at - 1).ok_or(NotJson)?;
        self.space();
        self.expect(b':')?;
        Ok(key)
    }

    /// Reads one value of any kind. Does not recurse: what is open stands in the bits of one number.
    pub(super) fn skip(&mut self) -> Result<(), NotJson> {
        let (bytes, room) = (self.bytes, MAX_DEPTH.saturating_sub(self.depth));
        // Inside a map now; and of each level further out, the outermost in the highest bit.
        let (mut map, mut maps) = (false, 0_u128);
        let (mut at, mut depth) = (self.at, 0);
        loop {
            at = match bytes.get(at) {
                Some(b'"') => after_string(bytes, at + 1)?,
                Some(open @ (b'{' | b'[')) if depth < room => {
                    let inner = *open == b'{';
                    (maps, map, depth) = ((maps << 1) | u128::from(map), inner, depth + 1);
                    at = after_space(bytes, at + 1);
                    if bytes.get(at) != Some(if inner { &b'}' } else { &b']' }) {
                        at = if inner { after_key(bytes, at)? } else { at };
                        continue;
                    }
                    at
                }
                Some(b' ' | b'\n' | b'\r' | b'\t') => {
                    at = after_space(bytes, at + 1);
                    continue;
                }
                Some(_) => after_scalar(bytes, at)?,
                None => return Err(NotJson),
            };
            // What follows a value: another one, or the end of what it stands in.
            loop {
                if depth == 0 {
                    self.at = at;
                    return Ok(());
                }
                match bytes.get(at) {
                    Some(b',') => break,
                    Some(b'}') if map => {}
                    Some(b']') if !map => {}
                    Some(b' ' | b'\n' | b'\r' | b'\t') => {
                        at = after_space(bytes, at + 1);
                        continue;
                    }
                    _ => return Err(NotJson),
                }
                (at, map, maps, depth) = (at + 1, maps & 1 == 1, maps >> 1, depth - 1);
            }
            at = if map { after_key(bytes, at + 1)? } else { at + 1 };
        }
    }

    /// Nothing but white space may follow.
    pub(super) fn finish(&mut self) -> Result<(), NotJson> {
        self.space();
        if self.peek().is_none() { Ok(()) } else { Err(NotJson) }
    }
}

/// The first byte from `at` on that is no white space.
#[inline]
fn after_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at)
        && *byte <= b' '
        && matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
    {
        at += 1;
    }
    at
}

/// Past a member's name and its colon.
#[inline]
fn after_key(bytes: &[u8], mut at: usize) -> Result<usize, NotJson> {
    if bytes.get(at) != Some(&b'"') {
        at = after_space(bytes, at);
        if bytes.get(at) != Some(&b'"') {
            return Err(NotJson);
        }
    }
    at = after_string(bytes, at + 1)?;
    if bytes.get(at) != Some(&b':') {
        at = after_space(bytes, at);
        if bytes.get(at) != Some(&b':') {
            return Err(NotJson);
        }
    }
    Ok(at + 1)
}

/// Past a string; `at` is behind its first quote.
#[inline]
fn after_string(bytes: &[u8], at: usize) -> Result<usize, NotJson> {
    let at = after_plain(bytes, at);
    if bytes.get(at) == Some(&b'"') { Ok(at + 1) } else { after_escapes(bytes, at) }
}

/// Past the rest of a string; `at` is its first byte that does not mean itself. Apart from [`after_string`], which is
/// short enough without it to stand in every loop.
#[inline(never)]
fn after_escapes(bytes: &[u8], mut at: usize) -> Result<usize, NotJson> {
    loop {
        match bytes.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at = after_plain(bytes, after_escape(bytes, at)?),
            _ => return Err(NotJson),
        }
    }
}

/// The first byte of a string from `at` on that does not mean itself: `"`, `\\` or a control character.
#[inline]
fn after_plain(bytes: &[u8], mut at: usize) -> usize {
    while let Some(block) = bytes.get(at..).and_then(|rest| rest.first_chunk::<16>()) {
        let block = u8x16::new(*block);
        let special = block.simd_eq(u8x16::splat(b'"'))
            | block.simd_eq(u8x16::splat(b'\\'))
            | block.max(u8x16::splat(b' ' - 1)).simd_eq(u8x16::splat(b' ' - 1));
        let found = special.to_bitmask();
        if found != 0 {
            return at + found.trailing_zeros() as usize;
        }
        at += 16;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| !is_special(**byte)).count()
}

/// A byte that does not mean itself in a string: `"`, `\\` or a control character.
const fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..=0x1f)
}

/// Past an escape; `at` is its backslash.
fn after_escape(bytes: &[u8], at: usize) -> Result<usize, NotJson> {
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => {
            let digits = bytes.get(at + 2..at + 6).ok_or(NotJson)?;
            if digits.iter().all(u8::is_ascii_hexdigit) { Ok(at + 6) } else { Err(NotJson) }
        }
        _ => Err(NotJson),
    }
}

/// Past a number, `true`, `false` or `null`.
fn after_scalar(bytes: &[u8], at: usize) -> Result<usize, NotJson> {
    match bytes.get(at) {
        Some(b't') => after_literal(bytes, at, b"true"),
        Some(b'f') => after_literal(bytes, at, b"false"),
        Some(b'n') => after_literal(bytes, at, b"null"),
        _ => after_number(bytes, at),
    }
}

/// Past a number.
fn after_number(bytes: &[u8], at: usize) -> Result<usize, NotJson> {
    let mut at = at + usize::from(bytes.get(at) == Some(&b'-'));
    at = if bytes.get(at) == Some(&b'0') { at + 1 } else { after_digits(bytes, at)? };
    if bytes.get(at) == Some(&b'.') {
        at = after_digits(bytes, at + 1)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = matches!(bytes.get(at + 1), Some(b'+' | b'-'));
        at = after_digits(bytes, at + 1 + usize::from(sign))?;
    }
    Ok(at)
}

/// Past one digit or more.
fn after_digits(bytes: &[u8], start: usize) -> Result<usize, NotJson> {
    let mut at = start;
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    if at == start { Err(NotJson) } else { Ok(at) }
}

/// Past that word.
fn after_literal(bytes: &[u8], at: usize, word: &[u8]) -> Result<usize, NotJson> {
    if bytes.get(at..).is_some_and(|rest| rest.starts_with(word)) {
        Ok(at + word.len())
    } else {
        Err(NotJson)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn valid(text: &[u8]) -> bool {
        let mut scanner = Scanner::new(text);
        scanner.skip().and_then(|()| scanner.finish()).is_ok()
    }

    #[test]
    fn grammar() {
        for good in [
            "{}",
            "[]",
            " null ",
            "-0.5e+3",
            r#"{"a":[1,{"b":"\u00e9\n"}],"c":{}}"#,
            "\"a long plain string without escapes\"",
            "0",
        ] {
            assert!(valid(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "01",
            "1.",
            "+1",
            "nul",
            "NaN",
            "[1 2]",
            "\"\\x\"",
            "\"a\nb\"",
            "{\"a\":1,}",
            "[}",
            "1 2",
            "\"\\u12g4\"",
            "-",
            "[1}",
        ] {
            assert!(!valid(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn depth_is_limited_without_a_stack_overflow() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(valid(nested(128).as_bytes()));
        assert!(!valid(nested(129).as_bytes()));
        assert!(!valid("[".repeat(1_000_000).as_bytes()));
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json(text in "[\\[\\]{}:,\"a\\\\u0-9.eE+\\- tfn\n]{0,24}") {
            let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(valid(text.as_bytes()), theirs, "{}", text);
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = valid(&bytes);
        }

        #[test]
        fn finds_the_first_special(bytes in prop::collection::vec(prop_oneof![9 => Just(b'x'), 1 => any::<u8>()], 0..80)) {
            let slow = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
            prop_assert_eq!(after_plain(&bytes, 0), slow.unwrap_or(bytes.len()));
        }

        #[test]
        fn strings_agree_with_serde_json(text in "\"[a-cé\"\\\\\n/u0-9]{0,40}\"") {
            let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(valid(text.as_bytes()), theirs, "{}", text);
        }
    }
}
