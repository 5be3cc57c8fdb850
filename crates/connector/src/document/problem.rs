//! Mistakes in a definition, with their place in the file.
//!
//! Knows how a mistake is told. Must not know what is a mistake.

use super::node::{Node, Value};
use std::collections::HashMap;
use std::fmt;

/// How bad a mistake is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The definition cannot be used.
    Error,
    /// The definition works, but probably not as meant.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One mistake in a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// JSON pointer (RFC 6901) to the value, or to the object that lacks one. Empty: the whole document.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub suggestion: Option<String>,
}

impl fmt::Display for Problem {
    /// `12:5: error: … (hint)`; a caller puts the file's name before it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.line, self.column, self.severity.name(), self.message)?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, "; {suggestion}")?;
        }
        if !self.pointer.is_empty() {
            write!(f, " [at {}]", self.pointer)?;
        }
        Ok(())
    }
}

/// More mistakes than this help nobody.
const MOST: usize = 500;

/// Collects mistakes; finds their pointers at the end, in one walk over the tree.
#[derive(Default)]
pub(super) struct Problems {
    found: Vec<(Problem, Option<usize>)>,
}

impl Problems {
    /// Notes a mistake at a node.
    pub(super) fn add(&mut self, severity: Severity, at: &Node, message: String, suggestion: Option<String>) {
        self.push(severity, (at.line, at.column), at, message, suggestion);
    }

    /// Notes a mistake whose place is a key; `value` is the key's value and gives the pointer.
    pub(super) fn add_at_key(
        &mut self,
        severity: Severity,
        place: (usize, usize),
        value: &Node,
        message: String,
        suggestion: Option<String>,
    ) {
        self.push(severity, place, value, message, suggestion);
    }

    fn push(
        &mut self,
        severity: Severity,
        (line, column): (usize, usize),
        node: &Node,
        message: String,
        suggestion: Option<String>,
    ) {
        if self.found.len() < MOST {
            let problem = Problem { severity, line, column, pointer: String::new(), message, suggestion };
            self.found.push((problem, Some(address(node))));
        }
    }

    /// All mistakes in file order, with pointers into the tree under `root`.
    pub(super) fn finish(self, root: &Node) -> Vec<Problem> {
        let mut wanted: HashMap<usize, Option<String>> =
            self.found.iter().filter_map(|(_, address)| address.map(|a| (a, None))).collect();
        if !wanted.is_empty() {
            locate(root, &mut String::new(), &mut wanted);
        }
        let mut problems: Vec<Problem> = self
            .found
            .into_iter()
            .map(|(mut problem, address)| {
                let pointer = address.and_then(|a| wanted.get(&a).cloned().flatten());
                problem.pointer = pointer.unwrap_or_default();
                problem
            })
            .collect();
        problems.sort_by_key(|problem| (problem.line, problem.column));
        problems.dedup();
        problems
    }
}

/// A node's identity: it stays in place while a document is read.
fn address(node: &Node) -> usize {
    std::ptr::from_ref(node).addr()
}

fn locate(node: &Node, path: &mut String, wanted: &mut HashMap<usize, Option<String>>) {
    if let Some(slot) = wanted.get_mut(&address(node)) {
        *slot = Some(path.clone());
    }
    let length = path.len();
    match &node.value {
        Value::Mapping(mapping) => {
            for (key, entry) in mapping.iter() {
                path.push('/');
                path.push_str(&key.replace('~', "~0").replace('/', "~1"));
                locate(&entry.value, path, wanted);
                path.truncate(length);
            }
        }
        Value::Sequence(items) => {
            for (position, item) in items.iter().enumerate() {
                path.push('/');
                path.push_str(&position.to_string());
                locate(item, path, wanted);
                path.truncate(length);
            }
        }
        _ => {}
    }
}
