//! Values of a connector's surroundings: server variables, OAuth variables, configuration.
//!
//! Knows which names a definition declares and which values it accepts. Must not know where values are kept.

use super::fault::ParamError;
use super::{given, json};
use crate::plan::{Plan, ServerVariable, Variable};
use crate::spelling;
use indexmap::IndexMap;
use serde_json::{Map, Value};

/// Values by name: what users gave, and what token answers brought.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Environment(pub IndexMap<String, Value>);

impl Environment {
    /// Checks values that a user or caller gave: undeclared names, names that only a token answer fills, wrong types,
    /// values outside an enum or pattern are errors, all at once. Nulls count as not given. Defaults are not stored,
    /// aliases are stored under their variable.
    pub fn accept(plan: &Plan, given: &Map<String, Value>) -> Result<Self, Vec<ParamError>> {
        let given = given::renamed(&plan.server, given).map_err(|error| vec![error])?;
        let mut accepted = IndexMap::new();
        let mut errors = Vec::new();
        for (name, value) in given.iter().filter(|(_, value)| !value.is_null()) {
            match check(plan, name, value) {
                Ok(()) => {
                    accepted.insert(name.clone(), value.clone());
                }
                Err((code, message)) => {
                    errors
                        .push(ParamError { pointer: pointer(name), ..ParamError::new(name, code, message) });
                }
            }
        }
        if errors.is_empty() { Ok(Self(accepted)) } else { Err(errors) }
    }

    /// Required variables that have neither a value here nor a default. Those that the token answer fills are not among them.
    pub fn missing(&self, plan: &Plan) -> Vec<String> {
        let server = plan
            .server
            .variables
            .iter()
            .filter(|variable| !variable.from_token && default_of(variable).is_none())
            .map(|variable| &variable.name);
        let oauth = plan.oauth().map(|(_, oauth)| oauth.variables.as_slice()).unwrap_or_default();
        let oauth = oauth
            .iter()
            .filter(|variable| variable.required && variable.default.is_none())
            .map(|variable| &variable.name);
        server.chain(oauth).filter(|name| self.text(name).is_none()).cloned().collect()
    }

    /// All of them as one object: what templates call `config`.
    pub(super) fn config(&self) -> Value {
        Value::Object(self.0.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// A value as text; none when absent or blank.
    pub fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).filter(|value| !json::is_blank(value)).map(json::text)
    }

    /// A value; none when absent or blank.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !json::is_blank(value))
    }

    /// These values over the defaults of the definition's variables.
    #[must_use]
    pub fn with_defaults(&self, plan: &Plan) -> Self {
        let mut all = self.clone();
        let server = plan
            .server
            .variables
            .iter()
            .filter_map(|variable| Some((&variable.name, Value::from(default_of(variable)?))));
        let oauth = plan.oauth().map(|(_, oauth)| oauth.variables.as_slice()).unwrap_or_default();
        let oauth = oauth.iter().filter_map(|variable| Some((&variable.name, variable.default.clone()?)));
        for (name, value) in server.chain(oauth) {
            if self.value(name).is_none() {
                all.0.insert(name.clone(), value);
            }
        }
        all
    }
}

/// A variable's default, unless it is only the text of a placeholder.
pub(super) fn default_of(variable: &ServerVariable) -> Option<&str> {
    variable.default.as_deref().filter(|default| !default.contains('{') && !default.trim().is_empty())
}

fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

type Wrong = (&'static str, String);

fn check(plan: &Plan, name: &str, value: &Value) -> Result<(), Wrong> {
    if let Some(variable) = plan.server.variables.iter().find(|variable| variable.name == name) {
        return check_server_variable(variable, value);
    }
    let oauth = plan.schemes.iter().filter_map(|scheme| match &scheme.kind {
        crate::plan::SchemeKind::Oauth2(oauth) => Some(oauth),
        _ => None,
    });
    if let Some(variable) = oauth.flat_map(|oauth| &oauth.variables).find(|variable| variable.name == name) {
        return check_oauth_variable(variable, value);
    }
    let names = declared(plan);
    if names.contains(&name) {
        return Ok(());
    }
    Err(("unknown", spelling::unknown("variable", name, names)))
}

/// Every name that may be given.
fn declared(plan: &Plan) -> Vec<&str> {
    let server = plan
        .server
        .variables
        .iter()
        .filter(|variable| !variable.from_token)
        .map(|variable| variable.name.as_str());
    let oauth = plan
        .oauth()
        .map(|(_, oauth)| oauth.variables.as_slice())
        .unwrap_or_default()
        .iter()
        .map(|variable| variable.name.as_str());
    let scoping = plan.scoping.iter().map(|scoping| scoping.config_key.as_str());
    let inject = plan
        .operations
        .iter()
        .flat_map(|operation| &operation.parameters)
        .filter_map(|parameter| Some(parameter.inject.as_ref()?.0.as_str()));
    let mut names: Vec<&str> = Vec::new();
    for name in server.chain(oauth).chain(scoping).chain(inject) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn check_server_variable(variable: &ServerVariable, value: &Value) -> Result<(), Wrong> {
    let name = &variable.name;
    if variable.from_token {
        return Err((
            "invalid",
            format!("{name:?} comes from the provider's token answer and cannot be given"),
        ));
    }
    if matches!(value, Value::Array(_) | Value::Object(_)) {
        return Err(("type", format!("{name:?} must be text")));
    }
    super::host::check_variable(variable, &json::text(value)).map_err(|message| ("invalid", message))
}

fn check_oauth_variable(variable: &Variable, value: &Value) -> Result<(), Wrong> {
    let name = &variable.name;
    let text = json::text(value);
    if variable.boolean && !matches!(text.as_str(), "true" | "false") {
        return Err(("type", format!("{name:?} must be true or false")));
    }
    if matches!(value, Value::Array(_) | Value::Object(_)) || text.len() > 512 {
        return Err(("type", format!("{name:?} must be a text of at most 512 bytes")));
    }
    if !variable.allowed.is_empty() && !variable.allowed.contains(&text) {
        return Err(("enum", format!("{name:?} must be one of {}", variable.allowed.join(", "))));
    }
    match &variable.pattern {
        Some(pattern) if !super::host::fits(pattern, &text) => {
            Err(("invalid", format!("{name:?} must match {pattern}")))
        }
        _ => Ok(()),
    }
}
