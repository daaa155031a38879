//! Processes that are killed at every statement that they send, and at random, while calls are under way: afterwards all is
//! as before, or all is done. And troubles that kill nobody: clocks that jump, and processes that do the same at once.
//!
//! `cargo xtask verify faults` shows every point; otherwise a few of each operation.

#[path = "faults/child.rs"]
mod child;
#[path = "faults/operation.rs"]
mod operation;
#[path = "faults/restore.rs"]
mod restore;
#[path = "faults/site.rs"]
mod site;
#[path = "faults/state.rs"]
mod state;
#[path = "faults/trouble.rs"]
mod trouble;

use std::time::Duration;

use child::Errand;
use operation::Operation;
use site::{Kill, Site};

/// How often, as the variable says that `cargo xtask verify` sets.
fn times(few: u64, variable: &str) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(few)
}

fn is_at_length() -> bool {
    std::env::var_os("STRONGROOM_VERIFY_KILLS").is_some()
}

/// What a long run has to tell.
fn report(line: &str) {
    if is_at_length() {
        #[expect(clippy::print_stdout, reason = "a long run tells what it has shown")]
        {
            println!("{:?}: {line}", super::BACKEND);
        }
    }
}

/// Every point, or a few that are spread over them.
fn points(total: u64) -> Vec<u64> {
    const FEW: u64 = 4;
    if is_at_length() {
        return (1..=total).collect();
    }
    let mut points: Vec<u64> = (0..FEW).map(|part| 1 + (total - 1) * part / (FEW - 1)).collect();
    points.dedup();
    points
}

/// Statements that an operation may have beyond those of its first time, by what happens meanwhile. One that has more each
/// time would cost more the longer an installation lives.
const MAX_MORE_POINTS: u64 = 60;

/// Has processes do this and kills them; `test` is the calling test, which the processes run.
async fn killed_anywhere(operation: Operation, test: &str) {
    if let Some(errand) = Errand::of_environment() {
        return child::run(&errand).await;
    }
    let mut site = Site::new(test).await;
    let whole = site.round(operation, Kill::Never).await;
    assert!(whole.points >= 3, "{operation:?} has only {} points", whole.points);
    let (mut killed, mut done) = (0, 0);
    let mut count = |outcome: &site::Outcome| {
        killed += u64::from(outcome.was_killed);
        done += u64::from(outcome.was_killed && outcome.is_done);
    };
    for point in points(whole.points) {
        count(&site.round(operation, Kill::At(point)).await);
    }
    if is_at_length() {
        // How many there are may differ by what happens meanwhile: until one gets to its end.
        for point in whole.points + 1.. {
            let most = whole.points + MAX_MORE_POINTS;
            assert!(
                point <= most,
                "{operation:?} has more statements each time: {point}, first {}",
                whole.points
            );
            let outcome = site.round(operation, Kill::At(point)).await;
            count(&outcome);
            if !outcome.was_killed {
                break;
            }
        }
    }
    let random = times(2, "STRONGROOM_VERIFY_KILLS");
    for turn in 0..random {
        // Not the same moment each time, and the same moments in every run.
        let share = (turn * 37 % 100) as u32;
        let moment = (whole.took + Duration::from_millis(2)) * share / 100;
        count(&site.round(operation, Kill::After(moment)).await);
    }
    assert!(killed > 0, "nobody was killed");
    report(&format!(
        "{operation:?}: {} points and {random} moments, {killed} processes killed: {} left it as it was, {done} had done \
         it; {} calls left under way, all counted",
        whole.points,
        killed - done,
        site.calls_left()
    ));
}

macro_rules! killed_anywhere {
    ($($test:ident: $operation:ident,)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                killed_anywhere(Operation::$operation, concat!("faults::", stringify!($test))).await;
            }
        )+
    };
}

killed_anywhere! {
    create_is_done_or_not: Create,
    a_new_version_is_there_or_not: NewVersion,
    roll_back_is_done_or_not: RollBack,
    a_staged_version_is_there_or_not: Stage,
    a_share_of_the_calls_goes_to_a_staged_version_or_not: Canary,
    promotion_is_done_or_not: Promote,
    a_staged_version_is_taken_back_or_not: Abort,
    a_version_is_destroyed_or_not: Destroy,
    freezing_is_done_or_not: Freeze,
    unfreezing_is_done_or_not: Unfreeze,
    a_response_to_a_leak_freezes_or_not: Respond,
    a_response_to_a_leak_brings_a_new_key_or_not: RespondWithKey,
    a_key_that_is_read_is_counted_and_noted_down: Reveal,
    delete_is_done_or_not: Delete,
    undelete_is_done_or_not: Undelete,
    purge_is_done_or_not: Purge,
    a_rotation_of_the_data_key_goes_on_and_ends: RotateDataKey,
    a_new_master_key_is_there_or_not: ReplaceMaster,
    an_old_master_key_is_retired_or_not: RetireMaster,
    a_token_is_minted_or_not: MintToken,
    a_token_is_revoked_or_not: RevokeToken,
    a_user_is_disabled_or_not: DisableUser,
    a_limit_is_set_or_not: SetLimit,
    a_limit_is_removed_or_not: RemoveLimit,
}
