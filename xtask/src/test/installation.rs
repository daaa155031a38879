//! Installs what a group of tests needs: Debian packages, a Python virtual environment, Node packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use nix::unistd::geteuid;
use strongroom_testkit::postgres_cluster::{POOLER, URL_VARIABLE, installed_binaries};
use strongroom_testkit::real_parts::{FOLDER, python_environment, workspace_root};

use super::Group;

/// Remembers, for one run, that the list of Debian packages is fresh.
#[derive(Debug, Default)]
pub(crate) struct Installer {
    packages_listed: bool,
}

impl Installer {
    /// Makes the group's real part available, or says why it cannot.
    pub(crate) fn provide(&mut self, group: Group) -> Result<()> {
        match group {
            Group::Postgres => {
                let present = || installed_binaries().is_some() || std::env::var_os(URL_VARIABLE).is_some();
                self.debian("PostgreSQL", present, &["postgresql"])?;
                self.debian("PgBouncer", || Path::new(POOLER).is_file(), &["pgbouncer"])
            }
            Group::Node => {
                self.debian("Node", || runs("node", &["--version"]), &["nodejs"])?;
                self.node_packages()
            }
            Group::Browser => {
                self.debian("Chromium", || runs("chromium", &["--version"]), &["chromium"])?;
                self.debian("ChromeDriver", || runs("chromedriver", &["--version"]), &["chromium-driver"])?;
                self.provide(Group::Node)
            }
            Group::Python => {
                let present = || runs("python3", &["-c", "import ensurepip, venv"]);
                self.debian("Python with venv", present, &["python3", "python3-venv"])?;
                python_packages()
            }
            _ => Ok(()),
        }
    }

    /// Makes these programs available.
    pub(crate) fn programs(&mut self, what: &str, programs: &[&str], packages: &[&str]) -> Result<()> {
        let is_there =
            |program: &&str| runs("/bin/sh", &["-c", &format!("PATH=$PATH:/usr/sbin command -v {program}")]);
        self.debian(what, || programs.iter().all(is_there), packages)
    }

    /// Installs Debian packages unless `present`.
    fn debian(&mut self, what: &str, present: impl Fn() -> bool, packages: &[&str]) -> Result<()> {
        if present() {
            return Ok(());
        }
        let names = packages.join(" ");
        println!("{what} is missing: installing {names}");
        let Some(privileges) = privileges() else {
            bail!("{what} is missing, and installing it needs root: `apt-get install {names}`");
        };
        if !self.packages_listed {
            succeed(apt(privileges).arg("update"))?;
            self.packages_listed = true;
        }
        succeed(apt(privileges).args(["install", "--yes", "--no-install-recommends"]).args(packages))?;
        ensure!(present(), "{what} is still missing after `apt-get install {names}`");
        Ok(())
    }

    /// Installs the packages of `testkit/node/package.json`, if there are any, into the folder for test parts.
    fn node_packages(&mut self) -> Result<()> {
        let declared = workspace_root().join("testkit/node");
        let manifest = declared.join("package.json");
        if !manifest.is_file() {
            return Ok(());
        }
        let place = workspace_root().join(FOLDER).join("node");
        let Some(stamp) = Stamp::outdated(&place, &manifest)? else { return Ok(()) };
        self.debian("npm", || runs("npm", &["--version"]), &["npm"])?;
        fs::copy(&manifest, place.join("package.json"))?;
        let lock = declared.join("package-lock.json");
        let verb = if lock.is_file() {
            fs::copy(&lock, place.join("package-lock.json"))?;
            "ci"
        } else {
            "install"
        };
        let mut npm = Command::new("npm");
        succeed(npm.current_dir(&place).args([verb, "--ignore-scripts", "--no-audit", "--no-fund"]))?;
        stamp.write()
    }
}

fn python_packages() -> Result<()> {
    let requirements = workspace_root().join("testkit/python/requirements.txt");
    let environment = python_environment();
    let Some(stamp) = Stamp::outdated(&environment, &requirements)? else { return Ok(()) };
    succeed(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    succeed(pip.arg(&requirements))?;
    stamp.write()
}

/// A copy of the declaration that was installed last, beside what it installed.
struct Stamp {
    path: PathBuf,
    declaration: String,
}

impl Stamp {
    /// The stamp to write after installing, or nothing when the folder is up to date.
    fn outdated(place: &Path, declaration: &Path) -> Result<Option<Self>> {
        let text =
            fs::read_to_string(declaration).with_context(|| format!("reading {}", declaration.display()))?;
        fs::create_dir_all(place)?;
        let path = place.join("installed");
        let installed = fs::read_to_string(&path).is_ok_and(|present| present == text);
        Ok((!installed).then_some(Self { path, declaration: text }))
    }

    fn write(&self) -> Result<()> {
        fs::write(&self.path, &self.declaration).with_context(|| format!("writing {}", self.path.display()))
    }
}

/// Way to become root without being asked for anything.
#[derive(Clone, Copy)]
enum Privileges {
    Own,
    Sudo,
}

fn privileges() -> Option<Privileges> {
    if geteuid().is_root() {
        return Some(Privileges::Own);
    }
    runs("sudo", &["--non-interactive", "true"]).then_some(Privileges::Sudo)
}

fn apt(privileges: Privileges) -> Command {
    let mut command = match privileges {
        Privileges::Own => Command::new("env"),
        Privileges::Sudo => {
            let mut sudo = Command::new("sudo");
            sudo.args(["--non-interactive", "env"]);
            sudo
        }
    };
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"]);
    command
}

/// Tells whether the program exists and succeeds; what it says is dropped.
fn runs(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("running {command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_runs_or_it_does_not() {
        assert!(runs("cargo", &["--version"]));
        assert!(!runs("cargo", &["--no-such-option"]));
        assert!(!runs("no-such-program-anywhere", &[]));
    }

    #[test]
    fn a_changed_declaration_is_installed_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let (place, declaration) = (folder.path().join("place"), folder.path().join("requirements.txt"));
        fs::write(&declaration, "a==1\n").expect("a file");
        Stamp::outdated(&place, &declaration).expect("readable").expect("outdated").write().expect("written");
        assert!(Stamp::outdated(&place, &declaration).expect("readable").is_none());
        fs::write(&declaration, "a==2\n").expect("a file");
        assert!(Stamp::outdated(&place, &declaration).expect("readable").is_some());
    }
}
