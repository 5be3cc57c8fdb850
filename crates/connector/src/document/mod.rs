//! Reads connector definitions: OpenAPI 3.1 documents with `x-airbyte-*` and `x-keybearer-*` keys.
//!
//! Knows the document format, and is the only place that does. Must not know how a call runs. A definition is untrusted data:
//! sizes are bounded, every mistake is told with its line, and nothing in it is executed here.

mod additions;
pub mod author;
mod body;
mod bounds;
mod compile;
mod credentials;
mod emit;
mod endpoints;
mod graphql;
mod infer;
mod info;
mod node;
mod oauth;
mod oauth_parts;
mod operations;
mod paging;
mod parameter;
mod pattern;
mod peek;
mod probe;
mod problem;
mod prose;
mod reader;
mod relationships;
mod scalar;
mod schema;
mod scheme;
mod server;
mod server_values;
mod shape;
mod written_out;
mod yaml;

#[cfg(test)]
mod tests;

pub use additions::{Additions, Supplied};
pub use node::{Entry, Mapping, Node, Value};
pub use peek::peek;
pub use problem::{Problem, Severity};
pub use prose::OperationText;
pub use yaml::{MAX_DEPTH, MAX_NODES, MAX_SOURCE_BYTES, parse};

use crate::plan::Plan;
use std::sync::Arc;

/// A definition that can be used.
#[derive(Debug)]
pub struct Definition {
    /// What calls need.
    pub plan: Arc<Plan>,
    /// What descriptions need.
    pub document: Document,
    /// Mistakes that do not keep it from being used.
    pub warnings: Vec<Problem>,
    /// What the document lacked and additions gave.
    pub supplied: Vec<Supplied>,
}

/// The document as it was read, with additions.
#[derive(Debug)]
pub struct Document {
    root: Node,
}

impl Document {
    /// The whole document.
    pub fn root(&self) -> &Node {
        &self.root
    }
}

/// Reads, checks and compiles a definition.
///
/// `Err` holds all mistakes, warnings too, in file order, when at least one of them is an error.
pub fn load(source: &str, additions: &Additions) -> Result<Definition, Vec<Problem>> {
    let root = yaml::parse(source)?;
    let slug = root.get("info").and_then(info::peek).map(|info| info.slug);
    let merged = slug.and_then(|slug| additions.merged(&slug, &root));
    let Some((merged, supplied)) = merged else { return definition(root, Vec::new()) };
    match definition(merged, supplied) {
        Ok(definition) => Ok(definition),
        // A document must not break by what it does not say itself: additions may be made for another version of it.
        Err(problems) => {
            let mut plain = definition(root, Vec::new())?;
            plain.warnings.extend(problems.into_iter().find(is_error).map(additions::unfit));
            Ok(plain)
        }
    }
}

fn definition(root: Node, supplied: Vec<Supplied>) -> Result<Definition, Vec<Problem>> {
    let (plan, problems) = compile::compile(&root);
    let failed = problems.iter().any(is_error);
    match plan {
        Some(plan) if !failed => {
            let document = Document { root };
            Ok(Definition { plan: Arc::new(plan), document, warnings: problems, supplied })
        }
        _ => Err(problems),
    }
}

fn is_error(problem: &Problem) -> bool {
    problem.severity == Severity::Error
}
