//! Changes that meet: revisions, and who may go on.

use strongroom::{CredentialPatch, Problem, ProblemKind};

use super::ground::{ground, new};

fn priority(priority: i64) -> CredentialPatch {
    CredentialPatch { priority: Some(priority), ..CredentialPatch::default() }
}

#[tokio::test]
async fn a_change_with_a_revision_that_has_passed_is_refused() {
    let ground = ground().await;
    let made = ground.make(new("one")).await;
    let service = ground.service();
    assert_eq!(service.update(made.id, priority(1), Some(1)).await.unwrap().revision, 2);
    for refused in [
        service.update(made.id, priority(2), Some(1)).await.map(|_| ()),
        service.update(made.id, priority(2), Some(3)).await.map(|_| ()),
        service.delete(made.id, Some(1)).await,
    ] {
        assert_eq!(refused.unwrap_err().kind, ProblemKind::PreconditionFailed);
    }
    assert_eq!(service.require(made.id).await.unwrap().priority, 1);
    service.delete(made.id, Some(2)).await.unwrap();
    ground.assert_sound().await;
}

#[tokio::test]
async fn uses_move_no_revision() {
    let ground = ground().await;
    let made = ground.make(new("one")).await;
    let service = ground.service();
    service.get_credential("one", None).await.unwrap().unwrap();
    service.record_usage(made.id).await.unwrap();
    service.reset_monthly_usage().await.unwrap();
    let found = service.require(made.id).await.unwrap();
    assert_eq!((found.revision, found.usage_count, found.updated_at), (1, 2, made.updated_at));
    assert_eq!(service.update(made.id, priority(1), Some(1)).await.unwrap().revision, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_changes_at_once_under_one_revision_exactly_one_is_made() {
    let ground = ground().await;
    let made = ground.make(new("one")).await;
    for revision in 1..=5 {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..8 {
            let service = ground.service();
            tasks.spawn(async move { service.update(made.id, priority(number), Some(revision)).await });
        }
        let outcomes = tasks.join_all().await;
        let (made, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!(made.len(), 1);
        assert!(refused.into_iter().all(|it| it.is_err_and(|it| it.kind == ProblemKind::PreconditionFailed)));
    }
    ground.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_at_once_without_a_revision_are_made_one_after_the_other() {
    let ground = ground().await;
    let made = ground.make(new("one")).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..6 {
        let service = ground.service();
        let key = format!("key {number}");
        let patch = CredentialPatch { api_key: Some(key.into()), ..CredentialPatch::default() };
        tasks.spawn(async move { service.update(made.id, patch, None).await });
    }
    let done: Result<Vec<_>, Problem> = tasks.join_all().await.into_iter().collect();
    let mut versions: Vec<_> = done.unwrap().iter().map(|it| (it.revision, it.version_number)).collect();
    versions.sort_unstable();
    assert_eq!(versions, (2..=7).map(|number| (number, number)).collect::<Vec<_>>());
    ground.assert_sound().await;
}
