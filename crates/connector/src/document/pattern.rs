//! Reads anchored patterns.
//!
//! Knows that a pattern must cover the whole value. Must not know what it is for.

use super::reader::{Object, Reader};

/// The pattern under a key: a regular expression of linear run time that starts with `^` and ends with `$`.
pub(super) fn read<'d>(reader: &mut Reader<'d>, object: Object<'d>, key: &str) -> Option<String> {
    let text = reader.text(object, key)?;
    let node = object.get(key)?;
    if !text.starts_with('^') || !text.ends_with('$') || text.ends_with("\\$") {
        let hint = format!("for example ^{}$", text.trim_start_matches('^').trim_end_matches('$'));
        reader.error_hint(node, format!("the pattern {text:?} does not cover the whole value"), hint);
        return None;
    }
    if text.len() > 1000 {
        reader.error(node, "the pattern is longer than 1000 characters");
        return None;
    }
    match regex_lite::Regex::new(text) {
        Ok(_) => Some(text.to_owned()),
        Err(why) => {
            reader.error(node, format!("the pattern {text:?} is no regular expression: {why}"));
            None
        }
    }
}
