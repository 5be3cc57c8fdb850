//! Section I: slow callers, and tenants whose providers are slow.

use crate::support::http::Http;
use crate::support::stage::{Served, Setup, Stage};
use crate::support::upstream::{json as answer, late};
use crate::support::walk::{BENCH, id};
use http::Method;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection with something on it, left open.
async fn open(served: &Served, text: &str) -> TcpStream {
    let mut socket = TcpStream::connect(served.address).await.unwrap();
    socket.write_all(text.as_bytes()).await.unwrap();
    socket
}

/// What the server says until it ends the connection.
async fn rest(mut socket: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end, too.
    drop(socket.read_to_end(&mut bytes).await);
    String::from_utf8(bytes).unwrap()
}

async fn is_healthy(served: &Served) {
    Http::new().call(Method::GET, format!("http://{}/health", served.address)).send().await.is(200);
}

async fn stopped(served: Served) {
    served.stop.send_replace(true);
    served.running.await.unwrap().unwrap();
}

const HALF: &str = "GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ";

#[tokio::test(flavor = "multi_thread")]
async fn i5_heads_that_never_end_are_cut_off_and_keep_nobody_out() {
    let slow = Setup::new().set("HEADER_TIMEOUT", "1s");
    Setup::new()
        .each(async |stage| {
            let served = stage.served(&slow).await;
            let mut sockets = Vec::new();
            for text in ["", "G", HALF].iter().cycle().take(200) {
                sockets.push(open(&served, text).await);
            }
            is_healthy(&served).await;
            // One that trickles on has the same deadline as one that is silent.
            let mut trickle = open(&served, HALF).await;
            while trickle.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            for socket in sockets {
                let said = rest(socket).await;
                assert!(!said.contains("200"), "{said}");
            }
            is_healthy(&served).await;
            stopped(served).await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i5_connections_are_bounded_and_the_next_waits_for_one_to_end() {
    let narrow = Setup::new().set("HEADER_TIMEOUT", "1s").set("MAX_CONNECTIONS", "4");
    Setup::new()
        .each(async |stage| {
            let served = stage.served(&narrow).await;
            let mut sockets = Vec::new();
            for _ in 0..4 {
                sockets.push(open(&served, HALF).await);
            }
            // Answered when one of them is cut off.
            is_healthy(&served).await;
            for socket in sockets {
                assert!(!rest(socket).await.contains("200"));
            }
            stopped(served).await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i5_a_body_that_never_ends_is_answered_and_cut_off() {
    let slow = Setup::new().set("BODY_TIMEOUT", "500ms");
    Setup::new()
        .each(async |stage| {
            let served = stage.served(&slow).await;
            let head =
                "POST /api/v1/applications/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
            for text in [
                format!("{head}Content-Length: 100\r\n\r\n{{\"client_id\": "),
                format!("{head}Transfer-Encoding: chunked\r\n\r\n5\r\n{{\"cli\r\n"),
            ] {
                let said = rest(open(&served, &text).await).await;
                assert!(said.starts_with("HTTP/1.1 400"), "{said}");
                assert!(said.contains("did not arrive completely"), "{said}");
            }
            stopped(served).await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i5_a_slow_answer_is_no_slow_request() {
    let quick = Setup::new().set("HEADER_TIMEOUT", "300ms").set("BODY_TIMEOUT", "300ms");
    Setup::new()
        .each(async |stage| {
            let served = stage.served(&quick).await;
            let key = json!({"api_key": stage.secrets.fresh("key")});
            let more = json!({"environment": {"tenant": "t"}});
            let connector = id(&stage.import("plain-keys", "w1", &key, &more).await.ok());
            stage.upstream.answers(|_| late(answer(200, &json!({"id": 1})), Duration::from_secs(1)));
            let body = json!({"entity": "*", "action": "check"});
            let url = format!("http://{}/api/v1/integrations/connectors/{connector}/execute", served.address);
            let call = stage.http.call(Method::POST, url).bearer(&stage.app.token).json(&body);
            let running = tokio::spawn(call.send());
            stage.until("sent", async || !stage.upstream.seen().is_empty()).await;
            // And it is finished although the server stops.
            served.stop.send_replace(true);
            running.await.unwrap().ok();
            stopped(served).await;
        })
        .await;
}

/// A bench connector of another organization, with a token that the upstream can tell.
async fn foreign(stage: &Stage) -> (crate::support::stage::Client, String) {
    let other = stage.organization("other").await;
    let other = stage.sign_in(&other).await;
    let token = json!({"token": stage.secrets.fresh("quick")});
    let body = json!({"external_user_id": "w1", "connector_type": BENCH, "credentials": token});
    let connector = id(&other.post("/integrations/connectors", &body).await.ok());
    (other, connector)
}

#[tokio::test(flavor = "multi_thread")]
async fn i7_a_tenant_whose_provider_hangs_does_not_slow_another() {
    Setup::new()
        .set("UPSTREAM_TIMEOUT", "120s")
        .set("MAX_CONCURRENT_CALLS", "256")
        .each(async |stage| {
            let mut connectors = Vec::new();
            for user in 0..5 {
                connectors.push(stage.bench(&format!("w{user}")).await);
            }
            let (other, quick) = foreign(stage).await;
            stage.upstream.answers(|asked| {
                let items = answer(200, &json!({"items": []}));
                let is_quick = asked.header("authorization").is_some_and(|value| value.contains("quick-"));
                if is_quick { items } else { late(items, Duration::from_secs(100)) }
            });
            let refused = Arc::new(AtomicUsize::new(0));
            let answered = Arc::new(AtomicUsize::new(0));
            let calls: Vec<_> = (0..500)
                .map(|number| {
                    let (app, connector) = (stage.app.clone(), connectors[number % 5].clone());
                    let (refused, answered) = (Arc::clone(&refused), Arc::clone(&answered));
                    tokio::spawn(async move {
                        let body = json!({"entity": "items", "action": "list"});
                        let reply =
                            app.post(&format!("/connectors/sources/{connector}/execute"), &body).await;
                        if reply.status == 429 {
                            reply.fails(429, "organization_busy");
                            assert_eq!(reply.header("retry-after"), Some("1"));
                            refused.fetch_add(1, Ordering::SeqCst);
                        } else {
                            answered.fetch_add(1, Ordering::SeqCst);
                        }
                    })
                })
                .collect();
            // 256 run or wait for their connector, the others are told at once.
            stage.until("refused", async || refused.load(Ordering::SeqCst) == 500 - 256).await;
            let body = json!({"entity": "items", "action": "list"});
            for _ in 0..50 {
                other.post(&format!("/connectors/sources/{quick}/execute"), &body).await.ok();
            }
            assert_eq!(answered.load(Ordering::SeqCst), 0, "the others still hang");
            // Whoever goes away gives the place back.
            for call in &calls {
                call.abort();
            }
            stage.upstream.says(json!({"items": []}));
            stage
                .until("room again", async || {
                    let path = format!("/connectors/sources/{}/execute", connectors[0]);
                    stage.app.post(&path, &body).await.status == 200
                })
                .await;
        })
        .await;
}
