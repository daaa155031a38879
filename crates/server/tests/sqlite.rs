//! The HTTP API of the real binary, on SQLite.

use strongroom_testkit::Backend;

const BACKEND: Backend = Backend::Sqlite;

#[path = "cases/all.rs"]
mod cases;
#[path = "cases/sqlite_directory.rs"]
mod sqlite_directory;
#[path = "support/all.rs"]
mod support;
