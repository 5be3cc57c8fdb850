//! Byte ranges (RFC 9110 §14.1.2): what part of so many bytes a `Range` header asks for. Pure.

use std::ops;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Range {
    /// The header is not understood or asks for several parts: it is ignored (§14.2).
    Whole,
    /// Never empty, within the size.
    Part(ops::Range<usize>),
    /// Not satisfiable.
    Nothing,
}

pub(super) fn asked(header: &str, size: usize) -> Range {
    let Some((first, last)) = header.strip_prefix("bytes=").and_then(|set| set.trim().split_once('-')) else {
        return Range::Whole;
    };
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<usize>().ok());
    let (Some(start), Some(end)) = (number(first), number(last)) else { return Range::Whole };
    let part = match (start, end) {
        (Some(start), Some(end)) if end < start => return Range::Whole,
        (Some(start), Some(end)) => start..end.saturating_add(1).min(size),
        (Some(start), None) => start..size,
        (None, Some(suffix)) => size.saturating_sub(suffix)..size,
        (None, None) => return Range::Whole,
    };
    if part.is_empty() { Range::Nothing } else { Range::Part(part) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_ten_bytes() {
        for (header, wanted) in [
            ("bytes=0-3", Range::Part(0..4)),
            ("bytes=4-", Range::Part(4..10)),
            ("bytes=-3", Range::Part(7..10)),
            ("bytes=-99", Range::Part(0..10)),
            ("bytes=8-99", Range::Part(8..10)),
            ("bytes=10-", Range::Nothing),
            ("bytes=-0", Range::Nothing),
            ("bytes=5-2", Range::Whole),
            ("bytes=0-1,4-5", Range::Whole),
            ("bytes=a-b", Range::Whole),
            ("bytes=-", Range::Whole),
            ("items=0-3", Range::Whole),
        ] {
            assert_eq!(asked(header, 10), wanted, "{header}");
        }
    }
}
