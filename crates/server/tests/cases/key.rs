//! Encryption keys of the real binary: rotations that are killed and go on, and a new master key beside the old one.

use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use strongroom_crypto::MasterKey;
use strongroom_testkit::Backend;

use crate::BACKEND;
use crate::support::server::{Installation, STEP, STEPS, Server};

const CREDENTIALS: usize = 400;

async fn keys(server: &Server) -> Value {
    server.get("/api/admin/encryption-keys").await.expect(200).json()
}

/// Waits for the end of the rotation that goes on; nobody asks for it.
async fn ended(server: &Server) -> Value {
    for _ in 0..STEPS {
        let status = keys(server).await;
        if status["rotation"]["isOpen"] == false {
            return status;
        }
        tokio::time::sleep(STEP).await;
    }
    panic!("the rotation does not go on: {}", server.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_a_rotation_a_server_goes_on_with_it_when_it_starts_again() {
    let mut server = Installation::new(BACKEND).await.start();
    let rows: Vec<Value> = (0..CREDENTIALS)
        .map(|number| {
            json!({ "name": format!("c-{number}"), "provider": "openai", "apiKey": format!("sk-of-c-{number}"),
                    "apiSecret": "second", "isActive": true, "isGlobal": true })
        })
        .collect();
    server.post("/api/admin/credentials/import", json!({ "source": "env", "rows": rows })).await.expect(200);
    let installation = server.installation.clone();
    let open = "SELECT count(*) FROM key_rotations WHERE is_open";
    let mut cut_short = 0;
    for round in 0..3_i64 {
        let started = server.call("POST", "/api/admin/encryption-keys/rotate").await.expect(200).json();
        assert_eq!(started["rotation"]["texts"], json!(2 * CREDENTIALS));
        // Later each time: right after the start, and when some of it has been done.
        let most = 2 * CREDENTIALS as i64 * (3 - round) / 3 + 1;
        if round > 0 {
            loop {
                let rotation = keys(&server).await["rotation"].clone();
                if rotation["left"].as_i64().unwrap() < most || rotation["isOpen"] == false {
                    break;
                }
            }
        }
        server.end(Signal::SIGKILL);
        cut_short += usize::from(installation.database.query_text(open).await[0][0].as_deref() == Some("1"));
        server = installation.start_again();
        let status = ended(&server).await;
        assert_eq!([&status["rotation"]["left"], &status["rotation"]["broken"]], [&json!(0), &json!(0)]);
        let of = |state: &str| {
            let keys = status["keys"].as_array().unwrap().iter();
            keys.filter(|key| key["purpose"] == "data" && key["state"] == state).cloned().collect::<Vec<_>>()
        };
        assert_eq!(of("current")[0]["sealedTexts"], json!(2 * CREDENTIALS));
        assert_eq!((of("retired").len() as i64, of("leaving").len()), (round + 1, 0));
    }
    assert!(cut_short > 0, "no rotation was cut short");
    for number in (0..CREDENTIALS).step_by(7) {
        let read = server.get(&format!("/api/credentials/c-{number}")).await.expect(200);
        assert_eq!(
            (read.at("apiKey"), read.at("apiSecret")),
            (json!(format!("sk-of-c-{number}")), json!("second"))
        );
    }
    server.verified_entries().await;
}

/// Two files, from which servers take the master key and the one before.
struct Files {
    key: PathBuf,
    previous: PathBuf,
}

impl Files {
    fn hold(&self, key: &MasterKey, previous: &MasterKey) {
        for (path, key) in [(&self.key, key), (&self.previous, previous)] {
            std::fs::write(path, key.to_hex().expose()).expect("a file");
        }
    }
}

fn cli(installation: &Arc<Installation>, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        installation.command(arguments).output().expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (status.code().expect("a code"), text(stdout), text(stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_master_key_is_replaced_step_by_step_and_every_step_says_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files { key: folder.path().join("key"), previous: folder.path().join("previous") };
    let (old, new) = (MasterKey::generate(), MasterKey::generate());
    files.hold(&old, &old);
    let installation = Installation::new(BACKEND)
        .await
        .set("ENCRYPTION_KEY_FILE", files.key.display().to_string())
        .set("ENCRYPTION_KEY_PREVIOUS_FILE", files.previous.display().to_string());
    let server = installation.start();
    server.credential("kept", json!({})).await;
    let installation = server.installation.clone();
    // Another server, which stays with the old key.
    std::fs::create_dir_all(installation.data_dir()).unwrap();
    std::fs::write(installation.data_dir().join("master.key"), old.to_hex().expose()).unwrap();
    let second = match BACKEND {
        Backend::Postgres => Some(installation.second_node().start()),
        Backend::Sqlite => None,
    };
    server.end(Signal::SIGTERM);

    files.hold(&new, &new);
    let (status, said) = installation.try_start().err().expect("the new key alone opens nothing yet");
    assert!(!status.success() && said.contains(&old.fingerprint()), "{said}");
    files.hold(&new, &old);
    assert_eq!(cli(&installation, &["key", "check"]).0, 3);
    let server = installation.start_again();
    assert!(server.said().contains("key rotate --master"), "{}", server.said());
    let before = installation.database.query_text("SELECT value FROM credential_values").await;
    let (code, out, said) = cli(&installation, &["key", "rotate", "--master"]);
    assert!(code == 0 && out.contains(&new.fingerprint()) && said.contains("next: "), "{out}{said}");
    assert_eq!(installation.database.query_text("SELECT value FROM credential_values").await, before);
    assert_eq!(cli(&installation, &["key", "check"]).0, 0);
    assert_eq!(server.get("/api/credentials/kept").await.expect(200).at("apiKey"), "sk-of-kept");

    let finish = ["key", "rotate", "--master", "--finish"];
    assert_eq!(cli(&installation, &finish).0, 2, "it asks first");
    let finish = ["key", "rotate", "--master", "--finish", "--yes"];
    if let Some(second) = second {
        assert_eq!(second.get("/api/credentials/kept").await.expect(200).at("apiKey"), "sk-of-kept");
        let (code, _, said) = cli(&installation, &finish);
        assert!(
            code == 7 && said.contains("still needed") && said.contains(&second.pid().to_string()),
            "{said}"
        );
        let status = keys(&server).await;
        assert_eq!(status["servers"].as_array().unwrap().len(), 2, "{status}");
        let place = second.installation.clone();
        second.end(Signal::SIGTERM);
        assert_eq!(cli(&installation, &finish).0, 0);
        let (_, said) = place.try_start().err().expect("the old key opens nothing any more");
        assert!(said.contains(&new.fingerprint()), "{said}");
    } else {
        assert_eq!(cli(&installation, &finish).0, 0);
    }
    let (code, out, said) = cli(&installation, &["key", "status"]);
    assert!(
        code == 0 && !out.contains(&old.fingerprint()[..]) | said.contains("ENCRYPTION_KEY_PREVIOUS"),
        "{out}{said}"
    );
    server.end(Signal::SIGTERM);
    files.hold(&new, &new);
    let server = installation.start_again();
    assert_eq!(server.get("/api/credentials/kept").await.expect(200).at("apiKey"), "sk-of-kept");
    assert_eq!(keys(&server).await["next"], json!([]));
    server.verified_entries().await;
}
