//! The connector types that this server knows: the built-in ones and an operator's own over them.
//!
//! Knows names, ids and when a definition is compiled. Must not know organizations or credentials.

use crate::core::error::{Error, Kind, Result};
use keybearer_connector::document::{self, Additions, Definition, Problem, Severity};
use keybearer_connector::plan::{Info, Plan};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, OnceLock};

/// Built-in definitions: folder name and text.
const BUILT_IN: [(&str, &str); 5] = [
    ("github", include_str!("../../../../connectors/github/connector.yaml")),
    ("hubspot", include_str!("../../../../connectors/hubspot/connector.yaml")),
    ("intercom", include_str!("../../../../connectors/intercom/connector.yaml")),
    ("salesforce", include_str!("../../../../connectors/salesforce/connector.yaml")),
    ("slack", include_str!("../../../../connectors/slack/connector.yaml")),
];

/// Origin of the definitions in this program.
const BUILT_IN_ORIGIN: &str = "built-in";

/// What published documents lack, for their providers.
static ADDITIONS: LazyLock<Additions> = LazyLock::new(|| {
    Additions::parse(include_str!("../../../../connectors/additions.yaml")).unwrap_or_else(|problems| {
        for problem in problems {
            tracing::error!(%problem, "the built-in additions cannot be read");
        }
        Additions::none()
    })
});

/// Reads a definition that is not built in, with what Keybearer adds to published ones.
pub fn compile(source: &str) -> std::result::Result<Definition, Vec<Problem>> {
    document::load(source, &ADDITIONS)
}

/// All connector types, by any of their names.
pub struct Catalog {
    types: BTreeMap<String, Arc<ConnectorType>>,
    names: HashMap<String, String>,
    unreadable: Vec<(PathBuf, String)>,
}

/// One connector type; its definition compiles on first use.
pub struct ConnectorType {
    /// Its names and id.
    pub info: Info,
    /// File, or `built-in`.
    pub origin: String,
    source: String,
    compiled: OnceLock<std::result::Result<Arc<Definition>, Vec<Problem>>>,
}

impl Catalog {
    /// Built-in types, then those of a directory: `*/connector.yaml` and `*.yaml`. A file that cannot be read or
    /// names no connector is reported by [`Catalog::unreadable`] and does not stop the others.
    pub fn load(directory: Option<&Path>) -> Self {
        let mut catalog = Self { types: BTreeMap::new(), names: HashMap::new(), unreadable: Vec::new() };
        for (name, source) in BUILT_IN {
            catalog.add(BUILT_IN_ORIGIN.to_owned(), source.to_owned(), Path::new(name));
        }
        for path in directory.map(definition_files).unwrap_or_default() {
            match std::fs::read_to_string(&path) {
                Ok(source) => catalog.add(path.display().to_string(), source, &path),
                Err(error) => catalog.unreadable.push((path, format!("1:1: error: cannot be read: {error}"))),
            }
        }
        catalog
    }

    /// Adds one more definition, over one of the same name.
    #[must_use]
    pub fn with(mut self, origin: &str, source: &str) -> Self {
        self.add(origin.to_owned(), source.to_owned(), Path::new(origin));
        self
    }

    fn add(&mut self, origin: String, source: String, path: &Path) {
        let Some(info) = document::peek(&source) else {
            return self.unreadable.push((path.to_owned(), first_mistake(&source)));
        };
        let slug = info.slug.clone();
        let names =
            [slug.clone(), slug.replace('-', "_"), info.display_name.clone(), info.definition_id.clone()];
        for name in names {
            self.names.insert(name.to_ascii_lowercase(), slug.clone());
        }
        let kind = ConnectorType { info, origin, source, compiled: OnceLock::new() };
        self.types.insert(slug, Arc::new(kind));
    }

    /// The type of that slug, display name, snake-case name or definition id; ASCII case does not matter.
    pub fn find(&self, name: &str) -> Option<&Arc<ConnectorType>> {
        let name = name.to_ascii_lowercase();
        // A slug is never another type's: stored rows are found by it.
        self.types.get(&name).or_else(|| self.types.get(self.names.get(&name)?))
    }

    /// The type of that name, or the one answer for an unknown one.
    pub fn named(&self, name: &str) -> Result<&Arc<ConnectorType>> {
        self.find(name).ok_or_else(|| {
            Error::new(
                Kind::NotFound,
                "Unknown connector type; GET /integrations/definitions/sources lists them",
            )
        })
    }

    /// All types, by slug.
    pub fn all(&self) -> impl Iterator<Item = &Arc<ConnectorType>> {
        self.types.values()
    }

    /// Files that name no connector, with the reason as `LINE:COLUMN: error: …`.
    pub fn unreadable(&self) -> &[(PathBuf, String)] {
        &self.unreadable
    }

    /// Compiles every type that is not compiled yet and returns the bad ones. Takes a second for a hundred types:
    /// to be called off the async threads.
    pub fn compile_all(&self) -> Vec<(&ConnectorType, &[Problem])> {
        self.all()
            .filter_map(|kind| {
                kind.compiled().as_ref().err().map(|problems| (kind.as_ref(), problems.as_slice()))
            })
            .collect()
    }
}

impl ConnectorType {
    /// The definition, compiled on first use.
    pub fn definition(&self) -> Result<&Arc<Definition>> {
        self.compiled().as_ref().map_err(|problems| {
            let first = problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
            Error::new(
                Kind::Unavailable,
                format!("The definition of `{}` has mistakes; `keybearer doctor` lists them", self.info.slug),
            )
            .caused_by(format!("{}: {first}", self.origin))
        })
    }

    /// What a call needs of the definition.
    pub fn plan(&self) -> Result<&Arc<Plan>> {
        Ok(&self.definition()?.plan)
    }

    /// Its text, as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    fn compiled(&self) -> &std::result::Result<Arc<Definition>, Vec<Problem>> {
        self.compiled.get_or_init(|| {
            // Our own definitions say everything themselves.
            let definition = match self.origin.as_str() {
                BUILT_IN_ORIGIN => document::load(&self.source, &Additions::none()),
                _ => compile(&self.source),
            };
            definition.map(Arc::new)
        })
    }
}

/// Why a text names no connector, with the place of its first mistake.
fn first_mistake(source: &str) -> String {
    let problems = document::load(source, &Additions::none()).err().unwrap_or_default();
    let error = problems.iter().find(|problem| problem.severity == Severity::Error);
    error.map_or_else(|| "1:1: error: names no connector".to_owned(), ToString::to_string)
}

/// Definitions in a directory: `*/connector.yaml` and `*.yaml`, sorted.
pub(crate) fn definition_files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        let inner = path.join("connector.yaml");
        if path.is_dir() && inner.is_file() {
            files.push(inner);
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            files.push(path);
        }
    }
    files.sort();
    files
}
