//! Every route with every kind of token: 401, 403 and 404 where they belong, each with one body.

use super::table::TABLE;
use crate::support::http::Reply;
use crate::support::stage::{Client, Stage, each};
use crate::support::walk::{BENCH, CRM, id, with};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

async fn call(client: &Client, method: &str, path: &str) -> Reply {
    let call = client.call(method.parse().unwrap(), path);
    match method {
        "GET" | "DELETE" => call.send().await,
        _ => call.json(&json!({})).send().await,
    }
}

fn filled(path: &str, id: &str) -> String {
    path.replace("{id}", id).replace("{job_id}", id).replace("{connector_type}", CRM)
}

/// A token with the same claims under another header or another signature.
fn forged(token: &str) -> Vec<(&'static str, String)> {
    let mut parts = token.split('.');
    let (head, claims, signature) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let capital_none = URL_SAFE_NO_PAD.encode(r#"{"alg":"NONE","typ":"JWT"}"#);
    let public_key = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
    let other_key = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT","kid":"../../dev/null"}"#);
    let mut wider: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    wider["exp"] = json!(9_999_999_999_i64);
    let wider = URL_SAFE_NO_PAD.encode(wider.to_string());
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    vec![
        ("alg none, no signature", format!("{none}.{claims}.")),
        ("alg none, old signature", format!("{none}.{claims}.{signature}")),
        ("alg NONE", format!("{capital_none}.{claims}.")),
        ("alg RS256", format!("{public_key}.{claims}.{signature}")),
        ("kid with a path", format!("{other_key}.{claims}.{signature}")),
        ("longer life", format!("{head}.{wider}.{signature}")),
        ("other signature", format!("{head}.{claims}.{flipped}{}", &signature[1..])),
        ("no signature", format!("{head}.{claims}")),
        ("garbage", "garbage".to_owned()),
        ("four parts", format!("{token}.x")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_refuse_missing_and_forged_tokens_with_401() {
    each(async |stage| {
        let mut bad: Vec<(&str, Client)> = vec![("none", stage.anonymous())];
        let scoped = stage.scoped(&stage.app, "w1").await;
        for token in [&stage.app.token, &scoped.token] {
            bad.extend(
                forged(token).into_iter().map(|(name, token)| (name, Client { token, ..stage.anonymous() })),
            );
        }
        for (method, path, access) in TABLE.iter().filter(|(_, _, access)| *access != "public") {
            // Forged tokens are limited by address, and this is a flood of them.
            stage.advance(10);
            for (name, client) in &bad {
                let reply = call(client, method, &filled(path, UNKNOWN)).await;
                assert_eq!(reply.status.as_u16(), 401, "{method} {path} ({access}) with {name}");
                reply.fails(401, "unauthorized");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_admit_exactly_the_tokens_of_the_table() {
    each(async |stage| {
        let scoped = stage.scoped(&stage.app, "w1").await;
        let mut refusals = BTreeSet::new();
        for (method, path, access) in TABLE {
            for (kind, client) in [("application", &stage.app), ("scoped", &scoped)] {
                let reply = call(client, method, &filled(path, UNKNOWN)).await;
                let admitted = *access == "public" || *access == "either" || *access == kind;
                let refused = matches!(reply.status.as_u16(), 401 | 403);
                assert_eq!(!refused, admitted, "{kind} token: {method} {path}: {}", reply.text());
                if !admitted {
                    assert_eq!(reply.status.as_u16(), 403, "{kind} token: {method} {path}");
                    refusals.insert(reply.error_without_id().1.to_string());
                }
            }
        }
        assert_eq!(refusals.len(), 1, "one body for every 403: {refusals:#?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_end_with_their_time() {
    each(async |stage| {
        let scoped = stage.scoped(&stage.app, "w1").await;
        stage.advance(15 * 60 - 1);
        stage.app.get("/workspaces").await.ok();
        stage.advance(1);
        let path = "/integrations/definitions/sources";
        scoped.get(path).await.ok();
        for (method, path, access) in TABLE.iter().filter(|(_, _, access)| *access != "public") {
            if *access != "scoped" {
                call(&stage.app, method, &filled(path, UNKNOWN)).await.fails(401, "unauthorized");
            }
        }
        stage.advance(5 * 60 - 1);
        scoped.get(path).await.ok();
        stage.advance(1);
        scoped.get(path).await.fails(401, "unauthorized");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_end_with_the_credential_they_were_minted_with() {
    each(async |stage| {
        let scoped = stage.scoped(&stage.app, "w1").await;
        stage.start_jobs().await;
        stage.app.get("/workspaces").await.ok();
        let (org, credential) = (&stage.organization.id, &stage.organization.credential_id);
        stage.database.replica().await.remove_credential(org, credential, stage.clock.now_ms()).await.unwrap();
        let path = "/integrations/definitions/sources";
        stage
            .until("removal known", async || {
                stage.app.get(path).await.status == 401 && scoped.get(path).await.status == 401
            })
            .await;
        for (method, path, _) in TABLE.iter().filter(|(_, _, access)| *access != "public") {
            for client in [&stage.app, &scoped] {
                call(client, method, &filled(path, UNKNOWN)).await.fails(401, "unauthorized");
            }
        }
        let body = json!({"client_id": stage.organization.client_id, "client_secret": stage.organization.client_secret});
        stage.anonymous().post("/account/applications/token", &body).await.fails(401, "unauthorized");
    })
    .await;
}

/// Ids of everything that an id route can name, in one organization.
async fn ids(stage: &Stage) -> (String, String, String, String) {
    let connector = stage.bench("w1").await;
    let gone = stage.bench("w1").await;
    let job = stage.app.delete(&format!("/integrations/connectors/{gone}")).await;
    let job = job.is(202).json()["job_id"].as_str().unwrap().to_owned();
    let workspaces = stage.app.get("/workspaces?name_contains=w1").await.ok();
    let revocation =
        stage.app.post("/revocations", &json!({"oauth_app_id": id(&stage.put_bench_app().await)})).await;
    (connector, job, id(&workspaces["data"][0]), id(&revocation.is(202).json()))
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_others_are_answered_like_unknown_ones() {
    each(async |stage| {
        let (connector, job, workspace, revocation) = ids(stage).await;
        let stranger = stage.organization("second").await;
        let stranger = stage.sign_in(&stranger).await;
        let callers = [
            ("another organization", stranger.clone()),
            ("another organization's workspace of the same name", stage.scoped(&stranger, "w1").await),
            ("another workspace", stage.scoped(&stage.app, "w2").await),
        ];
        for (method, path, access) in TABLE {
            let foreign = match *path {
                path if path.starts_with("/workspaces/{id}") => &workspace,
                "/jobs/{job_id}" => &job,
                path if path.starts_with("/revocations/{id}") => &revocation,
                path if path.contains("connectors") && path.contains("{id}") => &connector,
                _ => continue,
            };
            for (name, caller) in &callers {
                if *access == "application" && *name != "another organization" {
                    continue;
                }
                let body = json!({"entity": "items", "action": "list", "name": "x"});
                let send = async |id: &str| {
                    caller.call(method.parse().unwrap(), &filled(path, id)).json(&body).send().await
                };
                let known = send(foreign).await;
                known.fails(404, "not_found");
                for unknown in [UNKNOWN, "no-uuid", "%00", "..%2f"] {
                    let unknown = send(unknown).await;
                    assert_eq!(
                        known.error_without_id(),
                        unknown.error_without_id(),
                        "{method} {path}: {name}"
                    );
                }
            }
        }
        assert!(stage.upstream.seen().is_empty(), "no upstream call");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scoped_token_names_its_own_workspace_only() {
    each(async |stage| {
        stage.put_bench_app().await;
        let scoped = stage.scoped(&stage.app, "w1").await;
        stage.bench("w2").await;
        let redirect = json!({"connector_type": BENCH, "redirect_url": "https://app.example.com/cb"});
        let credentials = json!({"connector_type": BENCH, "credentials": {"token": "some-token"}});
        for alias in ["workspace_name", "external_user_id", "customer_name"] {
            let other = json!({alias: "w2"});
            let paths = [
                ("/integrations/connectors/oauth/initiate", &redirect),
                ("/integrations/connectors", &credentials),
                ("/integrations/connectors/check", &credentials),
            ];
            for (path, body) in paths {
                scoped.post(path, &with(body.clone(), &other)).await.fails(403, "forbidden");
            }
            for path in [
                "/integrations/connectors",
                "/connectors/connectors_for_user",
                "/connectors/instances_for_user",
            ] {
                scoped.get(&format!("{path}?{alias}=w2")).await.fails(403, "forbidden");
                // Also when there is no such workspace: nothing can be told apart.
                scoped.get(&format!("{path}?{alias}=nobody")).await.fails(403, "forbidden");
                scoped.get(&format!("{path}?{alias}=w1")).await.ok();
            }
        }
        let mine = scoped.get("/account/applications/scoped-token/info").await.ok();
        let mine = mine["workspace_id"].as_str().unwrap();
        scoped.get(&format!("/integrations/connectors?workspace_id={mine}")).await.ok();
        scoped.get(&format!("/integrations/connectors?workspace_id={UNKNOWN}")).await.fails(403, "forbidden");
        assert_eq!(scoped.get("/integrations/connectors").await.ok()["data"], json!([]));
        scoped
            .post(
                "/integrations/connectors/oauth/initiate",
                &with(redirect, &json!({"external_user_id": "w1"})),
            )
            .await
            .ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_stands_once_in_the_authorization_header() {
    each(async |stage| {
        let token = &stage.app.token;
        let anonymous = stage.anonymous();
        let path = "/workspaces";
        anonymous.get(&format!("{path}?access_token={token}")).await.fails(400, "bad_request");
        stage.app.get(&format!("{path}?access_token={token}")).await.fails(400, "bad_request");
        let twice = anonymous.call(Method::GET, path).bearer(token).bearer(token).send().await;
        twice.fails(400, "bad_request");
        for wrong in ["", "Bearer", "Bearer ", "Basic dTpw", token] {
            let reply = anonymous.call(Method::GET, path).header("authorization", wrong).send().await;
            reply.fails(401, "unauthorized");
        }
        anonymous
            .call(Method::GET, path)
            .header("authorization", &format!("bearer {token}"))
            .send()
            .await
            .ok();
        anonymous
            .call(Method::GET, path)
            .header("cookie", &format!("access_token={token}"))
            .send()
            .await
            .fails(401, "unauthorized");
        let form = format!("access_token={token}");
        let kind = "application/x-www-form-urlencoded";
        anonymous
            .call(Method::POST, "/embedded/scoped-token")
            .raw(kind, form)
            .send()
            .await
            .fails(401, "unauthorized");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_organization_in_the_header_is_refused_with_one_body() {
    each(async |stage| {
        let stranger = stage.organization("second").await;
        let own = &stage.organization.id;
        let with_header = async |id: &str| {
            stage.app.call(Method::GET, "/workspaces").header("x-organization-id", id).send().await
        };
        with_header(own).await.ok();
        let refused = with_header(&stranger.id).await;
        refused.fails(403, "forbidden");
        for other in [UNKNOWN, "x", "", &format!("{own} "), &format!("{own},{own}")] {
            let reply = with_header(other).await;
            if other.trim() != own {
                assert_eq!(reply.error_without_id(), refused.error_without_id(), "{other:?}");
            }
        }
        let scoped = stage.scoped(&stage.app, "w1").await;
        let reply = scoped.get("/workspaces").await;
        assert_eq!(reply.error_without_id(), refused.error_without_id(), "the same body as every 403");
    })
    .await;
}
