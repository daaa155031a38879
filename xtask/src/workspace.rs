//! This workspace: its folder, its packages, and the cargo that builds it.

use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand};
use strongroom_testkit::real_parts;

/// The cargo that runs us, in the workspace's root folder.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.current_dir(real_parts::workspace_root());
    command
}

/// The workspace's own packages with their targets and declared dependencies; nothing is resolved or downloaded.
pub(crate) fn metadata() -> Result<Metadata> {
    let manifest = real_parts::workspace_root().join("Cargo.toml");
    MetadataCommand::new().manifest_path(manifest).no_deps().exec().context("cargo metadata")
}
