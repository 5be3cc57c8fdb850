//! What a finished call hands back.
//!
//! Knows the result's bytes and the metadata's shape. Must not know how either was found.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::value::RawValue;

/// Result and metadata of one call.
#[derive(Debug)]
pub struct Answer {
    /// The result.
    pub result: Payload,
    /// Paging and what the definition extracts.
    pub meta: Meta,
}

/// A result.
#[derive(Debug)]
pub enum Payload {
    /// JSON text: a slice of the provider's answer, untouched.
    Raw(Bytes),
    /// JSON text that was rebuilt (wrapped, transformed, filtered, selected, cut).
    Shaped(Vec<u8>),
    /// File bytes: the body of the answer whose [`super::Event::Head`] came last, to be handed on unread.
    Stream(StreamHead),
}

impl Payload {
    /// The JSON text; none for a stream.
    pub fn json(&self) -> Option<&[u8]> {
        match self {
            Self::Raw(bytes) => Some(bytes),
            Self::Shaped(bytes) => Some(bytes),
            Self::Stream(_) => None,
        }
    }
}

/// What stands before file bytes.
#[derive(Debug, Clone)]
pub struct StreamHead {
    /// 200, or 206 when a range was asked for.
    pub status: StatusCode,
    /// `application/octet-stream` when the provider says nothing usable.
    pub content_type: String,
    /// A name without folders, control characters or quotes: the provider's, else from the URL, else `download`.
    pub file_name: String,
    /// The provider's `Content-Length`, `Content-Range`, `Accept-Ranges`, `ETag` and `Last-Modified`.
    pub headers: HeaderMap,
}

/// `connector_metadata`.
#[derive(Debug, Default)]
pub struct Meta {
    /// More can be had with [`Meta::end_cursor`].
    pub has_next_page: bool,
    /// Goes into `params.cursor` of the next call; none where nothing continues.
    pub end_cursor: Option<String>,
    /// The definition's own fields in its order; JSON `null` where the answer has none.
    pub extracted: Vec<(String, Box<RawValue>)>,
}

/// Names that [`Meta`] itself writes; a definition's field of the same name gives way.
const NORMALISED: [&str; 3] = ["has_next_page", "end_cursor", "pagination"];

impl Meta {
    /// Appends the JSON object `{"has_next_page":…,"end_cursor":…,"pagination":{"cursor":…},…}`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let cursor = self.end_cursor.as_deref().map_or_else(|| "null".to_owned(), super::json::quote);
        out.extend_from_slice(b"{\"has_next_page\":");
        out.extend_from_slice(if self.has_next_page { b"true" } else { b"false" });
        out.extend_from_slice(b",\"end_cursor\":");
        out.extend_from_slice(cursor.as_bytes());
        out.extend_from_slice(b",\"pagination\":{\"cursor\":");
        out.extend_from_slice(cursor.as_bytes());
        out.push(b'}');
        for (name, value) in &self.extracted {
            if !NORMALISED.contains(&name.as_str()) {
                out.push(b',');
                out.extend_from_slice(super::json::quote(name).as_bytes());
                out.push(b':');
                out.extend_from_slice(value.get().as_bytes());
            }
        }
        out.push(b'}');
    }
}

/// What the caller wants of the result.
#[derive(Debug, Clone)]
pub struct Shaping {
    /// Dot paths to keep; wins over `exclude_fields` when not empty.
    pub select_fields: Vec<String>,
    /// Dot paths to drop.
    pub exclude_fields: Vec<String>,
    /// False: strings over 200 characters in list results are cut.
    pub skip_truncation: bool,
}

impl Default for Shaping {
    fn default() -> Self {
        Self { select_fields: Vec::new(), exclude_fields: Vec::new(), skip_truncation: true }
    }
}
