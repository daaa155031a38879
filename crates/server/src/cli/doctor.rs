//! `strongroom doctor`: the way from here to an opened secret, checked step by step.

mod local;

use std::time::Duration;

use serde::Serialize;
use strongroom_client::ClientError;
use strongroom_client::wire::credential::{Credential, ListCredentials};
use strongroom_client::wire::status::Status;

use super::credential::notices;
use super::exit::{CliError, CliResult, Exit};
use super::global::GlobalOptions;
use super::output::{Format, Output, Table};
use super::printable::printable;
use super::session::Session;

/// The longest wait for an answer that a healthy server gives at once.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Outcome of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

/// One check.
#[derive(Debug, Serialize)]
struct Check {
    check: &'static str,
    verdict: Verdict,
    detail: String,
}

/// The checks so far; for people each is shown as soon as it is known, for the next one may take its time.
#[derive(Debug, Default)]
struct Checks(Vec<Check>, Option<Output>);

impl Checks {
    fn shown_on(output: &Output) -> CliResult<Self> {
        if output.format() != Format::Table {
            return Ok(Self::default());
        }
        output.text(&line("", "CHECK", "DETAIL"))?;
        Ok(Self(Vec::new(), Some(output.clone())))
    }

    fn ok(&mut self, check: &'static str, detail: impl Into<String>) {
        self.add(Check { check, verdict: Verdict::Ok, detail: detail.into() });
    }

    fn warn(&mut self, check: &'static str, detail: impl Into<String>) {
        self.add(Check { check, verdict: Verdict::Warn, detail: detail.into() });
    }

    fn fail(&mut self, check: &'static str, detail: impl Into<String>) {
        self.add(Check { check, verdict: Verdict::Fail, detail: detail.into() });
    }

    fn add(&mut self, check: Check) {
        if let Some(output) = &self.1 {
            // Without a reader the checks still continue to the exit code.
            let _ = output.text(&shown(&check));
        }
        self.0.push(check);
    }

    fn exit(&self) -> Exit {
        if self.0.iter().any(|check| check.verdict == Verdict::Fail) { Exit::Failure } else { Exit::Ok }
    }
}

/// Runs the command. Where nothing is yet, it makes nothing.
pub(super) async fn run(options: &GlobalOptions, output: &Output) -> CliResult {
    let mut checks = Checks::shown_on(output)?;
    let is_remote = options.url()?.is_some();
    let local = if is_remote { local::Local::default() } else { local::check(&mut checks, options, output) };
    if is_remote || local.is_there {
        server(&mut checks, options, output, local.fingerprint.as_deref()).await;
    }
    if output.format() != Format::Table {
        output.data(checks.0.as_slice(), |_| Table::new([""]))?;
    }
    Ok(checks.exit())
}

async fn server(checks: &mut Checks, options: &GlobalOptions, output: &Output, fingerprint: Option<&str>) {
    let session = match Session::open(options, output.clone()).await {
        Ok(session) => session,
        Err(error) => return checks.fail("server", error.message),
    };
    let is_ready = dependencies(checks, &session).await;
    match in_time(session.client.status()).await {
        Ok(status) => {
            reached(checks, &session, &status);
            compare(checks, fingerprint, &status);
        }
        Err(error) if error.exit == Exit::Denied => checks.warn(
            "server",
            format!("reached through {}, but this token may not see its status", session.mode),
        ),
        Err(error) => checks.fail("server", error.message),
    }
    if is_ready {
        match session.client.all_credentials(ListCredentials::default()).await {
            Ok(credentials) => due(checks, &credentials),
            // A token that may not list them is no fault.
            Err(error) if error.is_denied() => {}
            Err(error) => checks.fail("credentials", error.message),
        }
    }
    if let Err(error) = session.close().await {
        checks.fail("ledger", error.message);
    }
}

/// Checks whether the server can do its work. Where it cannot, nobody waits for answers that need it.
async fn dependencies(checks: &mut Checks, session: &Session) -> bool {
    match in_time(session.client.readiness()).await {
        Ok(readiness) => {
            for (dependency, state) in &readiness.checks {
                let detail = format!("{dependency}: {state}");
                if state == "ok" {
                    checks.ok("dependencies", detail)
                } else {
                    checks.fail("dependencies", detail)
                }
            }
            readiness.status == "ready"
        }
        Err(error) => {
            checks.fail("dependencies", error.message);
            false
        }
    }
}

/// The answer, unless it takes so long that something is wrong.
async fn in_time<T>(answer: impl Future<Output = Result<T, ClientError>>) -> CliResult<T> {
    match tokio::time::timeout(ANSWER_TIMEOUT, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(CliError::new(
            Exit::Unavailable,
            format!("no answer within {} seconds", ANSWER_TIMEOUT.as_secs()),
        )),
    }
}

/// Checks whether credentials need attention.
fn due(checks: &mut Checks, credentials: &[Credential]) {
    let mut is_fine = true;
    for credential in credentials {
        for notice in notices(credential) {
            is_fine = false;
            checks.warn("credentials", format!("{}: {notice}", credential.name));
        }
    }
    if is_fine {
        checks.ok("credentials", format!("{}, none frozen, expired or due for a new key", credentials.len()));
    }
}

fn reached(checks: &mut Checks, session: &Session, status: &Status) {
    let ours = env!("CARGO_PKG_VERSION");
    let detail =
        format!("{} through {}, as {} ({})", status.version, session.mode, status.actor, status.role);
    if status.version == ours {
        checks.ok("server", detail);
    } else {
        checks.warn("server", format!("{detail}; this command line is {ours}"));
    }
}

fn compare(checks: &mut Checks, fingerprint: Option<&str>, status: &Status) {
    let Some(used) = status.master_fingerprint.as_deref() else {
        return checks.ok("key in use", "told to admins and auditors only".to_owned());
    };
    match fingerprint {
        Some(ours) if ours == used => checks.ok("key in use", format!("the server uses {ours}")),
        Some(ours) => checks.fail(
            "key in use",
            format!(
                "the server uses master key {used}, the one here is {ours}: it would not start again with this one"
            ),
        ),
        None => checks.ok("key in use", format!("the server uses {used}")),
    }
}

fn shown(check: &Check) -> String {
    let verdict = match check.verdict {
        Verdict::Ok => "ok",
        Verdict::Warn => "warn",
        Verdict::Fail => "fail",
    };
    line(verdict, check.check, &printable(&check.detail.replace('\n', " ")))
}

fn line(verdict: &str, check: &str, detail: &str) -> String {
    format!("{verdict:<4}  {check:<14}  {detail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_makes_the_exit_code() {
        let mut checks = Checks::default();
        checks.ok("a", "");
        checks.warn("b", "");
        assert_eq!(checks.exit(), Exit::Ok);
        checks.fail("c", "");
        assert_eq!(checks.exit(), Exit::Failure);
    }

    #[test]
    fn another_key_than_the_servers_is_a_failure() {
        let status = Status {
            version: String::new(),
            database: String::new(),
            master_fingerprint: Some("aa".to_owned()),
            actor: String::new(),
            role: String::new(),
            environment_fallback: true,
            listening: None,
        };
        for (ours, verdict) in [(Some("aa"), Verdict::Ok), (Some("bb"), Verdict::Fail), (None, Verdict::Ok)] {
            let mut checks = Checks::default();
            compare(&mut checks, ours, &status);
            assert_eq!(checks.0[0].verdict, verdict);
        }
    }
}
