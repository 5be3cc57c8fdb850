//! Bodies made by chance, always the same ones: whatever comes, it is answered, and never with a 500.

use super::endpoints::endpoints;
use crate::support::stage::each;
use keybearer::clock::Random;
use serde_json::{Map, Value, json};

/// Bodies for each endpoint.
const ROUNDS: usize = 60;

fn text(random: &Random) -> String {
    const PARTS: [&str; 16] = [
        "a",
        "\u{0}",
        "{{ token }}",
        "${x}",
        "../",
        "%2e",
        "\r\n",
        "\u{202e}",
        "\u{1f980}",
        "'--",
        "\"",
        "\\",
        "<b>",
        "https://a.example/",
        "\u{feff}",
        "e\u{301}",
    ];
    let length = usize::try_from(random.number() % 12).unwrap();
    (0..length).map(|_| PARTS[usize::try_from(random.number() % 16).unwrap()]).collect()
}

fn value(random: &Random, depth: u32) -> Value {
    match random.number() % if depth == 0 { 7 } else { 9 } {
        0 => json!(null),
        1 => json!(random.number().is_multiple_of(2)),
        2 => json!(random.number()),
        3 => json!(-1),
        4 => serde_json::from_str("1e999").unwrap(),
        5 | 6 => json!(text(random)),
        7 => (0..random.number() % 4).map(|_| value(random, depth - 1)).collect(),
        _ => {
            let members = (0..random.number() % 4).map(|_| (text(random), value(random, depth - 1)));
            Value::Object(members.collect::<Map<_, _>>())
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_made_by_chance_are_answered() {
    each(async |stage| {
        stage.upstream.says(json!({"items": []}));
        let random = Random::seeded(20_261_124);
        for endpoint in endpoints(stage).await {
            for _ in 0..ROUNDS {
                let mut body = endpoint.good.clone();
                for field in &endpoint.fields {
                    if random.number().is_multiple_of(3) {
                        body[field.name] = value(&random, 3);
                    }
                }
                let call = stage.app.call(endpoint.method.parse().unwrap(), &endpoint.path);
                let reply = call.json(&body).send().await;
                let status = reply.status.as_u16();
                assert!(status < 500, "{} {}: {status} {body}", endpoint.method, endpoint.path);
                if status >= 400 {
                    reply.error();
                }
            }
        }
    })
    .await;
}
