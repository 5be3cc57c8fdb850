//! The third party of the bench: fixed JSON, made before the first request.
//!
//! Knows the shape of its records. Must not know who asks.

use anyhow::Result;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;

/// Answers with a body of about 2 kB.
pub(crate) const SMALL: usize = 10;
/// Answers with a body of about 100 kB.
pub(crate) const LARGE: usize = 500;
/// A body of about 1 MB; the upstream itself never sends it.
pub(crate) const HUGE: usize = 5_000;

/// Listens on a free port of loopback, prints the address, answers until killed.
pub(crate) async fn serve() -> Result<()> {
    let bodies = Arc::new([(SMALL, page(SMALL)), (LARGE, page(LARGE))]);
    let tokens = Arc::new(AtomicU32::new(0));
    let app = Router::new()
        .route("/contacts", get(contacts))
        .with_state(bodies)
        .route("/token", post(token).get(tokens_given))
        .with_state(tokens);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    crate::children::announce(listener.local_addr()?)?;
    Ok(axum::serve(listener, app).await?)
}

/// How long the token endpoint thinks, so that every call of a storm waits for it.
const THOUGHT: Duration = Duration::from_secs(1);

/// RFC 6749 section 5.1. Nothing is checked.
async fn token(State(given): State<Arc<AtomicU32>>) -> Response {
    let number = given.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(THOUGHT).await;
    let answer = json!({
        "access_token": format!("access-token-of-an-ordinary-length-{number}"),
        "refresh_token": format!("refresh-token-of-an-ordinary-length-{number}"),
        "token_type": "bearer",
        "expires_in": 3600
    });
    ([(CONTENT_TYPE, "application/json")], answer.to_string()).into_response()
}

/// How many token requests came.
async fn tokens_given(State(given): State<Arc<AtomicU32>>) -> String {
    given.load(Ordering::Relaxed).to_string()
}

type Bodies = Arc<[(usize, Bytes); 2]>;

async fn contacts(State(bodies): State<Bodies>, RawQuery(query): RawQuery) -> Response {
    let limit = query.as_deref().and_then(|query| query.strip_prefix("limit=")?.parse().ok());
    match bodies.iter().find(|(records, _)| Some(*records) == limit) {
        Some((_, body)) => ([(CONTENT_TYPE, "application/json")], body.clone()).into_response(),
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// A page of a CRM's contacts, 200 bytes each.
pub(crate) fn page(records: usize) -> Bytes {
    let results: Vec<_> = (0..records)
        .map(|number| {
            json!({
                "id": format!("{:012}", 90_071_992 + number),
                "createdAt": "2026-01-09T10:11:12.013Z",
                "archived": false,
                "properties": {
                    "email": format!("person{number:04}@example.com"),
                    "firstname": "Ada",
                    "lastname": "Lovelace",
                    "score": 1.5,
                    "company": null
                }
            })
        })
        .collect();
    Bytes::from(json!({"results": results, "paging": {"next": {"after": "NTI1Cg=="}}}).to_string())
}
