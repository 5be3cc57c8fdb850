//! Who calls: the bearer of a request, verified, and let in by the route's access.
//!
//! Knows the `Authorization` header (RFC 6750 section 2.1) and `X-Organization-Id`. Must not know rules.

use super::layer::RequestId;
use super::{App, peer};
use crate::core::access::{Access, Caller, forbidden};
use crate::core::error::{Error, Kind, Result};
use crate::core::tokens;
use axum::extract::{FromRequestParts, Request};
use axum::handler::Handler;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};
use std::pin::Pin;
use std::sync::Arc;

/// A handler behind its access: it lets a request in, or answers 401 or 403. Every route has exactly one of these. It
/// is a handler and no layer, because a layer would be cloned and boxed for every call on the hot path.
#[derive(Clone)]
pub(super) struct Guarded<H> {
    pub(super) access: Access,
    pub(super) handler: H,
}

impl<T: 'static, H: Handler<T, App>> Handler<T, App> for Guarded<H> {
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(self, request: Request, app: App) -> Self::Future {
        let Self { access, handler } = self;
        Box::pin(async move {
            if access == Access::Public {
                return handler.call(request, app).await;
            }
            // The body is not `Sync`: the head alone goes into the check.
            let (mut head, body) = request.into_parts();
            match admit(&app, access, &head).await {
                Ok(caller) => {
                    head.extensions.insert(caller);
                    handler.call(Request::from_parts(head, body), app).await
                }
                Err(error) => refused(error, &head.headers),
            }
        })
    }
}

async fn admit(app: &App, access: Access, request: &Parts) -> Result<Caller> {
    let bearer = bearer(&request.headers, request.uri.query())?;
    let caller = tokens::verify(app, bearer, || peer::address(app, request)).await?;
    app.rate_limits.admit(app, &caller, bearer)?;
    let organization = request.headers.get("x-organization-id");
    if organization.is_some_and(|id| id.as_bytes() != caller.organization().as_bytes())
        || !access.admits(&caller)
    {
        return Err(forbidden());
    }
    Ok(caller.in_request(request.extensions.get::<RequestId>().map(|id| Arc::clone(&id.0))))
}

/// RFC 6750 section 3.1: the challenge names no error where no token was given.
fn refused(error: Error, headers: &HeaderMap) -> Response {
    let bare = error.kind == Kind::Unauthorized && !headers.contains_key(header::AUTHORIZATION);
    let mut response = error.into_response();
    if bare {
        let challenge = HeaderValue::from_static("Bearer realm=\"keybearer\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

fn bearer<'a>(headers: &'a HeaderMap, query: Option<&str>) -> Result<&'a str> {
    // RFC 6750 section 2: one method a request; a token in the query would end up in logs.
    let in_query = query.is_some_and(|query| {
        query.split('&').any(|pair| pair == "access_token" || pair.starts_with("access_token="))
    });
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (first, second) = (given.next(), given.next());
    if in_query || second.is_some() {
        return Err(Error::new(
            Kind::BadRequest,
            "The token must be given once, in the `Authorization` header",
        ));
    }
    let first = first.ok_or_else(|| {
        Error::new(Kind::Unauthorized, "A bearer token is required: `Authorization: Bearer …`")
    })?;
    let wrong = || Error::new(Kind::Unauthorized, "The `Authorization` header must be `Bearer` and a token");
    let (scheme, token) = first.to_str().map_err(|_| wrong())?.split_once(' ').ok_or_else(wrong)?;
    if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() {
        Ok(token.trim())
    } else {
        Err(wrong())
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        // A route without a guard that asks for a caller refuses: deny by default.
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Error::new(Kind::Unauthorized, "A bearer token is required"))
    }
}
