//! Reads the providers' files, refuses what is wrong in them, and writes them as constants.

#[path = "build/check.rs"]
mod check;
#[path = "build/file.rs"]
mod file;
#[path = "build/write.rs"]
mod write;

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build");
    println!("cargo:rerun-if-changed=providers");
    let mut files = Vec::new();
    for entry in std::fs::read_dir("providers")? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        files.push((name, std::fs::read_to_string(&path)?));
    }
    files.sort();
    let all = check::read(&files)?;
    let text = write::constants(&all).map_err(|_| "the constants cannot be written")?;
    let out = std::env::var_os("OUT_DIR").ok_or("there is no OUT_DIR")?;
    std::fs::write(Path::new(&out).join("known_providers.rs"), text)?;
    Ok(())
}
