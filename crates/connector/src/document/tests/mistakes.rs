//! Each kind of mistake: its line, its words, and what it says would be right.

use super::super::Severity;
use super::{SMALL, changed, line_of, problems};

/// Replaces `from` by `to`; the one problem must stand on the line of `at` and hold all `parts` in message and suggestion.
#[track_caller]
fn tells(severity: Severity, from: &str, to: &str, at: &str, parts: &[&str]) {
    let source = changed(from, to);
    let found = problems(&source);
    let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
    let line = line_of(&source, at);
    let fits = |text: &String| parts.iter().all(|part| text.contains(part));
    let hit = found.iter().zip(&shown).find(|(problem, text)| problem.line == line && fits(text));
    let (problem, _) = hit.unwrap_or_else(|| panic!("line {line}, {parts:?}; found:\n{}", shown.join("\n")));
    assert_eq!(problem.severity, severity);
}

#[track_caller]
fn error(from: &str, to: &str, parts: &[&str]) {
    tells(Severity::Error, from, to, to, parts);
}

#[track_caller]
fn warning(from: &str, to: &str, parts: &[&str]) {
    tells(Severity::Warning, from, to, to, parts);
}

#[test]
fn unknown_keys() {
    error(
        "summary: List contacts",
        "sumary: List contacts",
        &["unknown key \"sumary\" in an operation", "did you mean \"summary\"?"],
    );
    error(
        "security: [{oauth2: []}]",
        "colour: red",
        &["unknown key \"colour\" in the document", "known keys:"],
    );
    error("default: your-subdomain", "defualt: x", &["did you mean \"default\"?"]);
    warning("x-keybearer-hosts:", "x-keybearer-host:", &["has no effect", "\"x-keybearer-hosts\""]);
    warning(
        "x-airbyte-preferred-for-check",
        "x-airbyte-prefered-for-check",
        &["x-airbyte-preferred-for-check"],
    );
}

#[test]
fn pointers_lead_to_the_value() {
    let source = changed("summary: List contacts", "sumary: List contacts");
    assert_eq!(problems(&source)[0].pointer, "/paths/~1contacts/get/sumary");
    let source = changed("url: https://{subdomain}", "url: ftp://{subdomain}");
    assert_eq!(problems(&source)[0].pointer, "/servers/0/url");
}

#[test]
fn all_mistakes_at_once_in_file_order() {
    let source = changed("version: 1.0.0", "version: 1.0")
        .replace("type: apiKey", "type: apikey")
        .replace("$.results", "results");
    let lines: Vec<usize> = problems(&source).iter().map(|problem| problem.line).collect();
    let expected = ["version: 1.0", "type: apikey", "extractor: results"].map(|text| line_of(&source, text));
    assert_eq!(lines, expected);
}

#[test]
fn info() {
    error("openapi: 3.1.0", "openapi: 3.0.3", &["OpenAPI 3.0.3", "openapi: 3.1.0"]);
    error("version: 1.0.0", "version: 1.0", &["must be text, not a number", "put it in quotes"]);
    error(
        "  x-airbyte-connector-definition-id: 0A1B",
        "  x-airbyte-connector-definition-id: 0Z1B",
        &["is no UUID"],
    );
    error("title: Small CRM", "title: \"Ünder!\"", &["no usable connector name", "google-drive"]);
    error("invalid_auth: authentication", "invalid_auth: auth", &["unknown meaning \"auth\""]);
    error("on_value: false", "on_value: {a: b}", &["on_value must be a plain value"]);
    error("retry_after_format: unix_timestamp", "retry_after_format: unix", &["unknown retry_after_format"]);
    warning("max_attempts: 2", "max_attempts: 9", &["out of range", "1 to 3"]);
    warning("param: owner", "param: ownr", &["no operation has the parameter \"ownr\""]);
    error("value.split('/')[0]", "value.split('/'", &["no valid template"]);
    error("value.split('/')[0]", "valu / 2", &["unknown name", "did you mean \"value\"?"]);
}

#[test]
fn missing_parts() {
    tells(Severity::Error, "  title: Small CRM\n", "", "version: 1.0.0", &["info lacks \"title\""]);
    tells(Severity::Error, "servers:", "x-servers:", "openapi", &["names no server"]);
    tells(Severity::Error, "paths:", "x-paths:", "openapi", &["lacks \"paths\""]);
    tells(Severity::Error, "securitySchemes:", "x-security:", "  x-security", &["no security scheme"]);
    tells(
        Severity::Error,
        "          tokenUrl: https://{{subdomain}}.example.com/token\n",
        "",
        "authorizationUrl",
        &["lacks \"tokenUrl\""],
    );
    tells(
        Severity::Error,
        "      x-airbyte-entity: contacts\n",
        "",
        "operationId: contacts_list",
        &["an operation lacks \"x-airbyte-entity\""],
    );
}

#[test]
fn server_and_hosts() {
    error(
        "url: https://{subdomain}",
        "url: https://{subdomian}",
        &["\"subdomian\"", "did you mean \"subdomain\"?"],
    );
    error(
        "url: https://{subdomain}.example.com/v1",
        "url: ftp://{subdomain}.example.com",
        &["scheme \"ftp\""],
    );
    error(".example.com/v1", ".example.com/v1?a=b", &["no query"]);
    error("files.example.com,", "https://files.example.com,", &["is no host name", "no URL"]);
    error("\"*.cdn.example.com\"", "\"*.com\"", &["too wide"]);
    error("\"^[a-z0-9-]+$\"", "\"[a-z]+\"", &["does not cover the whole value", "^[a-z]+$"]);
    error("\"^[a-z0-9-]+$\"", "\"^([a-z$\"", &["no regular expression"]);
    warning(
        "{default: your-subdomain,",
        "{default: abc, enum: [eu, us],",
        &["not in its enum", "one of eu, us"],
    );
}

#[test]
fn schemes() {
    error("type: apiKey", "type: apikey", &["unknown security scheme type", "did you mean \"apiKey\"?"]);
    error(
        "in: query\n      name: key",
        "in: cookie\n      name: key",
        &["unknown in \"cookie\"", "header, query"],
    );
    error(
        "auth_mapping: {access_token: \"${access_token}\"}",
        "auth_mapping: {access_token: \"${acess_token}\"}",
        &["form field", "did you mean \"access_token\"?"],
    );
    error("auth_mapping: {access_token:", "auth_mapping: {token:", &["unknown authentication key \"token\""]);
    error("required: [access_token]", "required: [acces_token]", &["unknown required field"]);
    error("additional_headers: {X-Account:", "additional_headers: {Host:", &["set by the HTTP client"]);
    error("{{ account_id }}", "{{ acount_id }}", &["unknown name", "did you mean \"account_id\"?"]);
    error("auth_style: basic", "auth_style: header", &["unknown auth_style", "body, basic, none"]);
}

#[test]
fn oauth() {
    error(
        "authorizationUrl: https://{{ subdomain }}",
        "authorizationUrl: https://{{ subdomian }}",
        &["did you mean \"subdomain\"?"],
    );
    error("tokenUrl: https://", "tokenUrl: ftp://", &["scheme \"ftp\""]);
    error("authorize_params: {prompt: consent}", "authorize_params: {state: x}", &["must not set \"state\""]);
    error(
        "token_response: {access_token:",
        "token_response: {acces_token:",
        &["did you mean \"access_token\"?"],
    );
    error("$.user.access_token", "user.access_token", &["must start with $"]);
    error(
        "identity: {entity: contacts,",
        "identity: {entity: contact,",
        &["entity of the identity", "did you mean \"contacts\"?"],
    );
    error(
        "action: get, id: $.id",
        "action: update, id: $.id",
        &["action of the identity", "list, create, get"],
    );
    error("{realm: {pattern: \"^[0-9]+$\"}}", "{realm: {}}", &["needs a \"pattern\""]);
    error("revoke_url: https://api", "revoke_url: /api", &["revoke_url", "absolute https URL"]);
    error(
        "is_sandbox: {type: boolean, default: false,",
        "is_sandbox: {type: boolean, default: \"no\",",
        &["must be true or false"],
    );
    error(
        "prompt: consent",
        "prompt: \"{{ refresh_token }}\"",
        &["uses the credential value \"refresh_token\""],
    );
    error("callback_params: {realm:", "callback_params: {access_token:", &["read by Keybearer itself"]);
}

#[test]
fn credentials_stay_in_their_places() {
    let hint = "credentials may stand only in";
    error(
        "tokenUrl: https://{{subdomain}}",
        "tokenUrl: https://{{client_secret}}",
        &["credential value \"client_secret\"", hint],
    );
    error(
        "{{ now_utc().strftime('%Y') }}",
        "{{ config.access_token }}",
        &["credential value \"access_token\""],
    );
    error("{{ record.name }}", "{{ config['refresh_token'] }}", &["credential value \"refresh_token\""]);
    error("config_key: account", "config_key: access_token", &["must not read the credential"]);
    error("      subdomain: {", "      password: {", &["must not be named like the credential"]);
    error("n: \"{{ first }}\"", "n: \"{{ connection.refresh_token }}\"", &["no placeholder"]);
    error(
        "      x-airbyte-token-refresh:",
        "      x-airbyte-token-extract: [refresh_token]\n      x-airbyte-token-refresh:",
        &["must not become a server variable"],
    );
}

#[test]
fn references() {
    error(
        "\"#/components/schemas/Owner\"",
        "\"#/components/schemas/Owners\"",
        &["leads nowhere", "did you mean \"Owner\"?"],
    );
    error(
        "\"#/components/schemas/Owner\"",
        "\"other.yaml#/Owner\"",
        &["references start with #/components/"],
    );
    error(
        "\"#/components/schemas/Owner\"",
        "\"#/components/schemas/Contact\"",
        &["Contact contains itself", "Contact -> Contact"],
    );
    error(
        "{id: {type: integer}}",
        "{c: {$ref: \"#/components/schemas/Contact\"}}",
        &["contains itself", "Contact -> Owner -> Contact"],
    );
}

#[test]
fn schemas() {
    error("{type: integer, default: 10", "{type: int, default: 10", &["unknown type \"int\""]);
    error("name: {type: [string, \"null\"]}", "name: {type: [string, null]}", &["put null in quotes"]);
    error("enum: [open, closed, null]", "enum: open", &["\"enum\" must be a list"]);
    warning(
        "{type: integer, default: 10",
        "{type: integer, nullable: true, default: 10",
        &["not part of OpenAPI 3.1"],
    );
    warning(
        "{type: integer, default: 10",
        "{type: integer, minimun: 1, default: 10",
        &["did you mean \"minimum\"?"],
    );
    warning("{type: integer, default: 10", "{type: integer, required: true, default: 10", &["has no effect"]);
    warning("default: person", "default: animal", &["not in the enum"]);
}

#[test]
fn operations() {
    error(
        "x-airbyte-action: list",
        "x-airbyte-action: lst",
        &["unknown action \"lst\"", "did you mean \"list\"?"],
    );
    error(
        "x-airbyte-entity: contacts\n      x-airbyte-action: list",
        "x-airbyte-entity: \"*\"\n      x-airbyte-action: list",
        &["cannot be an entity's name"],
    );
    error("record-extractor: $.results", "record-extractor: $..results", &["recursive descent", "$.data.id"]);
    error("\"@link.next\"", "\"@lnk.next\"", &["unknown source"]);
    error("\"@header.X-Rate\"", "\"@header.X Rate\"", &["no header name"]);
    let (from, to) = ("  /contacts/{id}:\n    get:", "  /contacts/{id}:\n    head: {}\n    get:");
    tells(Severity::Warning, from, to, "    head: {}", &["operations with head are not loaded"]);
    tells(
        Severity::Warning,
        "x-airbyte-action: get\n",
        "x-airbyte-action: list\n",
        "operationId: contacts_get",
        &["defined twice", "is not used"],
    );
    tells(Severity::Error, "\"201\":", "\"2001\":", "\"2001\"", &["no HTTP status"]);
    error("  /contacts:\n", "  contacts:\n", &["must start with /", "write \"/contacts\""]);
}

#[test]
fn the_last_of_two_operations_wins() {
    let source = changed("x-airbyte-action: get\n", "x-airbyte-action: list\n")
        .replace("identity: {entity: contacts, action: get", "identity: {entity: contacts, action: list");
    let plan = super::good(&source).plan;
    let list = plan.operation("contacts", crate::plan::Action::List).unwrap();
    assert_eq!(list.path.placeholders().collect::<Vec<_>>(), ["id"]);
    assert_eq!(plan.operations.iter().filter(|o| o.action == crate::plan::Action::List).count(), 1);
}

#[test]
fn parameters() {
    error("{name: after, in: query,", "{name: after, in: cookie,", &["unknown in \"cookie\""]);
    error("{name: owner, in: query, schema", "{name: limit, in: query, schema:  {}, x", &["stands twice"]);
    error("{name: owner, in: query,", "{name: Authorization, in: header,", &["carries credentials"]);
    error("{name: owner, in: query,", "{name: Content-Length, in: header,", &["set by the HTTP client"]);
    error("style: deepObject", "style: matrix", &["unknown style", "deepObject"]);
    error("{name: owner, in: query, schema:", "{name: owner, in: query, content:", &["use \"schema\""]);
    error("{name: owner, in: query, schema", "{name: owner, in: query, shema", &["did you mean \"schema\"?"]);
    error("{name: owner, in: query,", "{name: owner, in: path,", &["the path does not use", "owner"]);
    tells(
        Severity::Error,
        "  /contacts/{id}:",
        "  /contacts/{key}:",
        "operationId: contacts_get",
        &["uses {key}", "{name: key, in: path"],
    );
    error(
        "{name: id, in: path, required: true,",
        "{name: id, in: path, required: false,",
        &["must be required"],
    );
}

#[test]
fn bodies() {
    error(
        "          application/json:\n            schema:\n              type: object\n              required",
        "          text/csv:\n            schema:\n              type: object\n              required",
        &["text/csv is not supported", "application/json"],
    );
    tells(
        Severity::Warning,
        "required: [name]",
        "required: [nam]",
        "type: object\n              required: [nam]",
        &["\"nam\" is not declared", "did you mean \"name\"?"],
    );
    error("type: graphql", "type: graphq", &["did you mean \"graphql\"?"]);
    error("q: \"{{ query }}\"", "q: \"{{query}}\"", &["no placeholder", "one space on each side"]);
    tells(
        Severity::Error,
        "          default_fields: id name\n",
        "",
        "type: graphql",
        &["no default_fields"],
    );
}

#[test]
fn pagination() {
    let with = |text: &str| format!("x-keybearer-pagination: {text}");
    let from =
        "x-keybearer-pagination: {cursor_param: after, cursor: $.paging.next.after, limit_param: limit}";
    error(
        from,
        &with("{cursor_param: aftr, cursor: $.a}"),
        &["unknown cursor_param", "did you mean \"after\"?"],
    );
    error(from, &with("{cursor_param: after, cursor: next}"), &["no source of a cursor", "offset"]);
    error(from, &with("{cursor: $.a}"), &["lacks \"cursor_param\""]);
    error(from, &with("{cursor_param: after, cursor: $.a, has_more: more}"), &["must start with $"]);
    error(from, &with("{cursor_param: after, cursr: $.a}"), &["unknown key \"cursr\""]);
}

#[test]
fn the_unchanged_document_has_no_problem() {
    assert_eq!(problems(SMALL), []);
}
