//! Bodies far over the cap, over a plain socket: the client sends all of it before it reads, and still finds the answer.

use crate::support::stage::{Stage, each};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SIZE: usize = 20 << 20;

/// Sends a head and a body, then reads one answer and, on the same connection, that of `GET /health`.
async fn send(stage: &Stage, head: String, body: Vec<u8>) -> String {
    let address = stage.base.trim_start_matches("http://");
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&body).await.expect("the server reads on");
    socket
        .write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await
        .expect("the connection stays");
    let mut answers = String::new();
    socket.read_to_string(&mut answers).await.expect("no reset");
    answers
}

fn head(method_and_path: &str, token: &str, framing: &str) -> String {
    format!(
        "{method_and_path} HTTP/1.1\r\nHost: localhost\r\n{token}Content-Type: application/json\r\n{framing}\r\n\r\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_far_over_the_cap_is_answered_and_the_connection_goes_on() {
    each(async |stage| {
        let token = format!("Authorization: Bearer {}\r\n", stage.app.token);
        let length = format!("Content-Length: {SIZE}");
        for (line, token, status) in [
            ("POST /api/v1/integrations/connectors", token.as_str(), "413 Payload Too Large"),
            ("POST /api/v1/integrations/connectors", "", "401 Unauthorized"),
            ("POST /api/v1/account/applications/token", "", "413 Payload Too Large"),
            ("POST /api/v1/nowhere", token.as_str(), "404 Not Found"),
            ("DELETE /api/v1/workspaces", token.as_str(), "405 Method Not Allowed"),
        ] {
            let answers = send(stage, head(line, token, &length), vec![b' '; SIZE]).await;
            assert!(answers.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{line}: {answers}");
            assert!(answers.contains("\"error_code\":"), "{line}: {answers}");
            assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 1, "{line}: {answers}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunked_body_without_a_length_is_counted() {
    each(async |stage| {
        let token = format!("Authorization: Bearer {}\r\n", stage.app.token);
        let chunk = [b"10000\r\n".to_vec(), vec![b' '; 0x10000], b"\r\n".to_vec()].concat();
        let body = [chunk.repeat(SIZE / 0x10000), b"0\r\n\r\n".to_vec()].concat();
        let head = head("POST /api/v1/integrations/connectors", &token, "Transfer-Encoding: chunked");
        let answers = send(stage, head, body).await;
        assert!(answers.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{answers}");
        assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 1, "{answers}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_first_is_refused_before_it_sends() {
    each(async |stage| {
        let address = stage.base.trim_start_matches("http://");
        let mut socket = TcpStream::connect(address).await.unwrap();
        let framing = format!("Content-Length: {SIZE}\r\nExpect: 100-continue");
        let head = head("POST /api/v1/integrations/connectors", "", &framing);
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0; 64];
        socket.read_exact(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 401 Unauthorized\r\n"), "{}", String::from_utf8_lossy(&answer));
    })
    .await;
}
