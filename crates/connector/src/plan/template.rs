//! Templates of a definition, compiled once: text with expressions, and paths with placeholders.
//!
//! Knows how to render them over given values, without I/O and with fuel. Must not know where values come from.
//! Rendered values are data: they are never rendered again.

/// A text with `{{ … }}` expressions (a Jinja subset).
#[derive(Debug, Clone)]
pub struct Template {
    /// Its source.
    pub source: String,
    /// Undefined names are empty text instead of an error.
    pub lenient: bool,
}

/// A path with `{name}` placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathTemplate {
    /// Literals and placeholders in order.
    pub pieces: Vec<Piece>,
}

/// A piece of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As it is.
    Literal(String),
    /// The percent-encoded value of that parameter.
    Placeholder(String),
}
