//! What stands between the values of a record, which in a list is mostly the same in the next one.
//!
//! Knows how a record is cut at its texts, numbers and literals. Must not know paths. A record with the names, brackets
//! and white space of one that is known to be valid is valid where its values are, so sixteen bytes of them are one
//! comparison. Whatever is not like that record is left to the scanner, which also says what is wrong.

use super::scan::{after_escape, after_scalar, after_space};
use super::specials::{load, marks};
use std::ops::Range;
use wide::u8x16;

/// Bytes that are compared at once.
const BLOCK: usize = 16;
/// Bytes of a record that is worth it.
const MAX_BYTES: usize = 8 * 1024;

/// The text between the values of one record.
#[derive(Debug)]
pub(super) struct Skeleton(Vec<Block>);

#[derive(Debug)]
struct Block {
    text: u8x16,
    /// A bit for each byte that counts: the lowest ones.
    mask: u32,
    length: usize,
    /// A value follows.
    value: bool,
}

impl Skeleton {
    /// Of a record, which must be one valid JSON object. `None` where it is too large.
    pub(super) fn of(record: &[u8]) -> Option<Self> {
        if record.len() > MAX_BYTES {
            return None;
        }
        let mut blocks = Vec::with_capacity(record.len() / BLOCK + 1);
        let (mut at, mut from) = (0, 0);
        while let Some(byte) = record.get(at) {
            let after = match byte {
                b'"' => after_string(record, at + 1)?,
                b'{' | b'}' | b'[' | b']' | b',' | b':' | b' ' | b'\n' | b'\r' | b'\t' => {
                    at += 1;
                    continue;
                }
                _ => after_scalar(record, at).ok()?,
            };
            if *byte == b'"' && is_name(record, after) {
                at = after;
                continue;
            }
            add(&mut blocks, record, from..at, true);
            (at, from) = (after, after);
        }
        add(&mut blocks, record, from..record.len(), false);
        Some(Self(blocks))
    }

    /// Past as many commas and records of the same kind as follow at `at`, and how many there are. The last ones of a text
    /// may be left, for only whole blocks are read.
    // Not inlined: the loop needs the registers for itself.
    #[inline(never)]
    pub(super) fn follow(&self, bytes: &[u8], mut at: usize) -> (usize, usize) {
        let mut count = 0;
        while bytes.get(at) == Some(&b',') {
            at = match self.record(bytes, at + 1) {
                Some(end) => end,
                None => break,
            };
            count += 1;
        }
        (at, count)
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the body of a loop")]
    fn record(&self, bytes: &[u8], mut at: usize) -> Option<usize> {
        if bytes.get(at).is_some_and(|byte| *byte <= b' ') {
            at = after_space(bytes, at);
        }
        for block in &self.0 {
            let here = load(bytes, at)?.simd_eq(block.text).to_bitmask();
            if here & block.mask != block.mask {
                return None;
            }
            at += block.length;
            if block.value {
                at = match bytes.get(at) {
                    Some(b'"') => after_text(bytes, at + 1)?,
                    _ => after_scalar(bytes, at).ok()?,
                };
            }
        }
        Some(at)
    }
}

/// Whether the string that ends before `at` is a member's name.
fn is_name(record: &[u8], mut at: usize) -> bool {
    if record.get(at).is_some_and(|byte| *byte <= b' ') {
        at = after_space(record, at);
    }
    record.get(at) == Some(&b':')
}

/// Cuts the text before a value, or the last one, into blocks.
fn add(blocks: &mut Vec<Block>, record: &[u8], text: Range<usize>, value: bool) {
    for start in text.clone().step_by(BLOCK) {
        let length = (text.end - start).min(BLOCK);
        // What is too much of it the mask leaves out.
        let bytes = load(record, start).unwrap_or_else(|| {
            let mut padded = [0; BLOCK];
            padded.iter_mut().zip(record.iter().skip(start)).for_each(|(to, from)| *to = *from);
            u8x16::new(padded)
        });
        let value = value && start + length == text.end;
        blocks.push(Block { text: bytes, mask: u32::from(u16::MAX) >> (BLOCK - length), length, value });
    }
}

/// Past the string of which `at` is the first byte within the quotes. `None` where the text ends soon.
#[inline(always)]
#[expect(clippy::inline_always, reason = "most strings end in the first or second block")]
fn after_text(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let (quotes, others) = marks(load(bytes, at)?);
        let (quotes, others) = (quotes.to_bitmask(), others.to_bitmask());
        // Up to the first quote, or all.
        if (quotes ^ quotes.wrapping_sub(1)) & others != 0 {
            return after_string(bytes, at);
        }
        if quotes != 0 {
            return Some(at + quotes.trailing_zeros() as usize + 1);
        }
        at += BLOCK;
    }
}

/// As [`after_text`], with escapes, and to the end of the text.
#[inline(never)]
fn after_string(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let Some(block) = load(bytes, at) else { return after_short(bytes, at) };
        let (quotes, others) = marks(block);
        let special = (quotes | others).to_bitmask();
        if special == 0 {
            at += BLOCK;
            continue;
        }
        at += special.trailing_zeros() as usize;
        match bytes.get(at) {
            Some(b'"') => return Some(at + 1),
            Some(b'\\') => at = after_escape(bytes, at).ok()?,
            _ => return None,
        }
    }
}

/// As [`after_string`], byte by byte.
fn after_short(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at = after_escape(bytes, at).ok()?,
            byte if *byte < b' ' => return None,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::slice::{Kind, evaluate};
    use super::*;
    use crate::plan::{JsonPath, Step};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn scalar() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f32>().prop_map(|number| json!(number)),
            "[a-zé\"\\\\\n/]{0,40}".prop_map(Value::from),
        ]
    }

    /// Mostly of one kind, so that records follow a skeleton, and now and then of another.
    fn record() -> impl Strategy<Value = Value> {
        let like = prop::collection::vec(scalar(), 4).prop_map(|values| {
            json!({"id": values[0], "a longer name of a member": {"é\n": values[1]}, "none": {}, "list": [values[2], []], "last": values[3]})
        });
        prop_oneof![40 => like, 1 => Just(json!({"id": 1})), 1 => Just(json!({})), 1 => Just(json!([1])), 1 => scalar()]
    }

    fn count(text: &str) -> Option<usize> {
        let path = JsonPath { steps: vec![Step::Name("records".to_owned())] };
        match evaluate(text, &[&path]).ok()?.first().map(|found| found.kind) {
            Some(Kind::Array { count, .. }) => Some(count),
            _ => None,
        }
    }

    fn counted_by_tree(text: &str) -> Option<usize> {
        let value: Value = serde_json::from_str(text).ok()?;
        value.get("records")?.as_array().map(Vec::len)
    }

    #[test]
    fn a_record_like_the_first_is_passed_and_others_are_not() {
        let first = br#"{"id":1,"name":"Ada"}"#;
        let skeleton = Skeleton::of(first).unwrap();
        let after = |rest: &str| {
            // Blocks are read whole, so something must stand behind.
            skeleton.follow(format!("{rest}                                ").as_bytes(), 0)
        };
        let like = r#",{"id":null,"name":-1.5e3}, {"id":"a \" long text with an escape","name":""}"#;
        assert_eq!(after(like), (like.len(), 2));
        for other in [
            r#",{"id":1,"nome":"Ada"}"#,
            r#",{"id":1,"name":"Ada","more":1}"#,
            r#",{"id":1}"#,
            r#",{"id":{},"name":"Ada"}"#,
            r#",{"id":01,"name":"Ada"}"#,
            ",{\"id\":\"a\nb\",\"name\":\"Ada\"}",
            r#",{"id":"\x","name":"Ada"}"#,
            r#";{"id":1,"name":"Ada"}"#,
            r#",{"id":"1,"name":"Ada"}"#,
        ] {
            assert_eq!(after(other), (0, 0), "{other}");
        }
    }

    #[test]
    fn records_that_are_too_large_have_none() {
        let record: serde_json::Map<_, _> = (0..2_000).map(|n| (format!("member {n}"), json!(n))).collect();
        assert!(Skeleton::of(json!(record).to_string().as_bytes()).is_none());
    }

    proptest! {
        #[test]
        fn lists_agree_with_a_tree(
            records in prop::collection::vec(record(), 0..50),
            pretty in any::<bool>(),
            change in prop::option::weighted(0.5, (any::<prop::sample::Index>(), prop::sample::select(&b"\"\\{}[],:x0 \n\x01"[..]))),
        ) {
            let value = json!({"records": records, "after": "x"});
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let mut text = text.unwrap().into_bytes();
            if let Some((at, byte)) = change {
                let at = at.index(text.len());
                // One that is a character by itself.
                if text[at].is_ascii() {
                    text[at] = byte;
                }
            }
            let text = String::from_utf8(text).unwrap();
            prop_assert_eq!(count(&text), counted_by_tree(&text), "{}", text);
        }
    }
}
