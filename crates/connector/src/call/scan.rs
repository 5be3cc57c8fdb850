//! A validating JSON scanner over bytes: it finds where values begin and end, and builds nothing.
//!
//! Knows RFC 8259 and a depth limit. Must not know paths or results. Numbers stay text, so big ones stay exact.

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
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// Reads that byte.
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), NotJson> {
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        Err(NotJson)
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

    /// Reads a string and returns what stands between its quotes, escapes unread.
    pub(super) fn string(&mut self) -> Result<&'a [u8], NotJson> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            self.plain();
            match self.peek() {
                Some(b'"') => {
                    let inside = self.bytes.get(start..self.at).ok_or(NotJson)?;
                    self.at += 1;
                    return Ok(inside);
                }
                Some(b'\\') => self.escape()?,
                _ => return Err(NotJson),
            }
        }
    }

    /// Skips bytes of a string that mean themselves, eight at a time.
    fn plain(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let (words, _) = rest.as_chunks::<8>();
        let whole = words.iter().take_while(|word| !special(u64::from_le_bytes(**word))).count() * 8;
        let tail = rest.get(whole..).unwrap_or_default();
        self.at += whole + tail.iter().take_while(|byte| !matches!(**byte, b'"' | b'\\' | 0..=0x1f)).count();
    }

    fn escape(&mut self) -> Result<(), NotJson> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 1..self.at + 5).ok_or(NotJson)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(NotJson);
                }
                self.at += 5;
            }
            _ => return Err(NotJson),
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), NotJson> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(NotJson) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<(), NotJson> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), NotJson> {
        if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            self.at += word.len();
            return Ok(());
        }
        Err(NotJson)
    }

    /// Reads a value that is no list and no map.
    fn scalar(&mut self) -> Result<(), NotJson> {
        match self.peek() {
            Some(b'"') => self.string().map(|_| ()),
            Some(b't') => self.literal(b"true"),
            Some(b'f') => self.literal(b"false"),
            Some(b'n') => self.literal(b"null"),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(NotJson),
        }
    }

    /// Reads one value of any kind. Does not recurse: which brackets are open stands in the bits of one number.
    pub(super) fn skip(&mut self) -> Result<(), NotJson> {
        let outer = self.depth;
        let mut maps = 0_u128;
        loop {
            self.space();
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    self.enter()?;
                    self.at += 1;
                    self.space();
                    let map = open == b'{';
                    maps = (maps << 1) | u128::from(map);
                    let close = if map { b'}' } else { b']' };
                    if self.take(close) {
                        maps >>= 1;
                        self.leave();
                    } else {
                        if map {
                            self.key()?;
                        }
                        continue;
                    }
                }
                _ => self.scalar()?,
            }
            if self.close(&mut maps, outer)? {
                return Ok(());
            }
        }
    }

    /// After a value: closes what ends here. True when the outermost value is complete.
    fn close(&mut self, maps: &mut u128, outer: u32) -> Result<bool, NotJson> {
        while self.depth > outer {
            self.space();
            let map = *maps & 1 == 1;
            if self.take(b',') {
                if map {
                    self.space();
                    self.key()?;
                }
                return Ok(false);
            }
            self.expect(if map { b'}' } else { b']' })?;
            *maps >>= 1;
            self.leave();
        }
        Ok(true)
    }

    /// Reads a member's name and the colon.
    pub(super) fn key(&mut self) -> Result<&'a [u8], NotJson> {
        let key = self.string()?;
        self.space();
        self.expect(b':')?;
        Ok(key)
    }

    /// Nothing but white space may follow.
    pub(super) fn finish(&mut self) -> Result<(), NotJson> {
        self.space();
        if self.peek().is_none() { Ok(()) } else { Err(NotJson) }
    }
}

/// Some byte of the word is `"`, `\` or a control character (Hacker's Delight, 6-1: a zero byte borrows into its top bit).
const fn special(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let quote = word ^ (ONES * 0x22);
    let slash = word ^ (ONES * 0x5c);
    let zero_quote = quote.wrapping_sub(ONES) & !quote;
    let zero_slash = slash.wrapping_sub(ONES) & !slash;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (zero_quote | zero_slash | control) & TOPS != 0
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
        fn finds_the_specials(bytes in any::<[u8; 8]>()) {
            let slow = bytes.iter().any(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
            prop_assert_eq!(special(u64::from_le_bytes(bytes)), slow);
        }
    }
}
