//! The store on both databases.

mod changes;
mod connect;
mod connectors;
mod flows;
mod grants;
mod idle_grants;
mod jobs;
mod oauth_apps;
mod organizations;
mod redeem;
mod rows;
mod sweep;
mod workspaces;
