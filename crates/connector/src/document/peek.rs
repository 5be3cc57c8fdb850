//! Reads a document's names without reading the document: a start must not wait for a hundred of them.
//!
//! Knows how `info` usually stands in a file. Must not know the rest. What does not look usual is left to the YAML parser,
//! which reads the whole of `info`; a published one is thousands of lines long.

use super::info;
use super::yaml;
use crate::plan::Info;

/// Keys of `info` that a name is made of.
const KEYS: [&str; 5] = [
    "title",
    "version",
    "x-airbyte-connector-name",
    "x-airbyte-connector-display-name",
    "x-airbyte-connector-definition-id",
];

/// Slug, display name, id and version. `None` when the text is not YAML or these are missing.
pub fn peek(source: &str) -> Option<Info> {
    let usual = usual(source).and_then(|lines| yaml::peek(&lines, "info"));
    usual.or_else(|| yaml::peek(source, "info")).as_ref().and_then(info::peek)
}

/// `info` with the lines of [`KEYS`] alone, where each stands on one line of a block mapping.
fn usual(source: &str) -> Option<String> {
    let mut lines = source.lines();
    lines.find(|line| line.trim_end() == "info:")?;
    let mut text = String::from("info:\n");
    let (mut indent, mut found, mut last) = (None, 0, false);
    for line in lines {
        let trimmed = line.trim_start_matches(' ');
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let depth = line.len() - trimmed.len();
        if depth == 0 {
            break;
        }
        if depth > *indent.get_or_insert(depth) {
            // A value that goes on in the next line is not on one line.
            if std::mem::take(&mut last) {
                return None;
            }
            continue;
        }
        last = false;
        let (key, value) = trimmed.split_once(": ").unwrap_or((trimmed.trim_end_matches(':'), ""));
        if KEYS.contains(&key) {
            if value.is_empty() || value.starts_with(['|', '>', '&', '*', '{', '[', '!']) {
                return None;
            }
            text.push_str(line);
            text.push('\n');
            (found, last) = (found + 1, true);
        } else if key.starts_with(['"', '\'', '?', '<', '{']) {
            return None;
        }
    }
    // The display name may be missing; anything else decides better with the whole in sight.
    (found + 1 >= KEYS.len()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "openapi: 3.1.0\ninfo:\n  # names\n  title: \"Acme: Desk\" # a comment\n  version: '1.0'\n  x-airbyte-context-store:\n    title: not this\n  description: |\n    title: nor this\n  x-airbyte-connector-name: acme-desk\n  x-airbyte-connector-definition-id: 8F0C2A1E-53B4-4D0A-9D1F-2B7C6A5E4D31\nservers: []\n";

    fn whole(source: &str) -> Option<Info> {
        yaml::peek(source, "info").as_ref().and_then(info::peek)
    }

    #[test]
    fn the_usual_form_is_read_line_by_line() {
        let lines = usual(HEAD).unwrap();
        assert_eq!(lines.lines().count(), 5, "{lines}");
        let info = peek(HEAD).unwrap();
        assert_eq!((info.slug.as_str(), info.display_name.as_str()), ("acme-desk", "Acme: Desk"));
        assert_eq!(info.definition_id, "8f0c2a1e-53b4-4d0a-9d1f-2b7c6a5e4d31");
        assert_eq!(format!("{info:?}"), format!("{:?}", whole(HEAD).unwrap()));
    }

    #[test]
    fn other_forms_are_left_to_the_parser() {
        let version = "version: '1.0'";
        for (from, to) in [
            ("  title: \"Acme: Desk\" # a comment", "  title: >-\n    Acme:\n    Desk"),
            ("  title: \"Acme: Desk\" # a comment", "  title: Acme\n    Desk"),
            ("  title: \"Acme: Desk\" # a comment", "  \"title\": Acme"),
            ("  title: \"Acme: Desk\" # a comment", "  title: &anchor Acme"),
            ("  version: '1.0'\n", ""),
        ] {
            let text = HEAD.replace(from, to);
            assert!(text.contains(version) || from.contains(version));
            assert!(usual(&text).is_none(), "{text}");
            assert_eq!(format!("{:?}", peek(&text)), format!("{:?}", whole(&text)));
        }
        let flow = "info: {title: A, version: '1', x-airbyte-connector-definition-id: 8f0c2a1e-53b4-4d0a-9d1f-2b7c6a5e4d31}\n";
        assert_eq!(peek(flow).unwrap().slug, "a");
        assert!(peek("paths: [unclosed\n").is_none() && peek("").is_none());
    }
}
