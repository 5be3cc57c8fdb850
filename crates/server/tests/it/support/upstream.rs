//! A provider that a test programs: it writes every request down and answers what it is told to.
//!
//! Knows HTTP. Must not know OAuth or Keybearer.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    /// Path and query as sent.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

type Answer = dyn Fn(&Asked) -> Response + Send + Sync;

/// A running provider; clones are the same one.
#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    seen: Mutex<Vec<Asked>>,
    answer: Mutex<Arc<Answer>>,
}

/// On a response: wait so long before it is sent.
#[derive(Clone, Copy)]
pub(crate) struct Delay(pub(crate) Duration);

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    pub(crate) fn query(&self) -> Vec<(String, String)> {
        pairs(self.target.split_once('?').map_or("", |(_, query)| query).as_bytes())
    }

    pub(crate) fn form(&self) -> Vec<(String, String)> {
        pairs(&self.body)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let nothing: Arc<Answer> = Arc::new(|_| StatusCode::NOT_FOUND.into_response());
        let shared = Arc::new(Shared { seen: Mutex::default(), answer: Mutex::new(nothing) });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    /// Host and port.
    pub(crate) fn host(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// What to answer from now on.
    pub(crate) fn answers(&self, answer: impl Fn(&Asked) -> Response + Send + Sync + 'static) {
        *self.shared.answer.lock().unwrap() = Arc::new(answer);
    }

    /// JSON with 200 to everything.
    pub(crate) fn says(&self, body: Value) {
        self.answers(move |_| json(200, &body));
    }

    /// Requests so far, oldest first.
    pub(crate) fn seen(&self) -> Vec<Asked> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Forgets them.
    pub(crate) fn forget(&self) {
        self.shared.seen.lock().unwrap().clear();
    }

    /// The requests to one path.
    pub(crate) fn seen_at(&self, path: &str) -> Vec<Asked> {
        self.seen().into_iter().filter(|asked| asked.path() == path).collect()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let asked = Asked {
        method: head.method,
        target: head.uri.path_and_query().unwrap().to_string(),
        headers: head.headers,
        body: body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default(),
    };
    shared.seen.lock().unwrap().push(asked.clone());
    let answer = Arc::clone(&shared.answer.lock().unwrap());
    let response = answer(&asked);
    if let Some(Delay(delay)) = response.extensions().get::<Delay>().copied() {
        tokio::time::sleep(delay).await;
    }
    response
}

/// A JSON answer.
pub(crate) fn json(status: u16, body: &Value) -> Response {
    let head = [("content-type", "application/json")];
    (StatusCode::from_u16(status).unwrap(), head, body.to_string()).into_response()
}

/// A redirect.
pub(crate) fn redirect(status: u16, to: &str) -> Response {
    (StatusCode::from_u16(status).unwrap(), [("location", to.to_owned())]).into_response()
}

/// The answer, so much later.
pub(crate) fn late(mut response: Response, delay: Duration) -> Response {
    response.extensions_mut().insert(Delay(delay));
    response
}

/// Bytes without end.
pub(crate) fn endless() -> Response {
    let chunk = Bytes::from(vec![b' '; 64 * 1024]);
    let chunks = futures_util::stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()));
    ([("content-type", "application/json")], Body::from_stream(chunks)).into_response()
}
