//! A database in the middle of everything: versions, limits, deletions and both kinds of keys, each half-way.

use strongroom::call::{CallTarget, NewCall};
use strongroom::limit::Bound;
use strongroom::token::TokenRequest;
use strongroom::user::NewUser;
use strongroom::{
    Actor, Credential, CredentialPatch, KeySource, MasterKey, Millis, NewCredential, Options, Problem, Role,
    Secret, Strongroom, UserId,
};
use strongroom_model::limit::{Unit, Window};
use strongroom_testkit::TestDatabase;
use strongroom_testkit::giving_up::polled_so_often;

use super::super::call::{BOUND, end};
use super::super::ground::{Ground, ground, new, provider};

/// Credentials with two secrets each: more than a rotation does in one batch.
pub(super) const PLAIN: usize = 20;
pub(super) const DAY: i64 = 86_400;

pub(crate) struct Home {
    /// Its room holds both master keys, of which the one that the ground was made with is the older.
    pub(crate) ground: Ground,
    pub(super) next_key: Secret,
    /// A token with a limit of its own, one that was revoked, and the user of both.
    pub(super) program: Secret,
    pub(super) revoked: Secret,
    pub(super) user: UserId,
}

impl Home {
    pub(super) fn options(&self, database: &TestDatabase) -> Options {
        Options { previous_key: Some(self.ground.key.clone()), ..self.with(database, &self.next_key) }
    }

    /// With one master key alone.
    pub(super) fn with(&self, database: &TestDatabase, key: &Secret) -> Options {
        Options { clock: self.ground.clock.clone(), ..Options::new(database.url(), key.clone()) }
    }
}

/// In the middle of a month, a day, an hour and a minute.
pub(super) fn morning() -> Millis {
    Millis::parse("2026-02-11T10:30:30Z").expect("an instant")
}

async fn made(ground: &Ground, name: &str, of: &str) -> Credential {
    ground.make(NewCredential { provider: provider(of), ..new(name) }).await
}

async fn renewed(ground: &Ground, credential: &Credential) {
    let key = Some(format!("second key of {}", credential.name).into());
    let patch = CredentialPatch { api_key: key, ..CredentialPatch::default() };
    ground.service().update(credential.id, patch, None).await.expect("a change");
}

/// A call that leaves and is settled; the key that it was made with.
pub(super) async fn call(room: &Strongroom, actor: &Actor, of: &str) -> Result<String, Problem> {
    let target = CallTarget { provider: provider(of), model: Some("gpt-4o-mini".to_owned()), bound: BOUND };
    let call = NewCall { operation: "chat.completions", targets: vec![target] };
    let attempt = room.calls(actor.clone()).begin(call).await?.next().await?.expect("a credential");
    let key = attempt.api_key().expose().to_owned();
    attempt.answered(200).settle(end(100, 50));
    Ok(key)
}

pub(super) async fn key_of(room: &Strongroom, name: &str) -> String {
    let read = room.credentials(Actor::library()).get_credential(name, None).await.expect("an answer");
    read.unwrap_or_else(|| panic!("{name} is not served")).api_key.expose().to_owned()
}

pub(super) async fn lived_in() -> Home {
    let ground = ground().await;
    let options = ground.options();
    Box::pin(lived_in_with(ground, options)).await
}

/// The same in a database that is opened with these options.
pub(crate) async fn lived_in_with(mut ground: Ground, options: Options) -> Home {
    ground.room.close().await.expect("nothing is lost");
    ground.room = Strongroom::open(options.clone()).await.expect("a strongroom");
    let (service, leaks) = (ground.service(), ground.room.leaks(Actor::library()));
    for number in 0..PLAIN {
        let name = format!("plain-{number}");
        let secret = Some(Secret::new(format!("second of {name}")));
        ground
            .make(NewCredential { api_secret: secret, provider: provider("openrouter"), ..new(&name) })
            .await;
    }
    key_of(&ground.room, "plain-0").await;
    // A rotation that has ended.
    ground.room.keys().rotate(&Actor::library()).await.expect("a rotation");
    ground.room.keys().go_on().await.expect("its end");

    let tried = made(&ground, "tried", "groq").await;
    service.stage(tried.id, "next key of tried".into(), None, None).await.expect("a staged version");
    service.canary(tried.id, 25, true, None).await.expect("a canary");
    let aborted = made(&ground, "taken-back", "openrouter").await;
    service.stage(aborted.id, "other key of taken-back".into(), None, None).await.expect("a staged version");
    service.abort(aborted.id, None).await.expect("it is taken back");
    let destroyed = made(&ground, "destroyed", "openrouter").await;
    renewed(&ground, &destroyed).await;
    service.destroy_version(destroyed.id, 1, None).await.expect("it is destroyed");
    let frozen = made(&ground, "frozen", "openrouter").await;
    leaks.freeze(frozen.id).await.expect("it is frozen");
    made(&ground, "answered", "openrouter").await;
    leaks.respond("answered", None, None).await.expect("it is frozen");
    leaks.respond("answered", Some("fresh key".into()), None).await.expect("it goes on");
    let purged = made(&ground, "purged", "openrouter").await;
    service.delete(purged.id, None).await.expect("a deletion");
    service.purge(purged.id, None).await.expect("it is purged");
    let due = NewCredential {
        provider: provider("openrouter"),
        expires_at: Some(morning().plus_seconds(7 * DAY)),
        rotate_after_days: Some(1),
        ..new("due")
    };
    ground.make(due).await;

    ground.clock.set(morning());
    let usage = ground.room.usage(Actor::library());
    assert_eq!(usage.retire(5).await.expect("an answer"), 1, "a record that was kept for long enough");
    assert_eq!(service.remind().await.expect("an answer"), 2);
    // A version that was replaced under a call.
    let busy = made(&ground, "busy", "anthropic").await;
    let target = CallTarget { provider: provider("anthropic"), model: None, bound: BOUND };
    let under_way = NewCall { operation: "messages", targets: vec![target] };
    let mut under_way = ground.room.calls(Actor::library()).begin(under_way).await.expect("a call");
    let attempt = under_way.next().await.expect("an answer").expect("a credential");
    renewed(&ground, &busy).await;
    let retired = ground.room.drain_versions().await.expect("an answer");
    assert_eq!(retired, 3, "those of long ago, and not the one of the call");
    attempt.answered(200).settle(end(10, 5));
    drop(under_way);
    let gone = ground.make(NewCredential { rate_limit: Some(5), ..new("gone") }).await;
    renewed(&ground, &gone).await;
    for _ in 0..2 {
        key_of(&ground.room, "gone").await;
    }
    service.delete(gone.id, None).await.expect("a deletion");

    let user = NewUser { name: "ada".into(), role: Role::Gateway, id: None };
    let user = ground.room.users(Actor::library()).create(user).await.expect("a user").id;
    let hers = NewCredential { provider: provider("openrouter"), ..new("hers") };
    ground.make(NewCredential { is_global: false, user: Some(user), ..hers }).await;
    let tokens = ground.room.tokens(Actor::library());
    let request = |name: &str| TokenRequest { user: Some(user), ..TokenRequest::new(name, Role::Gateway) };
    let (program, _) = tokens.create(request("program")).await.expect("a token");
    let (revoked, _) = tokens.create(request("revoked")).await.expect("a token");
    tokens.revoke(&revoked.id).await.expect("it is revoked");
    ground.make(NewCredential { rate_limit: Some(10), ..new("limited") }).await;
    let limited = || Bound::Credential("limited".into());
    let limits = ground.room.limits(Actor::library());
    for (bound, unit, window, amount) in [
        (limited(), Unit::Tokens, Window::Day, 1_000_000),
        (limited(), Unit::NanoUsd, Window::Prepaid, 1_000_000_000),
        (Bound::Token(program.id.clone()), Unit::Requests, Window::Hour, 8),
        (Bound::User(user), Unit::Requests, Window::Minute, 100),
    ] {
        limits.set(&bound, unit, window, amount).await.expect("a limit");
    }
    let actor = tokens.authenticate(&program.text).await.expect("a token that is known");
    for _ in 0..3 {
        call(&ground.room, &actor, "openai").await.expect("a call");
    }
    key_of(&ground.room, "limited").await;
    for _ in 0..8 {
        call(&ground.room, &Actor::library(), "groq").await.expect("a call");
    }

    // A master key and a data key that are being replaced.
    let next_key = MasterKey::generate().to_hex();
    let both = || Options {
        key: KeySource::Given(next_key.clone()),
        previous_key: Some(ground.key.clone()),
        ..options.clone()
    };
    ground.room.close().await.expect("nothing is lost");
    let room = Strongroom::open(both()).await.expect("a strongroom");
    room.keys().rotate_master(&Actor::library()).await.expect("a new master key");
    room.keys().rotate(&Actor::library()).await.expect("a rotation");
    // Before its reseal task has its turn.
    room.close().await.expect("nothing is lost");
    let room = Strongroom::open(both()).await.expect("a strongroom");
    for times in 1.. {
        polled_so_often(times, room.keys().go_on()).await;
        let rotation = room.keys().status().await.expect("a status").rotation.expect("a rotation");
        assert!(rotation.is_open && rotation.left > 0, "{rotation:?}");
        if rotation.left < rotation.texts {
            break;
        }
    }
    ground.room = room;
    Home { ground, next_key, program: program.text, revoked: revoked.text, user }
}
