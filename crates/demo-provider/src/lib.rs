//! A small OAuth 2 authorization server and a CRM API behind one axum router, for loopback.
//! It knows the protocols (RFC 6749, 6750, 7009, 7636, 8414, 9207) and its own made-up data, all in memory.
//! It must not know who its clients are: they meet it over HTTP only, as they would meet any provider.
//!
//! ```no_run
//! # async fn run() -> std::io::Result<()> {
//! use keybearer_demo_provider::{Provider, Settings};
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let issuer = format!("http://{}", listener.local_addr()?);
//! let mut settings = Settings::new(issuer, "client-id", "client-secret");
//! settings.redirect_uris.push("http://localhost:8000/callback".to_owned());
//! let provider = Provider::new(settings);
//! let control = provider.control();
//! tokio::spawn(provider.serve(listener));
//! control.expire_access_tokens();
//! # Ok(()) }
//! ```
//!
//! | path | what |
//! |---|---|
//! | `GET /oauth/authorize` | the consent page (form fields `request`, `user`, `decision`) |
//! | `POST /oauth/authorize/decision` | 303 back to the client |
//! | `POST /oauth/token`, `POST /oauth/revoke` | RFC 6749 §3.2, RFC 7009 |
//! | `GET /.well-known/oauth-authorization-server` | RFC 8414 |
//! | `GET /userinfo` | `{"id","name","email"}` of the token's user |
//! | `/crm/contacts`, `/crm/deals`, `/crm/files` | the API; scopes `crm.read`, `crm.write` |
//! | `/_control/…` | faults, log, counters (see [`Control`]) |

mod control;
mod crm;
mod fault;
mod form;
mod grants;
mod oauth;
mod person;
mod play;
mod provider;
mod record;
mod scope;
mod secret;
mod settings;
mod sources;
mod state;
mod userinfo;

pub use control::Control;
pub use fault::{At, Effect, Fault};
pub use provider::Provider;
pub use record::{Area, Seen, Stats};
pub use settings::Settings;
pub use sources::{Clock, Random};
