//! Templates: the source, a line with `---`, then the text that stands under `value`.
//!
//! Knows that values are data. Must not know the expression language.
#![no_main]

use jiff::Timestamp;
use keybearer_connector::call::fuzzing::render;
use keybearer_connector::plan::Template;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// Longest text of one rendering, in bytes.
const MAX_TEXT: usize = 1 << 20;

fuzz_target!(|data: &str| {
    let (source, value) = data.split_once("\n---\n").unwrap_or((data, "{{ 7 * 7 }}"));
    let value = Value::from(value);
    // A value that looks like a template comes out as it went in.
    let plain = Template { source: "{{ value }}".to_owned(), lenient: false };
    assert_eq!(render(&plain, &value, Timestamp::UNIX_EPOCH).ok().as_deref(), value.as_str());
    for lenient in [false, true] {
        let Ok(template) = Template::parse(source, lenient) else { return };
        let _ = template.names();
        if let Ok(text) = render(&template, &value, Timestamp::UNIX_EPOCH) {
            assert!(text.len() <= MAX_TEXT);
        }
    }
});
