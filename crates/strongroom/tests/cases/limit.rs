//! Uses, counted in the transaction that hands out the key, and limits on them.

use strongroom::limit::Standing;
use strongroom::{Actor, CredentialPatch, Millis, NewCredential, ProblemKind};

use super::ground::{NOW, ground, new};

fn limited(name: &str, limit: i64) -> NewCredential {
    NewCredential { rate_limit: Some(limit), ..new(name) }
}

#[tokio::test]
async fn a_read_is_counted_recorded_and_audited() {
    let ground = ground().await;
    let made = ground.make(limited("one", 10)).await;
    for uses in 1..=3 {
        ground.clock.set(Millis(NOW.0 - 10 + uses));
        let read = ground.service().get_credential("one", None).await.unwrap().unwrap();
        assert_eq!((read.usage_count, read.current_month_usage, read.rate_limit), (uses, uses, Some(10)));
        let found = ground.service().require(made.id).await.unwrap();
        assert_eq!((found.usage_count, found.current_month_usage), (uses, uses));
        assert_eq!(found.last_used, Some(Millis(NOW.0 - 10 + uses)));
    }
    assert_eq!(ground.value("SELECT count(*) FROM usage_records WHERE kind = 'read'").await, "3");
    let entries = ground.entries("credential.read").await;
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[0].entry.target.name.as_deref(), Some("one"));
    assert!(entries[0].entry.detail.contains("\"source\":\"database\""), "{}", entries[0].entry.detail);
    assert_eq!(ground.room.counters().reads_from_database.get(), 3);
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_used_up_limit_refuses_until_the_month_ends() {
    let ground = ground().await;
    let made = ground.make(limited("one", 2)).await;
    let service = ground.service();
    assert!(service.check_rate_limit(made.id).await.unwrap());
    service.get_credential("one", None).await.unwrap().unwrap();
    service.record_usage(made.id).await.unwrap();
    assert!(!service.check_rate_limit(made.id).await.unwrap());

    let february = Millis(NOW.0 + 1);
    for refused in [
        service.get_credential("one", None).await.map(|_| ()),
        service.get_credential_by_provider("openai", None).await.map(|_| ()),
        service.record_usage(made.id).await,
        service.test(made.id, false).await.map(|_| ()),
    ] {
        let problem = refused.unwrap_err();
        assert_eq!(problem.kind, ProblemKind::LimitReached);
        let message = "Rate limit exceeded";
        assert!(problem.message.starts_with(message), "{}", problem.message);
        assert_eq!(problem.retry_at, Some(february));
    }
    assert_eq!(ground.room.counters().limit_refusals.get(), 3, "a test takes no use, so none is refused");
    let status = service.rate_limit_status("one").await.unwrap();
    assert_eq!((status.limit, status.used, status.remaining()), (Some(2), 2, Some(0)));
    assert_eq!((status.allowed(), status.resets_at), (false, february));

    ground.clock.set(february);
    assert!(service.check_rate_limit(made.id).await.unwrap());
    let read = service.get_credential("one", None).await.unwrap().unwrap();
    assert_eq!((read.usage_count, read.current_month_usage), (3, 1));
    let found = service.require(made.id).await.unwrap();
    assert_eq!((found.usage_count, found.current_month_usage), (3, 1));
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_limit_of_nothing_allows_nothing_and_no_limit_allows_all() {
    let ground = ground().await;
    let made = ground.make(limited("one", 0)).await;
    let problem = ground.service().get_credential("one", None).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::LimitReached);
    let patch = CredentialPatch { rate_limit: Some(None), ..CredentialPatch::default() };
    ground.service().update(made.id, patch, None).await.unwrap();
    for _ in 0..5 {
        ground.service().get_credential("one", None).await.unwrap().unwrap();
    }
    assert_eq!(ground.service().rate_limit_status("one").await.unwrap().remaining(), None);
}

#[tokio::test]
async fn tests_and_looks_count_nothing() {
    let ground = ground().await;
    let made = ground.make(limited("one", 1)).await;
    let service = ground.service();
    service.test(made.id, false).await.unwrap();
    service.check_rate_limit(made.id).await.unwrap();
    service.rate_limit_status("one").await.unwrap();
    service.list_credentials().await.unwrap();
    let found = service.require(made.id).await.unwrap();
    assert_eq!((found.usage_count, found.last_used), (0, None));
    assert_eq!(ground.value("SELECT count(*) FROM usage_records").await, "0");
}

#[tokio::test]
async fn resetting_the_month_is_an_adjustment_and_loses_no_count() {
    let ground = ground().await;
    let (one, two) = (ground.make(limited("one", 2)).await, ground.make(new("two")).await);
    ground.make(new("unused")).await;
    let service = ground.service();
    for name in ["one", "one", "two"] {
        service.get_credential(name, None).await.unwrap().unwrap();
    }
    assert_eq!(service.reset_monthly_usage().await.unwrap(), 2);
    let (one, two) = (service.require(one.id).await.unwrap(), service.require(two.id).await.unwrap());
    assert_eq!((one.usage_count, one.current_month_usage), (2, 0));
    assert_eq!((two.usage_count, two.current_month_usage), (1, 0));
    assert_eq!(service.reset_monthly_usage().await.unwrap(), 0, "again changes nothing");
    let kinds = ground.database.query_text(
        "SELECT 'read', sum(requests) FROM usage_records WHERE kind = 'read' UNION ALL SELECT 'reset', sum(adjusted) \
         FROM counter_entries WHERE kind = 'reset'",
    );
    let kinds: Vec<String> =
        kinds.await.into_iter().map(|row| row.into_iter().flatten().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(kinds, ["read 3", "reset -3"]);
    ground.assert_sound().await;

    for _ in 0..2 {
        service.get_credential("one", None).await.unwrap().unwrap();
    }
    let problem = service.get_credential("one", None).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::LimitReached, "the limit binds again");
    assert_eq!(service.require(one.id).await.unwrap().usage_count, 4);
    assert_eq!(ground.entries("credential.reset_monthly_usage").await.len(), 2);
    ground.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_500_reads_at_once_exactly_as_many_as_the_limit_succeed() {
    let ground = ground().await;
    let made = ground.make(limited("one", 100)).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..500 {
        let service = ground.service();
        tasks.spawn(async move {
            if number % 2 == 0 {
                service.get_credential("one", None).await
            } else {
                service.get_credential_by_provider("openai", None).await
            }
        });
    }
    let mut uses = Vec::new();
    for outcome in tasks.join_all().await {
        match outcome {
            Ok(read) => uses.push(read.unwrap().current_month_usage),
            Err(problem) => assert_eq!(problem.kind, ProblemKind::LimitReached, "{problem:?}"),
        }
    }
    uses.sort_unstable();
    assert_eq!(uses, (1..=100).collect::<Vec<_>>());
    assert_eq!(ground.service().require(made.id).await.unwrap().usage_count, 100);
    assert_eq!(ground.entries("credential.read").await.len(), 100);
    ground.assert_sound().await;
}

#[tokio::test]
async fn the_fullest_limits_are_found_among_few_and_among_very_many() {
    let ground = ground().await;
    let limits = || ground.room.limits(Actor::library());
    let read = async |name: &str, times: usize| {
        for _ in 0..times {
            ground.service().get_credential(name, None).await.unwrap().unwrap();
        }
    };
    for (name, times) in [("half", 5), ("full", 10), ("near", 8)] {
        ground.make(limited(name, 10)).await;
        read(name, times).await;
    }
    let names = |limits: &[Standing]| limits.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    let few = limits().fullest().await.unwrap();
    assert_eq!((names(&few.limits), few.count), (vec!["full".into(), "near".into(), "half".into()], 3));
    assert!(few.is_whole());
    // Of very many, those of which an alert fires.
    for number in 0..200 {
        ground.make(limited(&format!("other-{number:03}"), 10)).await;
    }
    let many = limits().fullest().await.unwrap();
    assert_eq!((names(&many.limits), many.count), (vec!["full".into(), "near".into()], 203));
    assert!(!many.is_whole());
    let (mut after, mut paged) = (None, Vec::new());
    loop {
        let page = limits().page(after, 100).await.unwrap();
        paged.extend(names(&page.limits));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(paged, names(&limits().list().await.unwrap()));
    let full = many.limits[0].limit.scope.clone();
    let of_it = limits().list_of(&full).await.unwrap();
    assert_eq!((names(&of_it), of_it[0].used, of_it.len()), (vec!["full".into()], 10, 1));
}
