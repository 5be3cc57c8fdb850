//! JSON paths: what is read is shown so that it reads back the same.
//!
//! Knows that one property. Must not know the syntax.
#![no_main]

use keybearer_connector::plan::JsonPath;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(path) = JsonPath::parse(text) {
        assert_eq!(JsonPath::parse(&path.to_string()).as_ref(), Ok(&path), "{text:?} is shown as {path}");
        assert!(path.steps.len() <= text.len());
    }
});
