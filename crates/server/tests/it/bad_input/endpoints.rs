//! Every endpoint with a body that works, and what each of its fields takes.

use crate::support::stage::Stage;
use crate::support::walk::{BENCH, CRM, HOME, id};
use serde_json::{Value, json};

/// What a field takes, so what it must refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// A workspace name: 1 to 250 characters, none a control character.
    Name,
    /// A connector's name: the same, but optional.
    Title,
    /// A text that is looked up or compared.
    Text,
    /// Any text at all.
    Free,
    /// Entity or action.
    Word,
    /// A URL.
    Url,
    /// One of a few words.
    Choice,
    /// A UUID.
    Id,
    /// An object.
    Object,
    /// An object of credentials: what is wrong in it is 400.
    Credentials,
    /// A list of texts.
    Texts,
    /// True or false.
    Flag,
}

/// One field of a body.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) takes: Takes,
    pub(super) required: bool,
    /// How errors name it, when not by itself.
    pub(super) shown: &'static str,
}

/// One endpoint.
pub(super) struct Endpoint {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) good: Value,
    pub(super) fields: Vec<Field>,
}

fn must(name: &'static str, takes: Takes) -> Field {
    Field { name, takes, required: true, shown: name }
}

fn may(name: &'static str, takes: Takes) -> Field {
    Field { name, takes, required: false, shown: name }
}

fn workspace(name: &'static str) -> Field {
    Field { name, takes: Takes::Name, required: true, shown: "workspace_name" }
}

fn post(path: &str, good: Value, fields: Vec<Field>) -> Endpoint {
    Endpoint { method: "POST", path: path.to_owned(), good, fields }
}

fn put(path: &str, good: Value, fields: Vec<Field>) -> Endpoint {
    Endpoint { method: "PUT", path: path.to_owned(), good, fields }
}

/// All endpoints with a body, on a stage that has one connector and one unredeemed `secret_id`.
pub(super) async fn endpoints(stage: &Stage) -> Vec<Endpoint> {
    stage.put_crm_app().await;
    stage.put_bench_app().await;
    let secret_id = stage.secret_id("w1", &json!({})).await;
    let connector = stage.bench("w1").await;
    let workspace_id = id(&stage.app.get("/workspaces?name_contains=w1").await.ok()["data"][0]);
    let mut all = tokens(stage);
    all.extend(organization(stage, &workspace_id));
    all.extend(flows(stage, &secret_id));
    all.extend(connectors(&connector));
    all
}

fn tokens(stage: &Stage) -> Vec<Endpoint> {
    use Takes::{Text, Texts, Url};
    let client = json!({"client_id": "someone", "client_secret": stage.secrets.fresh("cs")});
    let mut all = Vec::new();
    for path in ["/account/applications/token", "/applications/token"] {
        all.push(post(path, client.clone(), vec![must("client_id", Text), must("client_secret", Text)]));
    }
    for path in ["/account/applications/scoped-token", "/embedded/scoped-token"] {
        let fields = vec![workspace("workspace_name"), may("region_id", Text)];
        all.push(post(path, json!({"workspace_name": "w1"}), fields));
    }
    for path in ["/account/applications/widget-token", "/embedded/widget-token"] {
        let good = json!({"customer_name": "w1", "allowed_origin": "https://app.example.com"});
        let tags = ["selected_source_template_tags", "selected_connection_template_tags"]
            .map(|name| may(name, Texts));
        let fields = vec![workspace("customer_name"), must("allowed_origin", Url), may("region_id", Text)];
        all.push(post(path, good, fields.into_iter().chain(tags).collect()));
    }
    all
}

fn organization(stage: &Stage, workspace_id: &str) -> Vec<Endpoint> {
    use Takes::{Choice, Flag, Object, Text, Texts, Title};
    let secret = stage.secrets.fresh("app");
    let app = json!({"client_id": "c", "client_secret": secret, "developer_token": "developer-token"});
    let good = json!({"connector_type": BENCH, "configuration": app});
    let credentials = vec![must("connector_type", Text), must("configuration", Object)];
    let changes = vec![may("name", Title), may("status", Choice), may("cache_enabled", Flag)];
    vec![
        put("/oauth/credentials", good, credentials),
        post(
            "/revocations",
            json!({"organization": true, "dry_run": true}),
            vec![must("organization", Flag)],
        ),
        put("/organizations/redirect-urls", json!({"data": [HOME]}), vec![must("data", Texts)]),
        put("/organizations/settings", json!({"require_binding": false}), vec![may("require_binding", Flag)]),
        put(&format!("/workspaces/{workspace_id}"), json!({"status": "active"}), changes),
    ]
}

/// Fields that every way to a connector has.
fn described(fields: Vec<Field>) -> Vec<Field> {
    use Takes::{Flag, Object, Text, Title};
    let more = [
        may("name", Title),
        may("environment", Object),
        may("replication_config", Object),
        may("verify", Flag),
        may("auth_scheme", Text),
    ];
    fields.into_iter().chain(more).collect()
}

fn flows(stage: &Stage, secret_id: &str) -> Vec<Endpoint> {
    use Takes::{Choice, Credentials, Id, Object, Text, Texts, Title, Url};
    let start = || vec![workspace("external_user_id"), must("connector_type", Text)];
    let with = |more: Vec<Field>| start().into_iter().chain(more).collect::<Vec<_>>();
    let good = json!({"external_user_id": "w1", "connector_type": CRM, "redirect_url": HOME});
    let initiate = with(vec![
        must("redirect_url", Url),
        may("oauth_input_configuration", Object),
        may("callback_mode", Choice),
        may("name", Title),
        may("environment", Object),
        may("replication_config", Object),
        may("code_challenge", Choice),
        may("connector_id", Id),
        may("scopes", Texts),
    ]);
    let token = stage.secrets.fresh("pat");
    let typed = json!({"external_user_id": "w1", "connector_type": BENCH, "credentials": {"token": token}});
    let redeemed =
        json!({"external_user_id": "w1", "connector_type": CRM, "server_side_oauth_secret_id": secret_id});
    let secret = Field { shown: "credentials", ..must("server_side_oauth_secret_id", Text) };
    let path = "/integrations/connectors";
    vec![
        post("/integrations/connectors/oauth/initiate", good, initiate),
        post(path, typed.clone(), described(with(vec![must("credentials", Credentials)]))),
        post(
            "/integrations/connectors/check",
            typed,
            described(with(vec![must("credentials", Credentials), may("entities", Texts)])),
        ),
        post(path, redeemed, described(with(vec![secret, may("code_verifier", Text)]))),
    ]
}

fn connectors(connector: &str) -> Vec<Endpoint> {
    use Takes::{Flag, Free, Object, Texts, Title, Word};
    let path = format!("/integrations/connectors/{connector}");
    let changes = vec![may("name", Title), may("replication_config", Object)];
    let mut all = vec![
        put(&path, json!({"name": "n"}), changes),
        post(&format!("{path}/check"), json!({}), vec![may("entities", Texts)]),
    ];
    for path in ["/integrations/connectors", "/connectors/sources", "/connectors/instances"] {
        let fields = vec![
            must("entity", Word),
            must("action", Word),
            may("params", Object),
            may("select_fields", Texts),
            may("exclude_fields", Texts),
            may("skip_truncation", Flag),
            may("intent", Free),
        ];
        let good = json!({"entity": "items", "action": "list"});
        all.push(post(&format!("{path}/{connector}/execute"), good, fields));
    }
    all
}

impl Takes {
    /// Values that it must refuse.
    pub(super) fn refused(self) -> Vec<Value> {
        let long = |length: usize| json!("x".repeat(length));
        let no_text =
            [json!(7), json!(-1.5), json!(true), json!([]), json!({}), json!(["a"]), json!({"a": "b"})];
        let mut all = match self {
            Self::Object | Self::Credentials => {
                return vec![
                    json!("x"),
                    json!(""),
                    json!(7),
                    json!(true),
                    json!([]),
                    json!([{}]),
                    json!("{}"),
                ];
            }
            Self::Texts => {
                let items = [json!([7]), json!([null]), json!([{}]), json!([["a"]]), json!(["a", 1])];
                let plain = [json!(7), json!(true), json!({}), json!({"0": "a"})];
                return items
                    .into_iter()
                    .chain(plain)
                    .chain([json!(["a\u{0}b"]), json!(vec!["x"; 5000])])
                    .collect();
            }
            Self::Flag => {
                return vec![json!("true"), json!("x"), json!(0), json!(1), json!([]), json!({}), json!("")];
            }
            _ => no_text.to_vec(),
        };
        all.extend(match self {
            Self::Name => vec![
                json!(""),
                json!("   "),
                json!("\t"),
                long(251),
                long(100_000),
                json!("a\u{0}b"),
                json!("a\nb"),
                json!("\u{7f}"),
            ],
            Self::Title => vec![json!(""), json!("  "), long(251), json!("a\u{0}b"), json!("a\r\nb")],
            Self::Text => vec![long(100_000), json!("a\u{0}b"), json!("a\r\nX: y")],
            Self::Word => vec![json!("nope"), json!("items\u{0}"), long(5000), json!("{{ 7*7 }}")],
            Self::Url => vec![
                json!(""),
                json!("x"),
                json!("javascript:alert(1)"),
                json!("https://a@b/"),
                json!("https://a\u{0}/"),
                long(10_000),
            ],
            Self::Choice => vec![json!(""), json!("nope"), json!("a\u{0}"), long(10_000)],
            Self::Id => vec![
                json!(""),
                json!("x"),
                json!("00000000-0000-4000-8000-00000000000"),
                json!("../x"),
                long(10_000),
            ],
            _ => vec![],
        });
        all
    }
}
