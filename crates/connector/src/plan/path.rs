//! JSON paths of the subset that definitions use: names, `[n]`, `[*]`.
//!
//! Knows the path's steps. Must not know what the matched value is for.

/// A compiled path: `$.results[0].items[*].id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPath {
    /// Steps from the root; empty is `$`.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Member of that name.
    Name(String),
    /// Element at that index.
    Index(usize),
    /// Every element of an array or every value of an object.
    Every,
}
