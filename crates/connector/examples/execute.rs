//! Repeats one list call without a network, to count what it costs:
//! `valgrind --tool=callgrind target/release/examples/execute RECORDS TIMES`; two runs with different TIMES are subtracted.
//! 10 records are about 2 kB of answer, 500 about 100 kB.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use keybearer_connector::call::{
    Call, Environment, Event, Fault, Response, Settings, Shaping, Step, Target, find_operation,
};
use keybearer_connector::document::{Additions, load};
use keybearer_connector::plan::Plan;
use serde_json::{Map, Value, json};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

/// An ordinary list: a page size, records in an envelope, a cursor.
const DOCUMENT: &str = include_str!("execute.yaml");

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut numbers = std::env::args().skip(1).map(|argument| argument.parse::<usize>());
    let records = numbers.next().transpose()?.unwrap_or(10);
    let times = numbers.next().transpose()?.unwrap_or(1_000);
    let definition = load(DOCUMENT, &Additions::none()).map_err(|problems| format!("{problems:?}"))?;
    let plan = definition.plan;
    let target = Arc::new(Target::new(&plan, &Environment::default())?);
    let body = page(records);
    let params = Map::from_iter([("limit".to_owned(), json!(records))]);
    for _ in 0..times {
        black_box(execute(&plan, &target, params.clone(), body.clone()).map_err(|fault| fault.message)?);
    }
    Ok(())
}

/// From the parameters to the result: what one execute costs beside sending.
#[inline(never)]
fn execute(
    plan: &Arc<Plan>,
    target: &Arc<Target>,
    params: Map<String, Value>,
    body: Bytes,
) -> Result<Step, Fault> {
    let operation = find_operation(plan, "contacts", "list")?;
    let settings = Settings {
        max_attempts: 3,
        retry_base_delay: Duration::from_millis(200),
        deadline: Duration::from_secs(30),
        now: jiff::Timestamp::UNIX_EPOCH,
        random: 7,
    };
    let mut call =
        Call::new(Arc::clone(plan), Arc::clone(target), operation, params, Shaping::default(), settings)?;
    black_box(call.start());
    let response = Response { status: StatusCode::OK, headers: HeaderMap::new(), body };
    match call.on(Event::Response(response), Duration::ZERO) {
        Step::Fail(fault) => Err(fault),
        step => Ok(step),
    }
}

/// A page of a CRM's contacts, 200 bytes each.
fn page(records: usize) -> Bytes {
    let results: Vec<_> = (0..records)
        .map(|number| {
            json!({
                "id": format!("{:012}", 90_071_992 + number),
                "createdAt": "2026-01-09T10:11:12.013Z",
                "archived": false,
                "properties": {
                    "email": format!("person{number:04}@example.com"),
                    "firstname": "Ada",
                    "lastname": "Lovelace",
                    "score": 1.5,
                    "company": null
                }
            })
        })
        .collect();
    Bytes::from(json!({"results": results, "paging": {"next": {"after": "NTI1Cg=="}}}).to_string())
}
