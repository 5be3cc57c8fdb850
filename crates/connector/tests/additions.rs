//! Every entry of `connectors/additions.yaml` is accepted, on a document of our own that has what the entry speaks of.

#[cfg(test)]
mod tests {
    use keybearer_connector::document::{Additions, Node, load, parse};
    use serde_json::{Map, Value, json};

    const ADDITIONS: &str = include_str!("../../../connectors/additions.yaml");

    fn operation(entity: &str, action: &str, parameters: &[&str]) -> Value {
        let parameters: Vec<Value> =
            parameters.iter().map(|name| json!({"name": name, "in": "query", "schema": {}})).collect();
        json!({
            "x-airbyte-entity": entity, "x-airbyte-action": action,
            "parameters": parameters, "responses": {"200": {"description": "OK"}},
        })
    }

    /// Operations for the identity and the paging of an entry, and those that its paths change.
    fn paths(entry: &Node) -> Value {
        let mut paths = Map::new();
        let text = |node: &Node, key: &str| node.get(key).and_then(Node::as_str).map(str::to_owned);
        let identity = entry.get("scheme").and_then(|node| node.get("x-keybearer-oauth")?.get("identity"));
        if let Some((entity, action)) =
            identity.and_then(|node| Some((text(node, "entity")?, text(node, "action")?)))
        {
            paths.insert("/identity".into(), json!({"get": operation(&entity, &action, &[])}));
        }
        let changed = entry.get("document").and_then(|node| node.get("paths"));
        let changed: Vec<&str> = changed.into_iter().flat_map(Node::entries).map(|(path, _)| path).collect();
        let paging = entry.get("paging").into_iter().flat_map(Node::entries);
        for (position, (entity, rule)) in paging.enumerate() {
            if let Some(path) = changed.get(position) {
                let mut post = operation(entity, "list", &[]);
                post["requestBody"] = json!({"content": {"application/json": {"schema": {"type": "object", "properties": {}}}}});
                paths.insert((*path).to_owned(), json!({"post": post}));
            } else {
                let names = ["cursor_param", "limit_param"].map(|key| text(&rule.value, key));
                let names: Vec<&str> = names.iter().flatten().map(String::as_str).collect();
                paths.insert(format!("/{entity}"), json!({"get": operation(entity, "list", &names)}));
            }
        }
        if paths.is_empty() {
            paths.insert("/things".into(), json!({"get": operation("things", "list", &[])}));
        }
        Value::Object(paths)
    }

    fn document(name: &str, entry: &Node) -> String {
        let text = |key: &str| entry.get(key).and_then(Node::as_str);
        let flow = json!({
            "authorizationUrl": text("authorization_url").unwrap_or("https://login.example.com/authorize"),
            "tokenUrl": text("token_url").unwrap_or("https://login.example.com/token"),
            "scopes": {},
        });
        let variable = json!({"description": "A name."});
        let server = text("server_url").unwrap_or("https://{shop}.example.com/{subdomain}");
        let variables: Map<String, Value> = ["shop", "subdomain"]
            .into_iter()
            .filter(|name| server.contains(&format!("{{{name}}}")))
            .map(|name| (name.to_owned(), variable.clone()))
            .collect();
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": name, "version": "1.0.0", "x-airbyte-connector-name": name,
                "x-airbyte-connector-definition-id": "0a1b2c3d-0000-4000-8000-000000000002",
            },
            "servers": [{"url": server, "variables": variables}],
            "components": {"securitySchemes": {"oauth2": {"type": "oauth2", "flows": {"authorizationCode": flow}}}},
            "paths": paths(entry),
        })
        .to_string()
    }

    #[test]
    fn every_entry_is_accepted() {
        let additions = Additions::parse(ADDITIONS).unwrap();
        let entries = parse(ADDITIONS).unwrap();
        for (name, entry) in entries.entries() {
            let definition = load(&document(name, &entry.value), &additions)
                .unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
            assert_eq!(definition.warnings, [], "{name}");
            assert!(!definition.supplied.is_empty(), "{name}");
            let promised = entry.value.get("paging").into_iter().flat_map(Node::entries).count();
            let paging =
                definition.plan.operations.iter().filter(|operation| operation.paging.is_some()).count();
            assert_eq!(paging, promised, "{name}");
        }
    }

    #[test]
    fn every_entry_is_sorted_and_names_a_page_of_its_vendor() {
        let entries = parse(ADDITIONS).unwrap();
        let names: Vec<&str> = entries.entries().map(|(name, _)| name).collect();
        assert!(names.is_sorted(), "{names:?}");
        for (position, line) in ADDITIONS
            .lines()
            .enumerate()
            .filter(|(_, line)| names.iter().any(|name| *line == format!("{name}:")))
        {
            let before: Vec<&str> = ADDITIONS.lines().take(position).collect();
            let comment: Vec<&&str> = before.iter().rev().take_while(|line| line.starts_with('#')).collect();
            assert!(
                comment.iter().any(|line| line.contains("https://") || line.starts_with("# As ")),
                "{line}"
            );
        }
    }
}
