//! `cargo xtask cli-reference`: docs/cli.md, every command with its options.

use anyhow::Result;

use crate::generated_document::{Binary, Document, Options};

/// The reference, as the commands describe themselves.
pub(crate) const DOCUMENT: Document =
    Document { printed_by: "cli-reference", path: "docs/cli.md", chore: "cli-reference" };

/// Writes or checks it.
pub(crate) fn run(options: &Options) -> Result<()> {
    DOCUMENT.write_or_check(&Binary::CargoRun, options.check)
}
