//! `POST …/{id}/execute` on all three paths: the hot path's edge.
//!
//! Knows the body of an execute and writes its answer around the result's bytes, which are never parsed here.

use super::body::{Body, Fields, TEXT_MAX, is_longer};
use super::connectors::checked;
use super::idempotency::{Key, OptionalKey, once};
use super::members::Members;
use super::problem::status_and_code;
use super::query::Id;
use super::{Answer, App, pieces, schema};
use crate::config::AuditExecutes;
use crate::core::access::Caller;
use crate::core::audit;
use crate::core::call::gate::Place;
use crate::core::call::{Driven, Execute, Executed, execute, resolve};
use crate::core::error::Error;
use crate::core::idempotency::{Keyed, fingerprint};
use crate::egress::BodyStream;
use axum::body::{Body as ResponseBody, Bytes};
use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, header};
use keybearer_connector::call::{Answer as CallAnswer, Payload, Shaping, StreamHead};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Fields of a projection.
const FIELDS_MAX: usize = 500;

/// Run an operation at the provider
///
/// Parameters are checked against the definition before anything is sent: a 422 names what is valid. An expired
/// access token is renewed first. After a 401 of the provider there is one renewal and one repeat. Reads and
/// idempotent methods are tried up to three times inside the time limit.
///
/// A `download` answers the bytes of the file, unless it is asked for a JSON chunk.
///
/// With an `Idempotency-Key` the operation is sent once, however often the call is. Whatever came of it, errors of the
/// provider included, is answered again for 24 hours; a call that was refused before anything was sent leaves the key
/// free. Not on downloads.
#[utoipa::path(
    post,
    path = "/api/v1/integrations/connectors/{id}/execute",
    tag = "Execute",
    operation_id = "execute",
    params(schema::connectors::ConnectorPath, schema::idempotency::IdempotencyHeader),
    request_body(content = schema::execute::ExecuteRequest, examples(
        ("list" = (summary = "A page of a list", value = json!({
            "entity": "contacts", "action": "list", "params": {"limit": 10}
        }))),
        ("next" = (summary = "The next page", value = json!({
            "entity": "contacts", "action": "list", "params": {"limit": 10, "cursor": "102"}
        }))),
        ("what" = (summary = "What there is to call", value = json!({"entity": "", "action": "describe"})))
    )),
    responses(
        (status = 200, description = "What the provider answered.", content(
            (schema::execute::Executed = "application/json"),
            (String = "application/octet-stream")
        ), headers(
            ("Content-Disposition" = String, description = "Name of a downloaded file; only with bytes."),
            ("Idempotent-Replayed" = String, description = "`true`: the answer of the first call with this `Idempotency-Key`.")
        )),
        (status = 206, description = "The bytes that a `range_header` asked for.", body = String, content_type = "application/octet-stream"),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid", "unknown_entity", "unknown_action", "invalid_params", "not_pageable", "not_found", "reauthorization_required", "app_misconfigured", "upstream_rejected", "upstream_forbidden", "upstream_not_found", "upstream_conflict", "upstream_rate_limited", "upstream_error", "upstream_timeout", "upstream_blocked", "upstream_response_too_large", "upstream_redirect_refused", "idempotency_key_reused", "idempotency_in_progress", "unknown_outcome", "answer_not_kept", "token_endpoint_error", "refresh_in_progress", "connector_busy", "organization_busy"]))),
)]
pub(super) async fn run(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    OptionalKey(key): OptionalKey,
    Body(body): Body,
) -> Answer {
    let started = app.clock.ticks();
    if let Some(key) = key {
        return Box::pin(run_once(app, caller, id, key, body)).await;
    }
    let (ask, intent) = read(body)?;
    let entry = Entry::of(&app, &caller, &id, &ask, intent);
    // Boxed here, so that the layers around move a pointer and not the whole state of a call.
    let executed = Box::pin(execute(&app, &caller, &id, ask, None)).await;
    if let Some(entry) = entry {
        entry.tell(&app, executed.as_ref().err());
    }
    let executed = executed?;
    let elapsed = app.clock.ticks().saturating_sub(started);
    match executed {
        Executed::Answer(driven) => Ok(match *driven {
            Driven {
                answer: CallAnswer { result: Payload::Stream(head), .. },
                body: Some(body),
                place,
                ..
            } => stream(&head, body, place),
            Driven { answer, .. } => {
                let (result, tail) = envelope(answer, &id, elapsed);
                json(pieces::body(HEAD, result, tail))
            }
        }),
        Executed::Check(report) => Ok(json(plain(&checked(Some(&id), &report), &id, elapsed).into())),
        Executed::Description(value) => Ok(json(plain(&value, &id, elapsed).into())),
    }
}

/// The same with a key. The connector is resolved first: an answer from before is for those who may reach it now.
async fn run_once(app: App, caller: Caller, id: String, key: Key, body: Members) -> Answer {
    let started = app.clock.ticks();
    let request = fingerprint(body.to_map());
    let (ask, intent) = read(body)?;
    let entry = Entry::of(&app, &caller, &id, &ask, intent);
    let ready = resolve(&app, &caller, &id).await?;
    let route = format!("execute {id}");
    let keyed = Keyed::new(&app, &caller, &ready.workspace_id, &route, &key.text, request);
    let done = Arc::clone(&app);
    let work = move |keyed: Arc<Keyed>| async move {
        let executed = execute(&done, &caller, &id, ask, Some(&keyed)).await;
        if let Some(entry) = entry {
            entry.tell(&done, executed.as_ref().err());
        }
        let executed = executed?;
        let elapsed = done.clock.ticks().saturating_sub(started);
        Ok(match executed {
            Executed::Answer(driven) => {
                let (result, tail) = envelope(driven.answer, &id, elapsed);
                [HEAD, &result, &tail].concat()
            }
            Executed::Check(report) => plain(&checked(Some(&id), &report), &id, elapsed),
            Executed::Description(value) => plain(&value, &id, elapsed),
        })
    };
    once(&app, key, keyed, work).await
}

/// What the audit log will tell of a call, but for how it ended.
struct Entry {
    caller: Caller,
    connector_id: String,
    operation: String,
    intent: Option<String>,
}

impl Entry {
    /// None where the operator does not want such calls told: most calls read, and an entry costs more than a call.
    fn of(app: &App, caller: &Caller, id: &str, ask: &Execute, intent: Option<String>) -> Option<Self> {
        if app.settings.audit_executes == AuditExecutes::Changes
            && intent.is_none()
            && only_reads(&ask.action)
        {
            return None;
        }
        let operation = format!("{}.{}", ask.entity, ask.action);
        Some(Self { caller: caller.clone(), connector_id: id.to_owned(), operation, intent })
    }

    /// The call has ended.
    fn tell(self, app: &App, error: Option<&Error>) {
        let Self { caller, connector_id, operation, intent } = self;
        let outcome = error.map_or("ok", |error| status_and_code(error.kind).1);
        let at = app.clock.now_ms();
        app.audit.queue.push(audit::Executed { caller, at, connector_id, operation, outcome, intent });
    }
}

/// Whether an action changes nothing at the provider, by its name.
fn only_reads(action: &str) -> bool {
    matches!(action, "list" | "get" | "search" | "api_search" | "download" | "check" | "describe")
}

/// What is asked for, and why.
fn read(body: Members) -> Result<(Execute, Option<String>), Error> {
    let mut fields = Fields::of(body);
    let entity = word(&mut fields, "entity");
    let action = word(&mut fields, "action");
    let params = fields.object("params").unwrap_or_default();
    let shaping = Shaping {
        select_fields: fields.texts("select_fields", FIELDS_MAX).unwrap_or_default(),
        exclude_fields: fields.texts("exclude_fields", FIELDS_MAX).unwrap_or_default(),
        skip_truncation: fields.flag("skip_truncation").unwrap_or(true),
    };
    // For the caller's own records: whatever text an agent writes there is accepted.
    let intent = match fields.take("intent") {
        Some(Value::String(intent)) => Some(intent),
        Some(_) => {
            fields.wrong("intent", "invalid_type", "must be a text");
            None
        }
        None => None,
    };
    fields.finish()?;
    Ok((Execute { entity, action, params, shaping }, intent))
}

/// Entity and action must be there, but may be empty: `describe` has no entity.
fn word(fields: &mut Fields, name: &str) -> String {
    match fields.take(name) {
        Some(Value::String(text)) if !is_longer(&text, TEXT_MAX) => text,
        Some(Value::String(_)) => {
            fields.wrong(name, "too_long", "must have at most 1024 characters");
            String::new()
        }
        Some(_) => {
            fields.wrong(name, "invalid_type", "must be a text");
            String::new()
        }
        None => {
            fields.wrong(name, "missing", "is required");
            String::new()
        }
    }
}

/// What stands before a result.
const HEAD: &[u8] = br#"{"status":"success","result":"#;

/// The result, and what stands behind it.
fn envelope(answer: CallAnswer, id: &str, elapsed: Duration) -> (Bytes, Vec<u8>) {
    let mut tail = Vec::with_capacity(512);
    tail.extend_from_slice(br#","connector_metadata":"#);
    answer.meta.write(&mut tail);
    finish(&mut tail, id, elapsed);
    let result = match answer.result {
        Payload::Raw(bytes) => bytes,
        Payload::Shaped(bytes) => Bytes::from(bytes),
        Payload::Stream(_) => Bytes::from_static(b"null"),
    };
    (result, tail)
}

fn plain(result: &Value, id: &str, elapsed: Duration) -> Vec<u8> {
    let mut out = HEAD.to_vec();
    out.extend_from_slice(result.to_string().as_bytes());
    out.extend_from_slice(
        br#","connector_metadata":{"has_next_page":false,"end_cursor":null,"pagination":{"cursor":null}}"#,
    );
    finish(&mut out, id, elapsed);
    out
}

/// The id is a checked UUID, so it needs no escaping.
fn finish(out: &mut Vec<u8>, id: &str, elapsed: Duration) {
    out.extend_from_slice(br#","execution_metadata":{"connector_instance_id":""#);
    out.extend_from_slice(id.as_bytes());
    out.extend_from_slice(br#"","execution_time_ms":"#);
    out.extend_from_slice(elapsed.as_millis().to_string().as_bytes());
    out.extend_from_slice(b"}}");
}

fn json(body: ResponseBody) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// File bytes as they come. A stream that breaks ends the connection, so that no client takes a part for the whole.
fn stream(head: &StreamHead, body: BodyStream, place: Place) -> Response {
    let chunks = futures_util::stream::try_unfold((body, place), |(mut body, place)| async move {
        let chunk =
            body.next_chunk().await.map_err(|_| std::io::Error::other("the provider's file broke off"))?;
        Ok::<_, std::io::Error>(chunk.map(|chunk| (chunk, (body, place))))
    });
    let mut response = Response::new(ResponseBody::from_stream(chunks));
    *response.status_mut() = head.status;
    let headers = response.headers_mut();
    for (name, value) in &head.headers {
        headers.append(name, value.clone());
    }
    let kind = HeaderValue::from_str(&head.content_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CONTENT_DISPOSITION, disposition(&head.file_name));
    response
}

/// RFC 6266: always an attachment, with the name in both forms.
fn disposition(file_name: &str) -> HeaderValue {
    let plain: String = file_name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._- ".contains(c) { c } else { '_' })
        .collect();
    let encoded = percent_encoding::utf8_percent_encode(file_name, percent_encoding::NON_ALPHANUMERIC);
    let text = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}
