//! How the product behaves, on SQLite.

use strongroom_testkit::Backend;

const BACKEND: Backend = Backend::Sqlite;

#[path = "cases/alert.rs"]
mod alert;
#[path = "cases/alert_delivery.rs"]
mod alert_delivery;
#[path = "cases/alert_digest.rs"]
mod alert_digest;
#[path = "cases/alert_event.rs"]
mod alert_event;
#[path = "cases/alert_figure.rs"]
mod alert_figure;
#[path = "cases/alert_ground.rs"]
mod alert_ground;
#[path = "cases/alert_lasting.rs"]
mod alert_lasting;
#[path = "cases/audit.rs"]
mod audit;
#[path = "cases/backup.rs"]
mod backup;
#[path = "cases/call.rs"]
mod call;
#[path = "cases/cancellation.rs"]
mod cancellation;
#[path = "cases/change.rs"]
mod change;
#[path = "cases/choice.rs"]
mod choice;
#[path = "cases/environment.rs"]
mod environment;
#[path = "cases/faults.rs"]
mod faults;
#[path = "cases/forgetting.rs"]
mod forgetting;
#[path = "cases/ground.rs"]
mod ground;
#[path = "cases/idempotency.rs"]
mod idempotency;
#[path = "cases/import.rs"]
mod import;
#[path = "cases/import_usage.rs"]
mod import_usage;
#[path = "cases/key.rs"]
mod key;
#[path = "cases/leak.rs"]
mod leak;
#[path = "cases/limit.rs"]
mod limit;
#[path = "cases/master_key.rs"]
mod master_key;
#[path = "cases/migration.rs"]
mod migration;
#[path = "cases/offboard.rs"]
mod offboard;
#[path = "cases/opening.rs"]
mod opening;
#[path = "cases/page.rs"]
mod page;
#[path = "cases/prices.rs"]
mod prices;
#[path = "cases/receiver.rs"]
mod receiver;
#[path = "cases/recovery.rs"]
mod recovery;
#[path = "cases/revision.rs"]
mod revision;
#[path = "cases/rotate.rs"]
mod rotate;
#[path = "cases/scope_of_many.rs"]
mod scope_of_many;
#[path = "cases/sealing.rs"]
mod sealing;
#[path = "cases/sign_in.rs"]
mod sign_in;
#[path = "cases/stage.rs"]
mod stage;
#[path = "cases/tampering.rs"]
mod tampering;
#[path = "cases/token.rs"]
mod token;
#[path = "cases/user.rs"]
mod user;
#[path = "cases/version.rs"]
mod version;
