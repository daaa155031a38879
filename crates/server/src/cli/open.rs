//! `strongroom open`: signs a browser in to the dashboard, with a one-time code that stands in no list of processes.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::Ipv6Addr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use strongroom_client::wire::session::CreatedLoginCode;
use strongroom_model::{Clock, Millis};

use super::exit::{CliError, CliResult, Exit};
use super::global::variable;
use super::output::{Format, properties};
use super::session::{ConnectionMode, Session};

/// Between two questions whether the code was used.
const POLL: Duration = Duration::from_millis(500);

/// Options of `open`.
#[derive(Debug, Args)]
pub(super) struct OpenDashboard {
    /// Print the address with its one-time code and open nothing: for a browser elsewhere
    #[arg(long)]
    print: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    address: String,
    expires_at: Millis,
}

/// Runs the command.
pub(super) async fn run(options: OpenDashboard, session: &Session) -> CliResult {
    if session.mode == ConnectionMode::InProcess {
        return Err(CliError::new(Exit::Unavailable, "no server runs here that could show the dashboard")
            .hint("start one with `strongroom serve`, then run this again"));
    }
    let made = session.client.create_login_code().await?;
    let address = format!("{}/login#code={}", base(&session.mode, &made)?, made.code.0.expose());
    if options.print {
        let shown = Shown { address, expires_at: made.expires_at };
        match session.output.format() {
            Format::Table => session.output.text(&shown.address)?,
            _ => session.output.data(&shown, |_| properties([]))?,
        }
        session.output.note("it signs in whoever opens it first, once and within a minute");
        return Ok(Exit::Ok);
    }
    let page = Page::write(&folder(&session.mode)?, &address)?;
    page.show()?;
    session.output.note("opening the dashboard; if no browser comes up, run `strongroom open --print`");
    if wait(session, &made).await? {
        session.output.note("the browser has the code");
        return Ok(Exit::Ok);
    }
    Err(CliError::failure("no browser has used the code")
        .hint("`strongroom open --print` prints it for another browser"))
}

/// The address of the dashboard for a browser of this machine.
fn base(mode: &ConnectionMode, made: &CreatedLoginCode) -> CliResult<String> {
    if let ConnectionMode::Network(url) = mode {
        return Ok(own_name(url).unwrap_or_else(|| url.trim_end_matches('/').to_owned()));
    }
    made.url.clone().ok_or_else(|| {
        CliError::failure("the server does not know under which address people open it")
            .hint("set STRONGROOM_PUBLIC_URL (http.public_url) of the server to its https:// address")
    })
}

/// The address of a server of this machine under the name whose cookies browsers show to no other server.
fn own_name(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok().filter(|url| url.scheme() == "http")?;
    let is_this_machine = match url.host()? {
        url::Host::Domain(name) => name == "localhost",
        url::Host::Ipv4(ip) => ip.is_loopback(),
        url::Host::Ipv6(ip) => ip == Ipv6Addr::LOCALHOST,
    };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    is_this_machine.then(|| format!("http://strongroom.localhost{port}"))
}

/// A folder that is this user's alone.
fn folder(mode: &ConnectionMode) -> CliResult<PathBuf> {
    if let Some(folder) = variable("XDG_RUNTIME_DIR")?.map(PathBuf::from).filter(|folder| folder.is_dir()) {
        return Ok(folder);
    }
    match mode {
        ConnectionMode::Socket(socket) => Ok(socket.parent().unwrap_or(Path::new("/")).to_owned()),
        _ => Err(CliError::failure(
            "there is no folder of your own here to hand the code to a browser by (XDG_RUNTIME_DIR)",
        )
        .hint("`strongroom open --print` prints it")),
    }
}

/// A page (0600) that leads a browser on to the dashboard; gone when it is dropped. The browser is given its path: an address
/// with the code in it would be in the list of processes, for everybody on the machine.
struct Page(PathBuf);

impl Page {
    fn write(folder: &Path, address: &str) -> CliResult<Self> {
        let path = folder.join(format!("strongroom-open-{}.html", std::process::id()));
        let wrong = |error: std::io::Error| {
            CliError::failure(format!("{} cannot be written: {error}", path.display()))
        };
        // `create_new` follows no link that somebody may have laid there.
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(wrong)?;
        let page = Self(path.clone());
        let html = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>strongroom</title>\
             <meta http-equiv=\"refresh\" content=\"0;url={address}\"><a href=\"{address}\">Go on to strongroom</a></html>\n"
        );
        file.write_all(html.as_bytes()).map_err(wrong)?;
        Ok(page)
    }

    fn show(&self) -> CliResult<()> {
        let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
        let failed = |why: String| {
            CliError::failure(format!("`{program}` could not open a browser: {why}"))
                .hint("`strongroom open --print` prints the address")
        };
        let url =
            url::Url::from_file_path(&self.0).map_err(|()| failed("its path is not absolute".to_owned()))?;
        let mut command = Command::new(program);
        command.arg(url.as_str()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = command.status().map_err(|error| failed(error.to_string()))?;
        status.success().then_some(()).ok_or_else(|| failed(status.to_string()))
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // The code in it is worth nothing in a minute, whether this works or not.
        let _ = fs::remove_file(&self.0);
    }
}

/// Waits until the code was used or is over; tells whether it was used.
async fn wait(session: &Session, made: &CreatedLoginCode) -> CliResult<bool> {
    loop {
        let is_over = Clock::default().local_now() >= made.expires_at;
        if !session.client.login_code_state(&made.id).await?.is_waiting {
            // At its end it waits no more either.
            return Ok(!is_over);
        }
        if is_over {
            return Ok(false);
        }
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            _ = tokio::signal::ctrl_c() => return Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_of_this_machine_is_opened_by_the_name_that_keeps_its_cookies_apart() {
        for (url, name) in [
            ("http://127.0.0.1:9000/", Some("http://strongroom.localhost:9000")),
            ("http://localhost", Some("http://strongroom.localhost")),
            ("http://[::1]:8420", Some("http://strongroom.localhost:8420")),
            ("https://127.0.0.1:8443", None),
            ("http://10.0.0.5:8420", None),
            ("https://keys.example.com", None),
        ] {
            assert_eq!(own_name(url).as_deref(), name, "{url}");
        }
    }

    #[test]
    fn the_page_is_its_owners_alone_and_gone_afterwards() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let page = Page::write(folder.path(), "http://strongroom.localhost/login#code=0123").unwrap();
        assert_eq!(fs::metadata(&page.0).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(
            fs::read_to_string(&page.0)
                .unwrap()
                .contains("url=http://strongroom.localhost/login#code=0123\"")
        );
        assert!(Page::write(folder.path(), "x").is_err(), "what is there already is not written over");
        drop(page);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
