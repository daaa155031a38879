//! `strongroom scan` in repositories and folders that want to be more than read.

#![expect(clippy::unwrap_used, reason = "a case whose harness breaks has failed, and the line says where")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::harness::{KEY, Place};

async fn git(folder: &Path, arguments: &[&str]) {
    let mut command = tokio::process::Command::new("git");
    command.env("HOME", "/nowhere").env("GIT_CONFIG_NOSYSTEM", "1").arg("-C").arg(folder);
    command.args(["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "protocol.file.allow=always"]);
    let done = command.args(arguments).output().await.unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A repository with a key that only history has, and a submodule.
async fn repository(home: &Path, name: &str) -> PathBuf {
    let (inner, folder) = (home.join(format!("{name}-inner")), home.join(name));
    for repository in [&inner, &folder] {
        std::fs::create_dir_all(repository).unwrap();
        git(repository, &["init", "-q"]).await;
        std::fs::write(repository.join("a.txt"), "one\n").unwrap();
        git(repository, &["add", "."]).await;
        git(repository, &["commit", "-q", "-m", "one"]).await;
    }
    git(&folder, &["submodule", "add", "-q", inner.to_str().unwrap(), "sub"]).await;
    std::fs::write(folder.join("a.txt"), format!("{KEY}\n")).unwrap();
    std::fs::write(folder.join(".gitattributes"), "*.txt diff=evil filter=evil merge=evil\n").unwrap();
    git(&folder, &["add", "."]).await;
    git(&folder, &["commit", "-q", "-m", "two"]).await;
    // The submodule moves, so that a difference of it would be shown.
    let sub = folder.join("sub");
    std::fs::write(sub.join("a.txt"), "two\n").unwrap();
    git(&sub, &["commit", "-q", "-a", "-m", "two"]).await;
    std::fs::write(folder.join("a.txt"), "three\n").unwrap();
    git(&folder, &["commit", "-q", "-a", "-m", "three"]).await;
    folder
}

/// Every setting by which a repository names a program, in the place where git reads it.
const PROGRAMS: &[&[&str]] = &[
    &["diff.external"],
    &["diff.evil.command"],
    &["diff.evil.textconv"],
    &["filter.evil.clean", "filter.evil.smudge", "filter.evil.process"],
    &["merge.evil.driver"],
    &["core.fsmonitor"],
    &["core.sshCommand"],
    &["core.pager", "pager.rev-list", "pager.cat-file", "pager.log"],
    &["core.editor", "sequence.editor"],
    &["core.askPass"],
    &["core.gitProxy"],
    &["core.alternateRefsCommand"],
    &["credential.helper"],
    &["gpg.program", "gpg.ssh.program"],
    &["uploadpack.packObjectsHook"],
    &["interactive.diffFilter"],
    &["alias.rev-list", "alias.cat-file", "alias.rev-parse", "alias.log"],
    &["browser.evil.cmd"],
];

#[tokio::test]
async fn nothing_of_a_scanned_repository_runs() {
    let place = Place::without_server().await;
    let home = place.home.path();
    let marker = home.join("ran");
    let program = home.join("program");
    std::fs::write(&program, format!("#!/bin/sh\ntouch {}\nexec cat\n", marker.display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let program = program.to_str().unwrap();
    for (round, settings) in PROGRAMS.iter().enumerate() {
        let folder = repository(home, &format!("repository-{round}")).await;
        let inner = folder.join(".git/modules/sub");
        for name in *settings {
            let value = if name.starts_with("alias.") { format!("!{program}") } else { program.to_owned() };
            git(&folder, &["config", name, &value]).await;
            // In what the submodule has as its own settings, and in a file that is included, as well.
            let included = home.join(format!("included-{round}"));
            git(&inner, &["config", "--file", included.to_str().unwrap(), name, &value]).await;
            git(&inner, &["config", name, &value]).await;
            git(&folder, &["config", "include.path", included.to_str().unwrap()]).await;
        }
        for settings in
            [&["diff.submodule", "diff"][..], &["log.showSignature", "true"], &["submodule.recurse", "true"]]
        {
            git(&folder, &[&["config"], settings].concat()).await;
        }
        for hook in [
            "post-checkout",
            "pre-commit",
            "reference-transaction",
            "post-index-change",
            "fsmonitor-watchman",
        ] {
            std::fs::copy(program, folder.join(".git/hooks").join(hook)).unwrap();
        }
        std::fs::remove_file(&marker).ok();
        let done = place.run(&["scan", folder.to_str().unwrap(), "--format", "json"]).await;
        assert_eq!(done.code, 1, "{settings:?}: {}", done.stderr);
        assert!(
            done.stdout.contains(":a.txt") && !done.stdout.contains(KEY),
            "{settings:?}: {}",
            done.stdout
        );
        assert!(!marker.exists(), "{settings:?} was run");
    }
}

#[tokio::test]
async fn a_repository_that_lacks_objects_fetches_none() {
    let place = Place::without_server().await;
    let home = place.home.path();
    let marker = home.join("ran");
    let folder = repository(home, "partial").await;
    let program = home.join("program");
    std::fs::write(&program, format!("#!/bin/sh\ntouch {}\n", marker.display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let blob = tokio::process::Command::new("git")
        .arg("-C")
        .arg(&folder)
        .args(["rev-parse", "HEAD:a.txt"])
        .output()
        .await
        .unwrap();
    let blob = String::from_utf8(blob.stdout).unwrap();
    let object = folder.join(".git/objects").join(&blob[..2]).join(blob[2..].trim_end());
    std::fs::remove_file(object).unwrap();
    let url = format!("ext::{}", program.display());
    for (name, value) in [
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "evil"),
        ("remote.evil.promisor", "true"),
        ("remote.evil.url", url.as_str()),
        ("protocol.ext.allow", "always"),
    ] {
        git(&folder, &["config", name, value]).await;
    }
    let done = place.run(&["scan", folder.to_str().unwrap(), "--format", "json"]).await;
    assert!(!marker.exists(), "{done:?}");
}

#[tokio::test]
async fn git_sees_none_of_our_secrets_and_a_git_in_the_scanned_folder_is_not_run() {
    let mut place = Place::without_server().await;
    let folder = repository(place.home.path(), "repository").await;
    let (bin, heard) = (place.home.path().join("bin"), place.home.path().join("heard"));
    std::fs::create_dir_all(&bin).unwrap();
    let real = std::env::var("PATH").unwrap();
    let script = format!("#!/bin/sh\nPATH={real}\nenv >> {}\nexec git \"$@\"\n", heard.display());
    for program in [bin.join("git"), folder.join("git")] {
        std::fs::write(&program, &script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    for name in [
        "ENCRYPTION_KEY",
        "STRONGROOM_TOKEN",
        "STRONGROOM_ADMIN_TOKEN",
        "OPENAI_API_KEY",
        "GIT_EXTERNAL_DIFF",
    ] {
        place.set(name, "canary-secret");
    }
    place.set("STRONGROOM_URL", &place.server.uri());
    place.set("PATH", &format!("{}:{real}", bin.display()));
    let done = place.run(&["scan", folder.to_str().unwrap()]).await;
    assert!(done.code == 1 && done.stderr.contains("3 commits read"), "{done:?}");
    let heard_by_git = std::fs::read_to_string(&heard).unwrap();
    assert!(
        heard_by_git.contains("GIT_CONFIG_NOSYSTEM=1") && !heard_by_git.contains("canary"),
        "{heard_by_git}"
    );

    std::fs::remove_file(&heard).unwrap();
    place.set("PATH", &format!(".:{real}"));
    let mut command = place.command(&["scan", "."]);
    let done = command.current_dir(&folder).output().await.unwrap();
    assert!(done.status.code() == Some(1) && !heard.exists(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[tokio::test]
async fn a_clone_that_lacks_history_says_so_and_how_to_get_it() {
    let place = Place::without_server().await;
    let home = place.home.path();
    let whole = home.join("whole");
    std::fs::create_dir_all(&whole).unwrap();
    git(&whole, &["init", "-q"]).await;
    git(&whole, &["config", "uploadpack.allowFilter", "true"]).await;
    for text in [KEY, "two", "three"] {
        std::fs::write(whole.join("a.txt"), text).unwrap();
        git(&whole, &["add", "."]).await;
        git(&whole, &["commit", "-q", "-m", "one"]).await;
    }
    let url = format!("file://{}", whole.display());
    let clones: [(&str, &[&str], i32, &str); 3] = [
        ("shallow", &["--depth", "1"], 0, "git fetch --unshallow"),
        ("partial", &["--filter=blob:none"], 0, "2 objects of the history are not in this repository"),
        ("all", &[], 1, "3 commits read"),
    ];
    for (name, how, code, said) in clones {
        let folder = home.join(name);
        git(home, &[&["clone", "-q"][..], how, &[url.as_str(), folder.to_str().unwrap()]].concat()).await;
        let done = place.run(&["scan", folder.to_str().unwrap(), "--format", "json"]).await;
        assert!(done.code == code && done.stderr.contains(said), "{name}: {done:?}");
        assert_eq!(done.stderr.contains("--unshallow"), name == "shallow", "{name}: {done:?}");
    }
}

#[tokio::test]
async fn keys_in_names_of_branches_are_found_and_archives_that_were_not_opened_are_counted() {
    let place = Place::without_server().await;
    let folder = place.home.path().join("it");
    std::fs::create_dir_all(&folder).unwrap();
    git(&folder, &["init", "-q"]).await;
    std::fs::write(folder.join("a.zip"), b"PK\x03\x04and more").unwrap();
    git(&folder, &["add", "."]).await;
    git(&folder, &["commit", "-q", "-m", "one"]).await;
    let scan = ["scan", folder.to_str().unwrap(), "--format", "json"];
    let done = place.run(&scan).await;
    assert!(done.code == 0 && done.stderr.contains("archives were not opened"), "{done:?}");
    git(&folder, &["branch", &format!("fix/{KEY}")]).await;
    let done = place.run(&scan).await;
    assert!(done.code == 1 && done.stdout.contains("refs/heads/fix/"), "{done:?}");
    assert!(done.stdout.contains("(in the name)") && !done.stdout.contains(KEY), "{done:?}");
}
