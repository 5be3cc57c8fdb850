//! The 56 connector definitions that loading is measured with.
//!
//! Knows the built-in definitions, or a folder with others. Must not know how they are loaded.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

/// As many as the published package holds.
const DOCUMENTS: usize = 56;

/// The built-in definitions.
const BUILT_IN: [&str; 5] = [
    include_str!("../../../connectors/github/connector.yaml"),
    include_str!("../../../connectors/hubspot/connector.yaml"),
    include_str!("../../../connectors/intercom/connector.yaml"),
    include_str!("../../../connectors/salesforce/connector.yaml"),
    include_str!("../../../connectors/slack/connector.yaml"),
];
/// What stands before a document's own name.
const NAME: &str = "x-airbyte-connector-name: ";

/// Where a document came from, and its text.
pub(crate) type Document = (String, String);

/// The built-in definitions over and over, each under a name of its own: offline, and as long as real ones.
pub(crate) fn generated() -> Vec<Document> {
    let documents = BUILT_IN.iter().cycle().take(DOCUMENTS).enumerate();
    documents
        .map(|(number, source)| {
            (format!("document {number}"), source.replacen(NAME, &format!("{NAME}copy-{number}-of-"), 1))
        })
        .collect()
}

/// `DIR/*.yaml` and `DIR/*/connector.yaml`, by name.
pub(crate) fn in_folder(folder: &Path) -> Result<Vec<Document>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let inside = path.join("connector.yaml");
        if inside.is_file() {
            files.push(inside);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
    if files.is_empty() {
        bail!("{} holds neither *.yaml nor */connector.yaml", folder.display());
    }
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let name = path.display().to_string();
        let source = fs::read_to_string(path).with_context(|| name.clone())?;
        Ok((name, source))
    };
    files.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_generated_document_has_a_name_of_its_own() {
        let names: BTreeSet<String> = generated()
            .iter()
            .map(|(_, source)| keybearer_connector::document::peek(source).unwrap().slug)
            .collect();
        assert_eq!(names.len(), DOCUMENTS);
    }
}
