//! Runs every built-in connector's test vectors through the call machine, without a network.
//!
//! A vector says: these parameters make these requests; these answers make this result, or this fault. The file is
//! `connectors/NAME/vectors.yaml`; `docs/CONNECTORS.md` tells its format.

#[cfg(test)]
mod vectors {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
    use keybearer_connector::call::{
        Answer, Call, Environment, Event, Fault, Payload, Response, Settings, Shaping, Step, Target,
        Unsigned, find_operation,
    };
    use keybearer_connector::document::{self, Additions};
    use keybearer_connector::plan::Plan;
    use serde_json::{Map, Value, json};
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use std::time::Duration;

    /// Differences of one vector; empty when it holds.
    type Differences = Vec<String>;

    #[test]
    fn every_vector_holds() {
        let mut report = Vec::new();
        for folder in folders() {
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            for (vector, differences) in run_folder(&folder) {
                if !differences.is_empty() {
                    report.push(format!("{name}: {vector}\n    {}", differences.join("\n    ")));
                }
            }
        }
        assert!(report.is_empty(), "{} vectors do not hold\n\n{}\n", report.len(), report.join("\n\n"));
    }

    #[test]
    fn every_operation_has_a_vector() {
        let mut missing = Vec::new();
        for folder in folders() {
            let (plan, vectors) = (load(&folder), read(&folder));
            let covered: BTreeSet<(String, String)> =
                vectors.iter().map(|vector| (text(vector, "entity"), text(vector, "action"))).collect();
            let operations = plan.operations.iter().filter(|operation| {
                !covered.contains(&(operation.entity.clone(), operation.action.name().to_owned()))
            });
            missing.extend(operations.map(|operation| {
                format!("{} {} {}", plan.info.slug, operation.entity, operation.action.name())
            }));
        }
        assert!(missing.is_empty(), "operations without a vector:\n{}", missing.join("\n"));
    }

    fn folders() -> Vec<PathBuf> {
        let connectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connectors");
        let mut folders: Vec<PathBuf> =
            std::fs::read_dir(connectors).unwrap().map(|entry| entry.unwrap().path()).collect();
        folders.retain(|folder| folder.join("vectors.yaml").exists());
        folders.sort();
        assert!(!folders.is_empty());
        folders
    }

    fn load(folder: &Path) -> Arc<Plan> {
        let source = std::fs::read_to_string(folder.join("connector.yaml")).unwrap();
        match document::load(&source, &Additions::default()) {
            Ok(definition) => definition.plan,
            Err(problems) => panic!("{}: {problems:#?}", folder.display()),
        }
    }

    fn read(folder: &Path) -> Vec<Value> {
        let source = std::fs::read_to_string(folder.join("vectors.yaml")).unwrap();
        match document::parse(&source).unwrap().to_json() {
            Value::Array(vectors) => vectors,
            other => panic!("{}: a list of vectors is expected, not {other}", folder.display()),
        }
    }

    fn run_folder(folder: &Path) -> Vec<(String, Differences)> {
        let plan = load(folder);
        read(folder).iter().map(|vector| (text(vector, "name"), run(&plan, vector))).collect()
    }

    fn text(value: &Value, name: &str) -> String {
        value[name].as_str().unwrap_or_default().to_owned()
    }

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    /// Everything that differs from what a vector says.
    fn run(plan: &Arc<Plan>, vector: &Value) -> Differences {
        let exchange = vector["exchange"].as_array().cloned().unwrap_or_default();
        let mut differences = Vec::new();
        let (outcome, asked) = drive(plan, vector, &exchange, &mut differences);
        if asked < exchange.len() {
            differences.push(format!("{} requests were expected, {asked} came", exchange.len()));
        }
        match outcome {
            Err(message) => differences.push(message),
            Ok(Ok((answer, bytes))) => compare_answer(vector, &answer, &bytes, &mut differences),
            Ok(Err(fault)) => compare_fault(vector, &fault, &mut differences),
        }
        differences
    }

    type Outcome = Result<Result<(Answer, Bytes), Fault>, String>;

    /// Gives the machine the vector's answers in order, and compares each request.
    fn drive(
        plan: &Arc<Plan>,
        vector: &Value,
        exchange: &[Value],
        differences: &mut Differences,
    ) -> (Outcome, usize) {
        let operation = match find_operation(plan, &text(vector, "entity"), &text(vector, "action")) {
            Ok(operation) => operation,
            Err(fault) => return (Ok(Err(fault)), 0),
        };
        let environment = Environment(object(&vector["environment"]).into_iter().collect());
        let target = match Target::new(plan, &environment) {
            Ok(target) => Arc::new(target),
            Err(error) => return (Err(format!("environment: {error}")), 0),
        };
        let attempts = u32::try_from(exchange.len()).unwrap().max(1);
        let settings = Settings {
            max_attempts: attempts,
            retry_base_delay: Duration::ZERO,
            deadline: Duration::from_hours(1),
            now: "2026-01-02T03:04:05Z".parse().unwrap(),
            random: 1,
        };
        let mut call = match Call::new(
            Arc::clone(plan),
            target,
            operation,
            object(&vector["params"]),
            Shaping::default(),
            settings,
        ) {
            Ok(call) => call,
            Err(fault) => return (Ok(Err(fault)), 0),
        };
        let (mut step, mut asked, mut bytes) = (call.start(), 0, Bytes::new());
        loop {
            let event = match step {
                Step::Done(answer) => return (Ok(Ok((answer, bytes))), asked),
                Step::Fail(fault) => return (Ok(Err(fault)), asked),
                Step::Wait(_) => Event::Waited,
                Step::Refresh if asked < exchange.len() => Event::Refreshed(None),
                Step::Refresh => Event::NotRefreshed,
                Step::Send(unsigned) => {
                    let Some(entry) = exchange.get(asked) else {
                        return (
                            Err(format!("an unexpected request: {} {}", unsigned.method, unsigned.url)),
                            asked,
                        );
                    };
                    asked += 1;
                    compare_request(&entry["request"], &unsigned, differences);
                    let response = response(&entry["response"]);
                    if unsigned.stream && response.status.is_success() {
                        bytes = response.body;
                        Event::Head(response.status, response.headers)
                    } else {
                        Event::Response(response)
                    }
                }
            };
            step = call.on(event, Duration::ZERO);
        }
    }

    fn response(entry: &Value) -> Response {
        let headers = object(&entry["headers"]).into_iter().map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(&value).unwrap())
        });
        let body = match (entry.get("json"), entry.get("text")) {
            (Some(json), _) => json.to_string(),
            (None, Some(text)) => text.as_str().unwrap_or_default().to_owned(),
            (None, None) => String::new(),
        };
        let status = entry["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap();
        Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: headers.collect::<HeaderMap>(),
            body: Bytes::from(body),
        }
    }

    fn differ(differences: &mut Differences, what: &str, expected: &Value, got: &Value) {
        if expected != got {
            differences.push(format!("{what}\n      expected {expected}\n      got      {got}"));
        }
    }

    fn compare_request(expected: &Value, got: &Unsigned, differences: &mut Differences) {
        differ(differences, "method", &expected["method"], &json!(got.method.as_str()));
        let wanted: url::Url = text(expected, "url").parse().unwrap();
        let place = |url: &url::Url| json!(format!("{}{}", url.origin().ascii_serialization(), url.path()));
        let pairs =
            |url: &url::Url| url.query_pairs().map(|(name, value)| json!([name, value])).collect::<Value>();
        differ(differences, "url", &place(&wanted), &place(&got.url));
        differ(differences, "query", &pairs(&wanted), &pairs(&got.url));
        for (name, value) in object(&expected["headers"]) {
            let found =
                got.headers.get(&name).and_then(|value| value.to_str().ok()).map_or(Value::Null, Value::from);
            differ(
                differences,
                &format!("header {name}"),
                &json!(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
                &found,
            );
        }
        let body = || String::from_utf8_lossy(&got.body).into_owned();
        if let Some(json) = expected.get("json") {
            differ(
                differences,
                "body",
                json,
                &serde_json::from_slice(&got.body).unwrap_or_else(|_| json!(body())),
            );
        } else if let Some(form) = expected.get("form") {
            let pairs: Map<String, Value> = url::form_urlencoded::parse(&got.body)
                .map(|(name, value)| (name.into_owned(), json!(value)))
                .collect();
            let wanted = object(form).into_iter().map(|(name, value)| {
                (name, json!(value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            });
            differ(differences, "form", &Value::Object(wanted.collect()), &Value::Object(pairs));
        } else {
            differ(differences, "body", &json!(""), &json!(body()));
        }
    }

    fn compare_answer(vector: &Value, answer: &Answer, bytes: &Bytes, differences: &mut Differences) {
        if let Some(fault) = vector.get("fault") {
            differences.push(format!("the fault {fault} was expected, an answer came"));
            return;
        }
        if let Payload::Stream(_) = &answer.result {
            return differ(
                differences,
                "download",
                &vector["download"],
                &json!(String::from_utf8_lossy(bytes)),
            );
        }
        let result = serde_json::from_slice(answer.result.json().unwrap()).unwrap();
        differ(differences, "result", vector.get("result").unwrap_or(&Value::Null), &result);
        if let Some(expected) = vector.get("metadata") {
            let mut meta = Vec::new();
            answer.meta.write(&mut meta);
            let mut got: Map<String, Value> = serde_json::from_slice(&meta).unwrap();
            let cursor = got.shift_remove("pagination").unwrap();
            differ(differences, "pagination.cursor", &got["end_cursor"], &cursor["cursor"]);
            differ(differences, "metadata", expected, &Value::Object(got));
        }
    }

    fn compare_fault(vector: &Value, fault: &Fault, differences: &mut Differences) {
        let Some(expected) = vector.get("fault") else {
            differences.push(format!(
                "an answer was expected, this came: {} {}",
                fault.kind.code(),
                fault.message
            ));
            return;
        };
        differ(differences, "fault", &expected["code"], &json!(fault.kind.code()));
        if let Some(names) = expected.get("names") {
            let sorted = |names: Vec<String>| json!(names.into_iter().collect::<BTreeSet<_>>());
            let wanted =
                names.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
            differ(
                differences,
                "names",
                &sorted(wanted),
                &sorted(fault.errors.iter().map(|error| error.name.clone()).collect()),
            );
        }
        let part = text(expected, "message_contains");
        if !fault.message.contains(&part) {
            differences.push(format!("the message should contain {part:?}; it is {:?}", fault.message));
        }
    }
}
