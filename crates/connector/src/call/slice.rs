//! Evaluates several JSON paths over an answer's bytes in one pass.
//!
//! Knows paths and offsets. Must not know what a match is for. No value tree is built: a match is a range of the text.
//! All paths walk in step: at nesting depth `d` every path that is still alive has matched its first `d` steps, so which
//! paths are alive is one word of bits.

use super::scan::{NotJson, Scanner};
use crate::plan::{JsonPath, Step};
use std::ops::Range;

/// What kind of value a match is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A map.
    Object,
    /// A list: its length, and whether some element is no map.
    Array {
        /// Number of elements.
        count: usize,
        /// Some element is no map.
        odd: bool,
    },
    /// `null`.
    Null,
    /// Text, number or boolean.
    Scalar,
}

/// One match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Match {
    /// Position in the list of paths.
    pub(crate) path: usize,
    /// Where in the text.
    pub(crate) range: Range<usize>,
    /// What.
    pub(crate) kind: Kind,
}

/// How often records of a list may turn out not to be alike.
const TRIES: u32 = 4;

/// Paths that one pass can carry.
const AT_ONCE: usize = 64;

/// Checks that `text` is JSON and returns every match of every path, each path's in document order.
pub(crate) fn evaluate(text: &str, paths: &[&JsonPath]) -> Result<Vec<Match>, NotJson> {
    let mut matches = Vec::with_capacity(paths.len());
    if paths.is_empty() {
        pass(text, paths, 0, &mut matches)?;
    }
    for (group, paths) in paths.chunks(AT_ONCE).enumerate() {
        pass(text, paths, group * AT_ONCE, &mut matches)?;
    }
    Ok(matches)
}

fn pass(text: &str, paths: &[&JsonPath], offset: usize, matches: &mut Vec<Match>) -> Result<(), NotJson> {
    let mut walk = Walk { scanner: Scanner::new(text.as_bytes()), paths, offset, matches };
    let all = if paths.len() == AT_ONCE { u64::MAX } else { (1 << paths.len()) - 1 };
    walk.value(all, 0)?;
    walk.scanner.finish()
}

struct Walk<'a, 'b> {
    scanner: Scanner<'a>,
    paths: &'b [&'b JsonPath],
    offset: usize,
    matches: &'b mut Vec<Match>,
}

impl Walk<'_, '_> {
    fn step(&self, path: u32, depth: usize) -> Option<&Step> {
        self.paths.get(path as usize).and_then(|path| path.steps.get(depth))
    }

    /// Those of `alive` whose step at `depth` fulfils a condition.
    fn alive_after(&self, alive: u64, depth: usize, fits: impl Fn(&Step) -> bool) -> u64 {
        bits(alive)
            .filter(|path| self.step(*path, depth).is_some_and(&fits))
            .fold(0, |word, path| word | (1 << path))
    }

    /// Reads one value for the paths that are alive here.
    fn value(&mut self, alive: u64, depth: usize) -> Result<(), NotJson> {
        if alive == 0 {
            return self.scanner.skip();
        }
        self.scanner.space();
        let start = self.scanner.position();
        let onward = self.alive_after(alive, depth, |_| true);
        let kind = match self.scanner.peek() {
            Some(b'{') => self.object(onward, depth)?,
            Some(b'[') => self.array(onward, depth)?,
            Some(b'n') => self.plain(Kind::Null)?,
            _ => self.plain(Kind::Scalar)?,
        };
        let end = self.scanner.position();
        for path in bits(alive & !onward) {
            self.matches.push(Match { path: self.offset + path as usize, range: start..end, kind });
        }
        Ok(())
    }

    fn plain(&mut self, kind: Kind) -> Result<Kind, NotJson> {
        self.scanner.skip().map(|()| kind)
    }

    fn object(&mut self, alive: u64, depth: usize) -> Result<Kind, NotJson> {
        if alive == 0 {
            return self.plain(Kind::Object);
        }
        let start = self.scanner.position();
        self.scanner.enter()?;
        self.scanner.expect(b'{')?;
        self.scanner.space();
        let every = self.alive_after(alive, depth, |step| matches!(step, Step::Every));
        let named = self.alive_after(alive, depth, |step| matches!(step, Step::Name(_)));
        let mut seen = 0;
        let mut more = !self.scanner.take(b'}');
        while more {
            self.scanner.space();
            let key = self.scanner.key()?;
            let named =
                self.alive_after(named, depth, |step| matches!(step, Step::Name(name) if names(key, name)));
            if named & seen != 0 {
                self.forget(named & seen, start);
            }
            seen |= named;
            self.value(named | every, depth + 1)?;
            self.scanner.space();
            more = self.scanner.take(b',');
            if !more {
                self.scanner.expect(b'}')?;
            }
        }
        self.scanner.leave();
        Ok(Kind::Object)
    }

    fn array(&mut self, alive: u64, depth: usize) -> Result<Kind, NotJson> {
        self.scanner.enter()?;
        self.scanner.expect(b'[')?;
        self.scanner.space();
        let every = self.alive_after(alive, depth, |step| matches!(step, Step::Every));
        let indexed = self.alive_after(alive, depth, |step| matches!(step, Step::Index(_)));
        let (mut count, mut odd) = (0, false);
        // While nothing is wanted of the elements, those that are alike are read at once.
        let mut tries = if every | indexed == 0 { TRIES } else { 0 };
        let mut more = !self.scanner.take(b']');
        while more {
            self.scanner.space();
            let (start, record) = (self.scanner.position(), self.scanner.peek() == Some(b'{'));
            odd |= !record;
            let here = self.alive_after(
                indexed,
                depth,
                |step| matches!(step, Step::Index(index) if *index == count),
            );
            self.value(here | every, depth + 1)?;
            count += 1;
            if record && tries > 0 {
                let alike = self.scanner.alike(start);
                count += alike;
                tries = if alike > 1 { TRIES } else { tries - 1 };
            }
            self.scanner.space();
            more = self.scanner.take(b',');
            if !more {
                self.scanner.expect(b']')?;
            }
        }
        self.scanner.leave();
        Ok(Kind::Array { count, odd })
    }

    /// A name came twice in one object: the last one counts, as everywhere else in the field.
    fn forget(&mut self, paths: u64, since: usize) {
        let offset = self.offset;
        self.matches.retain(|found| {
            let path = found.path.checked_sub(offset).and_then(|path| u32::try_from(path).ok());
            found.range.start < since || path.is_none_or(|path| paths & (1 << path) == 0)
        });
    }
}

/// Positions of the set bits.
fn bits(mut word: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let lowest = word.trailing_zeros();
        word &= word.wrapping_sub(1);
        (lowest < u64::BITS).then_some(lowest)
    })
}

/// A key as it stands in the text equals a name.
fn names(key: &[u8], name: &str) -> bool {
    // An escape is longer than what it stands for.
    if key.len() <= name.len() {
        return key == name.as_bytes() && !key.contains(&b'\\');
    }
    if !key.contains(&b'\\') {
        return false;
    }
    let Ok(key) = std::str::from_utf8(key) else { return false };
    serde_json::from_str::<String>(&format!("\"{key}\"")).is_ok_and(|key| key == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn path(steps: &[Step]) -> JsonPath {
        JsonPath { steps: steps.to_vec() }
    }

    fn name(text: &str) -> Step {
        Step::Name(text.to_owned())
    }

    fn texts<'a>(text: &'a str, paths: &[&JsonPath], wanted: usize) -> Vec<&'a str> {
        evaluate(text, paths)
            .unwrap()
            .into_iter()
            .filter(|found| found.path == wanted)
            .map(|found| &text[found.range])
            .collect()
    }

    #[test]
    fn several_paths_in_one_pass() {
        let text = r#" {"results":[{"id":1}, {"id":22222222222222222222}],"paging":{"next":{"after":"NTI1"}},"a":null} "#;
        let records = path(&[name("results")]);
        let ids = path(&[name("results"), Step::Every, name("id")]);
        let after = path(&[name("paging"), name("next"), name("after")]);
        let second = path(&[name("results"), Step::Index(1)]);
        let nothing = path(&[name("a"), name("b")]);
        let root = path(&[]);
        let paths = [&records, &ids, &after, &second, &nothing, &root];
        assert_eq!(texts(text, &paths, 1), ["1", "22222222222222222222"]);
        assert_eq!(texts(text, &paths, 2), ["\"NTI1\""]);
        assert_eq!(texts(text, &paths, 3), [r#"{"id":22222222222222222222}"#]);
        assert!(texts(text, &paths, 4).is_empty());
        assert_eq!(texts(text, &paths, 5), [text.trim()]);
        let found = evaluate(text, &paths).unwrap();
        assert!(
            found.iter().any(|found| found.path == 0 && found.kind == Kind::Array { count: 2, odd: false })
        );
    }

    #[test]
    fn the_last_of_equal_names_counts_and_escaped_names_match() {
        let text = r#"{"a":[{"b":1},{"b":2}],"\u0061":[{"b":3}]}"#;
        let ids = path(&[name("a"), Step::Every, name("b")]);
        assert_eq!(texts(text, &[&ids], 0), ["3"]);
    }

    #[test]
    fn every_walks_values_of_maps() {
        let text = r#"{"x":[1,2],"y":[3],"z":4}"#;
        let both = path(&[Step::Every, Step::Every]);
        assert_eq!(texts(text, &[&both], 0), ["1", "2", "3"]);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[ab\"\\\\é\n]{0,3}".prop_map(Value::from)
        ];
        leaf.prop_recursive(5, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[ab]{1,2}", inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof!["[ab]{1,2}".prop_map(Step::Name), (0_usize..3).prop_map(Step::Index), Just(Step::Every)]
    }

    fn by_tree<'a>(value: &'a Value, steps: &[Step]) -> Vec<&'a Value> {
        let Some((first, rest)) = steps.split_first() else { return vec![value] };
        let inside: Vec<&Value> = match (first, value) {
            (Step::Name(name), Value::Object(members)) => members.get(name).into_iter().collect(),
            (Step::Index(index), Value::Array(items)) => items.get(*index).into_iter().collect(),
            (Step::Every, Value::Array(items)) => items.iter().collect(),
            (Step::Every, Value::Object(members)) => members.values().collect(),
            _ => Vec::new(),
        };
        inside.into_iter().flat_map(|value| by_tree(value, rest)).collect()
    }

    proptest! {
        #[test]
        fn agrees_with_a_tree(value in value(), paths in prop::collection::vec(prop::collection::vec(step(), 0..4), 1..5), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
            let paths: Vec<JsonPath> = paths.into_iter().map(|steps| JsonPath { steps }).collect();
            let found = evaluate(&text, &paths.iter().collect::<Vec<_>>()).unwrap();
            for (position, path) in paths.iter().enumerate() {
                let ours: Vec<Value> = found.iter().filter(|found| found.path == position).map(|found| serde_json::from_str(&text[found.range.clone()]).unwrap()).collect();
                let theirs: Vec<Value> = by_tree(&value, &path.steps).into_iter().cloned().collect();
                prop_assert_eq!(ours, theirs);
            }
        }
    }

    #[test]
    fn more_paths_than_bits() {
        let paths: Vec<JsonPath> = (0..130).map(|index| path(&[name(&format!("k{index}"))])).collect();
        let text = json!({"k0": 1, "k64": 2, "k129": 3}).to_string();
        let found = evaluate(&text, &paths.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(found.iter().map(|found| found.path).collect::<Vec<_>>(), [0, 64, 129]);
    }
}
