//! Names that model providers accept, for words that they do not.
//!
//! Knows the bounds of such names. Must not know what they name.

use aws_lc_rs::digest::{SHA256, digest};
use std::collections::HashSet;

/// Longest name that every provider accepts.
const LONGEST: usize = 64;

/// One name for each of these different words, in their order: the word itself where it has only `allowed` characters and
/// is short enough, else its usable parts, with a hash where that is too long or taken. All names are different.
pub(super) fn fitting(words: &[&str], allowed: fn(char) -> bool) -> Vec<String> {
    let fits = |word: &str| !word.is_empty() && word.len() <= LONGEST && word.chars().all(allowed);
    let mut taken: HashSet<String> =
        words.iter().filter(|word| fits(word)).map(|word| (*word).to_owned()).collect();
    let mut name = |word: &&str| {
        if fits(word) {
            return (*word).to_owned();
        }
        let parts: Vec<&str> =
            word.split(|c: char| !allowed(c)).filter(|part| !part.trim_matches('_').is_empty()).collect();
        let plain = parts.join("_");
        let mut name = plain.clone();
        let mut round = 0_u32;
        while !fits(&name) || !taken.insert(name.clone()) {
            name = hashed(&plain, word, round);
            round += 1;
        }
        name
    };
    words.iter().map(&mut name).collect()
}

/// The word's beginning and eight hexadecimal digits. What is `allowed` is one byte a character.
fn hashed(plain: &str, word: &str, round: u32) -> String {
    let hash = digest(&SHA256, format!("{round} {word}").as_bytes());
    let hash = hash.as_ref().iter().take(4).fold(0_u32, |all, byte| (all << 8) | u32::from(*byte));
    let head: String = plain.chars().take(LONGEST - 9).collect();
    format!("{head}_{hash:08x}")
}

/// Letters, digits, `_` and `-`: names of tools at OpenAI and Anthropic.
pub(super) fn of_tool(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

/// A dot too: top-level properties of a tool's input at Anthropic.
pub(super) fn of_property(c: char) -> bool {
    of_tool(c) || c == '.'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_stay_and_others_are_mended() {
        let words = ["page_size", "page[size]", "$filter", "filter", "a.b", "日本"];
        let names = fitting(&words, of_property);
        assert_eq!(names[0], "page_size");
        assert!(names[1].starts_with("page_size_") && names[1].len() == 18, "{names:?}");
        assert!(names[2].starts_with("filter_"), "{names:?}");
        assert_eq!((names[3].as_str(), names[4].as_str()), ("filter", "a.b"));
        assert_eq!(fitting(&["page[size]", "page[after]"], of_property), ["page_size", "page_after"]);
        let long = "x".repeat(80);
        assert_eq!(fitting(&[&long], of_tool)[0].len(), 64);
    }

    proptest! {
        #[test]
        fn names_are_valid_different_and_the_same_each_time(
            words in proptest::collection::hash_set("[a-c_.\\[\\] é-]{0,4}|[ab\\[]{60,70}", 0..40)
        ) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let names = fitting(&words, of_tool);
            prop_assert!(names.iter().all(|name| (1..=64).contains(&name.len()) && name.chars().all(of_tool)));
            prop_assert_eq!(names.iter().collect::<HashSet<_>>().len(), words.len());
            prop_assert_eq!(fitting(&words, of_tool), names);
        }
    }
}
