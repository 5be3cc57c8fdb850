//! `GET /userinfo`: whose token this is. Needs no particular scope; it knows nothing of the CRM's data.

use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router};

use crate::crm::{Caller, around};
use crate::person::Profile;
use crate::state::Shared;

pub(crate) fn routes(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    around(shared, Router::new().route("/userinfo", get(userinfo)))
}

async fn userinfo(caller: Caller) -> Json<Profile> {
    Json(caller.person.profile())
}
