//! The CRM API: its routes, who may call them, and the data of both users.
//! It knows access tokens only as "whose, and which scopes"; it must not know how they were obtained.

mod caller;
mod contact;
mod contacts;
mod deals;
mod error;
mod files;
mod listing;
mod range;
mod seed;

pub(crate) use caller::Caller;

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;

use crate::fault::At;
use crate::person::Person;
use crate::play::play;
use crate::state::{Shared, State};
use contact::Contacts;
use deals::Deal;
use files::File;

/// What one user has.
#[derive(Debug)]
struct Account {
    contacts: Contacts,
    deals: Vec<Deal>,
    files: Vec<File>,
}

/// The data of both users.
#[derive(Debug)]
pub(crate) struct Crm {
    alice: Account,
    bob: Account,
}

impl Crm {
    pub(crate) fn seeded() -> Self {
        Self { alice: seed::account(Person::Alice), bob: seed::account(Person::Bob) }
    }

    fn of(&self, person: Person) -> &Account {
        match person {
            Person::Alice => &self.alice,
            Person::Bob => &self.bob,
        }
    }

    fn of_mut(&mut self, person: Person) -> &mut Account {
        match person {
            Person::Alice => &mut self.alice,
            Person::Bob => &mut self.bob,
        }
    }
}

pub(crate) fn routes(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    let one = get(contacts::read).patch(contacts::update).delete(contacts::delete);
    let router = Router::new()
        .route("/crm/contacts", get(contacts::list).post(contacts::create))
        .route("/crm/contacts/{id}", one)
        .route("/crm/deals", get(deals::list))
        .route("/crm/deals/{id}", get(deals::read))
        .route("/crm/files", get(files::list))
        .route("/crm/files/{id}", get(files::download));
    around(shared, router)
}

/// Puts counting and faults around API routes; both come before the token is looked at.
pub(crate) fn around(shared: &Arc<Shared>, routes: Router<Arc<Shared>>) -> Router<Arc<Shared>> {
    routes.route_layer(from_fn_with_state(Arc::clone(shared), count_and_bend))
}

async fn count_and_bend(shared: State, route: MatchedPath, request: Request, next: Next) -> Response {
    let method = request.method();
    let fault = {
        let mut inner = shared.lock();
        inner.record.api_call(&format!("{method} {}", route.as_str()));
        inner.strike(At::Api, &format!("{method} {}", request.uri().path()), None)
    };
    play(fault, next.run(request)).await
}
