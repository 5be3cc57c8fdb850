//! Tests of the loader: what a small document compiles to, and what each mistake says and where.

mod additions;
mod bounds;
mod endpoints;
mod mistakes;
mod paging;
mod plans;
mod server_values;
mod yaml;

use super::{Additions, Definition, Problem, load};

/// A document that has a bit of everything. Tests change single lines of it.
pub(super) const SMALL: &str = include_str!("small.yaml");

/// Loads a document that must be good.
pub(super) fn good(source: &str) -> Definition {
    load(source, &Additions::none()).unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

/// `SMALL` with one text replaced, which must be there.
pub(super) fn changed(from: &str, to: &str) -> String {
    assert!(SMALL.contains(from), "{from:?} is not in the small document");
    SMALL.replacen(from, to, 1)
}

/// All problems of a document, warnings of a good one too.
pub(super) fn problems(source: &str) -> Vec<Problem> {
    load(source, &Additions::none()).map_or_else(|problems| problems, |definition| definition.warnings)
}

/// The line (from 1) where a text stands.
pub(super) fn line_of(source: &str, text: &str) -> usize {
    let position = source.find(text).unwrap_or_else(|| panic!("{text:?} is not in the document"));
    source[..position].matches('\n').count() + 1
}
