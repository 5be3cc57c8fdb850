//! File bytes: where they are, ranges, and chunks as JSON for clients that cannot take bytes.
//!
//! Knows file URLs, `Range` and `Content-Range` (RFC 9110 section 14). Must not know credentials: it only says whether
//! a URL is one of the provider's API.

use super::answer::{Answer, Meta, Payload, StreamHead};
use super::fault::{Fault, FaultKind, ParamError};
use super::message::Response;
use super::params::Accepted;
use super::request::Prepared;
use super::slice::evaluate;
use super::target::Target;
use super::{encode, json};
use crate::plan::{JsonPath, Step};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED,
    RANGE,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value};
use url::{ParseError, Url};

/// Longest range of a chunk, in bytes.
const LONGEST_CHUNK: u64 = 65_536;

/// What the caller asked for.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    /// `Range` to send.
    range: Option<HeaderValue>,
    /// A chunk object instead of bytes.
    pub(super) chunk: Option<Chunk>,
}

/// A range as a JSON object.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    first: u64,
    last: u64,
    text: bool,
}

impl Wish {
    /// From `range_header`, `_airbyte_response_type` and `_airbyte_response_format`.
    pub(super) fn read(params: &Map<String, Value>) -> Result<Self, Fault> {
        let wrong = |name: &str, message: &str| {
            Fault::params(vec![ParamError::new(name, "invalid", format!("{name:?} {message}"))])
        };
        let text = |name: &str| params.get(name).filter(|value| !json::is_blank(value)).map(json::text);
        let range = text("range_header");
        if range.as_deref().is_some_and(|range| bounds(range).is_none()) {
            return Err(wrong("range_header", "must be one range such as bytes=0-1023"));
        }
        let chunk = match text("_airbyte_response_type").as_deref() {
            None | Some("bytes" | "stream" | "binary") => None,
            Some("json") => {
                let as_text = match text("_airbyte_response_format").as_deref() {
                    None | Some("base64") => false,
                    Some("text") => true,
                    Some(_) => return Err(wrong("_airbyte_response_format", "must be base64 or text")),
                };
                let default = if as_text { "bytes=0-15359" } else { "bytes=0-49151" };
                match bounds(range.as_deref().unwrap_or(default)) {
                    Some((Some(first), Some(last))) if first <= last && last - first < LONGEST_CHUNK => {
                        Some(Chunk { first, last, text: as_text })
                    }
                    _ => {
                        return Err(wrong(
                            "range_header",
                            "must be a range with both ends of at most 65536 bytes, such as bytes=0-49151",
                        ));
                    }
                }
            }
            Some(_) => return Err(wrong("_airbyte_response_type", "must be json, or left out for bytes")),
        };
        let range = chunk.as_ref().map(|chunk| format!("bytes={}-{}", chunk.first, chunk.last)).or(range);
        Ok(Self { range: range.and_then(|range| HeaderValue::from_str(&range).ok()), chunk })
    }

    /// Makes a prepared request the one that fetches the file.
    pub(super) fn dress(&self, prepared: &mut Prepared) {
        prepared.stream = self.chunk.is_none();
        if let Some(range) = &self.range {
            prepared.headers.insert(RANGE, range.clone());
        }
    }
}

/// `bytes=first-last`, `bytes=first-` or `bytes=-count`.
fn bounds(range: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| {
        if text.is_empty() {
            Some(None)
        } else {
            text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())
        }
    };
    let bounds = (number(first)?, number(last)?);
    (bounds != (None, None)
        && (first.is_empty() || bounds.0.is_some())
        && (last.is_empty() || bounds.1.is_some()))
    .then_some(bounds)
}

/// The request for the file that an answer points at.
pub(super) fn second_step(
    file_url: &str,
    target: &Target,
    accepted: &Accepted,
    response: &Response,
) -> Result<Prepared, Fault> {
    let path = dotted(&substitute(file_url, accepted));
    let none = || {
        Fault::new(FaultKind::UpstreamError, format!("the provider's answer has no file URL at {file_url}"))
    };
    let text = std::str::from_utf8(&response.body).map_err(|_| none())?.trim();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let found = evaluate(text, &[&path])
        .map_err(|_| Fault::new(FaultKind::UpstreamError, "the provider's answer is not valid JSON"))?;
    let location = match super::records::value_at(text, &found, 0) {
        Some(Value::String(location)) if !location.trim().is_empty() => location,
        _ => return Err(none()),
    };
    let (url, credential) = file_location(target, location.trim())?;
    Ok(Prepared {
        method: Method::GET,
        url,
        credential,
        headers: HeaderMap::new(),
        body: Bytes::new(),
        stream: true,
    })
}

/// The file's URL, and whether it is one of the API itself: below the base by parsed origin and path, not by its text.
fn file_location(target: &Target, location: &str) -> Result<(Url, bool), Fault> {
    let blocked = |host: &str| {
        Fault::new(
            FaultKind::UpstreamBlocked,
            format!("the provider's file is on {host:?}, which the definition does not list among its hosts"),
        )
    };
    let url = match Url::parse(location) {
        Ok(url) => url,
        // A URL that cannot be read is no path, and neither is one without a scheme.
        Err(error)
            if error != ParseError::RelativeUrlWithoutBase
                || location.starts_with("//")
                || location.contains('\\') =>
        {
            return Err(blocked("an unreadable URL"));
        }
        Err(_) => Url::parse(&format!("{}/{}", target.prefix(), location.trim_start_matches('/')))
            .map_err(|_| blocked("an unreadable URL"))?,
    };
    if !target.allows(&url) {
        return Err(blocked(url.host_str().unwrap_or_default()));
    }
    let prefix = target.base.path().trim_end_matches('/');
    let below = url.path().strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let credential = target.is_own_origin(&url) && below;
    Ok((url, credential))
}

/// `{param}` in a file path stands for that parameter.
fn substitute(file_url: &str, accepted: &Accepted) -> String {
    let mut text = file_url.to_owned();
    for (name, value) in &accepted.values {
        let placeholder = format!("{{{name}}}");
        if text.contains(&placeholder) {
            text = text.replace(&placeholder, &json::text(value));
        }
    }
    text
}

/// `a.b[0].c`, `[0].url` as a path.
fn dotted(text: &str) -> JsonPath {
    let mut steps = Vec::new();
    for part in text.split('.') {
        let (name, mut indices) =
            part.split_once('[').map_or((part, None), |(name, rest)| (name, Some(rest)));
        if !name.is_empty() && name != "$" {
            steps.push(Step::Name(name.to_owned()));
        }
        while let Some((index, rest)) = indices.and_then(|rest| rest.split_once(']')) {
            steps.push(index.parse().map_or_else(|_| Step::Name(index.to_owned()), Step::Index));
            indices = rest.strip_prefix('[');
        }
    }
    JsonPath { steps }
}

/// What is told about bytes that are handed on unread.
pub(super) fn stream(status: StatusCode, headers: &HeaderMap, url: &Url) -> Answer {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let content_type = text(CONTENT_TYPE)
        .filter(|value| !value.trim().is_empty())
        .unwrap_or("application/octet-stream")
        .to_owned();
    let file_name = text(CONTENT_DISPOSITION)
        .and_then(file_name)
        .or_else(|| name_in(url))
        .unwrap_or_else(|| "download".to_owned());
    let kept = [CONTENT_LENGTH, CONTENT_RANGE, ACCEPT_RANGES, ETAG, LAST_MODIFIED];
    let headers =
        kept.into_iter().filter_map(|name| Some((name.clone(), headers.get(name)?.clone()))).collect();
    Answer {
        result: Payload::Stream(StreamHead { status, content_type, file_name, headers }),
        meta: Meta::default(),
    }
}

/// The name in `Content-Disposition` (RFC 6266), `filename*` first.
fn file_name(disposition: &str) -> Option<String> {
    let parameter = |wanted: &str| {
        disposition.split(';').find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().trim_matches('"').to_owned())
        })
    };
    let extended = parameter("filename*").and_then(|value| {
        let encoded = value.splitn(3, '\'').nth(2)?.to_owned();
        Some(percent_encoding::percent_decode_str(&encoded).decode_utf8().ok()?.into_owned())
    });
    safe_name(&extended.or_else(|| parameter("filename"))?)
}

fn name_in(url: &Url) -> Option<String> {
    let last = url.path_segments()?.next_back()?;
    safe_name(&percent_encoding::percent_decode_str(last).decode_utf8_lossy())
}

/// A name without folders, control characters and quotes, at most 200 characters.
fn safe_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last
        .chars()
        .filter(|character| {
            !character.is_control() && !matches!(character, '"' | '<' | '>' | '|' | ':' | '*' | '?')
        })
        .take(200)
        .collect();
    let kept = kept.trim();
    (!kept.is_empty() && !encode::climbs(kept)).then(|| kept.to_owned())
}

impl Chunk {
    /// The chunk object of an answer.
    pub(super) fn answer(&self, response: &Response) -> Result<Answer, Fault> {
        let window = self.last - self.first + 1;
        let range = response.headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
        let body = &response.body;
        let size = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
        let (bytes, mut has_more) = if range.is_none() && response.status == StatusCode::OK {
            // The server ignored the range and sent everything: take the window out of it.
            let start = usize::try_from(self.first).unwrap_or(usize::MAX).min(body.len());
            let end = start.saturating_add(usize::try_from(window).unwrap_or(usize::MAX)).min(body.len());
            (body.slice(start..end), end < body.len())
        } else {
            let more = match range.and_then(total) {
                Some(total) => self.first.saturating_add(size(body.len())) < total,
                None => size(body.len()) >= window,
            };
            (body.clone(), more)
        };
        let (content, encoding, length) = if self.text {
            text(&bytes, has_more)?
        } else {
            (STANDARD.encode(&bytes), "base64", bytes.len())
        };
        has_more |= length < bytes.len();
        let next = self.first.saturating_add(size(length));
        let next_range =
            (has_more && length > 0).then(|| format!("bytes={next}-{}", next.saturating_add(window - 1)));
        let chunk = serde_json::json!({
            "content": content, "encoding": encoding, "bytes_returned": length,
            "range_requested": format!("bytes={}-{}", self.first, self.last),
            "next_range_header": next_range, "has_more": has_more, "content_type": null,
        });
        Ok(Answer { result: Payload::Shaped(chunk.to_string().into_bytes()), meta: Meta::default() })
    }
}

/// The total in `bytes 0-99/1234`.
fn total(range: &str) -> Option<u64> {
    range.rsplit_once('/')?.1.trim().parse().ok()
}

/// As much UTF-8 as is whole; a character that the window cuts comes with the next one.
fn text(bytes: &Bytes, has_more: bool) -> Result<(String, &'static str, usize), Fault> {
    let not_text = || {
        Fault::params(vec![ParamError::new(
            "_airbyte_response_format",
            "invalid",
            "the file is not UTF-8 text; ask for base64",
        )])
    };
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok((text.to_owned(), "utf-8", bytes.len())),
        Err(error) if has_more && error.error_len().is_none() && error.valid_up_to() > 0 => {
            let whole = bytes.slice(..error.valid_up_to());
            Ok((String::from_utf8_lossy(&whole).into_owned(), "utf-8", whole.len()))
        }
        Err(_) => Err(not_text()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_paths() {
        assert_eq!(bounds("bytes=0-9"), Some((Some(0), Some(9))));
        assert_eq!(bounds("bytes=5-"), Some((Some(5), None)));
        assert_eq!(bounds("bytes=-5"), Some((None, Some(5))));
        for bad in [
            "bytes=-",
            "bytes=a-b",
            "items=0-9",
            "bytes=0-9,20-29",
            "bytes=+1-2",
            "bytes=0-99999999999999999999",
        ] {
            assert_eq!(bounds(bad), None, "{bad}");
        }
        let name = |text: &str| Step::Name(text.to_owned());
        assert_eq!(dotted("a.b[0].c").steps, [name("a"), name("b"), Step::Index(0), name("c")]);
        assert_eq!(dotted("[0].url").steps, [Step::Index(0), name("url")]);
        assert_eq!(dotted("[0]").steps, [Step::Index(0)]);
    }

    #[test]
    fn names_are_made_safe() {
        assert_eq!(file_name("attachment; filename=\"../../etc/pass\\wd.txt\"").as_deref(), Some("wd.txt"));
        assert_eq!(
            file_name("attachment; filename=x; filename*=UTF-8''%e2%82%ac%20rates.txt").as_deref(),
            Some("€ rates.txt")
        );
        assert_eq!(file_name("attachment; filename=\"..\""), None);
    }

    #[test]
    fn chunks() {
        let chunk = |first, last, text| Chunk { first, last, text };
        let answer = |chunk: &Chunk, status: u16, range: Option<&str>, body: &'static [u8]| {
            let mut headers = HeaderMap::new();
            if let Some(range) = range {
                headers.insert(CONTENT_RANGE, range.parse().unwrap());
            }
            let response = Response {
                status: StatusCode::from_u16(status).unwrap(),
                headers,
                body: Bytes::from_static(body),
            };
            chunk
                .answer(&response)
                .map(|answer| serde_json::from_slice::<Value>(answer.result.json().unwrap()).unwrap())
        };
        let partial =
            answer(&chunk(0, 3, true), 206, Some("bytes 0-3/9"), "aé\u{20ac}".get(..3).unwrap().as_bytes())
                .unwrap();
        assert_eq!((partial["content"].as_str(), partial["has_more"].as_bool()), (Some("aé"), Some(true)));
        let cut = answer(&chunk(0, 3, true), 206, Some("bytes 0-3/9"), &[b'a', 0xc3, 0xa9, 0xe2]).unwrap();
        assert_eq!(
            (cut["bytes_returned"].as_u64(), cut["next_range_header"].as_str()),
            (Some(3), Some("bytes=3-6"))
        );
        let ignored = answer(&chunk(2, 3, false), 200, None, b"abcd").unwrap();
        assert_eq!((ignored["content"].as_str(), ignored["has_more"].as_bool()), (Some("Y2Q="), Some(false)));
        assert!(answer(&chunk(0, 3, true), 206, None, &[0xff, 0xff]).is_err());
    }

    #[test]
    fn a_character_that_the_window_cuts_comes_with_the_next_one() {
        let chunk = |first, last, body: &[u8], range: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_RANGE, range.parse().unwrap());
            let body = Bytes::copy_from_slice(body);
            let response = Response { status: StatusCode::PARTIAL_CONTENT, headers, body };
            Chunk { first, last, text: true }.answer(&response).map(|answer| match answer.result {
                Payload::Shaped(bytes) => serde_json::from_slice::<serde_json::Value>(&bytes).unwrap(),
                _ => panic!("no object"),
            })
        };
        let cut = chunk(0, 2, "hié".as_bytes().split_at(3).0, "bytes 0-2/6").unwrap();
        assert_eq!(
            (&cut["content"], &cut["bytes_returned"], &cut["has_more"]),
            (&"hi".into(), &2.into(), &true.into())
        );
        assert_eq!(cut["next_range_header"], "bytes=2-4");
        let rest = chunk(2, 4, "é!!".as_bytes().split_at(3).0, "bytes 2-4/6").unwrap();
        assert_eq!((&rest["content"], &rest["next_range_header"]), (&"é!".into(), &"bytes=5-7".into()));
        // At the end of the file nothing comes any more, and bytes that are no text at all never will be.
        assert!(chunk(0, 2, &[b'h', b'i', 0xc3], "bytes 0-2/3").is_err());
        assert!(chunk(0, 2, &[0xff, 0xfe, 0xfd], "bytes 0-2/9").is_err());
    }
}
