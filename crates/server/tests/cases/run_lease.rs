//! The token of a command that goes through the gateway, when `strongroom run` lives and when it is killed.

use std::process::Stdio;

use serde_json::json;
use strongroom_testkit::fake_upstream::Mode;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::stage::Stage;
use crate::support::principal::public_id;
use crate::support::server::STEP;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_lives_prolongs_its_token_and_one_that_is_killed_leaves_none() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let show = "echo $$; echo $OPENAI_API_KEY; exec sleep 600 >/dev/null 2>&1";
    let command = stage.server.installation.command(&["run", "--gateway", "--", "sh", "-c", show]);
    let mut command = tokio::process::Command::from(command);
    command.env("PATH", "/usr/bin:/bin").env("STRONGROOM_URL", &stage.server.url);
    command.env("STRONGROOM_TOKEN", &stage.server.admin).stdout(Stdio::piped()).kill_on_drop(true);
    let mut run = command.spawn().expect("the binary starts");
    let mut lines = BufReader::new(run.stdout.take().expect("its output")).lines();
    let child = lines.next_line().await.unwrap().expect("its process").parse().expect("a number");
    let token = lines.next_line().await.unwrap().expect("a token");
    stage.chat().token(&token).await.expect(200);

    // As if it had been held up for a minute: it says that it is there, and all goes on.
    let lapse = "UPDATE tokens SET leased_until_ms = 1 WHERE name = 'strongroom run'";
    assert_eq!(stage.server.installation.database.execute(lapse).await, 1);
    let leased = "SELECT leased_until_ms FROM tokens WHERE name = 'strongroom run'";
    let mut waited = 0;
    while stage.server.installation.database.query_text(leased).await[0][0].as_deref() == Some("1") {
        waited += 1;
        assert!(waited < 3000, "nobody prolongs it");
        tokio::time::sleep(STEP).await;
    }
    stage.chat().token(&token).await.expect(200);

    // Killed, it prolongs nothing any more; its token ends by itself.
    run.kill().await.unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child), nix::sys::signal::Signal::SIGKILL).unwrap();
    let made = stage.server.get("/api/admin/tokens").await.expect(200).json();
    let made = made.as_array().unwrap().iter().find(|made| made["name"] == "strongroom run").unwrap().clone();
    assert!(made["revokedAt"].is_null() && made["leasedUntil"].is_string(), "{made}");
    assert_eq!(stage.server.installation.database.execute(lapse).await, 1);
    // The server holds the token as it was: a change that the log says nothing of, and one of its own, have it forget everything.
    stage.server.installation.database.execute("UPDATE changes SET value = value + 1").await;
    let other = stage.server.token_of(strongroom_model::Role::Reader).await;
    stage.server.delete(&format!("/api/admin/tokens/{}", public_id(&other))).await.expect(200);
    stage.chat().token(&token).await.expect(401);
}
