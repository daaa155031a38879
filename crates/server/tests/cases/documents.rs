//! The commands of README and docs, run as they are printed, page by page, in a house like the one that a page speaks of.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use serde_json::json;
use strongroom_model::Role;
use strongroom_testkit::fake_minter::{FakeMinter, KeyUse, MINTING_KEY};
use strongroom_testkit::fake_provider::{Api, FakeProvider};

use crate::BACKEND;
use crate::support::server::{Installation, Server};

/// What is to be known of a line beside what the page says.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// It asks on a terminal, and this is typed there.
    Typed(&'static str),
    /// It is to end with this code.
    Ends(i32),
    /// It is not run here, for this reason.
    NotHere(&'static str),
    /// It is run in another data directory, which has the master key and nothing else.
    Elsewhere,
}

use Rule::{Elsewhere, Ends, NotHere, Typed};

const NEW_KEY: &str = "sk-fake-ok-0123456789abcdefghij02";
const NEWER_KEY: &str = "sk-fake-ok-0123456789abcdefghij03";

/// By the page and the beginning of the line. Each is needed.
const RULES: &[(&str, &str, Rule)] = &[
    ("README.md", "cargo", NotHere("a build and the whole test suite")),
    ("README.md", "strongroom import env", Typed("y")),
    ("README.md", "strongroom credential add openai-secondary", Typed(NEW_KEY)),
    ("README.md", "strongroom credential stage", Typed(NEWER_KEY)),
    (
        "dashboard.md",
        "strongroom open",
        NotHere("`crates/server/tests/cases/pages.rs` runs it with something in the place of a browser"),
    ),
    ("format.md", "", NotHere("`crates/server/tests/node_sdks.rs` runs its program")),
    ("moving-in.md", "# .env", NotHere("what stands in a file")),
    ("moving-in.md", "OPENAI_API_KEY=", NotHere("what stands in a file")),
    ("moving-in.md", "ENCRYPTION_KEY=", NotHere("what stands in a file")),
    ("moving-in.md", "strongroom import env        ", Typed("y")),
    ("moving-in.md", "strongroom import env --file", Typed("y")),
    ("leaks.md", "strongroom leak respond", Typed("y")),
    ("moving-in.md", "strongroom offboard  ", Ends(1)),
    ("moving-in.md", "strongroom offboard --watch", NotHere("it goes on for a week")),
    (
        "moving-in.md",
        "strongroom import legacy",
        NotHere("`crates/server/tests/import.rs` makes such databases and moves them in"),
    ),
    (
        "operations.md",
        "",
        NotHere("two roles of a PostgreSQL server: `crates/strongroom/tests/cases/granted_role.rs`"),
    ),
    ("quick-start.md", "cargo", NotHere("a build")),
    (
        "quick-start.md",
        "strongroom credential add gemini-primary",
        Typed("sk-fake-ok-0123456789abcdefghij04"),
    ),
    ("quick-start.md", "strongroom token revoke", Typed("y")),
    ("verification.md", "cargo", NotHere("hours of work")),
    ("versions.md", "strongroom credential stage", Typed(NEWER_KEY)),
    ("versions.md", "strongroom credential abort", Ends(7)),
    ("versions.md", "strongroom credential destroy", Typed("y")),
    ("versions.md", "strongroom credential remove", Typed("y")),
    ("versions.md", "strongroom credential purge", Ends(3)),
    ("versions.md", "strongroom credential add openrouter-provisioning", Typed(MINTING_KEY)),
    ("backup.md", "strongroom restore", Elsewhere),
    (
        "alerts.md",
        "strongroom alert channel add",
        NotHere("`crates/server/tests/cases/alert.rs` does, with a receiver"),
    ),
    (
        "alerts.md",
        "strongroom alert route add",
        NotHere("`crates/server/tests/cases/alert.rs` does, with its channel"),
    ),
    ("alerts.md", "strongroom alert ack ID", Ends(3)),
];

/// A page's house: a server with what pages speak of, and a shell in which the commands are run.
struct House {
    server: Server,
    minter: FakeMinter,
    provider: FakeProvider,
    /// What a page's example is called, and what it is here.
    names: Vec<(String, String)>,
}

impl House {
    async fn new() -> Self {
        let (minter, provider) = (FakeMinter::start().await.unwrap(), FakeProvider::start().await.unwrap());
        let installation = Installation::new(BACKEND).await.set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true");
        let server = installation.start();
        let user = server.user_of("seventh", Role::Gateway).await;
        let token = server.token_of(Role::Gateway).await;
        let id = |token: &str| token.split('_').nth(1).unwrap().to_owned();
        let names = vec![
            ("http://127.0.0.1:8420".to_owned(), server.url.clone()),
            ("https://strongroom.example.com".to_owned(), server.url.clone()),
            ("TOKEN-ID".to_owned(), id(&token)),
            ("USER-ID".to_owned(), user.to_string()),
            ("$OPENAI_API_KEY".to_owned(), NEW_KEY.to_owned()),
            (
                "--provider gemini --rate-limit".to_owned(),
                format!("--provider gemini --endpoint {} --rate-limit", provider.endpoint(Api::Gemini)),
            ),
            (
                "--provider openai --rate-limit".to_owned(),
                format!("--provider openai --endpoint {} --rate-limit", provider.endpoint(Api::OpenAi)),
            ),
            (
                "--provider openrouter --inactive".to_owned(),
                format!("--provider openrouter --endpoint {} --inactive", minter.endpoint("openrouter")),
            ),
        ];
        Self { server, minter, provider, names }
    }

    /// What a page takes for granted.
    async fn furnish(&self, page: &str) {
        let openai = self.provider.endpoint(Api::OpenAi);
        let first = "sk-fake-ok-0123456789abcdefghij01";
        if ["alerts.md", "leaks.md", "limits.md", "moving-in.md", "versions.md"].contains(&page) {
            let body = json!({ "provider": "openai", "endpoint": openai, "apiKey": first });
            self.server.credential("openai-primary", body).await;
        }
        if page == "versions.md" {
            for (name, provider) in [("openrouter-primary", "openrouter"), ("openai-admin", "openai")] {
                let key = if provider == "openai" { MINTING_KEY.to_owned() } else { format!("sk-of-{name}") };
                self.minter.accept(&key, KeyUse::default());
                let endpoint = self.minter.endpoint(provider);
                self.server
                    .credential(name, json!({ "provider": provider, "endpoint": endpoint, "apiKey": key }))
                    .await;
            }
        }
        let home = self.server.installation.home();
        let write = |name: &str, text: &str| {
            let path = home.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(".env", &format!("OPENAI_API_KEY=sk-proj-{}\n", "a1B2".repeat(12)));
        write("api/.env", &format!("ANTHROPIC_API_KEY=sk-ant-api03-{}AA\n", "a1B2c3D4".repeat(11)));
        write("worker/.env.production", &format!("GROQ_API_KEY=gsk_{}\n", "a1B2".repeat(13)));
        write("keys.txt", &format!("{first}\n"));
        write("new-key", NEW_KEY);
        // An answer that refuses is a failure.
        write(".curlrc", "fail-with-body\n");
        write("src/shop/config.py", "KEY = 'nothing'\n");
        write(".strongroom-token", &self.server.token_of(Role::Reader).await);
        // Programs that pages start, and that do nothing here.
        for program in ["python", "npm"] {
            write(&format!("bin/{program}"), "#!/bin/sh\nexit 0\n");
        }
        write("bin/pass", &format!("#!/bin/sh\necho {NEWER_KEY}\n"));
        for program in ["python", "npm", "pass"] {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(home.join("bin").join(program), mode).unwrap();
        }
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_strongroom"), home.join("bin/strongroom")).unwrap();
    }

    /// A shell in the page's house.
    fn shell(&self, rule: Option<Rule>, arguments: &[&str]) -> Command {
        let like = self.server.installation.command(&[]);
        let home = self.server.installation.home();
        let mut command = Command::new(arguments[0]);
        command.args(&arguments[1..]).current_dir(home).env_clear();
        command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("PATH", format!("{}:/usr/bin:/bin", home.join("bin").display()));
        command.env("TOKEN", &self.server.admin).env("TERM", "dumb").env("CURL_HOME", home);
        if let Some(Elsewhere) = rule {
            let elsewhere = home.join("elsewhere");
            std::fs::create_dir_all(&elsewhere).unwrap();
            std::fs::copy(
                self.server.installation.data_dir().join("master.key"),
                elsewhere.join("master.key"),
            )
            .unwrap();
            command.env("STRONGROOM_DATA_DIR", &elsewhere);
            command.env(
                "STRONGROOM_DATABASE_URL",
                format!("sqlite:{}", elsewhere.join("strongroom.db").display()),
            );
        }
        command
    }

    /// Runs a line; tells its exit code and all that was said.
    fn run(&self, line: &str, rule: Option<Rule>) -> (Option<i32>, String) {
        let line = self.names.iter().fold(line.to_owned(), |line, (name, is)| line.replace(name, is));
        let Some(Typed(text)) = rule else {
            let done = self.shell(rule, &["bash", "-c", &line]).stdin(Stdio::null()).output().unwrap();
            let said = String::from_utf8_lossy(&done.stdout).into_owned();
            return (done.status.code(), said + &String::from_utf8_lossy(&done.stderr));
        };
        // On a terminal of its own, on which nothing is typed before something is asked for.
        let mut child = self
            .shell(rule, &["script", "--quiet", "--return", "--flush", "--command", &line, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut keyboard, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, pieces) = std::sync::mpsc::channel();
        let reading = std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = screen.read(&mut piece) {
                let _ = sender.send(String::from_utf8_lossy(&piece[..length]).into_owned());
            }
        });
        let (mut said, mut asked) = (String::new(), String::new());
        loop {
            match pieces.recv_timeout(Duration::from_millis(500)) {
                Ok(piece) => {
                    said.push_str(&piece);
                    asked.push_str(&piece);
                }
                Err(RecvTimeoutError::Timeout) if asked.trim_end().ends_with([':', ']', '?']) => {
                    asked.clear();
                    // It may have ended meanwhile.
                    let _ = keyboard.write_all(format!("{text}\r").as_bytes());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        reading.join().unwrap();
        drop(keyboard);
        (child.wait().unwrap().code(), said)
    }
}

/// The lines of all blocks of a page that a shell runs, those that go on joined, and with the text that is given to one.
fn lines(text: &str) -> Vec<String> {
    let (mut lines, mut in_block, mut begun) = (Vec::new(), false, String::new());
    for line in text.lines() {
        match (in_block, line.trim_end()) {
            (_, "```sh" | "```bash") => in_block = true,
            (_, "```") => in_block = false,
            (true, line) if line.ends_with('\\') => {
                begun.push_str(line.trim_end_matches('\\'));
            }
            (true, line) if (line.ends_with("<<END") || begun.contains("<<END")) && line != "END" => {
                begun.push_str(line);
                begun.push('\n');
            }
            (true, line) => {
                begun.push_str(line);
                let line = std::mem::take(&mut begun);
                lines.extend(Some(line).filter(|line| !line.trim().is_empty()));
            }
            (false, _) => {}
        }
    }
    lines
}

fn pages() -> Vec<(String, Vec<String>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let docs = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = docs.filter(|path| path.extension().is_some_and(|it| it == "md")).collect();
    paths.push(root.join("README.md"));
    paths.sort();
    let page = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let lines = lines(&std::fs::read_to_string(&path).unwrap());
        (!lines.is_empty()).then_some((name, lines))
    };
    paths.into_iter().filter_map(page).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_pages_does_what_it_says() {
    let (mut used, mut wrong, mut ran) = (BTreeSet::new(), Vec::new(), 0);
    for (page, lines) in pages() {
        let house = House::new().await;
        house.furnish(&page).await;
        // Lines that set variables hold for those behind them.
        let mut before = String::new();
        for line in lines {
            let found = RULES.iter().position(|(of, begins, _)| *of == page && line.starts_with(begins));
            used.extend(found);
            let rule = found.map(|at| RULES[at].2);
            if let Some(NotHere(reason)) = rule {
                assert!(!reason.is_empty());
                continue;
            }
            if line.starts_with("export ") {
                before.push_str(&line);
                before.push('\n');
            }
            let expected = if let Some(Ends(code)) = rule { code } else { 0 };
            let (code, said) = tokio::task::block_in_place(|| house.run(&format!("{before}{line}"), rule));
            ran += 1;
            if code != Some(expected) {
                wrong.push(format!("{page}: {line}\n  ended with {code:?}: {said}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let stale: Vec<_> = (0..RULES.len()).filter(|at| !used.contains(at)).map(|at| RULES[at]).collect();
    assert!(stale.is_empty(), "no line needs these: {stale:?}");
    assert!(ran > 40, "{ran} lines");
}
