//! Ranges, patterns and formats of a value, where a definition asks that they are checked.
//!
//! Knows how they are written and compiles patterns once. Must not know values.

use regex_lite::Regex;

/// What a value must keep to, beside its type and enum. Of a list: its items, but for the two item counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bounds {
    /// `minimum`.
    pub minimum: Option<f64>,
    /// `maximum`.
    pub maximum: Option<f64>,
    /// `exclusiveMinimum`.
    pub above: Option<f64>,
    /// `exclusiveMaximum`.
    pub below: Option<f64>,
    /// `minLength`, in characters.
    pub min_length: Option<u64>,
    /// `maxLength`, in characters.
    pub max_length: Option<u64>,
    /// `minItems` of the list.
    pub min_items: Option<u64>,
    /// `maxItems` of the list.
    pub max_items: Option<u64>,
    /// `pattern`: an expression that must be found in the text.
    pub pattern: Option<Pattern>,
    /// `format`.
    pub format: Option<Format>,
}

/// An expression of linear run time that must be found in a text; compiled.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles it. `Err` says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        Regex::new(text).map(Self).map_err(|error| error.to_string())
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// True when the text has it somewhere.
    pub fn is_in(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

/// Formats that are checked; others are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `date` (RFC 3339 full-date).
    Date,
    /// `date-time` (RFC 3339).
    DateTime,
    /// `email`: something, an at sign, something.
    Email,
    /// `uuid` (RFC 9562).
    Uuid,
    /// `uri` (RFC 3986), absolute.
    Uri,
}
