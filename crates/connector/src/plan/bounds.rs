//! Ranges, patterns and formats of a value, where a definition asks that they are checked.

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
    pub pattern: Option<String>,
    /// `format`.
    pub format: Option<Format>,
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
