//! Routes that are other names of a route: they are described by it.
//!
//! Knows the pairs. Must not know what the routes do.

/// Alias, the route that it stands for, and what its operation id ends with. Paths are below the prefix.
const ALIASES: [(&str, &str, &str); 7] = [
    ("/applications/token", "/account/applications/token", "Alias"),
    ("/embedded/scoped-token", "/account/applications/scoped-token", "Alias"),
    ("/embedded/scoped-token/info", "/account/applications/scoped-token/info", "Alias"),
    ("/embedded/widget-token", "/account/applications/widget-token", "Alias"),
    ("/connectors/sources/{id}/execute", "/integrations/connectors/{id}/execute", "Source"),
    ("/connectors/instances/{id}/execute", "/integrations/connectors/{id}/execute", "Instance"),
    ("/integrations/templates/sources/global", "/integrations/templates/sources", "Global"),
];

/// The route that `path` is an alias of, and the end of the alias's operation id.
pub(super) fn canonical(path: &str) -> Option<(&'static str, &'static str)> {
    ALIASES.iter().find(|(alias, _, _)| *alias == path).map(|(_, canonical, ending)| (*canonical, *ending))
}
