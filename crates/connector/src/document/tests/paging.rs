//! How paging is guessed from extracted metadata and declared parameters.

use super::good;
use crate::plan::{Action, NextCursor, Paging};

/// A list with these query parameters, this metadata and these response properties.
fn infer(params: &str, meta: &str, response: &str) -> Option<Paging> {
    let parameters: Vec<String> = params
        .split_whitespace()
        .map(|param| {
            let (name, kind) = param.split_once(':').unwrap_or((param, "string"));
            format!("{{name: \"{name}\", in: query, schema: {{type: {kind}}}}}")
        })
        .collect();
    let list = format!(
        "  /things:\n    get:\n      x-airbyte-entity: things\n      x-airbyte-action: list\n      \
         x-airbyte-meta-extractor: {{{meta}}}\n      parameters: [{}]\n      responses: {{\"200\": {{description: OK, \
         content: {{application/json: {{schema: {{type: object, properties: {{{response}}}}}}}}}}}}}\n",
        parameters.join(", ")
    );
    let source = super::changed("  /contacts:\n", &format!("{list}  /contacts:\n"));
    good(&source).plan.operation("things", Action::List)?.paging.clone()
}

fn shown(paging: Option<Paging>) -> String {
    let Some(paging) = paging else { return "none".to_owned() };
    let next = match &paging.next {
        NextCursor::Path(path) => format!("path {path}"),
        NextCursor::Url(path) => format!("url {path}"),
        NextCursor::Link(relation) => format!("link {relation}"),
        NextCursor::Offset => "offset".to_owned(),
        NextCursor::Page { first } => format!("page from {first}"),
    };
    let more = paging.has_more.map(|path| format!(" while {path}")).unwrap_or_default();
    let name = |name: Option<String>| name.unwrap_or_else(|| "-".to_owned());
    format!("{} {} {next}{more}", name(paging.cursor_param), name(paging.limit_param))
}

#[test]
fn inferred() {
    let cases = [
        (
            "after limit:integer",
            "next_cursor: $.paging.next.after, next_link: $.paging.next.link",
            "",
            "after limit path $.paging.next.after",
        ),
        (
            "after:string per_page:integer",
            "end_cursor: $.d.pageInfo.endCursor, has_next_page: $.d.pageInfo.hasNextPage",
            "",
            "after per_page path $.d.pageInfo.endCursor while $.d.pageInfo.hasNextPage",
        ),
        (
            "cursor limit:integer",
            "next_cursor: $.response_metadata.next_cursor, has_more: $.has_more",
            "",
            "cursor limit path $.response_metadata.next_cursor while $.has_more",
        ),
        (
            "pageToken pageSize:integer",
            "nextPageToken: $.nextPageToken",
            "",
            "pageToken pageSize path $.nextPageToken",
        ),
        (
            "starting_after per_page:integer",
            "next_page: $.pages.next.starting_after",
            "",
            "starting_after per_page path $.pages.next.starting_after",
        ),
        ("offset pageSize:integer", "offset: $.offset", "", "offset pageSize path $.offset"),
        ("offset limit:integer", "next_offset: $.next_offset", "", "offset limit path $.next_offset"),
        ("bookmark page_size:integer", "cursor: $.bookmark", "", "bookmark page_size path $.bookmark"),
        (
            "offset limit:integer",
            "next_page: $.next_page",
            "next_page: {type: object, properties: {offset: {type: string}}}",
            "offset limit path $.next_page.offset",
        ),
        ("start limit:integer", "next: $.next", "next: {type: string}", "start limit path $.next"),
        ("page:integer per_page:integer", "next: \"@link.next\"", "", "page per_page link next"),
        ("limit:integer", "next: \"@link.next\"", "", "- limit link next"),
        (
            "page[cursor] page[size]:integer",
            "next: $.links.next",
            "",
            "page[cursor] page[size] url $.links.next",
        ),
        ("page:integer per_page:integer", "next_page: $.next_page", "", "page per_page url $.next_page"),
        (
            "page:integer",
            "next_page: $.next_page",
            "next_page: {type: string, format: uri}",
            "page - url $.next_page",
        ),
        ("", "nextRecordsUrl: $.nextRecordsUrl, done: $.done", "", "- - url $.nextRecordsUrl"),
        ("limit:integer", "next_link: $.links.next", "", "- limit url $.links.next"),
        ("offset:integer count:integer", "links: $._links", "", "offset count offset"),
        (
            "startAt:integer maxResults:integer",
            "next_offset: $.startAt, total: $.total",
            "",
            "startAt maxResults offset",
        ),
        ("page:integer page_size:integer", "page_info: $.data.page_info", "", "page page_size page from 1"),
        (
            "page:integer per_page:integer",
            "more_records: $.info.more_records, page: $.info.page",
            "",
            "page per_page page from 1 while $.info.more_records",
        ),
        ("page:integer", "last_page: $.last_page", "", "none"),
        (
            "starting_after ending_before limit:integer",
            "has_more: $.has_more",
            "",
            "starting_after limit path $[*].id while $.has_more",
        ),
        ("starting_after limit:integer", "total: $.total", "", "none"),
        ("page:integer after before per_page:integer", "next: \"@link.next\"", "", "page per_page link next"),
        (
            "start limit:integer",
            "next: $._links.next",
            "_links: {type: object, properties: {next: {type: string}}}",
            "start limit url $._links.next",
        ),
        ("", "cursor: $.records.cursor", "", "none"),
        ("cursor limit:integer", "previous_cursor: $.previous_cursor", "", "none"),
        ("name", "count: $.count", "", "none"),
    ];
    for (params, meta, response, expected) in cases {
        assert_eq!(shown(infer(params, meta, response)), expected, "{params} | {meta}");
    }
}

#[test]
fn pages_are_counted_from_where_the_provider_begins() {
    let source = super::changed(
        "      x-keybearer-pagination: {cursor_param: after, cursor: $.paging.next.after, limit_param: limit}",
        "      x-keybearer-pagination: {cursor_param: limit, cursor: page, first_page: 0, default_limit: 100}",
    );
    let paging = good(&source).plan.operation("contacts", Action::List).unwrap().paging.clone();
    assert_eq!(shown(paging), "limit - page from 0");
    let source = infer("page:integer size:integer", "total: $.total", "");
    assert_eq!(shown(source), "page size page from 1");
}

#[test]
fn a_default_of_zero_counts_from_zero() {
    let list = "{name: limit, in: query, schema: {type: integer, default: 10, minimum: 1}}";
    let source = super::changed(
        list,
        &format!("{list}\n        - {{name: page, in: query, schema: {{type: integer, default: 0}}}}"),
    )
    .replace("      x-keybearer-pagination:", "      x-note:")
    .replace(
        "{next: $.paging.next.after, rate: \"@header.X-Rate\", more: \"@link.next\"}",
        "{total: $.total}",
    );
    let paging = good(&source).plan.operation("contacts", Action::List).unwrap().paging.clone();
    assert_eq!(shown(paging), "page limit page from 0");
}

#[test]
fn dotted_names_reach_into_object_fields() {
    let source = super::changed(
        "      requestBody:\n        required: true",
        "      x-keybearer-pagination: {cursor_param: tags_page.after, cursor: $.next, cursor_is: value}\n      requestBody:\n        required: true",
    )
    .replace("kind: {type: string, enum", "tags_page: {type: object}\n                kind: {type: string, enum");
    let plan = good(&source).plan;
    let paging = plan.operation("contacts", Action::Create).unwrap().paging.clone();
    assert_eq!(shown(paging), "tags_page.after - path $.next");
}
