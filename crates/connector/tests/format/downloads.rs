//! Files in one step and in two, as bytes and as chunks.

use crate::tiny::{answer, begin, done, failed, sent, with};
use keybearer_connector::call::{Call, FaultKind, Unsigned};
use serde_json::{Value, json};

fn download(file_url: Option<&str>, params: &Value) -> (Call, Unsigned) {
    let mut more = json!({"parameters": [
        {"name": "key", "in": "query", "required": true, "schema": {"type": "string"}},
        {"name": "X-Version", "in": "header", "schema": {"type": "string", "default": "2"}},
        {"name": "alt", "in": "query", "schema": {"type": "string", "default": "media"}},
    ]});
    if let Some(path) = file_url {
        more["x-airbyte-file-url"] = json!(path);
    }
    begin(&with("get", "download", &more), ("things", "download"), params, &json!({})).unwrap()
}

#[test]
fn the_file_url_is_a_dotted_path_in_the_first_answer() {
    for (path, body) in [
        ("url", r#"{"url": "https://api.example.com/v1/raw"}"#),
        ("data.url", r#"{"data": {"url": "/raw"}}"#),
        ("files[1].media.url", r#"{"files": [0, {"media": {"url": "raw"}}]}"#),
        ("[0].url", r#"[{"url": "/raw"}]"#),
        ("files.{key}.url", r#"{"files": {"k": {"url": "/raw"}}}"#),
    ] {
        let (mut call, first) = download(Some(path), &json!({"key": "k", "range_header": "bytes=5-9"}));
        assert!(!first.stream && !first.headers.contains_key("range"), "the first answer is read whole");
        let second = sent(answer(&mut call, 200, &[], body));
        assert_eq!(second.url.as_str(), "https://api.example.com/v1/raw", "{path}");
        assert!(second.stream && second.credential && second.body.is_empty());
        assert_eq!(second.headers.len(), 1, "declared headers are for the operation's own request");
        assert!(second.method == "GET" && second.headers["range"] == "bytes=5-9");
    }
    for body in ["{}", r#"{"url": null}"#, r#"{"url": 7}"#, "<a/>"] {
        let (mut call, _) = download(Some("url"), &json!({"key": "k"}));
        assert_eq!(failed(answer(&mut call, 200, &[], body)).kind, FaultKind::UpstreamError, "{body}");
    }
}

#[test]
fn options_of_the_answer_are_not_sent_and_defaults_are() {
    let params = json!({"key": "k", "_airbyte_response_type": "json", "_airbyte_response_format": "text"});
    let (_, request) = download(None, &params);
    assert_eq!(request.url.query(), Some("key=k&alt=media"));
    assert_eq!(request.headers["range"], "bytes=0-15359");
    // The published executor leaves it out.
    assert_eq!(request.headers["x-version"], "2");
}

#[test]
fn a_chunk_tells_what_it_is_and_how_to_go_on() {
    let chunk = |range: Option<&str>, format: &str, status: u16, content_range: Option<&str>, body: &str| {
        let mut params =
            json!({"key": "k", "_airbyte_response_type": "json", "_airbyte_response_format": format});
        params["range_header"] = json!(range);
        let (mut call, _) = download(None, &params);
        let headers: Vec<_> = content_range.map(|range| ("content-range", range)).into_iter().collect();
        let chunk = done(answer(&mut call, status, &headers, body)).0;
        assert_eq!(chunk["content_type"], json!(null));
        let mut shown = vec![];
        for name in
            ["content", "encoding", "bytes_returned", "range_requested", "next_range_header", "has_more"]
        {
            shown.push(chunk[name].to_string().replace('"', ""));
        }
        shown.join(" ")
    };
    for (range, format, status, content_range, body, expected) in [
        (None, "base64", 206, Some("bytes 0-1/2"), "hi", "aGk= base64 2 bytes=0-49151 null false"),
        (
            Some("bytes=0-1"),
            "base64",
            206,
            Some("bytes 0-1/5"),
            "hi",
            "aGk= base64 2 bytes=0-1 bytes=2-3 true",
        ),
        (Some("bytes=2-3"), "text", 206, Some("bytes 2-3/4"), "ho", "ho utf-8 2 bytes=2-3 null false"),
        // The whole is not told: a full window may have more behind it.
        (Some("bytes=0-1"), "text", 206, Some("bytes 0-1/*"), "hi", "hi utf-8 2 bytes=0-1 bytes=2-3 true"),
        (Some("bytes=0-3"), "text", 206, Some("bytes 0-1/*"), "hi", "hi utf-8 2 bytes=0-3 null false"),
        // A server that knows no ranges sends everything: the window is cut out of it, and the rest can be asked for.
        (Some("bytes=1-4"), "text", 200, None, "abcde", "bcde utf-8 4 bytes=1-4 null false"),
        (Some("bytes=1-2"), "text", 200, None, "abcde", "bc utf-8 2 bytes=1-2 bytes=3-4 true"),
        (Some("bytes=9-10"), "text", 200, None, "abcde", " utf-8 0 bytes=9-10 null false"),
    ] {
        assert_eq!(chunk(range, format, status, content_range, body), expected);
    }
}

#[test]
fn a_chunk_needs_both_ends_and_64_kib_at_most() {
    let plan = with("get", "download", &json!({}));
    let refused = |range: &str, kind: &str, format: &str| {
        let params = json!({"range_header": range, "_airbyte_response_type": kind, "_airbyte_response_format": format});
        begin(&plan, ("things", "download"), &params, &json!({}))
            .err()
            .map(|fault| fault.errors[0].name.clone())
    };
    for (range, kind, format, name) in [
        ("bytes=0-65535", "json", "base64", None),
        ("bytes=0-65536", "json", "base64", Some("range_header")),
        ("bytes=5-", "json", "base64", Some("range_header")),
        ("bytes=-5", "json", "base64", Some("range_header")),
        ("bytes=0-9", "json", "hex", Some("_airbyte_response_format")),
        ("bytes=0-9", "xml", "text", Some("_airbyte_response_type")),
    ] {
        assert_eq!(refused(range, kind, format).as_deref(), name, "{range} {kind} {format}");
    }
}
