//! Downloads: bytes as they are, chunks as JSON, files on other hosts, and files that break off.

use crate::support::stage::{Stage, each};
use crate::support::upstream::{json as answer, redirect};
use axum::body::{Body, Bytes};
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keybearer_demo_provider::{At, Effect, Fault};
use serde_json::{Value, json};

async fn download(stage: &Stage, connector: &str, id: &str, more: &Value) -> crate::support::http::Reply {
    let params = crate::support::walk::with(json!({"id": id}), more);
    stage.execute(connector, "files", "download", &params).await
}

async fn crm(stage: &Stage) -> (String, Vec<Value>) {
    stage.put_crm_app().await;
    let connector = stage.connect("w1").await;
    let files = stage.execute(&connector, "files", "list", &json!({})).await.ok();
    (connector, files["result"].as_array().unwrap().clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_come_as_they_are_with_a_name() {
    each(async |stage| {
        let (connector, files) = crm(stage).await;
        assert!(!files.is_empty());
        for file in &files {
            let id = file["id"].as_str().unwrap();
            let reply = download(stage, &connector, id, &json!({})).await;
            reply.is(200);
            assert_eq!(reply.body.len() as u64, file["size"].as_u64().unwrap());
            let disposition = reply.header("content-disposition").unwrap();
            assert!(disposition.starts_with("attachment"), "{disposition}");
            assert!(
                disposition.contains(file["name"].as_str().unwrap()) || disposition.contains("filename*="),
                "{disposition}"
            );
            assert_eq!(reply.header("content-type"), file["media_type"].as_str());
            assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        }
        let id = files[0]["id"].as_str().unwrap();
        let part = download(stage, &connector, id, &json!({"range_header": "bytes=0-9"})).await;
        assert!(matches!(part.status.as_u16(), 200 | 206) && part.body.len() == 10, "{}", part.status);
        download(stage, &connector, "99999", &json!({})).await.fails(404, "upstream_not_found");
        stage.peer.control.expire_access_tokens();
        download(stage, &connector, id, &json!({})).await.is(200);
        assert_eq!(stage.peer.token_calls("refresh_token"), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_as_json_put_the_file_together() {
    each(async |stage| {
        let (connector, files) = crm(stage).await;
        for file in &files {
            let id = file["id"].as_str().unwrap();
            let whole = download(stage, &connector, id, &json!({})).await.body;
            let (mut got, mut range) = (Vec::new(), json!("bytes=0-99"));
            for _ in 0..2000 {
                let params = json!({"_airbyte_response_type": "json", "range_header": range});
                let reply = download(stage, &connector, id, &params).await.ok();
                let chunk = &reply["result"];
                assert_eq!(chunk["encoding"], "base64");
                let bytes = STANDARD.decode(chunk["content"].as_str().unwrap()).unwrap();
                assert_eq!(chunk["bytes_returned"], bytes.len());
                got.extend(bytes);
                if chunk["has_more"] == false || got.len() > 20_000 {
                    break;
                }
                range = chunk["next_range_header"].clone();
            }
            assert_eq!(got[..], whole[..got.len()]);
            assert!(got.len() == whole.len() || got.len() > 20_000);
        }
        let id = files[0]["id"].as_str().unwrap();
        let plain = download(stage, &connector, id, &json!({"_airbyte_response_type": "json"})).await.ok();
        assert!(
            plain["connector_metadata"]["has_next_page"] == false && plain["result"]["content"].is_string()
        );
        for bad in [
            json!({"_airbyte_response_type": "xml"}),
            json!({"_airbyte_response_type": "json", "_airbyte_response_format": "hex"}),
            json!({"range_header": "bytes=a-b"}),
            json!({"range_header": "bytes=0-1,5-6"}),
            json!({"range_header": "x\r\ny: z"}),
            json!({"_airbyte_response_type": "json", "range_header": "bytes=0-"}),
            json!({"_airbyte_response_type": "json", "range_header": "bytes=0-99999999"}),
            json!({"_airbyte_response_type": "json", "range_header": "bytes=9-1"}),
        ] {
            let calls = stage.peer.api_calls();
            download(stage, &connector, id, &bad).await.fails(422, "invalid_params");
            assert_eq!(stage.peer.api_calls(), calls, "{bad}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_breaks_off_is_not_taken_for_whole() {
    each(async |stage| {
        let (connector, files) = crm(stage).await;
        let id = files[0]["id"].as_str().unwrap();
        stage
            .peer
            .control
            .inject(Fault::once(At::Api, Effect::Cut { after: 20 }).on("GET /crm/files/").times(3));
        let reply = download(stage, &connector, id, &json!({})).await;
        assert!(reply.is_broken() || reply.status.as_u16() >= 500, "{}", reply.status);
        stage.peer.control.clear_faults();
        for status in [500, 503] {
            stage.peer.control.inject(Fault::status(At::Api, status).times(2));
            download(stage, &connector, id, &json!({})).await.is(200);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_elsewhere_is_fetched_without_the_credential() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        stage.other.answers(|_| ([("content-type", "image/png")], "other bytes").into_response());
        let locate = |location: &str| {
            let body = json!({"file": {"url": location}});
            stage.upstream.forget();
            stage.other.forget();
            stage.upstream.answers(move |asked| {
                if asked.path() == "/base/files/1" { answer(200, &body) } else { "own bytes".into_response() }
            });
        };
        locate(&format!("{}/signed?sig=1", stage.other.url));
        let reply = download(stage, &connector, "1", &json!({})).await;
        assert_eq!(reply.is(200).text(), "other bytes");
        let seen = &stage.other.seen()[0];
        assert!(seen.header("authorization").is_none() && seen.target == "/signed?sig=1");
        for own in [
            format!("{}/base/content/1", stage.upstream.url),
            "/content/1".to_owned(),
            "content/1".to_owned(),
        ] {
            locate(&own);
            assert_eq!(
                download(stage, &connector, "1", &json!({})).await.is(200).text(),
                "own bytes",
                "{own}"
            );
            let seen = stage.upstream.seen();
            assert!(seen[1].header("authorization").is_some(), "{own}");
            assert_eq!(seen[1].target, "/base/content/1");
        }
        let prefix = format!("{}.evil.example/x", stage.upstream.url.rsplit_once(':').unwrap().0);
        for bad in [
            "https://evil.example/x",
            &prefix,
            "http://169.254.169.254/",
            "file:///etc/passwd",
            "//evil.example/x",
            "http://localhost/x",
        ] {
            locate(bad);
            let reply = download(stage, &connector, "1", &json!({})).await;
            reply.fails(502, "upstream_blocked");
            assert_eq!(stage.upstream.seen().len(), 1, "{bad}");
        }
        for body in [
            json!({}),
            json!({"file": null}),
            json!({"file": {"url": ""}}),
            json!({"file": {"url": 7}}),
            json!([]),
        ] {
            stage.upstream.answers(move |_| answer(200, &body));
            download(stage, &connector, "1", &json!({})).await.fails(502, "upstream_error");
        }
        locate(&format!("{}/moved", stage.other.url));
        let back = format!("{}/base/secret", stage.upstream.url);
        stage.other.answers(move |_| redirect(302, &back));
        let reply = download(stage, &connector, "1", &json!({})).await;
        assert!(matches!(reply.status.as_u16(), 200 | 502), "{}", reply.text());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_and_headers_of_a_file_stay_harmless() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        let body = json!({"file": {"url": format!("{}/f", stage.other.url)}});
        stage.upstream.answers(move |_| answer(200, &body));
        for name in
            ["\"; x=y", "../../etc/passwd", "a\u{e9}.txt", "<script>.html", "", "x".repeat(5000).as_str()]
        {
            let header = format!("attachment; filename=\"{}\"", name.replace('"', "\\\""));
            stage.other.answers(move |_| {
                let mut response = Body::from("bytes").into_response();
                let headers = response.headers_mut();
                headers
                    .insert("content-disposition", http::HeaderValue::from_bytes(header.as_bytes()).unwrap());
                headers.insert("content-type", http::HeaderValue::from_static("text/html"));
                headers.insert("set-cookie", http::HeaderValue::from_static("session=stolen"));
                headers.insert("location", http::HeaderValue::from_static("https://evil.example/"));
                headers.insert("access-control-allow-origin", http::HeaderValue::from_static("*"));
                response
            });
            let reply = download(stage, &connector, "1", &json!({})).await;
            assert_eq!(reply.is(200).body, Bytes::from("bytes"));
            let disposition = reply.header("content-disposition").unwrap();
            assert!(disposition.starts_with("attachment") && !disposition.contains("/etc"), "{disposition}");
            for name in ["set-cookie", "location", "access-control-allow-origin"] {
                assert!(reply.header(name).is_none(), "{name}");
            }
        }
    })
    .await;
}
