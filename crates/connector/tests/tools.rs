//! What agents read of the built-in connectors: valid schemas, examples that fit them, tool definitions within what model
//! providers accept, and what they cost in tokens.
//!
//! Tokens are counted with OpenAI's `o200k_base`, whose vocabulary is inside the crate; other tokenizers differ by some
//! per cent.

#[cfg(test)]
mod tools {
    use keybearer_connector::describe::{Description, ToolFormat};
    use keybearer_connector::document::{Additions, Definition, load};
    use serde_json::Value;
    use std::fmt::Write as _;
    use std::path::Path;

    /// Most tokens of the summary tool of fifty operations.
    const SUMMARY: usize = 2000;
    /// Most tokens that one operation costs on average as a tool of its own.
    const OPERATION: usize = 400;

    fn tokens(value: &Value) -> usize {
        let text = value.to_string();
        tiktoken_rs::o200k_base_singleton().encode_ordinary(&text).len()
    }

    fn built_in() -> Vec<Definition> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connectors");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path().join("connector.yaml"))
            .filter(|file| file.exists())
            .collect();
        files.sort();
        assert!(files.len() >= 5);
        files
            .iter()
            .map(|file| load(&std::fs::read_to_string(file).unwrap(), &Additions::none()).unwrap())
            .collect()
    }

    /// Every operation of a definition, described.
    fn operations(definition: &Definition) -> Vec<Value> {
        let description = Description::of(definition);
        let told = |one: &keybearer_connector::plan::Operation| {
            description.operation(&one.entity, one.action).unwrap()
        };
        definition.plan.operations.iter().map(told).collect()
    }

    /// Fifty operations on ten entities, with texts, parameters and names of a usual length.
    fn fifty() -> Definition {
        let entities = [
            "contacts",
            "companies",
            "deals",
            "support_tickets",
            "line_items",
            "products",
            "email_campaigns",
            "owners",
            "calendar_events",
            "marketing_lists",
        ];
        let mut source = String::from(
            "openapi: 3.1.0\ninfo:\n  title: Fifty\n  version: 1.0.0\n  \
             x-airbyte-connector-definition-id: 0b6a2a51-5f0e-4c38-9c77-6a1f9ee1f0d9\n\
             servers: [{url: https://api.fifty.example/v1}]\n\
             components: {securitySchemes: {token: {type: http, scheme: bearer}}}\npaths:\n",
        );
        for entity in entities {
            let id = format!("{}_id", entity.trim_end_matches('s'));
            let key = |name: &str, place: &str, required: bool| {
                format!(
                    "{{name: {name}, in: {place}, required: {required}, description: The {name} of the record as the provider gives it, schema: {{type: string}}}}"
                )
            };
            let body = "requestBody: {content: {application/json: {schema: {type: object, required: [name, email_address], properties: {name: {type: string, description: Its name}, email_address: {type: string, description: Where mail goes}, properties: {type: object, description: Further fields}}}}}}";
            let done = "responses: {\"200\": {description: OK}}";
            for (path, method, action, more) in [
                (
                    "",
                    "get",
                    "list",
                    format!(
                        "parameters: [{}, {}]",
                        key("updated_after", "query", false),
                        key("archived", "query", false)
                    ),
                ),
                ("", "post", "create", body.to_owned()),
                ("/{id}", "get", "get", format!("parameters: [{}]", key(&id, "path", true))),
                (
                    "/{id}",
                    "patch",
                    "update",
                    format!("parameters: [{}]\n      {body}", key(&id, "path", true)),
                ),
                ("/{id}", "delete", "delete", format!("parameters: [{}]", key(&id, "path", true))),
            ] {
                let path = path.replace("{id}", &format!("{{{id}}}"));
                write!(source, "  /{entity}{path}:{action}:\n    {method}:\n      x-airbyte-entity: {entity}\n      x-airbyte-action: {action}\n      x-airbyte-path-override: {{path: \"/{entity}{path}\"}}\n      summary: One line about what {action} does with {entity}\n      {more}\n      {done}\n").unwrap();
            }
        }
        load(&source, &Additions::none()).unwrap()
    }

    #[test]
    fn parameters_are_valid_json_schema_and_the_examples_fit() {
        for definition in built_in() {
            for told in operations(&definition) {
                let name = format!("{} {} {}", definition.plan.info.slug, told["entity"], told["action"]);
                for schema in [&told["params"], &told["result"]] {
                    if !schema.is_null() {
                        jsonschema::draft202012::meta::validate(schema)
                            .unwrap_or_else(|error| panic!("{name}: {error}"));
                    }
                }
                let validator = jsonschema::draft202012::new(&told["params"]).unwrap();
                let example = &told["example"]["params"];
                validator.validate(example).unwrap_or_else(|error| panic!("{name}: {example}: {error}"));
            }
        }
    }

    /// The tool's name, description and input, wherever the format has them.
    fn parts(format: ToolFormat, tool: &Value) -> (&str, &str, &Value) {
        let (tool, input) = match format {
            ToolFormat::Openai => (&tool["function"], "parameters"),
            ToolFormat::Anthropic => (tool, "input_schema"),
            ToolFormat::Mcp => (tool, "inputSchema"),
        };
        (tool["name"].as_str().unwrap(), tool["description"].as_str().unwrap(), &tool[input])
    }

    fn accepted(format: ToolFormat, tool: &Value) {
        let (name, description, input) = parts(format, tool);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        assert!((1..=64).contains(&name.len()) && name.chars().all(plain), "{name}");
        assert!(!description.is_empty() && description.chars().count() <= 1024, "{name}: {description}");
        assert_eq!(input["type"], "object", "{name}");
        for word in ["oneOf", "anyOf", "allOf", "enum", "not"] {
            assert!(input.get(word).is_none(), "{name}: {word} at the top");
        }
        for key in input["properties"].as_object().unwrap().keys() {
            let fits = (1..=64).contains(&key.len()) && key.chars().all(|c| plain(c) || c == '.');
            assert!(fits, "{name}: {key}");
        }
        jsonschema::draft202012::meta::validate(input).unwrap_or_else(|error| panic!("{name}: {error}"));
        lists_say_what_they_hold(name, input);
    }

    fn lists_say_what_they_hold(name: &str, schema: &Value) {
        match schema {
            Value::Object(map) => {
                let list = map.get("type").is_some_and(|kind| {
                    kind == "array"
                        || kind.as_array().is_some_and(|kinds| kinds.iter().any(|one| one == "array"))
                });
                assert!(!list || map.contains_key("items"), "{name}: {schema}");
                map.values().for_each(|value| lists_say_what_they_hold(name, value));
            }
            Value::Array(items) => items.iter().for_each(|item| lists_say_what_they_hold(name, item)),
            _ => {}
        }
    }

    #[test]
    fn every_tool_is_what_providers_accept_and_leads_back_to_its_operation() {
        for definition in built_in().iter().chain([&fifty()]) {
            let description = Description::of(definition);
            for (_, format) in ToolFormat::ALL {
                let told = description.tools(format, None).unwrap();
                let tools = told["tools"].as_array().unwrap();
                assert_eq!(tools.len(), definition.plan.operations.len());
                assert_eq!(told["operations"].as_object().unwrap().len(), tools.len(), "names differ");
                for (tool, operation) in tools.iter().zip(&definition.plan.operations) {
                    accepted(format, tool);
                    let (name, text, input) = parts(format, tool);
                    let leads = &told["operations"][name];
                    assert_eq!(
                        (&leads["entity"], &leads["action"]),
                        (&operation.entity.as_str().into(), &operation.action.name().into())
                    );
                    let params = &description.operation(&operation.entity, operation.action).unwrap()["params"]
                        ["properties"];
                    for key in input["properties"].as_object().unwrap().keys() {
                        let word = leads["params"].get(key).and_then(Value::as_str).unwrap_or(key);
                        assert!(params.get(word).is_some(), "{name}: {word}");
                    }
                    if operation.action == keybearer_connector::plan::Action::List {
                        assert!(text.contains("page"), "{name} does not tell how it pages: {text}");
                    }
                }
                for tool in description.summary_tool(format, None).unwrap()["tools"].as_array().unwrap() {
                    accepted(format, tool);
                }
            }
        }
    }

    #[test]
    fn a_summary_of_fifty_operations_is_small() {
        let definition = fifty();
        assert_eq!(definition.plan.operations.len(), 50);
        for (name, format) in ToolFormat::ALL {
            let cost = tokens(&Description::of(&definition).summary_tool(format, None).unwrap()["tools"]);
            println!("fifty operations, {name}: {cost} tokens");
            assert!(cost < SUMMARY, "{name}: {cost}");
        }
        let cost = tokens(&Description::of(&definition).summary());
        println!("fifty operations, as data: {cost} tokens");
    }

    #[test]
    fn whole_connectors_cost_what_they_may() {
        for definition in built_in() {
            let (slug, count) = (&definition.plan.info.slug, definition.plan.operations.len());
            let description = Description::of(&definition);
            let inspected = tokens(&operations(&definition).into());
            for (name, format) in ToolFormat::ALL {
                let all = tokens(&description.tools(format, None).unwrap()["tools"]);
                let one = tokens(&description.summary_tool(format, None).unwrap()["tools"]);
                println!(
                    "{slug}, {count} operations, {name}: {all} tokens, summary {one}; inspected {inspected}"
                );
                assert!(all <= count * OPERATION, "{slug}, {name}: {all}");
                assert!(one < SUMMARY * count.max(50) / 50, "{slug}, {name}: {one}");
            }
        }
    }
}
