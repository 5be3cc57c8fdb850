//! HTTP/2 servers over TLS: one that does with each request what a test says, and one that speaks in single frames.

use super::authority::{Authority, LONG};
use super::*;
use bytes::BufMut;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{Request, StatusCode};
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub(super) const HOST: &str = "api.example.test";

/// A server with the name [`HOST`], and its authority.
pub(super) struct TlsUpstream {
    pub(super) port: u16,
    authority: Authority,
    seen: Arc<Mutex<Vec<Request<Bytes>>>>,
    asked: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

/// What becomes of a request.
pub(super) enum Then {
    Answer(Box<Answer>),
    /// This body, and its end when the notice comes.
    EndLater(Bytes, Arc<Notify>),
    Reset(Reason),
    /// The whole connection breaks.
    Cut,
}

/// 200 with this.
pub(super) struct Answer {
    fields: HeaderMap,
    body: Bytes,
    trailers: Option<HeaderMap>,
}

pub(super) fn answer(fields: HeaderMap, body: Bytes, trailers: Option<HeaderMap>) -> Then {
    Then::Answer(Box::new(Answer { fields, body, trailers }))
}

pub(super) fn ok() -> Then {
    answer(HeaderMap::new(), Bytes::from_static(b"{\"ok\":true}"), None)
}

impl TlsUpstream {
    /// Asks `answer` about each request, with how many there were before it.
    pub(super) async fn doing<F, A>(answer: F) -> Self
    where
        F: Fn(usize) -> A + Send + Sync + 'static,
        A: Future<Output = Then> + Send,
    {
        let seen: Arc<Mutex<Vec<_>>> = Arc::default();
        let (known, answer) = (Arc::clone(&seen), Arc::new(answer));
        let served = move |tls| {
            let (known, answer, cut) = (Arc::clone(&known), Arc::clone(&answer), Arc::new(Notify::new()));
            async move {
                // A client that opened several and needs one drops the others.
                let Ok(mut connection) = h2::server::handshake(tls).await else { return };
                let serving = async {
                    while let Some(Ok((request, respond))) = connection.accept().await {
                        let (known, answer, cut) =
                            (Arc::clone(&known), Arc::clone(&answer), Arc::clone(&cut));
                        tokio::spawn(async move {
                            let Some(request) = collect(request).await else { return };
                            let number = {
                                let mut known = known.lock().unwrap();
                                known.push(request);
                                known.len() - 1
                            };
                            reply(respond, answer(number).await, &cut);
                        });
                    }
                };
                tokio::select! { () = serving => {}, () = cut.notified() => {} }
            }
        };
        Self { seen, ..Self::serving(served).await }
    }

    /// Asks `answer` when a request is there as far as the frame with this flag, with how many there were before it and
    /// its stream; writes the frames that come back and, where they are the last, ends the connection properly.
    pub(super) async fn framing<F>(flag: u8, answer: F) -> Self
    where
        F: Fn(usize, u32) -> (Vec<u8>, bool) + Send + Sync + 'static,
    {
        let (asked, answer) = (Arc::new(AtomicUsize::new(0)), Arc::new(answer));
        let served = Arc::clone(&asked);
        let upstream = Self::serving(move |mut tls| {
            let (asked, answer) = (Arc::clone(&served), Arc::clone(&answer));
            async move {
                let mut preface = [0; 24];
                tls.read_exact(&mut preface).await.ok();
                tls.write_all(&frame(SETTINGS, 0, 0, &[])).await.ok();
                while let Some((kind, flags, stream)) = read_frame(&mut tls).await {
                    if matches!(kind, DATA | HEADERS) && flags & flag != 0 {
                        let (frames, last) = answer(asked.fetch_add(1, Ordering::Relaxed), stream);
                        tls.write_all(&frames).await.ok();
                        if last {
                            tls.shutdown().await.ok();
                        }
                    }
                }
            }
        });
        Self { asked, ..upstream.await }
    }

    async fn serving<F, A>(serve: F) -> Self
    where
        F: Fn(TlsStream<TcpStream>) -> A + Send + 'static,
        A: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (authority, connections) = (Authority::new(), Arc::new(AtomicUsize::new(0)));
        let acceptor = TlsAcceptor::from(Arc::new(authority.server(HOST, LONG, &["h2", "http/1.1"])));
        let opened = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                opened.fetch_add(1, Ordering::Relaxed);
                // The client may drop it even before that.
                let Ok(tls) = acceptor.accept(socket).await else { continue };
                assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
                tokio::spawn(serve(tls));
            }
        });
        Self { port, authority, seen: Arc::default(), asked: Arc::default(), connections }
    }

    /// A door to this server.
    pub(super) fn egress(&self) -> Egress {
        self.door(limits(&["127.0.0.0/8"]))
    }

    pub(super) fn door(&self, limits: Limits) -> Egress {
        door(&self.authority, limits)
    }

    pub(super) fn url(&self, path: &str) -> Url {
        url(&format!("https://{HOST}:{}{path}", self.port))
    }

    /// The requests so far.
    pub(super) fn seen(&self) -> Vec<Request<Bytes>> {
        self.seen.lock().unwrap().clone()
    }

    /// How many requests a server of frames was asked.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// A door that trusts `authority` and finds every name on loopback.
pub(super) fn door(authority: &Authority, limits: Limits) -> Egress {
    Egress::with_tls(limits, Names::new(&[&["127.0.0.1"]]), authority.client())
}

pub(super) fn post(url: Url) -> Unsigned {
    Unsigned { method: Method::POST, body: Bytes::from_static(b"{\"a\":1}"), ..get(url) }
}

async fn collect(request: Request<RecvStream>) -> Option<Request<Bytes>> {
    let (head, mut body) = request.into_parts();
    let mut whole = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk.ok()?;
        body.flow_control().release_capacity(chunk.len()).ok()?;
        whole.extend_from_slice(&chunk);
    }
    Some(Request::from_parts(head, whole.into()))
}

fn reply(mut respond: SendResponse<Bytes>, then: Then, cut: &Notify) {
    let Answer { fields, body, trailers } = match then {
        Then::Answer(answer) => *answer,
        Then::EndLater(body, end) => return end_later(respond, body, end),
        Then::Reset(reason) => return respond.send_reset(reason),
        Then::Cut => return cut.notify_one(),
    };
    let mut head = http::Response::new(());
    *head.status_mut() = StatusCode::OK;
    *head.headers_mut() = fields;
    // The client may have gone.
    let Ok(mut stream) = respond.send_response(head, false) else { return };
    stream.send_data(body, trailers.is_none()).ok();
    if let Some(trailers) = trailers {
        stream.send_trailers(trailers).ok();
    }
}

fn end_later(mut respond: SendResponse<Bytes>, body: Bytes, end: Arc<Notify>) {
    let head = http::Response::builder().header("content-length", body.len()).body(()).unwrap();
    let mut stream = respond.send_response(head, false).unwrap();
    stream.send_data(body, false).unwrap();
    tokio::spawn(async move {
        end.notified().await;
        stream.send_data(Bytes::new(), true).unwrap();
    });
}

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
pub(super) const GOAWAY: u8 = 7;
pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

/// A frame as RFC 9113 section 4.1 lays it out.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    frame.put_uint(payload.len() as u64, 3);
    frame.put_u8(kind);
    frame.put_u8(flags);
    frame.put_u32(stream);
    frame.put_slice(payload);
    frame
}

/// Kind, flags and stream of the next frame; none when the connection ends.
async fn read_frame(tls: &mut TlsStream<TcpStream>) -> Option<(u8, u8, u32)> {
    let mut head = [0; 9];
    tls.read_exact(&mut head).await.ok()?;
    let [_, high, low, kind, flags, stream @ ..] = head;
    // Longer ones than 65535 nobody asked for.
    let mut payload = vec![0; usize::from(u16::from_be_bytes([high, low]))];
    tls.read_exact(&mut payload).await.ok()?;
    Some((kind, flags, u32::from_be_bytes(stream)))
}
