//! `GET /.well-known/oauth-authorization-server` (RFC 8414 §3). It knows the endpoints' paths, nothing else.

use axum::Json;
use serde_json::{Value, json};

use crate::scope::Scope;
use crate::state::State;

pub(super) async fn metadata(shared: State) -> Json<Value> {
    let issuer = &shared.settings.issuer;
    let client_auth = ["client_secret_basic", "client_secret_post"];
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/oauth/authorize"),
        "token_endpoint": format!("{issuer}/oauth/token"),
        "revocation_endpoint": format!("{issuer}/oauth/revoke"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "scopes_supported": Scope::ALL.map(Scope::name),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": client_auth,
        "revocation_endpoint_auth_methods_supported": client_auth,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": shared.settings.send_iss,
    }))
}
