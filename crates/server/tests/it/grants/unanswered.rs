//! Renewals that the provider leaves unanswered: one retry, when the token endpoint answers again, and then none.

use crate::support::http::Reply;
use crate::support::stage::{Stage, each};
use keybearer_demo_provider::{At, Effect, Fault};
use serde_json::{Value, json};

async fn list(stage: &Stage, connector: &str) -> Reply {
    stage.execute(connector, "contacts", "list", &json!({})).await
}

/// A connector whose access token has ended, and whose provider has left so many renewals without an answer.
async fn unanswered(stage: &Stage, times: u32) -> String {
    stage.put_crm_app().await;
    let connector = stage.connect("w1").await;
    stage.peer.control.expire_access_tokens();
    stage.peer.control.inject(Fault::once(At::Token, Effect::Drop).on_refresh().times(times));
    for _ in 0..times {
        list(stage, &connector).await.fails(502, "token_endpoint_error");
    }
    assert_eq!(stage.peer.token_calls("refresh_token"), u64::from(times));
    connector
}

/// Five users' connectors, whose access tokens have ended.
async fn five(stage: &Stage) -> Vec<String> {
    stage.put_crm_app().await;
    let mut connectors = Vec::new();
    for number in 0..5 {
        connectors.push(stage.connect(&format!("w{number}")).await);
    }
    stage.peer.control.expire_access_tokens();
    connectors
}

/// All at once.
async fn list_all(stage: &Stage, connectors: &[String]) -> Vec<Reply> {
    futures_util::future::join_all(connectors.iter().map(|one| list(stage, one))).await
}

fn details(body: &Value) -> &Value {
    &body["errors"][0]["details"]
}

/// Its status and the reason, as the API shows them.
async fn shown(stage: &Stage, connector: &str) -> (String, Value) {
    let one = stage.app.get(&format!("/integrations/connectors/{connector}")).await.ok();
    (one["status"].as_str().unwrap().to_owned(), one["status_reason"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_retry_follows_a_question_without_a_token() {
    each(async |stage| {
        let connector = unanswered(stage, 1).await;
        assert_eq!(stage.peer.token_calls("none"), 0, "the first send needs no question");
        list(stage, &connector).await.ok();
        assert_eq!(stage.peer.token_calls("none"), 1);
        assert_eq!(stage.peer.token_calls("refresh_token"), 2);
        assert_eq!(stage.peer.control.stats().reuse_events, 0);
        // The endpoint answered, but not after the next lost answer.
        stage.peer.control.expire_access_tokens();
        stage.peer.control.inject(Fault::once(At::Token, Effect::Drop).on_refresh());
        list(stage, &connector).await.fails(502, "token_endpoint_error");
        list(stage, &connector).await.ok();
        assert_eq!((stage.peer.token_calls("none"), stage.peer.token_calls("refresh_token")), (2, 4));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_endpoint_answers_nothing_the_retry_is_kept() {
    each(async |stage| {
        let connector = unanswered(stage, 1).await;
        stage.peer.control.inject(Fault::once(At::Token, Effect::Drop).times(1000));
        for (questions, seconds) in [(1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (6, 80)] {
            for _ in 0..3 {
                let body = list(stage, &connector).await.fails(502, "token_endpoint_error");
                assert_eq!(details(&body)["retryable"], true, "{body}");
                assert_eq!(details(&body)["retry_after_seconds"], seconds, "{body}");
            }
            assert_eq!(stage.peer.token_calls("none"), questions, "asked again after the pause, not before");
            stage.advance(seconds);
        }
        assert_eq!(stage.peer.token_calls("refresh_token"), 1);
        assert_eq!(shown(stage, &connector).await, ("active".to_owned(), json!(null)));
        stage.peer.control.clear_faults();
        list(stage, &connector).await.ok();
        assert_eq!(stage.peer.token_calls("refresh_token"), 2);
        assert_eq!(stage.peer.control.stats().reuse_events, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_service_is_an_answer_to_the_question_and_one_of_a_gateway_is_none() {
    each(async |stage| {
        let connector = unanswered(stage, 1).await;
        for status in [502, 503, 504] {
            stage.peer.control.inject(Fault::status(At::Token, status));
            list(stage, &connector).await.fails(502, "token_endpoint_error");
            assert_eq!(stage.peer.token_calls("refresh_token"), 1, "{status}");
            stage.advance(80);
        }
        stage.peer.control.inject(Fault::status(At::Token, 500));
        list(stage, &connector).await.ok();
        assert_eq!(stage.peer.token_calls("refresh_token"), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoilt_answer_and_a_gateway_that_gave_up_leave_the_outcome_unknown() {
    let spoilt = |body: Value| Effect::Status { status: 200, retry_after: None, body: Some(body) };
    // No error object of the service's own.
    let gateway = |status| Effect::Status { status, retry_after: None, body: Some(json!("Bad Gateway")) };
    for (first, second) in
        [(spoilt(json!({"token_type": "Bearer"})), gateway(504)), (gateway(502), Effect::Cut { after: 20 })]
    {
        each(async |stage| {
            stage.put_crm_app().await;
            let connector = stage.connect("w1").await;
            stage.peer.control.expire_access_tokens();
            for effect in [&first, &second] {
                stage.peer.control.inject(Fault::once(At::Token, effect.clone()).on_refresh());
                let body = list(stage, &connector).await.fails(502, "token_endpoint_error");
                assert_eq!(details(&body)["retryable"], true, "{body}");
            }
            let body = list(stage, &connector).await.fails(502, "token_endpoint_error");
            assert_eq!(details(&body)["retryable"], false, "{body}");
            assert_eq!(stage.peer.token_calls("refresh_token"), 2);
            assert_eq!(stage.status(&connector).await, "active");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_grants_of_one_endpoint_share_a_question() {
    each(async |stage| {
        let connectors = five(stage).await;
        stage.peer.control.inject(Fault::once(At::Token, Effect::Drop).on_refresh().times(5));
        for reply in list_all(stage, &connectors).await {
            reply.fails(502, "token_endpoint_error");
        }
        let slow = Effect::Hang { ms: 300 };
        stage.peer.control.inject(Fault::once(At::Token, slow));
        for reply in list_all(stage, &connectors).await {
            reply.ok();
        }
        assert_eq!((stage.peer.token_calls("none"), stage.peer.token_calls("refresh_token")), (1, 10));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_retry_is_lost_the_others_keep_theirs() {
    each(async |stage| {
        let connectors = five(stage).await;
        // What is behind the endpoint is away: it answers the question, and no renewal.
        stage.peer.control.inject(Fault::once(At::Token, Effect::Drop).on_refresh().times(100));
        for (round, sends) in [5, 6, 7].into_iter().enumerate() {
            for reply in list_all(stage, &connectors).await {
                reply.fails(502, "token_endpoint_error");
            }
            assert_eq!(stage.peer.token_calls("refresh_token"), sends, "round {round}: one goes first");
            stage.advance(80);
        }
        stage.peer.control.clear_faults();
        let healed = list_all(stage, &connectors)
            .await
            .into_iter()
            .filter(|reply| reply.status.as_u16() == 200)
            .count();
        assert_eq!(healed, 3, "the two that went first have none left");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_two_unanswered_sends_nothing_is_sent_and_nobody_says_dead() {
    each(async |stage| {
        let connector = unanswered(stage, 2).await;
        let questions = stage.peer.token_calls("none");
        for _ in 0..3 {
            let body = list(stage, &connector).await.fails(502, "token_endpoint_error");
            assert_eq!(details(&body)["retryable"], false, "{body}");
            let reconnect = &details(&body)["reconnect"];
            assert_eq!(reconnect["body"]["connector_id"], connector.as_str(), "{body}");
            stage.advance(200);
        }
        assert_eq!(stage.peer.token_calls("refresh_token"), 2);
        assert_eq!(stage.peer.token_calls("none"), questions, "not even a question");
        let (status, reason) = shown(stage, &connector).await;
        assert_eq!(status, "active");
        assert!(reason.as_str().unwrap().contains("renewals were left unanswered"), "{reason}");
        // A consent mends it, in place.
        let secret_id = stage.secret_id("w1", &json!({"connector_id": connector})).await;
        let again = stage.redeem("w1", &secret_id, &json!({})).await.ok();
        assert_eq!((&again["id"], &again["status_reason"]), (&json!(connector), &json!(null)));
        list(stage, &connector).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_its_last_use_left_as_it_was_is_sent_again_after_pauses() {
    each(async |stage| {
        stage.put_crm_app().await;
        let connector = stage.connect("w1").await;
        stage.peer.control.expire_access_tokens();
        stage.peer.control.inject(Fault::once(At::Token, Effect::NoRefreshToken).on_refresh());
        list(stage, &connector).await.ok();
        stage.peer.control.expire_access_tokens();
        stage.peer.control.inject(Fault::once(At::Token, Effect::Drop).on_refresh().times(3));
        for (sends, pause) in [(2, 0), (3, 30), (4, 60)] {
            list(stage, &connector).await.fails(502, "token_endpoint_error");
            assert_eq!(stage.peer.token_calls("refresh_token"), sends);
            if pause > 0 {
                let body = list(stage, &connector).await.fails(502, "token_endpoint_error");
                assert_eq!(details(&body)["retryable"], true, "{body}");
                assert_eq!(stage.peer.token_calls("refresh_token"), sends, "not before the pause is over");
            }
            stage.advance(pause);
        }
        list(stage, &connector).await.ok();
        assert_eq!(stage.peer.token_calls("refresh_token"), 5);
        assert_eq!(stage.peer.control.stats().reuse_events, 0);
    })
    .await;
}
