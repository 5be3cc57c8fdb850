//! Queries: every parameter of every list, wrong, doubled, hostile.

use crate::support::secrets::row_counts;
use crate::support::stage::each;

#[tokio::test(flavor = "multi_thread")]
async fn wrong_parameters_are_named() {
    each(async |stage| {
        stage.bench("w1").await;
        let rows = row_counts(&stage.database).await;
        let lists =
            ["/integrations/connectors", "/connectors/connectors_for_user", "/connectors/instances_for_user"];
        let long = format!("workspace_name={}", "x".repeat(300));
        let mut cases: Vec<(String, Vec<&str>)> = Vec::new();
        for path in lists {
            cases.push((
                path.to_owned(),
                vec![
                    "workspace_name=%00",
                    "workspace_name=",
                    "workspace_name=%20",
                    &long,
                    "workspace_id=x",
                    "workspace_id=%00",
                    "workspace_name=a&workspace_name=b",
                    "workspace_name=a&customer_name=b",
                    "definition_id=%00",
                    "connector_type=a%0Ab",
                ],
            ));
        }
        cases.push((
            "/integrations/connectors".to_owned(),
            vec!["limit=0", "limit=a", "limit=99999999999999999999", "limit=%00", "cursor=%00", "cursor=x"],
        ));
        cases.push((
            "/workspaces".to_owned(),
            vec![
                "limit=0",
                "limit=101",
                "limit=-1",
                "limit=",
                "status=x",
                "status=%00",
                "cursor=x",
                "name_contains=%00",
            ],
        ));
        cases.push((
            "/oauth/credentials/spec".to_owned(),
            vec!["", "connector_type=", "connector_type=%00", "connector_type=a&connector_type=b"],
        ));
        cases.push(("/integrations/definitions/sources".to_owned(), vec!["name=%00", "name=a%0Ab"]));
        for (path, queries) in &cases {
            for query in queries {
                let reply = stage.app.get(&format!("{path}?{query}")).await;
                let status = reply.status.as_u16();
                assert!(matches!(status, 400 | 404 | 422), "{path}?{query}: {status} {}", reply.text());
                reply.error();
            }
        }
        assert_eq!(row_counts(&stage.database).await, rows);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_text_are_no_500() {
    each(async |stage| {
        for query in [
            "%",
            "%zz",
            "%ff%fe",
            "=",
            "&&&",
            "a=b=c",
            "%E2%82",
            "workspace_name=%ff",
            "name_contains=%ff",
            "limit=%ff",
            "🦀=1",
        ] {
            for path in [
                "/integrations/connectors",
                "/workspaces",
                "/oauth/credentials/spec",
                "/integrations/definitions/sources",
                "/skills/docs",
            ] {
                let url: String = query
                    .chars()
                    .map(|c| if c.is_ascii() { c.to_string() } else { "%F0".to_owned() })
                    .collect();
                let reply = stage.app.get(&format!("{path}?{url}")).await;
                assert!(reply.status.as_u16() < 500, "{path}?{query}: {}", reply.text());
            }
        }
    })
    .await;
}
