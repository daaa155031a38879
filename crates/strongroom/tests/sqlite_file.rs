//! What a refused start does to the bytes of an SQLite file and to the folder it lies in: nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use strongroom::{Actor, KeySource, MasterKey, NewCredential, Options, Provider, Strongroom};

/// Every file below a folder with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.map(|path| (path.clone(), std::fs::read(&path).expect("a file"))).collect()
}

fn url(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("strongroom.db").display())
}

#[tokio::test]
async fn a_refused_start_changes_no_byte_and_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let url = url(folder.path());
    let room = Strongroom::open(Options::new(url.as_str(), MasterKey::generate().to_hex())).await.unwrap();
    let new = NewCredential::new("one", Provider::parse("openai").unwrap(), "sk-1");
    room.credentials(Actor::library()).create(new).await.unwrap();
    room.close().await.expect("nothing is lost");
    let before = files(folder.path());
    assert_eq!(before.len(), 1, "the write-ahead log was merged: {:?}", before.keys());

    let missing = KeySource::FileOrNew(folder.path().join("master.key"));
    for options in [
        Options::new(url.as_str(), MasterKey::generate().to_hex()),
        Options::new(url.as_str(), "abc"),
        Options::new(url.as_str(), ""),
        Options { key: missing, ..Options::new(url.as_str(), "") },
    ] {
        Strongroom::open_or_make(options).await.unwrap_err();
        let after = files(folder.path());
        assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
        assert!(before == after, "bytes changed");
    }
}

#[tokio::test]
async fn a_refused_start_without_a_database_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    let url = url(folder.path());
    let path = folder.path().join("master.key");
    std::fs::write(&path, "abc").unwrap();
    let malformed = Options { key: KeySource::FileOrNew(path), ..Options::new(url.as_str(), "") };
    for options in [Options::new(url.as_str(), "abc"), Options::new(url.as_str(), "0".repeat(64)), malformed]
    {
        Strongroom::open_or_make(options).await.unwrap_err();
        assert_eq!(files(folder.path()).len(), 1, "only the key file, which was there");
    }
}
