//! `strongroom run`.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::{KEY, Place, credential, problem, revealed};

#[tokio::test]
async fn the_command_gets_the_keys_and_nothing_of_ours() {
    let mut place = Place::with_server().await;
    place.set("ENCRYPTION_KEY", &"0".repeat(64));
    place.set("JWT_SECRET", "x");
    place.set("DATABASE_URL", "postgres://theirs");
    place.answers("GET", "/api/credentials/pool", 200, revealed(2, "openai", "k2")).await;
    place.answers("GET", "/api/providers/openai/credential", 200, revealed(1, "openai", KEY)).await;
    let done = place.run(&["run", "--credential", "pool", "--provider", "openai", "--", "env"]).await;
    assert_eq!(done.code, 0, "{}", done.stderr);
    let has = |line: &str| done.stdout.lines().any(|other| other == line);
    assert!(has("OPENAI_API_KEY=k2") && has(&format!("OPENAI_API_KEY_2={KEY}")), "{}", done.stdout);
    assert!(has("DATABASE_URL=postgres://theirs"));
    for ours in ["STRONGROOM_", "ENCRYPTION_KEY", "JWT_SECRET"] {
        assert!(!done.stdout.contains(ours), "{ours}");
    }
    assert_eq!(done.stderr, "", "stderr is the command's own");
}

#[tokio::test]
async fn without_a_word_every_provider_is_set_by_its_own_turn() {
    let place = Place::with_server().await;
    let list =
        [credential(1, "a", "openai"), credential(2, "b", "gemini"), credential(3, "c", "groq")].join(",");
    place.answers("GET", "/api/admin/credentials", 200, format!("[{list}]")).await;
    place.answers("GET", "/api/providers/openai/credential", 200, revealed(1, "openai", "k1")).await;
    place.answers("GET", "/api/providers/gemini/credential", 200, revealed(2, "gemini", "k2")).await;
    place.answers("GET", "/api/providers/groq/credential", 429, problem("limit_reached")).await;
    let done =
        place.run(&["run", "--", "sh", "-c", "echo $OPENAI_API_KEY $GEMINI_API_KEY $GOOGLE_API_KEY"]).await;
    assert_eq!((done.code, done.stdout.as_str()), (0, "k1 k2 k2\n"), "{}", done.stderr);
    assert!(done.stderr.contains("warning: no key of groq is set"), "{}", done.stderr);
}

#[tokio::test]
async fn a_reader_that_may_not_list_still_gets_what_it_may_read() {
    let place = Place::with_server().await;
    place.answers("GET", "/api/admin/credentials", 403, problem("denied")).await;
    place.answers("GET", "/api/providers/anthropic/credential", 200, revealed(1, "anthropic", "k1")).await;
    place.answers("GET", "/api/providers/openai/credential", 403, problem("denied")).await;
    let done = place.run(&["run", "--", "sh", "-c", "echo $ANTHROPIC_API_KEY$OPENAI_API_KEY"]).await;
    assert_eq!((done.code, done.stdout.as_str()), (0, "k1\n"), "{}", done.stderr);
}

#[tokio::test]
async fn nothing_is_started_when_a_key_cannot_be_read() {
    let place = Place::with_server().await;
    place.answers("GET", "/api/credentials/a", 200, revealed(1, "openai", KEY)).await;
    place.answers("GET", "/api/credentials/b", 500, problem("integrity_failure")).await;
    let marker = place.home.path().join("started");
    let touch = ["run", "-c", "a", "-c", "b", "--", "touch", marker.to_str().unwrap()];
    let done = place.run(&touch).await;
    assert!(done.code == 6 && !marker.exists(), "{done:?}");
    done.shows_no_canary();
    let done = place.run(&["run", "-c", "a", "--", "/nonexistent"]).await;
    assert!(done.code == 127 && done.stderr.contains("/nonexistent"), "{done:?}");
    done.shows_no_canary();
}

#[tokio::test]
async fn the_exit_code_is_the_commands() {
    let place = Place::with_server().await;
    place.answers("GET", "/api/credentials/a", 200, revealed(1, "openai", "k")).await;
    for (script, code) in [("exit 7", 7), ("kill -TERM $$", 143), ("exit 0", 0)] {
        assert_eq!(place.run(&["run", "-c", "a", "--", "sh", "-c", script]).await.code, code, "{script}");
    }
}

#[tokio::test]
async fn signals_reach_the_command() {
    let place = Place::with_server().await;
    place.answers("GET", "/api/credentials/a", 200, revealed(1, "openai", "k")).await;
    let ready = place.home.path().join("ready");
    for (name, signal) in [
        ("TERM", Signal::SIGTERM),
        ("INT", Signal::SIGINT),
        ("HUP", Signal::SIGHUP),
        ("USR1", Signal::SIGUSR1),
    ] {
        let script = format!("trap 'exit 42' {name}; touch ready; while :; do sleep 0.01; done");
        let child = place.command(&["run", "-c", "a", "--", "sh", "-c", &script]).spawn().unwrap();
        while !ready.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        kill(Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()), signal).unwrap();
        assert_eq!(child.wait_with_output().await.unwrap().status.code(), Some(42), "{name}");
        std::fs::remove_file(&ready).unwrap();
    }
}
