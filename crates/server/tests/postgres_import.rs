//! Moving in, on PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use strongroom_testkit::Backend;

const BACKEND: Backend = Backend::Postgres;

#[path = "cases/import.rs"]
mod import;
