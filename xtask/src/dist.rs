//! `cargo xtask dist`: the binary as it is shipped. A first build counts which ways its code goes under load, a second one
//! is laid out by these counts, with link-time optimisation; see "Profile-guided Optimization" in the rustc book.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::test::Installer;
use crate::{bench, workspace};

/// Options of the command.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Count again, where the counts of an earlier build are at hand
    #[arg(long)]
    recount: bool,
}

/// Builds it and tells where it lies.
pub(crate) fn run(options: &Options) -> Result<bool> {
    println!("{}", build(options.recount)?.display());
    Ok(true)
}

/// Builds the binary as it is shipped; with the counts of an earlier build, where some fit and no others are asked for.
pub(crate) fn build(recount: bool) -> Result<PathBuf> {
    let compiler = Compiler::ask()?;
    let workspace = workspace::metadata()?;
    let folder = workspace.target_directory.join("shipped").into_std_path_buf();
    let (counts, counted) = (folder.join("counts.profdata"), folder.join("counted"));
    // Counts are found by the names of functions, which depend on all of this.
    let mut basis = compiler.version.clone();
    for file in ["Cargo.toml", "Cargo.lock"] {
        basis.push_str(&std::fs::read_to_string(workspace.workspace_root.join(file))?);
    }
    if recount || !std::fs::read_to_string(&counted).is_ok_and(|earlier| earlier == basis) {
        count(&compiler, &folder, &counts)?;
        // The flags name the same file as before, so cargo would take what was built by the last counts for up to date.
        empty(&folder.join(&compiler.host))?;
        std::fs::write(&counted, basis)?;
    }
    // A function that was changed or added since is built without counts.
    let flags = format!("-Cprofile-use={}", counts.display());
    compiler.build(&folder, &flags)
}

fn count(compiler: &Compiler, folder: &Path, counts: &Path) -> Result<()> {
    let merge = compiler.profdata()?;
    let raw = folder.join("raw");
    empty(&raw)?;
    // All else is as in the build that follows, so that the names are the same.
    let flags = format!("-Cprofile-generate={}", raw.display());
    let binary = compiler.build(&folder.join("counting"), &flags)?;
    bench::exercise(&binary)?;
    let merged = Command::new(&merge)
        .args(["merge", "--output"])
        .args([counts, &raw])
        .status()
        .with_context(|| format!("running {}", merge.display()))?;
    ensure!(merged.success(), "the counts could not be merged");
    Ok(())
}

fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    Ok(())
}

/// The compiler in use.
struct Compiler {
    /// All that it says of itself.
    version: String,
    host: String,
    llvm: String,
    root: PathBuf,
}

impl Compiler {
    fn ask() -> Result<Self> {
        let ask = |arguments: &[&str]| -> Result<String> {
            let output = Command::new("rustc").args(arguments).output().context("running rustc")?;
            ensure!(output.status.success(), "rustc {arguments:?} failed");
            Ok(String::from_utf8(output.stdout)?)
        };
        let version = ask(&["--version", "--verbose"])?;
        let field = |name: &str| {
            let line = version.lines().find_map(|line| line.strip_prefix(name));
            line.map(|value| value.trim().to_owned())
                .with_context(|| format!("rustc does not tell its {name}"))
        };
        let (host, llvm) = (field("host:")?, field("LLVM version:")?);
        Ok(Self { host, llvm, root: ask(&["--print", "sysroot"])?.trim().into(), version })
    }

    /// Builds the server with these flags. With a target named, they are not for what runs during the build.
    fn build(&self, folder: &Path, flags: &str) -> Result<PathBuf> {
        let mut cargo = workspace::cargo();
        cargo.args(["build", "--profile", "dist", "--package", "strongroom-server", "--target", &self.host]);
        cargo.arg("--target-dir").arg(folder).env("RUSTFLAGS", flags);
        ensure!(cargo.status().context("cargo build")?.success(), "the build failed");
        Ok(folder.join(&self.host).join("dist/strongroom"))
    }

    /// The program that merges counts: of the toolchain, else of Debian's LLVM of the compiler's own version.
    fn profdata(&self) -> Result<PathBuf> {
        let own = self.root.join("lib/rustlib").join(&self.host).join("bin/llvm-profdata");
        if own.is_file() {
            return Ok(own);
        }
        let major = self.llvm.split('.').next().unwrap_or_default();
        let name = format!("llvm-profdata-{major}");
        let installed = Installer::default().programs(&name, &[&name], &[&format!("llvm-{major}")]);
        if let Err(error) = installed {
            bail!("{error:#}; or have rustup bring it: `rustup component add llvm-tools`");
        }
        Ok(name.into())
    }
}
