//! Moving in, on SQLite.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use strongroom_testkit::Backend;

const BACKEND: Backend = Backend::Sqlite;

#[path = "cases/import.rs"]
mod import;
