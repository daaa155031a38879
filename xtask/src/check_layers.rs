//! `cargo xtask check-layers`: who may depend on whom, the rules for files and their names, and words that are not used.

mod arrows;
mod sources;

use anyhow::{Result, bail};

use crate::{banned_words, workspace};

/// Prints every breach and fails if there is one.
pub(crate) fn run() -> Result<()> {
    let metadata = workspace::metadata()?;
    let mut breaches = arrows::breaches(&arrows::declared(&metadata));
    let root = metadata.workspace_root.as_std_path();
    let files = sources::read_all(root)?;
    breaches.extend(files.iter().flat_map(sources::breaches));
    breaches.extend(banned_words::breaches(&banned_words::count(root)?, &banned_words::kept(root)?));

    for breach in &breaches {
        println!("{breach}");
    }
    if !breaches.is_empty() {
        bail!("{} breaches of the layers (see ARCHITECTURE.md)", breaches.len());
    }
    println!("{} packages and {} source files keep to the layers", metadata.packages.len(), files.len());
    Ok(())
}
