//! The caller's own shaping of a result: fields kept, fields dropped, long texts cut.
//!
//! Knows dot paths. Must not know where a result came from.

use super::answer::Shaping;
use serde_json::{Map, Value};

/// Longer texts of list results are cut, in characters.
const LONGEST: usize = 200;
/// What a cut text ends with.
const CUT: &str = "… [cut at 200 characters: use the get action or skip_truncation for the whole text]";

impl Shaping {
    /// Nothing is to be done, so the result can stay bytes.
    pub(super) fn is_none(&self, list: bool) -> bool {
        self.select_fields.is_empty() && self.exclude_fields.is_empty() && (self.skip_truncation || !list)
    }

    /// Shapes each element of a list or of the list under `data`, else the result itself.
    pub(super) fn apply(&self, result: Value, list: bool) -> Value {
        let mut shaped = match result {
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.fields(item)).collect()),
            Value::Object(mut members) => match members.get_mut("data") {
                Some(Value::Array(items)) => {
                    *items = std::mem::take(items).into_iter().map(|item| self.fields(item)).collect();
                    Value::Object(members)
                }
                _ => self.fields(Value::Object(members)),
            },
            other => other,
        };
        if list && !self.skip_truncation {
            cut(&mut shaped);
        }
        shaped
    }

    fn fields(&self, record: Value) -> Value {
        let Value::Object(mut members) = record else { return record };
        if !self.select_fields.is_empty() {
            let mut kept = Map::new();
            for path in &self.select_fields {
                select(&members, path, &mut kept);
            }
            return Value::Object(kept);
        }
        for path in &self.exclude_fields {
            exclude(&mut members, path);
        }
        Value::Object(members)
    }
}

/// Copies what a path names: the literal key first, then through maps, never through lists.
fn select(from: &Map<String, Value>, path: &str, into: &mut Map<String, Value>) {
    if let Some(value) = from.get(path) {
        into.insert(path.to_owned(), value.clone());
        return;
    }
    let Some((name, rest)) = path.split_once('.') else { return };
    let Some(Value::Object(below)) = from.get(name) else { return };
    let mut part = match into.get(name) {
        Some(Value::Object(part)) => part.clone(),
        Some(_) => return,
        None => Map::new(),
    };
    let before = part.len();
    select(below, rest, &mut part);
    if before > 0 || !part.is_empty() {
        into.insert(name.to_owned(), Value::Object(part));
    }
}

fn exclude(from: &mut Map<String, Value>, path: &str) {
    if from.shift_remove(path).is_some() {
        return;
    }
    if let Some((name, rest)) = path.split_once('.')
        && let Some(Value::Object(below)) = from.get_mut(name)
    {
        exclude(below, rest);
    }
}

fn cut(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some((end, _)) = text.char_indices().nth(LONGEST) {
                text.truncate(end);
                text.push_str(CUT);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(cut),
        Value::Object(members) => members.values_mut().for_each(cut),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shape(select: &[&str], exclude: &[&str], result: Value) -> Value {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Shaping { select_fields: names(select), exclude_fields: names(exclude), skip_truncation: true }
            .apply(result, true)
    }

    #[test]
    fn select_wins_literal_keys_first_and_lists_are_not_entered() {
        let record = json!({"a.b": 1, "a": {"b": 2, "c": 3}, "l": [{"x": 1}], "n": null});
        assert_eq!(shape(&["a.b"], &["a"], json!([record.clone()])), json!([{"a.b": 1}]));
        assert_eq!(shape(&["a.c", "n", "zz", "l.x"], &[], record.clone()), json!({"a": {"c": 3}, "n": null}));
        assert_eq!(
            shape(&[], &["a.b", "a.c", "l"], json!({"data": [record]})),
            json!({"data": [{"a": {"b": 2}, "n": null}]})
        );
    }

    #[test]
    fn long_texts_of_lists_are_cut_at_characters() {
        let shaping = Shaping { skip_truncation: false, ..Shaping::default() };
        let long = "é".repeat(201);
        let cut = shaping.apply(json!([{"a": {"b": [long]}, "c": "é".repeat(200)}]), true);
        let text = cut[0]["a"]["b"][0].as_str().unwrap();
        assert!(text.starts_with(&"é".repeat(200)) && text.contains("cut at 200"));
        assert_eq!(cut[0]["c"], json!("é".repeat(200)));
        assert_eq!(shaping.apply(json!({"a": long}), false), json!({"a": long}));
    }
}
