//! `cargo xtask check-layers`: who may depend on whom, and the rules for files and their names.

mod arrows;
mod sources;

use anyhow::{Result, bail};

use crate::workspace;

/// Prints every breach and fails if there is one.
pub(crate) fn run() -> Result<()> {
    let metadata = workspace::metadata()?;
    let mut breaches = arrows::breaches(&arrows::declared(&metadata));
    let files = sources::read_all(metadata.workspace_root.as_std_path())?;
    breaches.extend(files.iter().flat_map(sources::breaches));

    for breach in &breaches {
        println!("{breach}");
    }
    if !breaches.is_empty() {
        bail!("{} breaches of the layers (see ARCHITECTURE.md)", breaches.len());
    }
    println!("{} packages and {} source files keep to the layers", metadata.packages.len(), files.len());
    Ok(())
}
