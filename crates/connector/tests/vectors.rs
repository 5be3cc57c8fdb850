//! Runs every built-in connector's test vectors, and proves that a vector can fail.

#[cfg(test)]
mod vectors {
    use keybearer_connector::document::{self, Additions};
    use keybearer_connector::plan::Plan;
    use keybearer_connector::vectors::{Vector, read, run, untried};
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    #[test]
    fn every_vector_holds() {
        let mut report = Vec::new();
        for (name, plan, vectors) in built_in() {
            for vector in &vectors {
                let differences = run(&plan, vector);
                if !differences.is_empty() {
                    report.push(format!("{name}: {}\n    {}", vector.name, differences.join("\n    ")));
                }
            }
        }
        assert!(report.is_empty(), "{} vectors do not hold\n\n{}\n", report.len(), report.join("\n\n"));
    }

    #[test]
    fn every_operation_has_a_vector() {
        let missing: Vec<String> = built_in()
            .iter()
            .flat_map(|(name, plan, vectors)| {
                untried(plan, vectors).into_iter().map(move |operation| format!("{name} {operation}"))
            })
            .collect();
        assert!(missing.is_empty(), "operations without a vector:\n{}", missing.join("\n"));
    }

    fn built_in() -> Vec<(String, Arc<Plan>, Vec<Vector>)> {
        let connectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connectors");
        let mut folders: Vec<PathBuf> =
            std::fs::read_dir(connectors).unwrap().map(|entry| entry.unwrap().path()).collect();
        folders.retain(|folder| folder.join("vectors.yaml").exists());
        folders.sort();
        assert!(!folders.is_empty());
        let text = |folder: &Path, file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
        folders
            .iter()
            .map(|folder| {
                let name = folder.file_name().unwrap().to_string_lossy().into_owned();
                let vectors = read(&text(folder, "vectors.yaml")).unwrap();
                (name, plan(&text(folder, "connector.yaml")), vectors)
            })
            .collect()
    }

    fn plan(source: &str) -> Arc<Plan> {
        match document::load(source, &Additions::none()) {
            Ok(definition) => {
                assert!(definition.warnings.is_empty(), "{:#?}", definition.warnings);
                definition.plan
            }
            Err(problems) => panic!("{problems:#?}"),
        }
    }

    const DEFINITION: &str = r#"
openapi: 3.1.0
info: {title: A, version: "1", x-airbyte-connector-definition-id: 3f1c7a52-0d7e-4b8e-9c55-1a2b3c4d5e6f}
servers: [{url: "https://api.example.com"}]
components: {securitySchemes: {token: {type: http, scheme: bearer}}}
paths:
  /a:
    get:
      x-airbyte-entity: a
      x-airbyte-action: list
      x-airbyte-record-extractor: $.data
      parameters: [{name: status, in: query, schema: {type: string, enum: [open, done]}}]
      responses: {"200": {description: A page}}
"#;

    const GOOD: &str = r#"
- name: a page
  entity: a
  action: list
  params: {status: open}
  exchange:
    - request: {method: GET, url: "https://api.example.com/a?status=open"}
      response: {status: 200, headers: {content-type: application/json}, json: {data: [{id: 1}]}}
  result: [{id: 1}]
  metadata: {has_next_page: false, end_cursor: null}
- name: a wrong status
  entity: a
  action: list
  params: {status: lost}
  fault: {code: invalid_params, names: [status], message_contains: lost}
"#;

    /// All differences of all vectors after one change.
    fn differences(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        let vectors = read(&GOOD.replacen(from, to, 1)).unwrap();
        vectors.iter().flat_map(|vector| run(&plan(DEFINITION), vector)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn each_part_of_a_vector_is_compared() {
        assert_eq!(differences("GET", "GET"), "");
        for (from, to, told) in [
            ("method: GET", "method: POST", "request 1: method"),
            ("https://api.example.com/a", "https://api.example.org/a", "request 1: url"),
            ("?status=open", "?status=done", "request 1: query"),
            ("open\"}", "open\", headers: {accept: text/plain}}", "request 1: header accept"),
            ("open\"}", "open\", json: {}}", "request 1: body"),
            ("open\"}", "open\", form: {a: 1}}", "request 1: form"),
            ("open\"}", "open\", text: a}", "request 1: body"),
            ("result: [{id: 1}]", "result: [{id: 2}]", "result"),
            ("has_next_page: false", "has_next_page: true", "metadata"),
            ("result: [{id: 1}]", "download: a", "a download was expected"),
            (
                "  result: [{id: 1}]\n  metadata: {has_next_page: false, end_cursor: null}",
                "  fault: {code: a}",
                "an answer came",
            ),
            ("code: invalid_params", "code: other", "fault"),
            ("names: [status]", "names: [other]", "names"),
            ("message_contains: lost", "message_contains: found", "should contain \"found\""),
            ("params: {status: lost}", "params: {status: done}", "an unexpected request: GET"),
            ("{status: 200,", "{status: 404,", "an answer was expected, this came: upstream_not_found"),
            ("{status: 200,", "{status: 42,", "42 is no HTTP status"),
            ("params: {status: open}", "params: {status: lost}", "1 requests were expected, 0 came"),
        ] {
            let found = differences(from, to);
            assert!(found.contains(told), "{from} -> {to}: {told:?} in {found:?}");
        }
    }

    #[test]
    fn mistakes_in_a_file_are_told_with_their_line() {
        let refused = |from: &str, to: &str| read(&GOOD.replacen(from, to, 1)).unwrap_err().join("\n");
        assert!(refused("  result:", "  resutl:").starts_with("2: unknown field `resutl`"));
        assert!(refused("  entity: a\n", "").contains("missing field `entity`"));
        assert!(refused("fault: {", "result: 1\n  fault: {").starts_with("11: a vector has a fault"));
        assert!(refused("https://api", "api").contains("relative URL"));
        assert!(read("a: 1").unwrap_err().join("").contains("a list of vectors is expected, not a map"));
        assert!(read("- a: [").unwrap_err().join("").contains("not valid YAML"));
    }

    #[test]
    fn untried_operations_are_named() {
        assert_eq!(untried(&plan(DEFINITION), &[]), ["a list"]);
        assert!(untried(&plan(DEFINITION), &read(GOOD).unwrap()).is_empty());
    }
}
