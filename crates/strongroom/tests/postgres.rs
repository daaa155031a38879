//! How the product behaves, on PostgreSQL, and with several nodes on one database.

use strongroom_testkit::Backend;

const BACKEND: Backend = Backend::Postgres;

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
#[path = "cases/granted_role.rs"]
mod granted_role;
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
#[path = "cases/nodes.rs"]
mod nodes;
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

#[tokio::test]
async fn a_backup_goes_from_one_kind_of_database_to_the_other_and_back() {
    backup::round_trip(&[Backend::Sqlite, Backend::Postgres, Backend::Sqlite]).await;
}

#[tokio::test]
async fn what_was_begun_on_one_kind_of_database_goes_on_on_the_other() {
    use backup::lived_in::everything_comes_back_and_goes_on;
    Box::pin(everything_comes_back_and_goes_on(&[Backend::Sqlite, Backend::Postgres])).await;
    Box::pin(everything_comes_back_and_goes_on(&[Backend::Sqlite, Backend::Postgres, Backend::Sqlite])).await;
}

#[tokio::test]
async fn no_window_gains_room_on_the_way_to_the_other_kind_of_database() {
    Box::pin(backup::lived_in::no_window_gains_room(Backend::Sqlite)).await;
}
