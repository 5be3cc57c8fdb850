//! One operation: how its request is built and how its answer is read.
//!
//! Knows methods, paths, parameters, bodies, extraction and paging. Must not know authentication or hosts.

use super::{Bounds, CheckValue, JsonPath, PathTemplate, Template};
use indexmap::IndexMap;
use serde_json::Value;

/// What an operation does. `api_search` is read as [`Action::Search`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Many records.
    List,
    /// One record.
    Get,
    /// A new record.
    Create,
    /// A changed record.
    Update,
    /// A removed record.
    Delete,
    /// The provider's own search.
    Search,
    /// File bytes.
    Download,
}

/// One operation.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Entity name, as the document spells it.
    pub entity: String,
    /// What it does.
    pub action: Action,
    /// HTTP method.
    pub method: http::Method,
    /// Path below the server URL.
    pub path: PathTemplate,
    /// Path, query and header parameters, in document order.
    pub parameters: Vec<Parameter>,
    /// Ranges, patterns and formats by parameter name, where the definition asks for their check.
    pub bounds: IndexMap<String, Bounds>,
    /// The request body.
    pub body: Body,
    /// How the answer becomes a result.
    pub extract: Extract,
    /// How `params.cursor` and `params.limit` are served; none: it does not page.
    pub paging: Option<Paging>,
    /// For [`Action::Download`].
    pub download: Option<Download>,
    /// Failed attempts may be repeated: a reading action or an idempotent method (RFC 9110 section 9.2.2).
    pub repeatable: bool,
    /// What a check of this operation sends, before configuration and other entities' records are looked at.
    pub probe: Vec<(String, CheckValue)>,
}

/// Where a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In a header.
    Header,
}

/// How an array or object stands in the query (OpenAPI 3.1 "Style Values").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamStyle {
    /// `form`, `explode: true`: the key is repeated.
    Repeat,
    /// `form`, `explode: false`: joined with `,`.
    Comma,
    /// `spaceDelimited`.
    Space,
    /// `pipeDelimited`.
    Pipe,
    /// `deepObject`: `name[key]=value`; a list is `name[]=a&name[]=b`.
    DeepObject,
}

/// What kind of value is accepted, before lossless coercion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueType {
    /// Anything.
    Any,
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// true or false.
    Boolean,
    /// A list; the type of its items.
    Array(Box<ValueType>),
    /// A map.
    Object,
}

/// A path, query or header parameter.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name, for the caller and on the wire.
    pub name: String,
    /// Where it goes.
    pub location: Location,
    /// Must be given (or have a default).
    pub required: bool,
    /// Accepted type.
    pub value_type: ValueType,
    /// `null` is a value of its own.
    pub nullable: bool,
    /// Accepted values; empty: all. For arrays the items'.
    pub allowed: Vec<Value>,
    /// Sent when nothing is given: always for headers and downloads, else only when required.
    pub default: Option<Value>,
    /// Array and object style.
    pub style: ParamStyle,
    /// Filled from configuration: the key, and what its values are sent as.
    pub inject: Option<(String, IndexMap<String, Value>)>,
}

impl Operation {
    /// What a caller may give in the body, whatever its kind.
    pub fn body_fields(&self) -> &[BodyField] {
        match &self.body {
            Body::None => &[],
            Body::Graphql(graphql) => &graphql.fields,
            Body::Json(fields) | Body::Form(fields) | Body::Related { fields, .. } => &fields.fields,
        }
    }

    /// Whether a parameter or a field of the body has this name.
    pub fn takes(&self, name: &str) -> bool {
        self.parameters.iter().any(|parameter| parameter.name == name)
            || self.body_fields().iter().any(|field| field.name == name)
    }
}

/// The request body.
#[derive(Debug, Clone)]
pub enum Body {
    /// No body.
    None,
    /// JSON object of `fields`.
    Json(Fields),
    /// `application/x-www-form-urlencoded`, nested as `a[b][0]`.
    Form(Fields),
    /// GraphQL over JSON.
    Graphql(Box<GraphqlBody>),
    /// `multipart/related`: JSON metadata and one file.
    Related {
        /// The metadata.
        fields: Fields,
        /// Name of the base64 field that holds the file.
        file_field: String,
    },
}

/// Top-level fields of a body.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    /// By name, in document order.
    pub fields: Vec<BodyField>,
    /// Any other name is accepted too, except these.
    pub open: Option<Vec<String>>,
    /// The object is sent as the only element of an array.
    pub array: bool,
    /// The content type, as the document names it.
    pub content_type: String,
}

/// A top-level body field.
#[derive(Debug, Clone)]
pub struct BodyField {
    /// Its name.
    pub name: String,
    /// Must be given (create and update).
    pub required: bool,
    /// Accepted type.
    pub value_type: ValueType,
    /// `null` is a value of its own.
    pub nullable: bool,
    /// Accepted values; empty: all. For arrays the items'.
    pub allowed: Vec<Value>,
    /// Sent when nothing is given.
    pub default: Option<Value>,
}

/// A GraphQL request.
#[derive(Debug, Clone)]
pub struct GraphqlBody {
    /// The query text; `{{ fields }}` is replaced by the selection.
    pub query: String,
    /// Template tree of the variables.
    pub variables: Option<Value>,
    /// `operationName`.
    pub operation_name: Option<String>,
    /// Selection when the caller gives no `fields`.
    pub default_fields: Option<Value>,
    /// Variables that may be sent as null.
    pub nullable: Vec<String>,
    /// Names that callers may give: placeholders of `variables` and declared body fields.
    pub fields: Vec<BodyField>,
}

/// From answer to result.
#[derive(Debug, Clone, Default)]
pub struct Extract {
    /// The records; none: the whole body.
    pub records: Option<JsonPath>,
    /// Named metadata.
    pub meta: Vec<(String, MetaSource)>,
    /// Fields rendered over each record.
    pub transform: Vec<(String, Template)>,
    /// Records kept only where this renders true.
    pub filter: Option<Template>,
}

/// Where a metadata field comes from.
#[derive(Debug, Clone)]
pub enum MetaSource {
    /// In the body.
    Path(JsonPath),
    /// In the `Link` header, by relation (RFC 8288).
    Link(String),
    /// In a header.
    Header(http::HeaderName),
}

/// How an operation pages.
#[derive(Debug, Clone)]
pub struct Paging {
    /// The parameter (query, body field or GraphQL variable) that continues; none where the next cursor is a URL.
    /// A dotted name (`pagination.starting_after`) that is no declared name itself is a member of an object body field.
    pub cursor_param: Option<String>,
    /// The parameter that sizes a page; dotted like `cursor_param`.
    pub limit_param: Option<String>,
    /// Where the next cursor comes from.
    pub next: NextCursor,
    /// Decides whether there is more, instead of the cursor's presence.
    pub has_more: Option<JsonPath>,
    /// The provider's page size when none is asked for; needed to count.
    pub default_limit: Option<u64>,
}

/// Where the next cursor comes from.
#[derive(Debug, Clone)]
pub enum NextCursor {
    /// A value in the body, given to `cursor_param`. Of several matches the last: `$.data[*].id` is the last record's id.
    Path(JsonPath),
    /// A URL or path in the body, or a list of links (`[{rel, href}]`) of which the one called `next` is taken. With
    /// `cursor_param`: that query parameter of it is the cursor; without: the URL itself is.
    Url(JsonPath),
    /// The URL of the `Link` header with this relation; `cursor_param` as with `Url`.
    Link(String),
    /// Counting records: the next cursor is the current offset plus the records that came.
    Offset,
    /// Counting pages.
    Page {
        /// The number of the first page: 1, rarely 0.
        first: u64,
    },
}

/// How file bytes are fetched.
#[derive(Debug, Clone)]
pub struct Download {
    /// Dotted path to the file's URL in the operation's JSON answer; none: the answer itself is the file.
    pub file_url: Option<String>,
}

impl Action {
    /// All actions, in the order they are shown.
    pub const ALL: [Self; 7] =
        [Self::List, Self::Get, Self::Create, Self::Update, Self::Delete, Self::Search, Self::Download];

    /// The name that callers use.
    pub fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Get => "get",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Search => "search",
            Self::Download => "download",
        }
    }

    /// The action of a name; `api_search` is an old name of `search`.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "api_search" => Some(Self::Search),
            _ => Self::ALL.into_iter().find(|action| action.name() == name),
        }
    }

    /// Changes nothing at the provider.
    pub fn reads(self) -> bool {
        matches!(self, Self::List | Self::Get | Self::Search | Self::Download)
    }
}
