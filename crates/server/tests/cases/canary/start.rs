//! Secrets in a configuration that is refused.

use strongroom_testkit::Scanner;

use super::garden::Garden;
use crate::BACKEND;
use crate::support::server::Installation;

#[tokio::test]
async fn a_start_that_fails_repeats_no_secret() {
    let mut garden = Garden::default();
    let mut refusals: Vec<(&str, Installation)> = Vec::new();
    for (variable, value) in [
        ("ENCRYPTION_KEY", "$"),
        ("STRONGROOM_DATABASE_URL", "mysql://root:$@127.0.0.1/x"),
        ("STRONGROOM_DATABASE_URL", "postgres://postgres:$@127.0.0.1:1/x"),
        ("STRONGROOM_DATABASE_URL", "postgres://postgres:$@[broken"),
        ("STRONGROOM_ADMIN_TOKEN", "$"),
    ] {
        let secret = garden.plant_with(&format!("{variable}={value}"), "");
        let installation = Installation::new(BACKEND).await.set(variable, value.replace('$', &secret));
        refusals.push((variable, installation));
    }
    for (file, text) in [
        ("strongroom.toml", "[auth]\njwt_secrets = \"$\"\n"),
        ("strongroom.toml", "[encryption]\nkey = \"$\"\n"),
        ("strongroom.toml", "[auth]\njwt_secret = \"$\n"),
        (".env", "ENCRYPTION_KEY=\"$\n"),
        (".env", "ENCRYPTION_KEY=$\n"),
    ] {
        let secret = garden.plant_with(&format!("{file}: {text}"), "");
        let installation = Installation::new(BACKEND).await;
        std::fs::write(installation.home().join(file), text.replace('$', &secret)).expect("a file");
        refusals.push((file, installation));
    }
    for (what, installation) in refusals {
        let installation = std::sync::Arc::new(installation.set("STRONGROOM_LOG", "trace"));
        let (status, said) = installation.try_start().err().unwrap_or_else(|| panic!("{what} was accepted"));
        assert!(!status.success());
        garden.heard.push((format!("{what}: start"), said.into_bytes()));
        let output = installation.command(&["config", "check"]).output().expect("the binary runs");
        garden.heard.push((format!("{what}: config check"), [output.stdout, output.stderr].concat()));
    }
    let (_, findings) = garden.findings(Vec::new());
    Scanner::assert_none(&findings);
}
