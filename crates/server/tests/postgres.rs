//! The HTTP API of the real binary, on PostgreSQL.

use strongroom_testkit::Backend;

const BACKEND: Backend = Backend::Postgres;

#[path = "cases/all.rs"]
mod cases;
#[path = "cases/postgres_alert_nodes.rs"]
mod postgres_alert_nodes;
#[path = "cases/postgres_outage.rs"]
mod postgres_outage;
#[path = "cases/postgres_page_outage.rs"]
mod postgres_page_outage;
#[path = "cases/postgres_pooler.rs"]
mod postgres_pooler;
#[path = "support/all.rs"]
mod support;
