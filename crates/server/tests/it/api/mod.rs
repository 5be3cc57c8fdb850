//! Routes beside the flow and execute: who may call what, conventions, and the shape of every answer.

mod access;
mod conventions;
mod limits;
mod lists;
mod oauth_apps;
mod shapes;
mod table;
mod tokens;
mod tools;
mod workspaces;

pub(crate) use table::TABLE;
