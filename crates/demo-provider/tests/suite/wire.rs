//! What only a real connection shows: dropped, cut and late answers.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use keybearer_demo_provider::{At, Effect, Fault};
use tokio::net::TcpListener;

use crate::walk::Walk;

/// Everything that arrives on one connection for a token request, until it closes or 500 ms pass in silence.
async fn call(address: SocketAddr) -> String {
    let read = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        stream.write_all(b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").unwrap();
        let mut bytes = Vec::new();
        let mut chunk = [0; 4096];
        while let Ok(n @ 1..) = stream.read(&mut chunk) {
            bytes.extend_from_slice(&chunk[..n]);
        }
        String::from_utf8(bytes).unwrap()
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_break() {
    let walk = Walk::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(walk.provider.clone().serve(listener));

    walk.control.inject(Fault::once(At::Token, Effect::Drop));
    assert_eq!(call(address).await, "");

    walk.control.inject(Fault::once(At::Token, Effect::Cut { after: 9 }));
    let cut = call(address).await;
    assert!(cut.starts_with("HTTP/1.1 400") && cut.ends_with("\r\n\r\n{\"error\":"), "{cut}");

    walk.control.inject(Fault::once(At::Token, Effect::Hang { ms: 60_000 }));
    assert_eq!(call(address).await, "");
    assert!(call(address).await.contains("invalid_request"));
}
