//! Every store function, on SQLite.

use strongroom_testkit::Backend;

const BACKEND: Backend = Backend::Sqlite;

#[path = "cases/alert.rs"]
mod alert;
#[path = "cases/alert_figure.rs"]
mod alert_figure;
#[path = "cases/audit.rs"]
mod audit;
#[path = "cases/backup.rs"]
mod backup;
#[path = "cases/change.rs"]
mod change;
#[path = "cases/counter.rs"]
mod counter;
#[path = "cases/credential.rs"]
mod credential;
#[path = "cases/credential_health.rs"]
mod credential_health;
#[path = "cases/credential_list.rs"]
mod credential_list;
#[path = "cases/error.rs"]
mod error;
#[path = "cases/ground.rs"]
mod ground;
#[path = "cases/idempotency.rs"]
mod idempotency;
#[path = "cases/job_lease.rs"]
mod job_lease;
#[path = "cases/key.rs"]
mod key;
#[path = "cases/key_holder.rs"]
mod key_holder;
#[path = "cases/leak.rs"]
mod leak;
#[path = "cases/limit.rs"]
mod limit;
#[path = "cases/limit_history.rs"]
mod limit_history;
#[path = "cases/meta.rs"]
mod meta;
#[path = "cases/node.rs"]
mod node;
#[path = "cases/offboard.rs"]
mod offboard;
#[path = "cases/rotation.rs"]
mod rotation;
#[path = "cases/schema.rs"]
mod schema;
#[path = "cases/sealed.rs"]
mod sealed;
#[path = "cases/session.rs"]
mod session;
#[path = "cases/sign_in.rs"]
mod sign_in;
#[path = "cases/sum.rs"]
mod sum;
#[path = "cases/token.rs"]
mod token;
#[path = "cases/usage.rs"]
mod usage;
#[path = "cases/usage_partition.rs"]
mod usage_partition;
#[path = "cases/usage_record.rs"]
mod usage_record;
#[path = "cases/usage_report.rs"]
mod usage_report;
#[path = "cases/usage_rollup.rs"]
mod usage_rollup;
#[path = "cases/usage_sums.rs"]
mod usage_sums;
#[path = "cases/user.rs"]
mod user;
#[path = "cases/value.rs"]
mod value;
#[path = "cases/version.rs"]
mod version;
