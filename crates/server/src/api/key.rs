//! Encryption keys: `/api/admin/encryption-keys`, and a fresh master key.

mod generate;
mod list;
mod retire_master;
mod rotate;
mod rotate_master;

use strongroom::key::{MasterChange, RotationState};
use strongroom_client::wire::key::{KeyRotation, MasterKeyChange};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(generate::generate))
        .routes(routes!(list::list))
        .routes(routes!(rotate::rotate))
        .routes(routes!(rotate_master::rotate_master))
        .routes(routes!(retire_master::retire_master))
}

fn rotation(state: RotationState) -> KeyRotation {
    KeyRotation {
        key_id: state.key_id,
        reason: state.reason,
        is_open: state.is_open,
        started_at: state.started_at,
        finished_at: state.finished_at,
        texts: state.texts,
        left: state.left,
        broken: state.broken,
    }
}

fn change(change: MasterChange, next: Vec<String>) -> MasterKeyChange {
    MasterKeyChange {
        fingerprint: change.fingerprint,
        wrapped: change.wrapped,
        others: change.others,
        retired: change.retired,
        next,
    }
}
