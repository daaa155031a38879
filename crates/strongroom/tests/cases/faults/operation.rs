//! What is done while it is killed: what it needs before, and what is so afterwards.

use serde::{Deserialize, Serialize};
use strongroom::limit::Bound;
use strongroom::token::TokenRequest;
use strongroom::user::{NewUser, UserPatch};
use strongroom::{Actor, CredentialId, CredentialPatch, MasterKey, NewCredential, Problem, Role, Strongroom};
use strongroom_model::ActorKind;
use strongroom_model::limit::{Unit, Window};

use super::super::ground::{new, provider};
use super::child::{Errand, PROVIDERS};
use super::site::Site;
use super::state::{State, Whole};

/// How many of a hundred calls go to a staged version.
const SHARE: i64 = 50;
/// A limit's amount that is never used up.
const ROOMY: i64 = 1_000_000_000;
/// Where it is noted that a key was handed out.
pub(super) const REVEALED: &str = "revealed";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Operation {
    Create,
    NewVersion,
    RollBack,
    Stage,
    Canary,
    Promote,
    Abort,
    Destroy,
    Freeze,
    Unfreeze,
    /// To a leak, without a new key yet.
    Respond,
    /// And with one.
    RespondWithKey,
    /// A read, as an export makes one for each credential.
    Reveal,
    Delete,
    Undelete,
    Purge,
    RotateDataKey,
    ReplaceMaster,
    RetireMaster,
    MintToken,
    RevokeToken,
    DisableUser,
    SetLimit,
    RemoveLimit,
}

/// What an operation works on.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) id: CredentialId,
    pub(super) name: String,
    /// The key that is in use afterwards.
    pub(super) value: String,
    /// The version that is rolled back to or destroyed, or the amount of a limit.
    pub(super) number: i64,
    /// The number of the next version.
    next: i64,
    /// What comes back.
    whole: Option<Whole>,
}

/// Whoever reads a key while it is killed: nobody else's reads are counted with its.
pub(super) fn reader() -> Actor {
    Actor::new(ActorKind::Local("reader".to_owned()), Role::Reader)
}

/// A limit that calls are not refused by.
async fn set_limit(room: &Strongroom, name: &str, amount: i64) -> Result<(), Problem> {
    let bound = Bound::Credential(name.to_owned());
    room.limits(Actor::library()).set(&bound, Unit::Tokens, Window::Day, amount).await.map(|_| ())
}

/// A credential whose key and second secret belong together.
pub(super) fn whole(name: &str, api_key: &str) -> NewCredential {
    NewCredential {
        provider: provider(PROVIDERS[2]),
        api_key: Some(api_key.to_owned().into()),
        api_secret: Some(format!("second of {name}").into()),
        ..new(name)
    }
}

impl Operation {
    /// The action of its audit entry.
    pub(super) const fn action(self) -> &'static str {
        match self {
            Self::Create => "credential.create",
            Self::NewVersion => "credential.update",
            Self::RollBack => "credential.rollback",
            Self::Stage => "credential.stage",
            Self::Canary => "credential.canary",
            Self::Promote => "credential.promote",
            Self::Abort => "credential.abort",
            Self::Destroy => "credential.destroy",
            Self::Freeze => "credential.freeze",
            Self::Unfreeze => "credential.unfreeze",
            Self::Respond | Self::RespondWithKey => "leak.respond",
            Self::Reveal => "credential.read",
            Self::Delete => "credential.delete",
            Self::Undelete => "credential.undelete",
            Self::Purge => "credential.purge",
            Self::RotateDataKey => "key.rotate",
            Self::ReplaceMaster => "key.rotate_master",
            Self::RetireMaster => "key.retire_master",
            Self::MintToken => "token.create",
            Self::RevokeToken => "token.revoke",
            Self::DisableUser => "user.update",
            Self::SetLimit => "limit.set",
            Self::RemoveLimit => "limit.remove",
        }
    }

    /// Whether calls under way may be made with the key that it is about, before or after it.
    pub(super) const fn tries_key(self) -> bool {
        matches!(self, Self::Canary | Self::Abort)
    }

    /// Has everything be so that it can be done.
    pub(super) async fn prepare(self, site: &mut Site) -> Task {
        let value = format!("key {} of subject", site.turn);
        let service = site.service();
        let mut task =
            Task { id: site.subject, name: "subject".into(), value, number: 0, next: 0, whole: None };
        if service.require(task.id).await.is_err() {
            service.undelete(task.id, None).await.expect("it comes back");
        }
        let leaks = site.room().leaks(Actor::library());
        let is_frozen = service.require(task.id).await.expect("a credential").frozen_at.is_some();
        match self {
            Self::Unfreeze | Self::RespondWithKey if !is_frozen => {
                leaks.respond("subject", None, None).await.expect("it is frozen");
            }
            Self::Unfreeze | Self::RespondWithKey => {}
            _ if is_frozen => drop(leaks.unfreeze(task.id).await.expect("it serves again")),
            _ => {}
        }
        match self {
            Self::Create => task.name = format!("made-{}", site.turn),
            Self::RollBack | Self::Destroy => {
                let before = site.whole("subject").await;
                let patch =
                    CredentialPatch { api_key: Some(task.value.into()), ..CredentialPatch::default() };
                service.update(task.id, patch, None).await.expect("a change");
                (task.value, task.number) = (before.api_key, before.version);
            }
            Self::Stage | Self::Canary | Self::Promote | Self::Abort => {
                if service.require(task.id).await.expect("a credential").staged.is_some() {
                    service.abort(task.id, None).await.expect("it is taken back");
                }
                if self != Self::Stage {
                    let staged = service.stage(task.id, task.value.clone().into(), None, None).await;
                    staged.expect("a staged version");
                }
                if self == Self::Abort {
                    service.canary(task.id, SHARE, true, None).await.expect("a canary");
                }
            }
            Self::Undelete => {
                task.whole = Some(site.whole("subject").await);
                service.delete(task.id, None).await.expect("a deletion");
            }
            Self::Purge => {
                task.name = format!("doomed-{}", site.turn);
                task.id = service.create(whole(&task.name, &task.value)).await.expect("a credential").id;
                service.delete(task.id, None).await.expect("a deletion");
            }
            Self::ReplaceMaster | Self::RetireMaster => {
                let keys = site.room().keys();
                if keys.retire_masters(&Actor::library()).await.is_ok() {
                    site.forget_previous();
                }
                if site.previous.is_none() {
                    site.reopen_with(MasterKey::generate().to_hex()).await;
                }
                if self == Self::RetireMaster {
                    site.room().keys().rotate_master(&Actor::library()).await.expect("a new master");
                }
            }
            Self::MintToken | Self::RevokeToken => {
                task.name = format!("token-{}", site.turn);
                if self == Self::RevokeToken {
                    let tokens = site.room().tokens(Actor::library());
                    let request = TokenRequest::new(task.name.as_str(), Role::Reader);
                    tokens.create(request).await.expect("a token");
                }
            }
            Self::DisableUser => {
                task.name = format!("user-{}", site.turn);
                let new = NewUser { name: task.name.clone(), role: Role::Reader, id: None };
                site.room().users(Actor::library()).create(new).await.expect("a user");
            }
            Self::SetLimit => task.number = ROOMY + site.turn as i64,
            Self::RemoveLimit => set_limit(site.room(), &task.name, ROOMY).await.expect("a limit"),
            Self::NewVersion
            | Self::Freeze
            | Self::Unfreeze
            | Self::Respond
            | Self::RespondWithKey
            | Self::Reveal
            | Self::Delete
            | Self::RotateDataKey => {}
        }
        let (_, versions) = match site.service().versions(site.subject).await {
            Ok(found) => found,
            // It is deleted just now.
            Err(_) => return task,
        };
        task.next = 1 + versions.iter().map(|version| version.number).max().unwrap_or(0);
        task
    }

    pub(super) async fn run(self, room: &Strongroom, errand: &Errand) -> Result<(), Problem> {
        let (service, id) = (room.credentials(Actor::library()), CredentialId(errand.id));
        let (actor, value) = (Actor::library(), errand.value.as_str());
        match self {
            Self::Create => service.create(whole(&errand.name, value)).await.map(|_| ()),
            Self::NewVersion => {
                let patch = CredentialPatch { api_key: Some(value.into()), ..CredentialPatch::default() };
                service.update(id, patch, None).await.map(|_| ())
            }
            Self::RollBack => service.roll_back(id, errand.number, None).await.map(|_| ()),
            Self::Stage => service.stage(id, value.into(), None, None).await.map(|_| ()),
            Self::Canary => service.canary(id, SHARE, true, None).await.map(|_| ()),
            Self::Promote => service.promote(id, true, None).await.map(|_| ()),
            Self::Abort => service.abort(id, None).await.map(|_| ()),
            Self::Destroy => service.destroy_version(id, errand.number, None).await.map(|_| ()),
            Self::Freeze => room.leaks(actor).freeze(id).await.map(|_| ()),
            Self::Unfreeze => room.leaks(actor).unfreeze(id).await.map(|_| ()),
            Self::Respond => room.leaks(actor).respond(&errand.name, None, None).await.map(|_| ()),
            Self::RespondWithKey => {
                room.leaks(actor).respond(&errand.name, Some(value.into()), None).await.map(|_| ())
            }
            Self::Reveal => {
                let read = room.credentials(reader()).get_credential(&errand.name, None).await?;
                // From here on it may stand on a screen.
                errand.note(REVEALED);
                read.map(|_| ()).ok_or_else(|| Problem::not_found("the subject"))
            }
            Self::Delete => service.delete(id, None).await,
            Self::Undelete => service.undelete(id, None).await.map(|_| ()),
            Self::Purge => service.purge(id, None).await,
            Self::RotateDataKey => {
                room.keys().rotate(&actor).await?;
                room.keys().go_on().await
            }
            Self::ReplaceMaster => room.keys().rotate_master(&actor).await.map(|_| ()),
            Self::RetireMaster => room.keys().retire_masters(&actor).await.map(|_| ()),
            Self::MintToken => {
                let request = TokenRequest::new(errand.name.as_str(), Role::Reader);
                room.tokens(actor).create(request).await.map(|_| ())
            }
            Self::RevokeToken => {
                let tokens = room.tokens(actor);
                let all = tokens.list().await?;
                let it = all.into_iter().find(|it| it.token.name == errand.name);
                tokens.revoke(&it.ok_or_else(|| Problem::not_found("the token"))?.token.id).await
            }
            Self::DisableUser => {
                let users = room.users(actor);
                let it = users.list().await?.into_iter().find(|it| it.name == errand.name);
                let patch = UserPatch { is_active: Some(false), ..UserPatch::default() };
                users.update(it.ok_or_else(|| Problem::not_found("the user"))?.id, patch).await.map(|_| ())
            }
            Self::SetLimit => set_limit(room, &errand.name, errand.number).await,
            Self::RemoveLimit => {
                let limits = room.limits(actor);
                let all = limits.list().await?;
                let it = all.into_iter().find(|it| it.limit.unit == Unit::Tokens);
                limits.remove(it.ok_or_else(|| Problem::not_found("the limit"))?.limit.uid).await.map(|_| ())
            }
        }
    }

    /// What is so when it is done.
    pub(super) fn after(self, before: &State, task: &Task, site: &Site) -> State {
        let mut state = before.clone();
        let name = task.name.clone();
        fn subject(state: &mut State) -> &mut Whole {
            state.credentials.get_mut("subject").expect("the subject")
        }
        let replaced = |state: &mut State| {
            let it = subject(state);
            (it.api_key, it.version) = (task.value.clone(), task.next);
        };
        match self {
            Self::Create => {
                let made = Whole {
                    api_key: task.value.clone(),
                    api_secret: format!("second of {name}"),
                    version: 1,
                    ..Whole::default()
                };
                state.credentials.insert(name, made);
            }
            Self::NewVersion | Self::RollBack => replaced(&mut state),
            Self::Stage => subject(&mut state).staged = Some((task.next, 0)),
            Self::Canary => {
                let (_, percent) = subject(&mut state).staged.as_mut().expect("a staged version");
                *percent = SHARE;
            }
            Self::Promote => {
                let it = subject(&mut state);
                (it.version, _) = it.staged.take().expect("a staged version");
                it.api_key.clone_from(&task.value);
            }
            Self::Abort => {
                let it = subject(&mut state);
                let (number, _) = it.staged.take().expect("a staged version");
                it.ends.insert((number, "aborted"));
            }
            Self::Destroy => {
                subject(&mut state).ends.insert((task.number, "destroyed"));
            }
            Self::Freeze | Self::Respond => subject(&mut state).is_frozen = true,
            Self::Unfreeze => subject(&mut state).is_frozen = false,
            Self::RespondWithKey => {
                replaced(&mut state);
                subject(&mut state).is_frozen = false;
            }
            Self::Reveal => state.revealed += 1,
            Self::Delete => {
                state.credentials.remove(&name);
                state.deleted.insert(name);
            }
            Self::Undelete => {
                state.deleted.remove(&name);
                state.credentials.insert(name, task.whole.clone().expect("what it was"));
            }
            Self::Purge => {
                state.deleted.remove(&name);
            }
            Self::RotateDataKey => state.data_keys += 1,
            Self::ReplaceMaster => {
                state.masters.insert(site.master());
            }
            Self::RetireMaster => state.masters.retain(|master| *master == site.master()),
            Self::MintToken => {
                state.tokens.insert(name, true);
            }
            Self::RevokeToken => {
                state.tokens.insert(name, false);
            }
            Self::DisableUser => {
                state.users.insert(name, false);
            }
            Self::SetLimit => {
                state.tokens_a_day.insert(name, task.number);
            }
            Self::RemoveLimit => {
                state.tokens_a_day.remove(&name);
            }
        }
        state
    }
}
