//! What tests share: fresh databases on both backends, a PostgreSQL cluster, the planted-secret scanner, fake providers.
//!
//! # Suites that run on both databases
//! The cases are written once, in `tests/cases/<noun>.rs`, against the constant `super::BACKEND`. Two test targets
//! include them:
//!
//! ```text
//! // tests/sqlite.rs                                 // tests/postgres.rs
//! //! Every case, on SQLite.                         //! Every case, on PostgreSQL.
//! use strongroom_testkit::Backend;                   use strongroom_testkit::Backend;
//! const BACKEND: Backend = Backend::Sqlite;          const BACKEND: Backend = Backend::Postgres;
//! #[path = "cases/credential.rs"]                    #[path = "cases/credential.rs"]
//! mod credential;                                    mod credential;
//! ```
//!
//! and the crate's manifest keeps the second one out of a plain `cargo test`:
//!
//! ```toml
//! [features]
//! postgres-tests = []
//!
//! [[test]]
//! name = "postgres"
//! required-features = ["postgres-tests"]
//! ```
//!
//! # Targets that need a real part
//! `cargo xtask test` finds every test target by its `required-features`, installs what it needs and runs it:
//! `postgres-tests` (PostgreSQL), `node-tests` (Node), `browser-tests` (Chromium, its driver, Node),
//! `python-tests` (a virtual environment with `testkit/python/requirements.txt`). Their names begin with `postgres`,
//! `node`, `browser` and `python`. [`real_parts`] tells a test where the part is.

pub mod corpus;
#[cfg(feature = "database")]
pub mod database;
#[cfg(feature = "fake-provider")]
pub mod fake_minter;
#[cfg(feature = "fake-provider")]
pub mod fake_provider;
#[cfg(feature = "fake-provider")]
pub mod fake_upstream;
pub mod giving_up;
pub mod planted_secret;
#[cfg(feature = "database")]
pub mod pooler;
pub mod postgres_cluster;
pub mod real_parts;

#[cfg(feature = "database")]
pub use database::{Backend, TestDatabase};
pub use planted_secret::{PlantedSecret, Scanner};
pub use postgres_cluster::PostgresCluster;
