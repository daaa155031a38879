//! Names for a shell to complete: asked of the server that runs, and nothing is said where none answers.

use std::net::TcpListener;

use crate::harness::{Done, KEY, Place, credential};

const LIST: &str = "/api/admin/credentials";

/// As a shell asks: the line so far, of which the last word is begun.
async fn complete(place: &mut Place, line: &[&str]) -> Done {
    place.set("STRONGROOM_COMPLETE", "fish");
    let done = place.run(&[&["--", "strongroom"][..], line].concat()).await;
    place.unset("STRONGROOM_COMPLETE");
    done
}

fn words(done: &Done) -> Vec<&str> {
    done.stdout.lines().map(|line| line.split('\t').next().unwrap_or_default()).collect()
}

#[tokio::test]
async fn names_come_from_the_server() {
    let mut place = Place::with_server().await;
    let both = [credential(1, "openai-primary", "openai"), credential(2, "other", "acme")].join(",");
    place.answers("GET", LIST, 200, format!("[{both}]")).await;
    let token = |id: &str, name: &str, revoked: &str| {
        format!(
            r#"{{"id":"{id}","name":"{name}","role":"reader","scope":{{"credentials":[],"providers":[]}},"userId":null,
            "createdAt":"2026-01-01T00:00:00Z","expiresAt":null,"revokedAt":{revoked}}}"#
        )
    };
    let tokens = [
        token("AAAAAAAAAAAA", "ci", "null"),
        token("BBBBBBBBBBBB", "old", r#""2026-01-02T00:00:00Z""#),
        token("CCCCCCCCCCCC", "strongroom run", "null"),
    ];
    place.answers("GET", "/api/admin/tokens", 200, format!("[{}]", tokens.join(","))).await;
    let user = r#"[{"id":42,"name":"ada","role":"reader","isActive":true,"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z"}]"#;
    place.answers("GET", "/api/admin/users", 200, user).await;
    for (line, expected) in [
        (&["credential", "show", "op"][..], &["openai-primary"][..]),
        (&["credential", "get", "o"], &["openai-primary", "other"]),
        (&["run", "--credential", "oth"], &["other"]),
        (&["limit", "set", "--credential", "oth"], &["other"]),
        (&["leak", "respond", "oth"], &["other"]),
        (&["offboard", "oth"], &["other"]),
        (&["token", "revoke", ""], &["AAAAAAAAAAAA"]),
        (&["user", "show", "a"], &["ada"]),
        (&["token", "create", "x", "--user-id", "4"], &["42"]),
        (&["credential", "list", "--provider", "a"], &["acme", "anthropic"]),
        (&["credential", "add", "x", "-p", "openr"], &["openrouter"]),
    ] {
        let done = complete(&mut place, line).await;
        let offered: Vec<&str> = words(&done).into_iter().filter(|word| !word.starts_with('-')).collect();
        assert_eq!((done.code, offered.as_slice(), done.stderr.as_str()), (0, expected, ""), "{line:?}");
        done.shows_no_canary();
    }
    let done = complete(&mut place, &["credential", "show", "op"]).await;
    assert_eq!(done.stdout, "openai-primary\topenai\n");
    let done = complete(&mut place, &["creden"]).await;
    assert_eq!(words(&done), ["credential"], "commands are completed as well");
}

#[tokio::test]
async fn without_a_server_nothing_is_said_and_nothing_is_made() {
    let mut place = Place::without_server().await;
    let data = place.home.path().join("data");
    place.set("STRONGROOM_DATA_DIR", data.to_str().unwrap_or_default());
    let line = ["credential", "show", ""];
    let nothing = |done: &Done, why: &str| {
        let names = words(done).into_iter().filter(|word| !word.starts_with('-')).count();
        assert_eq!((done.code, names, done.stderr.as_str()), (0, 0, ""), "{why}: {done:?}");
    };
    nothing(&complete(&mut place, &line).await, "nothing is installed");
    assert!(!data.exists());
    // Keys are stored, and no server runs: the database is not opened for a completion.
    let add = ["credential", "add", "one", "--provider", "openai", "--api-key-stdin"];
    assert_eq!(place.run_with_stdin(&add, KEY).await.code, 0);
    nothing(&complete(&mut place, &line).await, "no server runs");
    place.set("STRONGROOM_LISTEN", "nowhere");
    nothing(&complete(&mut place, &line).await, "the configuration is wrong");
    place.set("STRONGROOM_URL", "http://127.0.0.1:1");
    nothing(&complete(&mut place, &line).await, "there is no token");
    place.set("STRONGROOM_TOKEN", crate::harness::TOKEN);
    nothing(&complete(&mut place, &line).await, "nobody listens");
    // It takes connections and never answers.
    let mute = TcpListener::bind("127.0.0.1:0").expect("a port");
    place.set("STRONGROOM_URL", &format!("http://{}", mute.local_addr().expect("an address")));
    nothing(&complete(&mut place, &line).await, "the server does not answer");
    drop(mute);
    place.answers("GET", LIST, 403, crate::harness::problem("forbidden")).await;
    let url = place.server.uri();
    place.set("STRONGROOM_URL", &url);
    nothing(&complete(&mut place, &line).await, "the token may not");
}

#[tokio::test]
async fn a_script_asks_this_program() {
    let mut place = Place::with_server().await;
    place.answers("GET", LIST, 200, format!("[{}]", credential(1, "openai-primary", "openai"))).await;
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let done = place.run(&["completion", shell, "--names"]).await;
        assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{shell}");
        assert!(done.stdout.contains("STRONGROOM_COMPLETE"), "{shell}: {}", done.stdout);
        let plain = place.run(&["completion", shell]).await;
        assert!(!plain.stdout.contains("STRONGROOM_COMPLETE"), "{shell}: the plain script asks nobody");
    }
    let script = r#"
        mkdir bin && ln -s "$0" bin/strongroom && PATH="$PWD/bin:$PATH"
        exec bash -c '
            eval "$(strongroom completion bash --names)"
            COMP_WORDS=(strongroom credential show op) COMP_CWORD=3 COMP_TYPE=9
            _clap_complete_strongroom strongroom op show
            printf "%s\n" "${COMPREPLY[@]}"
        '
    "#;
    let done = place.run_in_shell(script, &[]).await;
    assert_eq!((done.code, done.stdout.as_str()), (0, "openai-primary\n"), "{done:?}");
    place.set("STRONGROOM_COMPLETE", "tcsh");
    let done = place.run(&["--", "strongroom", ""]).await;
    assert!(done.code == 2 && done.stderr.contains("tcsh"), "{done:?}");
}
