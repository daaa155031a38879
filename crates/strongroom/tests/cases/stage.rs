//! Staged versions: asked about, tried with a share of the calls, promoted, aborted, and taken back by themselves.

use std::time::Duration;

use strongroom::alert::{IncidentFilter, Rule};
use strongroom::call::{CallEnd, CallTarget, Failure, FailureReason, NewCall};
use strongroom::usage::Dim;
use strongroom::{Actor, Credential, EndpointGuard, Millis, NewCredential, ProblemKind};
use strongroom_model::usage::{CallBound, Metering};
use strongroom_testkit::fake_provider::{Api, Behaviour, FakeProvider};

use super::ground::{Ground, NOW, ground, ground_with, new, provider};

fn call() -> NewCall {
    let target = CallTarget { provider: provider("openai"), model: None, bound: CallBound::UNKNOWN };
    NewCall { operation: "chat.completions", targets: vec![target] }
}

const END: CallEnd = CallEnd { usage: None, model: None, raw_usage: None, metering: Metering::Unmetered };

/// Makes a call as the gateway does; keys that start with `bad` are refused. Tells the keys that were tried.
async fn go(ground: &Ground) -> Vec<String> {
    let mut call = ground.room.calls(Actor::library()).begin(call()).await.expect("a call");
    let mut tried = Vec::new();
    while let Some(attempt) = call.next().await.expect("an answer") {
        let key = attempt.api_key().expose().to_owned();
        tried.push(key.clone());
        if key.starts_with("bad") {
            attempt.refused(&Failure::Refused {
                status: 401,
                health: FailureReason::BadKey,
                retry_after: None,
            });
        } else {
            attempt.answered(200).settle(END);
            return tried;
        }
    }
    tried
}

async fn staged(ground: &Ground, name: &str, key: &str, percent: i64) -> Credential {
    let made = ground.make(new(name)).await;
    ground.service().stage(made.id, key.into(), None, None).await.expect("a staged version");
    ground.service().canary(made.id, percent, true, None).await.expect("a canary")
}

#[tokio::test]
async fn exactly_its_share_of_the_calls_goes_to_a_staged_version_and_reads_do_not() {
    let ground = ground().await;
    let made = staged(&ground, "one", "next key", 10).await;
    assert_eq!(made.staged.map(|staged| (staged.number, staged.percent)), Some((2, 10)));
    let mut keys = Vec::new();
    for _ in 0..100 {
        keys.extend(go(&ground).await);
    }
    assert_eq!(keys.iter().filter(|key| *key == "next key").count(), 10);
    assert_eq!(keys.len(), 100);
    let read = ground.service().get_credential("one", None).await.unwrap().unwrap();
    assert_eq!((read.api_key.expose(), read.version), ("key of one", Some(1)));
    ground.room.close().await.expect("nothing is lost");
    let room = ground.node().await;
    let sums = room.usage(Actor::library()).sums(Dim::Version, Millis(0), Millis(i64::MAX)).await.unwrap();
    let counted: Vec<_> = sums.iter().map(|it| (it.group_key.as_str(), it.figures.requests)).collect();
    assert_eq!(counted, [("one v1", 91), ("one v2", 10)]);
}

#[tokio::test]
async fn a_promoted_version_is_in_use_and_calls_under_way_end_with_the_old_one() {
    let ground = ground().await;
    let made = staged(&ground, "one", "next key", 0).await;
    assert_eq!(go(&ground).await, ["key of one"], "0 percent is nothing");
    let mut under_way = ground.room.calls(Actor::library()).begin(call()).await.unwrap();
    let attempt = under_way.next().await.unwrap().unwrap();
    let promoted = ground.service().promote(made.id, true, Some(made.revision)).await.unwrap();
    assert_eq!((promoted.version_number, promoted.staged), (2, None));
    assert_eq!(go(&ground).await, ["next key"]);
    let read = ground.service().get_credential("one", None).await.unwrap().unwrap();
    assert_eq!(read.api_key.expose(), "next key");

    ground.clock.set(NOW.plus_seconds(31));
    assert_eq!(ground.room.drain_versions().await.unwrap(), 0, "a call is under way");
    assert_eq!(attempt.api_key().expose(), "key of one");
    attempt.answered(200).settle(END);
    drop(under_way);
    assert_eq!(ground.room.drain_versions().await.unwrap(), 0, "this server has said that it was busy");
    ground.clock.set(NOW.plus_seconds(31 + 46));
    assert_eq!(ground.room.drain_versions().await.unwrap(), 1);
    let (_, versions) = ground.service().versions(made.id).await.unwrap();
    assert_eq!(versions[1].retired_at, Some(NOW.plus_seconds(77)));
    assert_eq!(ground.service().roll_back(made.id, 1, None).await.unwrap().version_number, 3);
    ground.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_staged_version_that_the_provider_refuses_is_taken_back_by_itself_and_no_call_fails() {
    let ground = ground().await;
    let made = staged(&ground, "one", "bad key", 50).await;
    let mut refused = 0;
    for _ in 0..6 {
        let tried = go(&ground).await;
        assert_eq!(tried.last().map(String::as_str), Some("key of one"), "the version in use serves");
        refused += tried.len() - 1;
    }
    assert_eq!(refused, 3, "not tried again once it has fallen");
    for _ in 0..1000 {
        if !ground.entries("credential.canary_refused").await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let entries = ground.entries("credential.canary_refused").await;
    assert_eq!((entries.len(), entries[0].entry.actor.as_str()), (1, "system"));
    assert!(
        entries[0].entry.detail.contains("refused the key in 3 of its last 3 calls"),
        "{}",
        entries[0].entry.detail
    );
    let (found, versions) = ground.service().versions(made.id).await.unwrap();
    assert_eq!((found.staged, found.version_number), (None, 1));
    let (ending, _, reason) = versions[0].ended.clone().expect("an end");
    assert!(ending.as_str() == "refused" && reason.contains("3 of its last 3"), "{reason}");
    assert_eq!(go(&ground).await, ["key of one"]);
    // People are told, until another one is staged.
    let alerts = async || {
        let filter = IncidentFilter { rule: Some(Rule::CanaryRefused), ..IncidentFilter::default() };
        let all = ground.room.alerts(Actor::library()).list(&filter, 10).await.unwrap();
        all.into_iter().map(|it| (it.incident.mark, it.state)).collect::<Vec<_>>()
    };
    ground.room.watch_limits().await.unwrap();
    assert_eq!(alerts().await, [(2, "firing")]);
    ground.service().stage(made.id, "another key".into(), None, None).await.unwrap();
    ground.room.watch_limits().await.unwrap();
    assert_eq!(alerts().await, [(2, "resolved")]);
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_canary_stays_when_the_version_in_use_is_refused_as_often() {
    let ground = ground().await;
    let made = ground.make(NewCredential { api_key: Some("bad key".into()), ..new("one") }).await;
    ground.service().stage(made.id, "bad too".into(), None, None).await.unwrap();
    ground.service().canary(made.id, 50, true, None).await.unwrap();
    for _ in 0..20 {
        go(&ground).await;
    }
    assert!(ground.service().require(made.id).await.unwrap().staged.is_some());
    assert_eq!(ground.entries("credential.canary_refused").await.len(), 0);
}

#[tokio::test]
async fn steps_out_of_order_are_refused_with_the_mend() {
    let ground = ground().await;
    let service = ground.service();
    let made = ground.make(NewCredential { api_secret: Some("second".into()), ..new("one") }).await;
    for problem in [
        service.promote(made.id, true, None).await.unwrap_err(),
        service.abort(made.id, None).await.unwrap_err(),
        service.canary(made.id, 10, false, None).await.unwrap_err(),
    ] {
        assert!(
            problem.kind == ProblemKind::Conflict && problem.message.contains("stage a new key"),
            "{problem}"
        );
    }
    let empty = service.stage(made.id, "".into(), None, None).await.unwrap_err();
    assert_eq!(empty.field.as_deref(), Some("apiKey"));
    let passed = service.stage(made.id, "next".into(), None, Some(9)).await.unwrap_err();
    assert_eq!(passed.kind, ProblemKind::PreconditionFailed);
    service.stage(made.id, "next".into(), None, Some(1)).await.unwrap();
    let twice = service.stage(made.id, "after next".into(), None, None).await.unwrap_err();
    assert!(twice.kind == ProblemKind::Conflict && twice.message.contains("version 2"), "{twice}");
    for percent in [-1, 101] {
        let wrong = service.canary(made.id, percent, true, None).await.unwrap_err();
        assert_eq!(wrong.field.as_deref(), Some("percent"));
    }
    for problem in [
        service.roll_back(made.id, 2, None).await.unwrap_err(),
        service.destroy_version(made.id, 2, None).await.unwrap_err(),
    ] {
        assert!(problem.kind == ProblemKind::Conflict && problem.message.contains("staged"), "{problem}");
    }
    service.abort(made.id, None).await.unwrap();
    service.destroy_version(made.id, 2, None).await.unwrap();
    service.stage(made.id, "third".into(), None, None).await.unwrap();
    service.promote(made.id, true, None).await.unwrap();
    let read = service.get_credential("one", None).await.unwrap().unwrap();
    assert_eq!(read.api_secret.expect("a second secret").expose(), "second", "it stays the one in use");
    assert_eq!(read.api_key.expose(), "third");
    ground.assert_sound().await;
}

#[tokio::test]
async fn the_provider_is_asked_before_a_staged_key_serves() {
    let fake = FakeProvider::start().await.unwrap();
    let ground = ground_with(|options| options.guard = EndpointGuard::new(true)).await;
    let service = ground.service();
    let endpoint = Some(fake.endpoint(Api::OpenAi));
    let made = ground.make(NewCredential { endpoint, ..new("one") }).await;
    service.stage(made.id, Behaviour::WrongKey.key().into(), None, None).await.unwrap();
    let refused = service.canary(made.id, 10, false, None).await.unwrap_err();
    assert!(refused.kind == ProblemKind::Unprocessable && refused.message.contains("bad_key"), "{refused}");
    let refused = service.promote(made.id, false, None).await.unwrap_err();
    assert_eq!(refused.kind, ProblemKind::Unprocessable);
    let (found, versions) = service.versions(made.id).await.unwrap();
    assert_eq!(versions[0].probed.as_ref().map(|(outcome, _)| outcome.as_str()), Some("bad_key"));
    assert_eq!(found.version_number, 1);
    service.abort(made.id, None).await.unwrap();
    service.stage(made.id, Behaviour::Ok.key().into(), None, None).await.unwrap();
    assert_eq!(service.probe_version(made.id, 3).await.unwrap().report.outcome.as_str(), "ok");
    let asked = fake.seen().len();
    service.canary(made.id, 10, false, None).await.unwrap();
    service.promote(made.id, false, None).await.unwrap();
    assert_eq!(fake.seen().len(), asked, "it has said well of it already");
    assert_eq!(ground.entries("credential.probe").await.len(), 3);
    let gone = service.probe_version(made.id, 9).await.unwrap_err();
    assert_eq!(gone.kind, ProblemKind::NotFound);
}

#[tokio::test]
async fn what_is_staged_and_its_share_cannot_be_changed_in_the_database() {
    for edit in [
        "canary_percent = 100",
        "staged_version_uid = NULL, canary_percent = 0",
        "staged_version_uid = version_uid",
        "version_uid = staged_version_uid",
    ] {
        let ground = ground().await;
        let made = staged(&ground, "one", "next key", 10).await;
        ground.edit(&format!("UPDATE api_credentials SET {edit} WHERE name = 'one'")).await;
        let problem = ground.service().get_credential("one", None).await.expect_err(edit);
        assert_eq!(problem.kind, ProblemKind::Integrity, "{edit}");
        let problem = ground.room.calls(Actor::library()).begin(call()).await.expect_err(edit);
        assert_eq!(problem.kind, ProblemKind::NotFound, "{edit}");
        let problem = ground.service().promote(made.id, true, None).await.expect_err(edit);
        assert_eq!(problem.kind, ProblemKind::Integrity, "{edit}");
    }
}
