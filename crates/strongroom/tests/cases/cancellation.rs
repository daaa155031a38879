//! Operations whose caller goes away half-way: afterwards it is as before, or all is done.

use std::time::Duration;

use strongroom::{Actor, CredentialPatch, NewCredential};
use strongroom_crypto::random;
use strongroom_model::audit::{Outcome, Target};
use strongroom_testkit::giving_up::polled_so_often;

use super::ground::{Ground, ground, new, provider};

const ROUNDS: usize = 400;

/// Gives up after 0 to 4 milliseconds, which is anywhere in an operation; tells whether it was in time.
async fn hurried<T>(operation: impl Future<Output = T>) -> Option<T> {
    let [high, low] = random::bytes::<2>();
    let patience = Duration::from_micros(u64::from(u16::from_be_bytes([high, low])) / 16);
    tokio::time::timeout(patience, operation).await.ok()
}

fn pick(choices: usize) -> usize {
    usize::from(random::bytes::<1>()[0]) % choices
}

/// A patch after which a credential is whole: its key says its name and its endpoint.
fn patch(round: usize) -> CredentialPatch {
    let name = format!("c-{round}");
    let endpoint = round.is_multiple_of(2).then(|| format!("https://e-{round}.example.com/"));
    CredentialPatch {
        api_key: Some(key(&name, endpoint.as_deref()).into()),
        api_secret: Some(Some(name.clone().into())),
        provider: Some(provider(if round.is_multiple_of(3) { "groq" } else { "openai" })),
        name: Some(name),
        endpoint: Some(endpoint),
        ..CredentialPatch::default()
    }
}

fn key(name: &str, endpoint: Option<&str>) -> String {
    format!("key of {name} at {endpoint:?}")
}

/// Waits for a commit that its caller no longer waits for: it comes before this entry.
async fn settle(ground: &Ground) {
    // Each is of its own kind: one that repeats another is counted, and not written.
    let detail = serde_json::json!({ "settled": random::uid().to_string() });
    let (actor, target) = (Actor::system(), Target::kind("test"));
    ground.room.note(&actor, "test.settle", target, Outcome::Success, &detail).await.expect("an entry");
}

async fn assert_whole(ground: &Ground) {
    settle(ground).await;
    for credential in ground.service().list_credentials().await.expect("a list") {
        let read = ground.service().get_credential(&credential.name, None).await.expect("an answer");
        let read = read.expect("a credential");
        assert_eq!(read.api_key.expose(), key(&credential.name, credential.endpoint.as_deref()));
        assert_eq!(read.api_secret.expect("a second secret").expose(), credential.name);
    }
    // Nothing is left of what was broken off.
    let halves = "SELECT (SELECT count(*) FROM credential_versions v WHERE NOT EXISTS \
                  (SELECT 1 FROM credential_values x WHERE x.version_uid = v.uid)), \
                  (SELECT count(*) FROM api_credentials c WHERE NOT EXISTS \
                  (SELECT 1 FROM credential_versions v WHERE v.uid = c.version_uid))";
    assert_eq!(ground.database.query_text(halves).await, [[Some("0".to_owned()), Some("0".to_owned())]]);
    ground.assert_sound().await;
}

async fn round(ground: &Ground, round: usize) {
    settle(ground).await;
    let service = ground.service();
    let all = service.list_credentials().await.expect("a list");
    let one = &all[pick(all.len())];
    match pick(8) {
        0 | 1 => {
            let patch = patch(round);
            let new = NewCredential {
                provider: patch.provider.expect("a provider"),
                api_key: patch.api_key,
                api_secret: patch.api_secret.flatten(),
                endpoint: patch.endpoint.flatten(),
                ..new(&patch.name.expect("a name"))
            };
            hurried(service.create(new)).await.transpose().expect("a credential");
        }
        2 | 3 => {
            hurried(service.update(one.id, patch(round), None)).await.transpose().expect("a change");
        }
        4 if all.len() > 4 => {
            hurried(service.delete(one.id, None)).await.transpose().expect("a deletion");
        }
        5 => {
            hurried(service.record_usage(one.id)).await.transpose().expect("a use");
        }
        6 => {
            hurried(service.reset_monthly_usage()).await.transpose().expect("a reset");
        }
        _ => {
            hurried(service.get_credential(&one.name, None)).await.transpose().expect("a read");
        }
    }
}

async fn seeded() -> Ground {
    let ground = ground().await;
    for number in 0..4 {
        let name = format!("seed-{number}");
        let new = NewCredential {
            api_key: Some(key(&name, None).into()),
            api_secret: Some(name.clone().into()),
            ..new(&name)
        };
        ground.make(new).await;
    }
    ground
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_goes_away_leaves_the_old_state_or_the_new_one() {
    let ground = seeded().await;
    for number in 0..ROUNDS {
        round(&ground, number).await;
        if number % 50 == 0 {
            assert_whole(&ground).await;
        }
    }
    assert_whole(&ground).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_go_away_take_nobody_elses_operation_with_them() {
    let ground = seeded().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200 {
        let service = ground.room.credentials(Actor::library());
        tasks.spawn(async move {
            let name = format!("seed-{}", number % 4);
            if number % 2 == 0 {
                let _ = hurried(service.get_credential(&name, None)).await;
            } else {
                let read = service.get_credential(&name, None).await.unwrap().unwrap();
                assert_eq!(read.api_key.expose(), key(&name, None));
            }
        });
    }
    tasks.join_all().await;
    assert_whole(&ground).await;
}

/// One step in the life of a credential; what is not possible just now is refused and changes nothing.
async fn step(ground: &Ground, id: strongroom::CredentialId, round: usize) {
    let service = ground.service();
    let newest = match service.versions(id).await {
        Ok((_, versions)) => versions.len(),
        Err(_) => 1,
    };
    let number = i64::try_from(1 + pick(newest)).expect("a small number");
    let done = match pick(9) {
        0 | 1 => hurried(service.roll_back(id, number, None)).await.map(|done| done.map(|_| ())),
        2 | 3 => {
            let staged = service.stage(id, format!("key {round}").into(), None, None);
            hurried(staged).await.map(|done| done.map(|_| ()))
        }
        4 => hurried(service.promote(id, true, None)).await.map(|done| done.map(|_| ())),
        5 => hurried(service.abort(id, None)).await.map(|done| done.map(|_| ())),
        6 => hurried(service.destroy_version(id, number, None)).await.map(|done| done.map(|_| ())),
        7 => hurried(service.delete(id, None)).await,
        _ => hurried(service.undelete(id, None)).await.map(|done| done.map(|_| ())),
    };
    if let Some(Err(problem)) = done {
        use strongroom::ProblemKind::{Conflict, NotFound};
        assert!(matches!(problem.kind, Conflict | NotFound), "{problem:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_in_the_life_of_a_key_that_break_off_leave_the_old_state_or_the_new_one() {
    let ground = ground().await;
    let made = ground.make(NewCredential { api_secret: Some("second".into()), ..new("one") }).await;
    // A version has both its values or none of them, and the two that may be handed out have them.
    let halves = "SELECT (SELECT count(*) FROM credential_versions v WHERE (SELECT count(*) FROM credential_values x \
                  WHERE x.version_uid = v.uid AND x.kind = 'sealed') <> CASE WHEN v.erased_at_ms IS NULL THEN 2 ELSE 0 END), \
                  (SELECT count(*) FROM api_credentials c JOIN credential_versions v \
                  ON v.uid IN (c.version_uid, c.staged_version_uid) WHERE v.erased_at_ms IS NOT NULL)";
    for number in 0..ROUNDS {
        Box::pin(step(&ground, made.id, number)).await;
        if number % 50 == 0 {
            settle(&ground).await;
            assert_eq!(
                ground.database.query_text(halves).await,
                [[Some("0".to_owned()), Some("0".to_owned())]]
            );
            ground.assert_sound().await;
        }
    }
    settle(&ground).await;
    // It may be the state that a step is just leaving: who is deleted comes back first.
    if ground.service().require(made.id).await.is_err() {
        ground.service().undelete(made.id, None).await.expect("it comes back");
    }
    let read = ground.service().get_credential("one", None).await.expect("an answer").expect("a credential");
    assert_eq!(read.api_secret.expect("a second secret").expose(), "second");
    assert_eq!(ground.database.query_text(halves).await, [[Some("0".to_owned()), Some("0".to_owned())]]);
    ground.assert_sound().await;
}

/// What is done to a credential that has two versions, of which the second is in use.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Create,
    Update,
    RollBack,
    Stage,
    Promote,
    Abort,
    Destroy,
    Delete,
    Undelete,
}

const DEEDS: [Deed; 9] = [
    Deed::Create,
    Deed::Update,
    Deed::RollBack,
    Deed::Stage,
    Deed::Promote,
    Deed::Abort,
    Deed::Destroy,
    Deed::Delete,
    Deed::Undelete,
];

impl Deed {
    /// What it is in the audit trail.
    fn action(self) -> &'static str {
        match self {
            Self::Create => "credential.create",
            Self::Update => "credential.update",
            Self::RollBack => "credential.rollback",
            Self::Stage => "credential.stage",
            Self::Promote => "credential.promote",
            Self::Abort => "credential.abort",
            Self::Destroy => "credential.destroy",
            Self::Delete => "credential.delete",
            Self::Undelete => "credential.undelete",
        }
    }

    /// A credential to which it can be done.
    async fn prepare(self, ground: &Ground, name: &str) -> strongroom::CredentialId {
        let service = ground.service();
        if matches!(self, Self::Create) {
            return strongroom::CredentialId(0);
        }
        let id = ground.make(NewCredential { api_key: Some("first".into()), ..new(name) }).await.id;
        let second = CredentialPatch { api_key: Some("second".into()), ..CredentialPatch::default() };
        service.update(id, second, None).await.expect("a change");
        match self {
            Self::Promote | Self::Abort => {
                service.stage(id, "third".into(), None, None).await.expect("a staged version");
            }
            Self::Undelete => service.delete(id, None).await.expect("a deletion"),
            _ => {}
        }
        id
    }

    async fn happen(self, ground: &Ground, name: &str, id: strongroom::CredentialId) {
        let service = ground.service();
        let done = match self {
            Self::Create => {
                service.create(NewCredential { api_key: Some("first".into()), ..new(name) }).await.map(drop)
            }
            Self::Update => {
                let third = CredentialPatch {
                    api_key: Some("third".into()),
                    endpoint: Some(Some("https://llm.example.com/v1".into())),
                    rate_limit: Some(Some(5)),
                    ..CredentialPatch::default()
                };
                service.update(id, third, None).await.map(drop)
            }
            Self::RollBack => service.roll_back(id, 1, None).await.map(drop),
            Self::Stage => service.stage(id, "third".into(), None, None).await.map(drop),
            Self::Promote => service.promote(id, true, None).await.map(drop),
            Self::Abort => service.abort(id, None).await.map(drop),
            Self::Destroy => service.destroy_version(id, 1, None).await.map(drop),
            Self::Delete => service.delete(id, None).await,
            Self::Undelete => service.undelete(id, None).await.map(drop),
        };
        done.unwrap_or_else(|problem| panic!("{self:?}: {problem:?}"));
    }
}

/// All that a deed can change of a credential, with what it hands out.
async fn state(ground: &Ground, name: &str) -> Vec<Vec<Option<String>>> {
    settle(ground).await;
    let sql = format!(
        "SELECT CAST(c.revision AS TEXT), c.endpoint, CASE WHEN c.deleted_at_ms IS NULL THEN 'live' ELSE 'deleted' END, \
         CAST(v.number AS TEXT), v.origin, v.ended_as, v.erased_as, \
         CASE WHEN v.uid = c.version_uid THEN 'in use' WHEN v.uid = c.staged_version_uid THEN 'staged' END, \
         (SELECT CAST(COUNT(*) AS TEXT) FROM credential_values x WHERE x.version_uid = v.uid AND x.kind = 'sealed'), \
         (SELECT CAST(COUNT(*) AS TEXT) FROM limits l WHERE l.scope_uid = c.uid) \
         FROM api_credentials c JOIN credential_versions v ON v.credential_uid = c.uid WHERE c.name = '{name}' ORDER BY v.number"
    );
    let mut state = ground.database.query_text(&sql).await;
    let read = ground.service().get_credential(name, None).await.expect("an answer");
    state.push(vec![read.map(|read| read.api_key.expose().to_owned())]);
    state
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_at_every_await_every_change_happens_whole_or_not_at_all() {
    let ground = ground().await;
    for deed in DEEDS {
        let name = |times: usize| format!("{}-{times}", deed.action().trim_start_matches("credential."));
        let whole = name(0);
        let id = deed.prepare(&ground, &whole).await;
        deed.happen(&ground, &whole, id).await;
        let new = state(&ground, &whole).await;
        // A database may answer each time before anybody waits for it; a deed that was done so is done again.
        let mut drops = 0;
        for round in 1..200 {
            let (name, times) = (name(round), drops + 1);
            let id = deed.prepare(&ground, &name).await;
            let old = state(&ground, &name).await;
            assert_ne!(old, new, "{deed:?}");
            let entries = ground.entries(deed.action()).await.len();
            let done = Box::pin(polled_so_often(times, deed.happen(&ground, &name, id))).await;
            let is_done = done.is_some();
            let now = state(&ground, &name).await;
            assert!(now == new || (now == old && !is_done), "{deed:?} after {times} polls: {now:?}");
            // An entry for what happened, and none for what did not.
            let written = ground.entries(deed.action()).await.len() - entries;
            assert_eq!(written, usize::from(now == new), "{deed:?} after {times} polls");
            if is_done && drops > 0 {
                break;
            }
            drops += usize::from(!is_done);
        }
        assert!(drops > 0, "{deed:?} never waits");
    }
    ground.assert_sound().await;
}
