//! Small plans for unit tests.

use super::settings::Settings;
use crate::plan::{
    Action, Body, ClientAuth, Extract, Info, Location, OauthPlan, Operation, ParamStyle, Parameter,
    PathTemplate, Plan, Retry, RetryAfter, Server, ServerVariable, TokenBody, ValueType,
};
use indexmap::IndexMap;
use std::time::Duration;

pub(crate) fn settings() -> Settings {
    Settings {
        max_attempts: 3,
        retry_base_delay: Duration::from_millis(200),
        deadline: Duration::from_secs(30),
        now: "2026-01-02T03:04:05Z".parse().unwrap(),
        random: 7,
    }
}

pub(crate) fn server(url: &str, variable: &str) -> Server {
    let variable = ServerVariable {
        name: variable.to_owned(),
        default: None,
        allowed: vec![],
        pattern: None,
        host_suffixes: vec![],
        from_token: false,
        whole_origin: url.starts_with('{'),
        rendering: None,
        description: None,
    };
    Server { url: url.to_owned(), variables: vec![variable], ..Server::default() }
}

pub(crate) fn plan(operations: Vec<Operation>) -> Plan {
    Plan {
        info: Info {
            slug: "acme".into(),
            display_name: "Acme".into(),
            definition_id: String::new(),
            version: "1".into(),
        },
        server: Server { url: "https://api.acme.example/v1".into(), variables: vec![], ..Server::default() },
        hosts: vec![],
        concurrency: None,
        schemes: vec![],
        operations,
        check: None,
        scoping: vec![],
        relationships: vec![],
        error_check: None,
        graphql_errors: None,
        retry: Retry {
            max_attempts: 3,
            initial_delay: None,
            max_delay: Duration::from_mins(1),
            exponential_base: 2.0,
            jitter: true,
            statuses: vec![429, 500, 502, 503, 504],
            on_timeout: true,
            on_network_error: true,
            retry_after_header: "retry-after".into(),
            retry_after_format: RetryAfter::Seconds,
        },
    }
}

pub(crate) fn operation(action: Action, method: http::Method, path: &str) -> Operation {
    Operation {
        entity: "contacts".into(),
        action,
        repeatable: action.reads() || matches!(method.as_str(), "GET" | "HEAD" | "PUT" | "DELETE"),
        method,
        path: PathTemplate::parse(path).unwrap(),
        parameters: vec![],
        bounds: indexmap::IndexMap::new(),
        body: Body::None,
        extract: Extract::default(),
        paging: None,
        download: None,
        restli: false,
        probe: vec![],
    }
}

pub(crate) fn parameter(name: &str, location: Location, value_type: ValueType) -> Parameter {
    Parameter {
        name: name.into(),
        location,
        required: location == Location::Path,
        value_type,
        nullable: false,
        allowed: vec![],
        default: None,
        style: ParamStyle::Repeat,
        inject: None,
    }
}

pub(crate) fn oauth() -> OauthPlan {
    OauthPlan {
        authorization_url: Some(template("https://acme.example/authorize")),
        token_url: Some(template("https://acme.example/token")),
        scopes: IndexMap::default(),
        scope_separator: " ".into(),
        pkce: true,
        authorize_params: vec![],
        token_params: vec![],
        client_auth: ClientAuth::Body,
        token_body: TokenBody::Form,
        token_response: IndexMap::default(),
        token_error: None,
        client_id_param: "client_id".into(),
        client_secret_param: "client_secret".into(),
        scope_param: "scope".into(),
        code_param: "code".into(),
        callback_params: IndexMap::default(),
        identity: None,
        issuer: None,
        revocation: None,
        refresh: Some(crate::plan::Refresh {
            url: template("https://acme.example/token"),
            client_auth: ClientAuth::Body,
            body: TokenBody::Form,
            grant_type: "refresh_token".into(),
        }),
        token_extract: vec![],
        variables: vec![],
        bounded: vec![],
        header: http::header::AUTHORIZATION,
        prefix: "Bearer ".into(),
        app_fields: vec![],
    }
}

pub(crate) fn template(source: &str) -> crate::plan::Template {
    crate::plan::Template { source: source.to_owned(), lenient: true }
}
