//! `/api/admin/credentials/{id}/versions` and the steps of a staged one.

mod abort;
mod canary;
mod destroy;
mod diff;
mod list;
mod probe;
mod promote;
mod roll_back;
mod rotate;
mod stage;

use strongroom::credential::SameKey;
use strongroom_client::wire;
use strongroom_model::credential::Credential;
use strongroom_model::version::Version;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list, stage::stage))
        .routes(routes!(diff::diff))
        .routes(routes!(destroy::destroy))
        .routes(routes!(roll_back::roll_back))
        .routes(routes!(probe::probe))
        .routes(routes!(canary::canary))
        .routes(routes!(promote::promote))
        .routes(routes!(abort::abort))
        .routes(routes!(rotate::rotate))
}

fn wire(credential: &Credential, version: &Version, same: &[SameKey]) -> wire::version::Version {
    let uid = version.uid.to_string();
    let same = same.iter().filter(|same| same.of_version == uid);
    let staged = credential.staged;
    let share = staged.filter(|staged| staged.version == version.uid).map(|staged| staged.percent);
    let ended = version.ended.as_ref();
    wire::version::Version {
        number: version.number,
        state: version.state(credential.version, staged.map(|staged| staged.version)).to_owned(),
        origin: version.origin.as_str().to_owned(),
        copied_from: version.copied_from,
        percent: share,
        created_by: version.created_by.clone(),
        created_at: version.created_at,
        activated_at: version.activated_at,
        replaced_at: version.replaced_at,
        retired_at: version.retired_at,
        revoked_at: version.revoked_at,
        ended_at: ended.map(|(_, at, _)| *at),
        reason: ended.map(|(.., reason)| reason.clone()),
        erased_at: version.erased.map(|(_, at)| at),
        probe_outcome: version.probed.as_ref().map(|(outcome, _)| outcome.clone()),
        probed_at: version.probed.as_ref().map(|(_, at)| *at),
        same_key_in: same
            .map(|same| wire::version::SameKey {
                name: same.name.clone(),
                version: same.number,
                is_deleted: same.is_deleted,
            })
            .collect(),
    }
}
