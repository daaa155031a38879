//! The API page in a real browser: complete, readable, at home on every width, and alone with its server.
#![expect(clippy::unwrap_used, reason = "a test ends where something it stands on is missing")]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;
use strongroom_testkit::real_parts::{node_file, workspace_root};
use tempfile::TempDir;

/// WCAG 2.2, success criterion 1.4.3, for text of ordinary size.
const CONTRAST: f64 = 4.5;

#[test]
fn the_api_page_is_complete_readable_and_alone_with_its_server() {
    let server = Server::start();
    let operations = server.operations();
    assert!(operations.len() > 25, "{operations:?}");
    let views = look_at(&server);
    assert_eq!(views.len(), 5);
    for view in &views {
        let name = format!("{} px, {}, script: {}", view["width"], view["scheme"], view["script"]);
        assert_eq!(view["status"], 200, "{name}");
        assert!(
            view["policy"].as_str().unwrap().contains("default-src 'none'"),
            "{name}: {}",
            view["policy"]
        );
        assert_eq!(texts(&view["complaints"]), Vec::<&str>::new(), "{name}");
        for request in texts(&view["requests"]) {
            assert!(request.starts_with(&server.url), "{name}: {request}");
        }

        assert_eq!(texts(&view["tooWide"]), Vec::<&str>::new(), "{name}");
        assert!(
            view["pageWidth"].as_u64() <= view["roomWidth"].as_u64(),
            "{name}: the page scrolls sideways"
        );
        let contrasts = view["contrasts"].as_array().unwrap();
        assert!(contrasts.len() > 5, "{name}: {contrasts:?}");
        for contrast in contrasts {
            assert!(contrast["ratio"].as_f64().unwrap() >= CONTRAST, "{name}: {contrast}");
        }

        assert_eq!(view["lang"], "en", "{name}");
        assert_eq!(view["landmarks"], serde_json::json!([1, 1, 1, 1, 1]), "{name}");
        assert_eq!(view["skippedHeading"], false, "{name}");
        let shown: BTreeSet<String> = texts(&view["operations"]).into_iter().map(str::to_owned).collect();
        assert_eq!(shown, operations, "{name}");

        let has_script = view["script"] == true;
        let buttons = if has_script { view["listings"].as_u64().unwrap() } else { 0 };
        assert_eq!(view["copyButtons"], buttons, "{name}");
        let focus = (&view["focus"]["text"], &view["focus"]["isVisible"]);
        assert_eq!(
            focus,
            (&"Skip to the content".into(), &true.into()),
            "{name}: the first stop of the Tab key"
        );
        assert_ne!(view["focus"]["outline"], "none", "{name}");
    }
    let paper = |scheme: &str| {
        let view = views.iter().find(|view| view["scheme"] == scheme).unwrap();
        view["contrasts"][0]["colours"].as_str().unwrap().to_owned()
    };
    assert_ne!(paper("light"), paper("dark"));
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

/// Drives the browser; the screenshots are left in `target/screenshots`.
fn look_at(server: &Server) -> Vec<Value> {
    let output = Command::new("node")
        .arg(workspace_root().join("testkit/browser/docs.mjs"))
        .arg(node_file("playwright-core/index.mjs"))
        .arg(&server.url)
        .arg(workspace_root().join("target/screenshots"))
        .stdin(Stdio::null())
        .output()
        .expect("node is on the PATH: `cargo xtask test --only browser` installs what this test needs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\nand the server: {}", server.said.lock().unwrap());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The real binary on a free port, with nothing in its environment and a home directory of its own.
struct Server {
    process: Child,
    url: String,
    said: Arc<Mutex<String>>,
    _home: TempDir,
}

impl Server {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_strongroom"))
            .arg("serve")
            .env_clear()
            .env("HOME", home.path())
            .env("STRONGROOM_DATA_DIR", home.path().join("data"))
            .env("STRONGROOM_LISTEN", "127.0.0.1:0")
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        let said = Arc::new(Mutex::new(String::new()));
        let hear = {
            let said = Arc::clone(&said);
            move |line: &str| said.lock().unwrap().push_str(&format!("{line}\n"))
        };
        let url = lines.find_map(|line| {
            hear(&line);
            line.trim().strip_prefix("listening ").map(|url| url.trim().to_owned())
        });
        let url = url.unwrap_or_else(|| panic!("the server did not start: {}", said.lock().unwrap()));
        // It goes on talking, and would stop at a full pipe.
        thread::spawn(move || lines.for_each(|line| hear(&line)));
        Self { process, url, said, _home: home }
    }

    /// `METHOD /path` of every operation in the description that the server itself gives.
    fn operations(&self) -> BTreeSet<String> {
        let output = Command::new("node")
            .args(["--input-type=module", "--eval"])
            .arg("process.stdout.write(await (await fetch(process.argv[1])).text())")
            .arg(format!("{}/openapi.json", self.url))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let api: Value = serde_json::from_slice(&output.stdout).unwrap();
        let mut operations = BTreeSet::new();
        for (path, item) in api["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                operations.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
        operations
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
