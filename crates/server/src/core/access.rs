//! Who calls, and what that caller may reach.
//!
//! Knows callers and the four kinds of access a route can ask for. Must not know tokens' text: `core::tokens` turns
//! a bearer into a [`Caller`].

use crate::core::error::{Error, Kind, Result};
use std::sync::Arc;

/// An authenticated caller. Every rule takes it first; every statement takes its organization.
#[derive(Clone, Debug)]
pub struct Caller(Arc<Identity>, Option<Arc<str>>);

/// Who a token speaks for.
#[derive(Debug)]
pub struct Identity {
    /// The tenant.
    pub organization_id: String,
    /// The application credential that the token was minted with; its removal ends the token.
    pub credential_id: String,
    /// How far it reaches.
    pub scope: Scope,
}

/// How far a token reaches.
#[derive(Debug)]
pub enum Scope {
    /// Everything of its organization.
    Organization,
    /// The same, from the command line.
    Operator,
    /// One workspace.
    Workspace {
        /// Id of the workspace.
        id: String,
        /// Its name when the token was minted.
        name: String,
    },
}

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing: the route is public or carries its own proof.
    Public,
    /// An application token.
    Application,
    /// A scoped token.
    Scoped,
    /// Either token.
    Either,
}

impl Caller {
    /// A caller of that identity.
    pub fn new(identity: Identity) -> Self {
        Self(Arc::new(identity), None)
    }

    /// Who sits at the command line, for one organization.
    pub fn operator(organization_id: String) -> Self {
        Self::new(Identity { organization_id, credential_id: String::new(), scope: Scope::Operator })
    }

    /// Whether it is [`Caller::operator`], behind whom there is no credential.
    pub fn is_operator(&self) -> bool {
        matches!(self.0.scope, Scope::Operator)
    }

    /// The same in the course of that request.
    #[must_use]
    pub fn in_request(self, id: Option<Arc<str>>) -> Self {
        Self(self.0, id)
    }

    /// Id of the request that it makes.
    pub fn request_id(&self) -> Option<&str> {
        self.1.as_deref()
    }

    /// The tenant.
    pub fn organization(&self) -> &str {
        &self.0.organization_id
    }

    /// The credential that the token was minted with.
    pub fn credential_id(&self) -> &str {
        &self.0.credential_id
    }

    /// The only workspace that it may reach; none: all of its organization's.
    pub fn workspace(&self) -> Option<&str> {
        match &self.0.scope {
            Scope::Organization | Scope::Operator => None,
            Scope::Workspace { id, .. } => Some(id),
        }
    }

    /// Name of that workspace.
    pub fn workspace_name(&self) -> Option<&str> {
        match &self.0.scope {
            Scope::Organization | Scope::Operator => None,
            Scope::Workspace { name, .. } => Some(name),
        }
    }

    /// Refuses a workspace name other than a scoped token's own.
    pub fn allow_workspace_name(&self, name: &str) -> Result<()> {
        match self.workspace_name() {
            Some(own) if own != name => Err(forbidden()),
            _ => Ok(()),
        }
    }

    /// Refuses a workspace id other than a scoped token's own.
    pub fn allow_workspace_id(&self, id: &str) -> Result<()> {
        match self.workspace() {
            Some(own) if own != id => Err(forbidden()),
            _ => Ok(()),
        }
    }
}

impl Access {
    /// Whether this caller may come in.
    pub fn admits(self, caller: &Caller) -> bool {
        match self {
            Self::Public | Self::Either => true,
            Self::Application => caller.workspace().is_none(),
            Self::Scoped => caller.workspace().is_some(),
        }
    }
}

/// The one refusal of a valid token, whatever the reason.
pub fn forbidden() -> Error {
    Error::new(Kind::Forbidden, "This token may not make this call")
}
