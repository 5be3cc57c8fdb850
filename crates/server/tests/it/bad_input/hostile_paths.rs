//! Path segments and headers that no honest client sends.

use crate::api::TABLE;
use crate::support::secrets::row_counts;
use crate::support::stage::each;
use http::Method;
use serde_json::json;

const SEGMENTS: [&str; 14] = [
    "%00",
    "%ff",
    "%F0%9F%A6%80",
    "..",
    "%2e%2e",
    "..%2f..%2fetc",
    "%0d%0aX:%20y",
    "x%20y",
    "'%20OR%201=1",
    "{id}",
    "-1",
    "%25",
    "nope;x=y",
    "00000000-0000-0000-0000-000000000000%00",
];

#[tokio::test(flavor = "multi_thread")]
async fn hostile_segments_are_unknown_ids() {
    each(async |stage| {
        stage.bench("w1").await;
        let rows = row_counts(&stage.database).await;
        for (method, path, _) in TABLE.iter().filter(|(_, path, _)| path.contains('{')) {
            for segment in SEGMENTS {
                let start = path.find('{').unwrap();
                let end = path.find('}').unwrap();
                let path = format!("{}{segment}{}", &path[..start], &path[end + 1..]);
                let body = json!({"entity": "items", "action": "list"});
                let reply = stage.app.call(method.parse().unwrap(), &path).json(&body).send().await;
                let status = reply.status.as_u16();
                assert!(matches!(status, 400 | 404 | 405), "{method} {path}: {status} {}", reply.text());
                reply.error();
            }
        }
        assert_eq!(row_counts(&stage.database).await, rows);
        assert!(stage.upstream.seen().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_callbacks_are_one_400_page() {
    each(async |stage| {
        let mut complaints = Vec::new();
        for segment in SEGMENTS.iter().filter(|segment| !segment.contains("..")) {
            for query in ["", "?state=x", "?state=%00&code=%00", "?state=%ff", "?%ff=x&state=a&state=b"] {
                let url = format!(
                    "{}/oauth/callback/{}{query}",
                    stage.base,
                    segment.replace(['{', '}', '\''], "_")
                );
                let reply = stage.http.call(Method::GET, url).send().await;
                if !matches!(reply.status.as_u16(), 400 | 404) || reply.header("location").is_some() {
                    complaints.push(format!("{}: {}", reply.asked, reply.status));
                }
            }
        }
        assert!(complaints.is_empty(), "{complaints:#?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_headers_are_no_500() {
    each(async |stage| {
        let bytes = "\u{e9}\u{ff}";
        for (name, value) in [
            ("authorization", bytes),
            ("authorization", "Bearer \u{e9}"),
            ("x-organization-id", bytes),
            ("content-type", bytes),
            ("x-request-id", "chosen-by-the-caller"),
            ("accept", "text/html"),
            ("content-encoding", "gzip"),
            ("range", "bytes=0-1"),
            ("if-match", "*"),
            ("x-http-method-override", "DELETE"),
        ] {
            let call = stage.anonymous().call(Method::POST, "/embedded/scoped-token");
            let call = if name == "authorization" { call } else { call.bearer(&stage.app.token) };
            let reply =
                call.header(name, value).raw("application/json", r#"{"workspace_name":"w1"}"#).send().await;
            assert!(reply.status.as_u16() < 500, "{name}: {value}: {}", reply.text());
            assert_ne!(reply.header("x-request-id"), Some("chosen-by-the-caller"));
        }
        let big = "x".repeat(200_000);
        let url = format!("{}/api/v1/workspaces", stage.base);
        let reply = stage.http.call(Method::GET, url).header("x-padding", &big).send().await;
        assert!(matches!(reply.status.as_u16(), 400 | 401 | 413 | 431), "{}", reply.status);
    })
    .await;
}
