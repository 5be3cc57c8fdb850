//! A validating JSON scanner over bytes: it finds where values begin and end, and builds nothing.
//!
//! Knows RFC 8259 and a depth limit. Must not know paths or results. Numbers stay text, so big ones stay exact.
//! Every answer of a provider passes here whole, so the machine does little for each byte: where strings end is read
//! from a map of quotes that is made 64 bytes at a time ([`Specials`]), and the rest is one comparison a token for text
//! without white space, which most answers are.

use super::skeleton::Skeleton;
use super::specials::{Cursor, Specials, load};
use wide::u8x16;

/// Deepest nesting that is accepted.
pub(super) const MAX_DEPTH: u32 = 128;

/// With room for fewer records than these behind one, its skeleton costs more than it saves.
const WORTHWHILE: usize = 6;

/// The text is no JSON (or nested deeper than [`MAX_DEPTH`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotJson;

/// A position in JSON text.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u32,
    specials: Specials<'a>,
    /// The first special from `at` on. So a quote at `at` is it, and need not be looked for.
    cursor: Cursor,
}

impl<'a> Scanner<'a> {
    /// At the start of a text.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let (specials, cursor) = Specials::of(bytes);
        Self { bytes, at: 0, depth: 0, specials, cursor }
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
        if self.peek().is_some_and(|byte| byte <= b' ') {
            self.at = space(&mut self.specials, &mut self.cursor, self.at);
        }
    }

    /// Reads that byte, which is no quote.
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), NotJson> {
        if self.take(byte) { Ok(()) } else { Err(NotJson) }
    }

    /// Reads that byte, which is no quote, if it is next.
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
        if self.peek() != Some(b'"') {
            return Err(NotJson);
        }
        let start = self.at + 1;
        let end = string(self.bytes, &mut self.specials, &mut self.cursor)?;
        let key = self.bytes.get(start..end).ok_or(NotJson)?;
        self.at = end + 1;
        self.space();
        self.expect(b':')?;
        Ok(key)
    }

    /// Reads one value of any kind. Does not recurse: what is open stands in the bits of one number.
    pub(super) fn skip(&mut self) -> Result<(), NotJson> {
        let room = MAX_DEPTH.saturating_sub(self.depth);
        (self.at, self.cursor) = after_value(self.bytes, &mut self.specials, self.cursor, self.at, room)?;
        Ok(())
    }

    /// Reads as many commas and records as are like the record that began at `start` and ends here. Says how many.
    pub(super) fn alike(&mut self, start: usize) -> usize {
        if self.bytes.len() - self.at < (self.at - start) * WORTHWHILE {
            return 0;
        }
        let Some(skeleton) = self.bytes.get(start..self.at).and_then(Skeleton::of) else { return 0 };
        let (end, count) = skeleton.follow(self.bytes, self.at);
        if count > 0 {
            self.at = end;
            self.cursor = self.specials.seek(end);
        }
        count
    }

    /// Nothing but white space may follow.
    pub(super) fn finish(&mut self) -> Result<(), NotJson> {
        self.space();
        if self.peek().is_none() { Ok(()) } else { Err(NotJson) }
    }
}

/// Past the value at `at`, which may hold `room` levels. Position and cursor are values, so that they stay in registers.
#[inline(never)]
fn after_value(
    bytes: &[u8],
    specials: &mut Specials<'_>,
    mut cursor: Cursor,
    mut at: usize,
    room: u32,
) -> Result<(usize, Cursor), NotJson> {
    // Inside a map now; and of each level further out, the outermost in the highest bit.
    let (mut map, mut maps, mut depth) = (false, 0_u128, 0);
    'value: loop {
        let byte = bytes.get(at).copied().ok_or(NotJson)?;
        if byte == b'"' {
            let end = string(bytes, specials, &mut cursor)?;
            // What follows most texts: the next member, without white space between.
            if map && bytes.get(end + 1..).is_some_and(|rest| rest.starts_with(b",\"")) {
                let end = string(bytes, specials, &mut cursor)?;
                at = after_colon(bytes, specials, &mut cursor, end + 1)?;
                continue;
            }
            at = end + 1;
        } else if byte == b'{' || byte == b'[' {
            if depth == room {
                return Err(NotJson);
            }
            (maps, map, depth) = ((maps << 1) | u128::from(map), byte == b'{', depth + 1);
            at += 1;
            if bytes.get(at).is_some_and(|byte| *byte <= b' ') {
                at = space(specials, &mut cursor, at);
            }
            if bytes.get(at) != Some(&closing(map)) {
                at = if map { after_key(bytes, specials, &mut cursor, at)? } else { at };
                continue;
            }
        } else if byte <= b' ' {
            at = some_space(specials, &mut cursor, at)?;
            continue;
        } else {
            at = after_scalar(bytes, at)?;
        }
        // What follows a value: another one, or the end of what it stands in.
        while depth > 0 {
            let byte = bytes.get(at).copied().ok_or(NotJson)?;
            if byte == b',' {
                at = if map { after_key(bytes, specials, &mut cursor, at + 1)? } else { at + 1 };
                continue 'value;
            }
            if byte == closing(map) {
                (at, map, maps, depth) = (at + 1, maps & 1 == 1, maps >> 1, depth - 1);
            } else {
                at = some_space(specials, &mut cursor, at)?;
            }
        }
        return Ok((at, cursor));
    }
}

/// How a map or a list ends.
const fn closing(map: bool) -> u8 {
    if map { b'}' } else { b']' }
}

/// Past a member's name, with or without white space around it, and its colon.
#[inline(always)]
#[expect(clippy::inline_always, reason = "cursor and position stay in registers only within one function")]
fn after_key(
    bytes: &[u8],
    specials: &mut Specials<'_>,
    cursor: &mut Cursor,
    mut at: usize,
) -> Result<usize, NotJson> {
    if bytes.get(at) != Some(&b'"') {
        at = space(specials, cursor, at);
        if bytes.get(at) != Some(&b'"') {
            return Err(NotJson);
        }
    }
    let end = string(bytes, specials, cursor)?;
    after_colon(bytes, specials, cursor, end + 1)
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "as after_key")]
fn after_colon(
    bytes: &[u8],
    specials: &mut Specials<'_>,
    cursor: &mut Cursor,
    mut at: usize,
) -> Result<usize, NotJson> {
    if bytes.get(at) != Some(&b':') {
        at = space(specials, cursor, at);
        if bytes.get(at) != Some(&b':') {
            return Err(NotJson);
        }
    }
    Ok(at + 1)
}

/// The last quote of the string whose first one is the next special.
#[inline(always)]
#[expect(clippy::inline_always, reason = "as after_key")]
fn string(bytes: &[u8], specials: &mut Specials<'_>, cursor: &mut Cursor) -> Result<usize, NotJson> {
    cursor.drop_first(specials);
    let at = cursor.take(specials);
    if bytes.get(at) == Some(&b'"') {
        return Ok(at);
    }
    let end;
    (end, *cursor) = after_escapes(bytes, specials, *cursor, at)?;
    Ok(end)
}

/// The last quote of a string; `at` is its first special that is none, already taken. Apart from [`string`], which is
/// short enough without it to stand in every loop.
#[inline(never)]
fn after_escapes(
    bytes: &[u8],
    specials: &mut Specials<'_>,
    mut cursor: Cursor,
    mut at: usize,
) -> Result<(usize, Cursor), NotJson> {
    loop {
        match bytes.get(at) {
            Some(b'"') => return Ok((at, cursor)),
            Some(b'\\') => {
                cursor = cursor.from(specials, after_escape(bytes, at)?);
                at = cursor.take(specials);
            }
            _ => return Err(NotJson),
        }
    }
}

/// White space, at least one byte of it.
fn some_space(specials: &mut Specials<'_>, cursor: &mut Cursor, at: usize) -> Result<usize, NotJson> {
    let after = space(specials, cursor, at);
    if after == at { Err(NotJson) } else { Ok(after) }
}

/// The first byte from `at` on that is no white space. Line feeds are specials, too.
fn space(specials: &mut Specials<'_>, cursor: &mut Cursor, at: usize) -> usize {
    let after = after_space(specials.bytes(), at);
    *cursor = cursor.from(specials, after);
    after
}

/// The first byte from `at` on that is no white space.
#[inline(never)]
pub(super) fn after_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(block) = load(bytes, at) {
        let is = |byte| block.simd_eq(u8x16::splat(byte));
        let other = !(is(b' ') | is(b'\n') | is(b'\r') | is(b'\t'));
        let other = other.to_bitmask();
        if other != 0 {
            return at + other.trailing_zeros() as usize;
        }
        at += 16;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count()
}

/// Past an escape; `at` is its backslash.
pub(super) fn after_escape(bytes: &[u8], at: usize) -> Result<usize, NotJson> {
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
pub(super) fn after_scalar(bytes: &[u8], at: usize) -> Result<usize, NotJson> {
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

    /// Tokens and pieces of documents, to be put together at random.
    const PARTS: [&str; 36] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\"a\"",
        "\"b\":",
        "\"c\": 1",
        "{}",
        "[]",
        "{\"a\":1}",
        "[1,2]",
        "0",
        "-1.5e3",
        "true",
        "false",
        "null",
        "nul",
        " ",
        "\n",
        "\r\n\t",
        "\\",
        "\"\\n\"",
        "\"\\\"\"",
        "\"\\u00e9\"",
        "\"\\\\\"",
        "\u{1}",
        "é",
        ",\"k\":\"v\"",
        ",{\"k\":\"v\",\"l\":\"w\"}",
        ",\n  {\n    \"k\": [true]\n  }",
        ",1",
        ",\"x y z\"",
        "\u{7f}",
    ];

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
        fn documents_agree_with_serde_json(before in 0_usize..200, parts in prop::collection::vec(prop::sample::select(&PARTS[..]), 0..24)) {
            // The first text moves the others over the borders of blocks and of what is mapped at once.
            let text = format!("[\"{}\",{}]", "x".repeat(before * 11), parts.concat());
            let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(valid(text.as_bytes()), theirs, "{}", text);
        }

        #[test]
        fn strings_agree_with_serde_json(text in "\"[a-cé\"\\\\\n/u0-9]{0,40}\"") {
            let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(valid(text.as_bytes()), theirs, "{}", text);
        }
    }
}
