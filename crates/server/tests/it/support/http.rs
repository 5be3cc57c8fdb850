//! An HTTP client for tests that sends exactly what it is told to, and keeps what failed calls answered.
//!
//! Knows requests, replies and the contract's error body. Must not know Keybearer's routes.

use axum::body::{Body, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

/// Sends requests; follows nothing, adds nothing.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client<HttpConnector, Body>,
    failed: Arc<Mutex<Vec<String>>>,
}

/// One request in the making.
pub(crate) struct Call {
    http: Http,
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Bytes,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// What was asked, for messages.
    pub(crate) asked: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Http {
    pub(crate) fn new() -> Self {
        Self::at(None)
    }

    /// A client that calls from that address of this machine.
    #[expect(clippy::disallowed_methods, reason = "the tests play the application, which calls us")]
    pub(crate) fn at(address: Option<IpAddr>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_local_address(address);
        Self { client: Client::builder(TokioExecutor::new()).build(connector), failed: Arc::default() }
    }

    pub(crate) fn call(&self, method: Method, url: impl Into<String>) -> Call {
        let http = self.clone();
        Call { http, method, url: url.into(), headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// Bodies of all answers of 400 and above so far.
    pub(crate) fn failed(&self) -> Vec<String> {
        self.failed.lock().unwrap().clone()
    }
}

impl Call {
    pub(crate) fn header(mut self, name: impl Into<AnyName>, value: &str) -> Self {
        self.headers.append(name.into().0, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header(header::AUTHORIZATION, &format!("Bearer {token}"))
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.raw("application/json", body.to_string())
    }

    pub(crate) fn raw(mut self, kind: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header(header::CONTENT_TYPE, kind)
    }

    pub(crate) async fn send(self) -> Reply {
        let asked = format!("{} {}", self.method, self.url);
        let mut request =
            Request::builder().method(self.method).uri(&self.url).body(Body::from(self.body)).unwrap();
        *request.headers_mut() = self.headers;
        let response =
            self.http.client.request(request).await.unwrap_or_else(|error| panic!("{asked}: {error:?}"));
        let (head, body) = response.into_parts();
        // A body that breaks off is told apart by `truncated` below.
        let (body, broken) = match body.collect().await {
            Ok(body) => (body.to_bytes(), false),
            Err(_) => (Bytes::new(), true),
        };
        let mut headers = head.headers;
        if broken {
            headers.insert("x-test-broken", HeaderValue::from_static("1"));
        }
        if head.status.as_u16() >= 400 {
            self.http.failed.lock().unwrap().push(String::from_utf8_lossy(&body).into_owned());
        }
        Reply { asked, status: head.status, headers, body }
    }
}

/// A header name from a text or a constant.
pub(crate) struct AnyName(HeaderName);

impl From<HeaderName> for AnyName {
    fn from(name: HeaderName) -> Self {
        Self(name)
    }
}

impl From<&'static str> for AnyName {
    fn from(name: &'static str) -> Self {
        Self(HeaderName::from_static(name))
    }
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}: {} is no JSON: {}", self.asked, self.status, self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The connection ended within the body.
    pub(crate) fn is_broken(&self) -> bool {
        self.headers.contains_key("x-test-broken")
    }

    /// The body of a 200.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        self.is(200).json()
    }

    #[track_caller]
    pub(crate) fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{}: {}", self.asked, self.text());
        self
    }

    /// The `Location` of a 303.
    #[track_caller]
    pub(crate) fn location(&self) -> String {
        self.is(303).header("location").unwrap().to_owned()
    }

    /// The error body of a failed call, checked for its exact shape.
    #[track_caller]
    pub(crate) fn fails(&self, status: u16, code: &str) -> Value {
        self.is(status);
        let body = self.error();
        assert_eq!(body["error_code"], code, "{}: {body}", self.asked);
        body
    }

    /// Names in `errors`.
    #[track_caller]
    pub(crate) fn wrong_fields(&self) -> Vec<String> {
        let errors = self.error()["errors"].as_array().unwrap().clone();
        errors.iter().filter_map(|error| error["field"].as_str().map(str::to_owned)).collect()
    }

    /// The error body, checked for its exact shape.
    #[track_caller]
    pub(crate) fn error(&self) -> Value {
        assert!(self.status.as_u16() >= 400, "{}: {}", self.asked, self.status);
        assert_eq!(self.header("content-type"), Some("application/json"), "{}", self.asked);
        let body = self.json();
        let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            ["message", "detail", "error_code", "request_id", "errors"],
            "{}: {body}",
            self.asked
        );
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"), "{}", self.asked);
        assert_eq!(body["message"], body["detail"]);
        assert!(
            !body["message"].as_str().unwrap().is_empty() && !body["error_code"].as_str().unwrap().is_empty()
        );
        let errors = body["errors"].as_array().unwrap();
        assert!(!errors.is_empty(), "{}: {body}", self.asked);
        for error in errors {
            let keys: Vec<&String> = error.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["field", "message", "error_code", "details"], "{}: {body}", self.asked);
            assert!(error["field"].is_string() || error["field"].is_null());
            assert!(
                error["message"].is_string()
                    && error["error_code"].is_string()
                    && error["details"].is_object()
            );
        }
        if self.status == StatusCode::UNAUTHORIZED {
            assert!(self.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")));
        }
        body
    }

    /// The error body without what differs between two calls.
    #[track_caller]
    pub(crate) fn error_without_id(&self) -> (u16, Value) {
        let mut body = self.error();
        body.as_object_mut().unwrap().shift_remove("request_id");
        (self.status.as_u16(), body)
    }
}
