//! Where the bytes stand that do not mean themselves in a JSON string: quotes, backslashes and control characters.
//!
//! Knows bytes. Must not know grammar. A bit for each byte is made for a few blocks ahead, which costs a fraction of an
//! instruction per byte; the scanner then steps from bit to bit, without a look at what lies between.

use wide::u8x16;

/// Bytes of one word of bits.
const BLOCK: usize = 64;
/// Words that are made at once.
const AHEAD: usize = 8;

/// The bits of a part of a text.
#[derive(Debug)]
pub(super) struct Specials<'a> {
    bytes: &'a [u8],
    words: [u64; AHEAD],
    /// Offset of the byte of the first bit.
    start: usize,
}

/// A special of a text: the first one that is not dropped yet. Two numbers, to be copied into registers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor {
    /// Those that are left of one word.
    bits: u64,
    /// Offset of the byte of that word's first bit.
    base: usize,
}

impl<'a> Specials<'a> {
    /// Of a text, and its first one.
    pub(super) fn of(bytes: &'a [u8]) -> (Self, Cursor) {
        let mut specials = Self { bytes, words: [0; AHEAD], start: 0 };
        specials.fill();
        let bits = specials.words.first().copied().unwrap_or_default();
        (specials, Cursor { bits, base: 0 })
    }

    /// The text.
    pub(super) const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The first special at `at` or behind it, wherever that is.
    pub(super) fn seek(&mut self, at: usize) -> Cursor {
        let base = at / BLOCK * BLOCK;
        if !(self.start..self.start + BLOCK * AHEAD).contains(&base) {
            self.start = base;
            self.fill();
        }
        let bits = self.words.get((base - self.start) / BLOCK).copied().unwrap_or(u64::MAX);
        Cursor { bits: bits & (u64::MAX << (at % BLOCK)), base }
    }

    /// The first word with a bit behind the one at `base`.
    #[inline(never)]
    fn after(&mut self, mut base: usize) -> Cursor {
        loop {
            base += BLOCK;
            if base >= self.start + BLOCK * AHEAD {
                self.start = base;
                self.fill();
            }
            match self.words.get((base - self.start) / BLOCK) {
                Some(0) | None => {}
                Some(bits) => return Cursor { bits: *bits, base },
            }
        }
    }

    /// Behind the end every byte is special: so a string without end has one, and nobody looks for ever.
    fn fill(&mut self) {
        let (blocks, tail) = self.bytes.get(self.start..).unwrap_or_default().as_chunks::<BLOCK>();
        let mut words = self.words.iter_mut();
        // Blocks first: the shorter side must not use up one of the words.
        for (block, word) in blocks.iter().zip(words.by_ref()) {
            *word = bits(block);
        }
        if let Some(word) = words.next() {
            let mut last = [b'"'; BLOCK];
            last.iter_mut().zip(tail).for_each(|(to, from)| *to = *from);
            *word = bits(&last);
        }
        words.for_each(|word| *word = u64::MAX);
    }
}

impl Cursor {
    /// Drops the first one.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "both numbers stay in the caller's registers")]
    pub(super) fn drop_first(&mut self, specials: &mut Specials<'_>) {
        if self.bits == 0 {
            *self = specials.after(self.base);
        }
        self.bits &= self.bits.wrapping_sub(1);
    }

    /// Drops the first one and says where it was. Behind the end of the text when there is none.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as drop_first")]
    pub(super) fn take(&mut self, specials: &mut Specials<'_>) -> usize {
        if self.bits == 0 {
            *self = specials.after(self.base);
        }
        let at = self.base + self.bits.trailing_zeros() as usize;
        self.bits &= self.bits.wrapping_sub(1);
        at
    }

    /// The first one at `at` or behind it.
    #[inline(never)]
    pub(super) fn from(mut self, specials: &mut Specials<'_>, at: usize) -> Self {
        loop {
            if self.bits == 0 {
                self = specials.after(self.base);
            }
            if self.base + self.bits.trailing_zeros() as usize >= at {
                return self;
            }
            self.bits &= self.bits.wrapping_sub(1);
        }
    }
}

/// A bit for each byte, the first in the lowest.
#[inline(always)]
#[expect(clippy::inline_always, reason = "the body of a loop that does nothing else")]
fn bits(block: &[u8; BLOCK]) -> u64 {
    let (quarters, _) = block.as_chunks::<16>();
    quarters.iter().rev().fold(0, |bits, quarter| {
        let (quotes, others) = marks(u8x16::new(*quarter));
        (bits << 16) | u64::from((quotes | others).to_bitmask())
    })
}

/// Which bytes are quotes, and which are backslashes or control characters.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a handful of instructions in a loop")]
pub(super) fn marks(block: u8x16) -> (u8x16, u8x16) {
    let control = block.max(u8x16::splat(b' ' - 1)).simd_eq(u8x16::splat(b' ' - 1));
    (block.simd_eq(u8x16::splat(b'"')), block.simd_eq(u8x16::splat(b'\\')) | control)
}

/// The sixteen bytes from `at` on. `None` where there are fewer.
#[inline(always)]
#[expect(clippy::inline_always, reason = "one instruction behind a check")]
pub(super) fn load(bytes: &[u8], at: usize) -> Option<u8x16> {
    Some(u8x16::new(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_special_is_found_in_order(
            bytes in prop::collection::vec(prop_oneof![200 => Just(b'x'), 1 => any::<u8>()], 0..5_000),
            from in 0_usize..5_000,
        ) {
            let slow: Vec<usize> =
                (0..bytes.len()).filter(|at| matches!(bytes[*at], b'"' | b'\\' | 0..=0x1f)).collect();
            let (mut specials, mut cursor) = Specials::of(&bytes);
            let found: Vec<usize> =
                std::iter::from_fn(|| Some(cursor.take(&mut specials)).filter(|at| *at < bytes.len())).collect();
            prop_assert_eq!(&found, &slow);
            let (mut specials, cursor) = Specials::of(&bytes);
            let next = cursor.from(&mut specials, from.min(bytes.len())).take(&mut specials);
            let expected = slow.iter().copied().find(|at| *at >= from).unwrap_or(next);
            prop_assert_eq!(next, expected);
            prop_assert!(next >= from.min(bytes.len()));
        }
    }
}
