//! Path evaluation over raw bytes: JSON paths separated by spaces, a line break, then the answer. It must agree with what
//! `serde_json` reads.
//!
//! Knows paths, and what equal names mean. Must not know the scanner.
#![no_main]

use keybearer_connector::call::fuzzing::matches;
use keybearer_connector::plan::{JsonPath, Step};
use libfuzzer_sys::fuzz_target;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Deepest nesting that is read.
const MAX_DEPTH: usize = 128;

fuzz_target!(|data: &str| {
    let Some((paths, text)) = data.split_once('\n') else { return };
    let paths: Vec<JsonPath> = paths.split(' ').filter_map(|path| JsonPath::parse(path).ok()).collect();
    let valid = serde_json::from_str::<IgnoredAny>(text).is_ok();
    let Some(found) = matches(text, &paths) else {
        let brackets = text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count();
        assert!(!valid || brackets > MAX_DEPTH, "refused, but it is JSON");
        return;
    };
    assert!(valid, "accepted, but it is no JSON");
    for (position, path) in paths.iter().enumerate() {
        let ours = found.iter().filter(|(path, _)| *path == position).map(|(_, range)| &text[range.clone()]);
        // A name that is no Unicode text (half of a surrogate pair) is beyond the reference.
        if let Some(theirs) = walk(text.trim(), &path.steps) {
            assert_eq!(ours.collect::<Vec<_>>(), theirs, "{path}");
        }
    }
});

/// The texts that a path leads to.
fn walk<'a>(text: &'a str, steps: &[Step]) -> Option<Vec<&'a str>> {
    let Some((first, rest)) = steps.split_first() else { return Some(vec![text]) };
    let inside: Vec<&str> = if text.starts_with('{') {
        let Members(members) = serde_json::from_str(text).ok()?;
        match first {
            // Of equal names the last one counts.
            Step::Name(name) => members
                .iter()
                .rev()
                .find(|(other, _)| other == name)
                .map(|(_, raw)| raw.get())
                .into_iter()
                .collect(),
            Step::Every => members.iter().map(|(_, raw)| raw.get()).collect(),
            Step::Index(_) => Vec::new(),
        }
    } else if text.starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
        match first {
            Step::Index(index) => items.get(*index).map(|raw| raw.get()).into_iter().collect(),
            Step::Every => items.iter().map(|raw| raw.get()).collect(),
            Step::Name(_) => Vec::new(),
        }
    } else {
        Vec::new()
    };
    let mut texts = Vec::new();
    for text in inside {
        texts.extend(walk(text, rest)?);
    }
    Some(texts)
}

/// The members of a map in the order of the text, equal names too.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AllMembers;
        impl<'de> Visitor<'de> for AllMembers {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Members<'de>, A::Error> {
                let mut all = Vec::new();
                while let Some(member) = members.next_entry()? {
                    all.push(member);
                }
                Ok(Members(all))
            }
        }
        deserializer.deserialize_map(AllMembers)
    }
}
