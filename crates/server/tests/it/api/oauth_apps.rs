//! OAuth apps: upsert, checks against the form, precedence, and secrets that never come back.

use crate::support::stage::{Setup, each};
use crate::support::walk::{BENCH, CRM, HOME, id, param};
use serde_json::{Value, json};

const PATH: &str = "/oauth/credentials";

#[tokio::test(flavor = "multi_thread")]
async fn the_same_client_id_keeps_id_and_creation_time() {
    each(async |stage| {
        let app = |secret: &str, client: &str| {
            json!({"connector_type": CRM, "configuration": {"client_id": client, "client_secret": secret}})
        };
        let (one, two) = (stage.secrets.fresh("app"), stage.secrets.fresh("app"));
        let first = stage.app.put(PATH, &app(&one, "client-a")).await.ok();
        let keys: Vec<&String> = first.as_object().unwrap().keys().collect();
        let wanted = ["id", "scope_type", "scope_id", "connector_type", "connector_definition_id", "created_at", "updated_at"];
        assert_eq!(keys, wanted);
        assert_eq!((&first["scope_type"], &first["connector_type"]), (&json!("organization"), &json!("source")));
        assert_eq!(first["scope_id"], stage.organization.id.as_str());
        stage.advance(5);
        let second = stage.app.put(PATH, &app(&two, "client-a")).await.ok();
        assert_eq!((&second["id"], &second["created_at"]), (&first["id"], &first["created_at"]));
        assert_ne!(second["updated_at"], first["updated_at"]);
        let third = stage.app.put(PATH, &app(&one, "client-b")).await.ok();
        assert_ne!(third["id"], first["id"]);
        let listed = stage.app.get(PATH).await.ok();
        assert_eq!(listed["data"].as_array().unwrap().len(), 1, "one app for each type: {listed}");
        assert_eq!(listed["data"][0]["id"], third["id"]);
        stage.secrets.assert_not_in("the list", &[listed.to_string(), first.to_string()]);
        let back = stage.app.put(PATH, &app(&two, "client-a")).await.ok();
        assert_eq!(back["id"], first["id"], "the old app is current again");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_is_named_by_slug_display_name_snake_case_or_definition_id() {
    each(async |stage| {
        let configuration = json!({"client_id": "c", "client_secret": stage.secrets.fresh("app")});
        let definition = "5D0F2B64-6d3e-4d8e-9a55-0c9b7a3f7c11";
        let mut ids = Vec::new();
        for (field, name) in [
            ("connector_type", "harbour-crm"),
            ("connector_type", "Harbour CRM"),
            ("connector_type", "HARBOUR_CRM"),
            ("definition_id", definition),
            ("connector_definition_id", definition),
        ] {
            let body = json!({field: name, "configuration": configuration});
            ids.push(id(&stage.app.put(PATH, &body).await.ok()));
            let query =
                url::form_urlencoded::Serializer::new(String::new()).append_pair(field, name).finish();
            let spec = stage.app.get(&format!("{PATH}/spec?{query}")).await.ok();
            assert_eq!(spec["connector_type"], CRM);
            assert_eq!(spec["callback_url"], format!("{}/oauth/callback/{CRM}", stage.base));
        }
        ids.dedup();
        assert_eq!(ids.len(), 1);
        let none = json!({"configuration": configuration});
        assert_eq!(stage.app.put(PATH, &none).await.is(422).wrong_fields(), ["connector_type"]);
        let two = json!({"connector_type": CRM, "definition_id": definition, "configuration": configuration});
        stage.app.put(PATH, &two).await.is(422);
        for unknown in [
            "nope",
            "hubspot\u{0}",
            "hub\u{ad}spot",
            "ＨubSpot",
            "hubspot.",
            "../hubspot",
            "harbour-crm ",
            &"x".repeat(900),
        ] {
            let body = json!({"connector_type": unknown, "configuration": configuration});
            let reply = stage.app.put(PATH, &body).await;
            assert!(matches!(reply.status.as_u16(), 404 | 422), "{unknown:?}: {}", reply.text());
        }
        let body =
            json!({"definition_id": "00000000-0000-4000-8000-000000000000", "configuration": configuration});
        stage.app.put(PATH, &body).await.fails(404, "not_found");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_field_of_a_configuration_is_named() {
    each(async |stage| {
        let secret = stage.secrets.fresh("app");
        let good = json!({"client_id": "c", "client_secret": secret, "developer_token": "d-t-o-k-e-n"});
        let names = |field: &str| vec![format!("configuration.{field}")];
        let mut cases: Vec<(Value, Vec<String>)> = Vec::new();
        for field in ["client_id", "client_secret", "developer_token"] {
            let mut without = good.clone();
            without.as_object_mut().unwrap().shift_remove(field);
            cases.push((without, names(field)));
            for bad in [json!(null), json!(""), json!("  "), json!(7), json!([]), json!({}), json!(true), json!("a\nb")] {
                let mut wrong = good.clone();
                wrong[field] = bad;
                cases.push((wrong, names(field)));
            }
            let mut long = good.clone();
            long[field] = json!("x".repeat(5000));
            cases.push((long, names(field)));
        }
        for (field, value) in [("callback", "sideways"), ("clientsecret", secret.as_str()), ("token_url", "https://evil.example")] {
            let mut wrong = good.clone();
            wrong[field] = json!(value);
            cases.push((wrong, names(field)));
        }
        let all = ["client_id", "client_secret", "developer_token"].map(|name| format!("configuration.{name}"));
        cases.push((json!({}), all.to_vec()));
        for (configuration, wrong) in cases {
            let body = json!({"connector_type": BENCH, "configuration": configuration});
            let reply = stage.app.put(PATH, &body).await;
            reply.is(422);
            assert_eq!(reply.wrong_fields(), wrong, "{configuration}");
        }
        for configuration in [json!(null), json!("x"), json!([]), json!(1)] {
            let body = json!({"connector_type": BENCH, "configuration": configuration});
            assert!(stage.app.put(PATH, &body).await.is(422).wrong_fields().contains(&"configuration".to_owned()));
        }
        let extra = json!({"connector_type": BENCH, "configuration": good, "tokenUrl": "https://evil.example"});
        assert_eq!(stage.app.put(PATH, &extra).await.is(422).wrong_fields(), ["tokenUrl"]);
        let plain = json!({"connector_type": "plain-keys", "configuration": {"client_id": "c", "client_secret": secret}});
        stage.app.put(PATH, &plain).await.fails(422, "oauth_not_supported");
        assert_eq!(stage.app.get(PATH).await.ok()["data"], json!([]), "nothing was stored");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_spec_shows_the_form_of_a_configuration() {
    each(async |stage| {
        let spec = stage.app.get(&format!("{PATH}/spec?connector_type={BENCH}")).await.ok();
        let keys: Vec<&String> = spec.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["connector_type", "connector_definition_id", "callback_url", "spec"]);
        let form = &spec["spec"];
        assert_eq!(form["type"], "object");
        let required: Vec<&str> =
            form["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        for field in ["client_id", "client_secret", "developer_token"] {
            assert!(required.contains(&field) && form["properties"][field].is_object(), "{field}: {form}");
        }
        stage
            .app
            .get(&format!("{PATH}/spec?connector_type=plain-keys"))
            .await
            .fails(422, "oauth_not_supported");
        stage.app.get(&format!("{PATH}/spec?connector_type=nope")).await.fails(404, "not_found");
        stage.app.get(&format!("{PATH}/spec")).await.is(422);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_sees_and_changes_its_own_apps_only() {
    each(async |stage| {
        stage.put_crm_app().await;
        let stranger = stage.organization("second").await;
        let stranger = stage.sign_in(&stranger).await;
        assert_eq!(stranger.get(PATH).await.ok()["data"], json!([]));
        stranger.delete(&format!("{PATH}/connector_type/{CRM}")).await.is(204);
        assert_eq!(stage.app.get(PATH).await.ok()["data"].as_array().unwrap().len(), 1);
        let reply = stage.initiate_as(&stranger, CRM, "w1", &json!({})).await;
        reply.fails(422, "oauth_app_missing");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_organizations_app_goes_before_the_instances() {
    Setup::new()
        .set("OAUTH_HARBOUR_CRM_CLIENT_ID", "instance client")
        .set("OAUTH_HARBOUR_CRM_CLIENT_SECRET", "instance-secret-77")
        .each(async |stage| {
            stage.secrets.keep("instance-secret-77");
            let client = async || param(&stage.consent_url("w1", &json!({})).await, "client_id").unwrap();
            assert_eq!(client().await, "instance client");
            stage.put_crm_app().await;
            assert_eq!(client().await, "harbour client");
            for _ in 0..2 {
                let reply = stage.app.delete(&format!("{PATH}/connector_type/Harbour%20CRM")).await;
                reply.is(204);
                assert!(reply.body.is_empty());
            }
            assert_eq!(client().await, "instance client");
            assert_eq!(stage.app.get(PATH).await.ok()["data"], json!([]));
            stage.app.delete(&format!("{PATH}/connector_type/nope")).await.fails(404, "not_found");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redirect_urls_are_a_list_that_initiate_obeys() {
    each(async |stage| {
        stage.put_crm_app().await;
        let path = "/organizations/redirect-urls";
        assert_eq!(stage.app.get(path).await.ok(), json!({"data": []}));
        stage.initiate_as(&stage.app, CRM, "w1", &json!({})).await.ok();
        let list = json!({"data": ["https://app.example.com/connected", "http://localhost:3000/cb?x=1"]});
        assert_eq!(stage.app.put(path, &list).await.ok(), list);
        assert_eq!(stage.app.get(path).await.ok(), list);
        let ask =
            async |url: &str| stage.initiate_as(&stage.app, CRM, "w1", &json!({"redirect_url": url})).await;
        for url in [
            HOME,
            "https://app.example.com/connected",
            "https://APP.example.com:443/connected?a=b",
            "http://localhost:3000/cb",
        ] {
            ask(url).await.ok();
        }
        for url in [
            "https://app.example.com/connected/",
            "https://app.example.com/Connected",
            "https://app.example.com/connected/../other",
            "https://app.example.com/connected%2f",
            "https://app.example.com:8443/connected",
            "https://www.app.example.com/connected",
            "https://app.example.com.evil.example/connected",
            "http://localhost:3001/cb",
            "http://127.0.0.1:3000/cb",
        ] {
            let reply = ask(url).await;
            reply.is(422);
            assert_eq!(reply.wrong_fields(), ["redirect_url"], "{url}");
        }
        for bad in [
            json!({}),
            json!({"data": null}),
            json!({"data": "x"}),
            json!({"data": [1]}),
            json!({"data": ["javascript:alert(1)"]}),
            json!({"data": ["https://ok.example/", "http://plain.example/"]}),
            json!({"data": vec!["https://a.example/"; 500]}),
        ] {
            stage.app.put(path, &bad).await.is(422);
        }
        assert_eq!(stage.app.get(path).await.ok(), list, "unchanged");
        let stranger = stage.organization("second").await;
        assert_eq!(stage.sign_in(&stranger).await.get(path).await.ok(), json!({"data": []}));
        stage.app.put(path, &json!({"data": []})).await.ok();
        ask("https://elsewhere.example/").await.ok();
    })
    .await;
}
