//! Puts the provider together: the router of all parts, the log around it, and serving it.
//! It must not know what happens behind the routes.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

use crate::control::{self, Control};
use crate::record::{self, Area, Seen};
use crate::settings::Settings;
use crate::state::{Shared, State};
use crate::{crm, oauth, userinfo};

const LARGEST_REQUEST: usize = 1 << 20;

/// The authorization server and the CRM API, with their data in memory. Clones share everything.
#[derive(Clone)]
pub struct Provider {
    shared: Arc<Shared>,
}

impl Provider {
    /// A fresh provider: two users with seeded data, no grants.
    pub fn new(settings: Settings) -> Self {
        Self { shared: Arc::new(Shared::new(settings)) }
    }

    /// The handle that injects faults and reads the log, in process.
    pub fn control(&self) -> Control {
        Control::of(Arc::clone(&self.shared))
    }

    /// Everything as one router, for a server of one's own or for `tower::ServiceExt::oneshot`.
    pub fn router(&self) -> Router {
        let mut router = Router::new()
            .merge(oauth::routes())
            .merge(userinfo::routes(&self.shared))
            .merge(crm::routes(&self.shared))
            .fallback(|| async { StatusCode::NOT_FOUND })
            .layer(from_fn_with_state(Arc::clone(&self.shared), log));
        if self.shared.settings.expose_control {
            router = router.nest("/_control", control::routes());
        }
        router.with_state(Arc::clone(&self.shared))
    }

    /// Serves HTTP/1.1 on the listener until the future is dropped.
    ///
    /// # Errors
    /// Those of the listener.
    pub async fn serve(self, listener: TcpListener) -> io::Result<()> {
        axum::serve(listener, self.router()).await
    }
}

/// Writes each request down before it is answered. Request bodies above 1 MiB are refused with 413.
async fn log(shared: State, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_REQUEST).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let area = Area::of(parts.uri.path());
    let seen = Seen {
        at_ms: shared.now_ms(),
        area,
        method: parts.method.to_string(),
        target: parts.uri.path_and_query().map_or_else(String::new, ToString::to_string),
        headers: record::headers(&parts.headers),
        body: if area == Area::Api { String::from_utf8_lossy(&body).into_owned() } else { String::new() },
    };
    shared.lock().record.push(seen);
    next.run(Request::from_parts(parts, Body::from(body))).await
}
