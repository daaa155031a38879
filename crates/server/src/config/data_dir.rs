//! The data directory: home of the database file, the master key, the socket and the lock.

use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::reader::Reader;
use super::setting::{DefaultValue, Setting, ValueKind};

const DATA_DIR: Setting = Setting {
    section: "",
    key: "data_dir",
    variables: &["STRONGROOM_DATA_DIR"],
    flag: Some("--data-dir"),
    kind: ValueKind::Path,
    default: DefaultValue::Rule("`${XDG_DATA_HOME:-~/.local/share}/strongroom`"),
    sample: r#"data_dir = "/var/lib/strongroom""#,
    doc: "The folder of the SQLite database, the master key file, the socket and the lock; created with mode 0700.",
    show: |config| config.data_dir.display().to_string(),
};

pub(super) const SETTINGS: &[Setting] = &[DATA_DIR];

pub(super) fn read(reader: &mut Reader<'_>) -> Option<PathBuf> {
    if reader.is_set(&DATA_DIR) {
        // Without what says nothing, such as a second slash at the start.
        return reader.path(&DATA_DIR).map(|path| path.components().collect());
    }
    let folder = usual_folder(reader.environment());
    if folder.is_none() {
        reader.problem(
            "there is no place for the data directory: neither XDG_DATA_HOME nor HOME is an absolute path; set \
             STRONGROOM_DATA_DIR"
                .to_owned(),
        );
    }
    folder
}

/// The XDG Base Directory Specification has relative paths ignored.
fn usual_folder(environment: &Environment) -> Option<PathBuf> {
    let absolute = |name| environment.get(name).map(Path::new).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME")
        .map(Path::to_path_buf)
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map(|share| share.join("strongroom"))
}
