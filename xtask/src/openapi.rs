//! `cargo xtask openapi`: docs/openapi.json, the description of the HTTP API.

use anyhow::Result;

use crate::generated_document::{Binary, Document, Options};

/// The description, as the server itself serves it at `/openapi.json`.
pub(crate) const DOCUMENT: Document =
    Document { printed_by: "openapi", path: "docs/openapi.json", chore: "openapi" };

/// Writes or checks it.
pub(crate) fn run(options: &Options) -> Result<()> {
    DOCUMENT.write_or_check(&Binary::CargoRun, options.check)
}
