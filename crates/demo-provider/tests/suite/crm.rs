//! The API: pages, search, changes, scopes, each user's own data, downloads.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::walk::{ALL, Walk};

#[tokio::test]
async fn a_token_is_needed() {
    let walk = Walk::new();
    let none = walk.get("/crm/contacts").await;
    assert_eq!((none.status.as_u16(), none.header("www-authenticate")), (401, "Bearer realm=\"crm\""));
    let bad = walk.api("GET", "/crm/contacts", "nonsense", "").await;
    assert_eq!(bad.status, 401);
    assert!(bad.header("www-authenticate").contains("invalid_token"));
    let (access, _) = walk.grant("alice", ALL).await;
    let in_query = walk.get(&format!("/crm/contacts?access_token={access}")).await;
    assert_eq!(in_query.status, 401);
}

#[tokio::test]
async fn pages_cover_everything_once_and_in_order() {
    let walk = Walk::new();
    let (access, _) = walk.grant("alice", ALL).await;
    for target in ["/crm/contacts", "/crm/deals", "/crm/files"] {
        let mut ids: Vec<u64> = Vec::new();
        let mut after = String::new();
        loop {
            let json = walk.api("GET", &format!("{target}?limit=7{after}"), &access, "").await.json();
            let page = json["results"].as_array().unwrap();
            assert!(!page.is_empty() && page.len() <= 7);
            ids.extend(page.iter().map(|one| one["id"].as_str().unwrap().parse::<u64>().unwrap()));
            let Some(next) = json["paging"]["next"]["after"].as_str() else { break };
            after = format!("&after={next}");
        }
        let expected = match target {
            "/crm/contacts" => 25,
            "/crm/deals" => 12,
            _ => 3,
        };
        assert_eq!(ids.len(), expected, "{target}");
        assert!(ids.is_sorted_by(|a, b| a < b), "{target}");
    }
    let whole = walk.api("GET", "/crm/contacts?limit=25", &access, "").await.json();
    assert!(whole.get("paging").is_none());
    for bad in ["limit=0", "limit=101", "limit=x", "after=x"] {
        let answer = walk.api("GET", &format!("/crm/contacts?{bad}"), &access, "").await;
        assert_eq!(answer.status, 400, "{bad}");
        assert_eq!(answer.json()["category"], "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn both_users_have_their_own_contacts() {
    let walk = Walk::new();
    let (alice, _) = walk.grant("alice", ALL).await;
    let (bob, _) = walk.grant("bob", ALL).await;
    let found = walk.api("GET", "/crm/contacts?q=NORDLYS", &alice, "").await.json();
    assert_eq!(found["results"].as_array().unwrap().len(), 2);
    assert_eq!(found["results"][0]["email"], "ingrid.solheim@nordlysenergy.example");
    let count = |json: Value| json["results"].as_array().unwrap().len();
    assert_eq!(count(walk.api("GET", "/crm/contacts?q=nordlys", &bob, "").await.json()), 0);
    assert_eq!(count(walk.api("GET", "/crm/contacts?limit=100", &bob, "").await.json()), 25);
    assert_eq!(walk.api("GET", "/crm/contacts/1001", &alice, "").await.status, 200);
    let foreign = walk.api("GET", "/crm/contacts/1001", &bob, "").await;
    assert_eq!((foreign.status.as_u16(), &foreign.json()["category"]), (404, &json!("OBJECT_NOT_FOUND")));
}

#[tokio::test]
async fn contacts_are_created_changed_and_deleted() {
    let walk = Walk::new();
    let (access, _) = walk.grant("alice", ALL).await;
    let body = json!({"email": "new@firm.example", "first_name": "Nell", "phone": null}).to_string();
    let made = walk.api("POST", "/crm/contacts", &access, &body).await;
    assert_eq!((made.status.as_u16(), made.header("location")), (201, "/crm/contacts/1026"));
    assert_eq!(made.json()["created_at"], "2027-01-15T08:00:00Z");
    assert_eq!(walk.api("POST", "/crm/contacts", &access, &body).await.status, 409);
    walk.later(5);
    let changed =
        walk.api("PATCH", "/crm/contacts/1026", &access, r#"{"title":"Buyer","first_name":null}"#).await;
    let json = changed.json();
    assert_eq!((&json["title"], &json["first_name"]), (&json!("Buyer"), &Value::Null));
    assert_eq!(json["updated_at"], "2027-01-15T08:00:05Z");
    assert_eq!(walk.api("DELETE", "/crm/contacts/1026", &access, "").await.status, 204);
    assert_eq!(walk.api("DELETE", "/crm/contacts/1026", &access, "").await.status, 404);
    for bad in [
        "",
        "[]",
        "{}",
        r#"{"email":"x"}"#,
        r#"{"email":null}"#,
        r#"{"email":1}"#,
        r#"{"email":"a@b.c","x":"y"}"#,
    ] {
        let answer = walk.api("POST", "/crm/contacts", &access, bad).await;
        assert_eq!(answer.status, 400, "{bad}");
        assert_eq!(answer.json()["category"], "VALIDATION_ERROR", "{bad}");
    }
    let log = walk.control.api_log();
    assert_eq!(log.first().unwrap().body, body);
}

#[tokio::test]
async fn scopes_bound_what_a_token_does() {
    let walk = Walk::new();
    let (reader, _) = walk.grant("alice", "crm.read").await;
    let (writer, _) = walk.grant("alice", "crm.write").await;
    for (method, target, token) in [
        ("GET", "/crm/contacts", &writer),
        ("GET", "/crm/contacts/1001", &writer),
        ("GET", "/crm/deals", &writer),
        ("GET", "/crm/files/1501", &writer),
        ("POST", "/crm/contacts", &reader),
        ("PATCH", "/crm/contacts/1001", &reader),
        ("DELETE", "/crm/contacts/1001", &reader),
    ] {
        let answer = walk.api(method, target, token, "{}").await;
        assert_eq!(answer.status, 403, "{method} {target}");
        assert!(answer.header("www-authenticate").contains("insufficient_scope"));
        assert_eq!(answer.json()["category"], "MISSING_SCOPES");
    }
    assert_eq!(walk.api("GET", "/userinfo", &writer, "").await.status, 200);
}

#[tokio::test]
async fn files_come_whole_or_in_ranges() {
    let walk = Walk::new();
    let (access, _) = walk.grant("alice", "crm.read").await;
    let whole = walk.api("GET", "/crm/files/1503", &access, "").await;
    assert_eq!((whole.status.as_u16(), whole.body.len()), (200, 65_536));
    assert_eq!(whole.header("content-disposition"), "attachment; filename=\"pattern.bin\"");
    for (range, if_range, status, content_range, expected) in [
        ("bytes=1000-1999", None, 206, "bytes 1000-1999/65536", &whole.body[1000..2000]),
        ("bytes=-10", Some(whole.header("etag")), 206, "bytes 65526-65535/65536", &whole.body[65_526..]),
        ("bytes=65536-", None, 416, "bytes */65536", &[]),
        ("bytes=0-1", Some("\"old\""), 200, "", &whole.body[..]),
    ] {
        let mut request = Request::get("/crm/files/1503").header("range", range);
        request = request.header("authorization", format!("Bearer {access}"));
        if let Some(tag) = if_range {
            request = request.header("if-range", tag);
        }
        let part = walk.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!((part.status.as_u16(), part.header("content-range")), (status, content_range), "{range}");
        assert_eq!(part.body, expected, "{range}");
    }
    let table = walk.api("GET", "/crm/files/1502", &access, "").await;
    assert_eq!(table.text().lines().count(), 26);
    let deals = walk.api("GET", "/crm/deals?limit=1", &access, "").await;
    assert!(deals.text().contains("\"ledger_number\":9007199254740993"));
}
