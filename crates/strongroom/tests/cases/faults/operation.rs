//! What is done while it is killed: what it needs before, and what is so afterwards.

use serde::{Deserialize, Serialize};
use strongroom::{Actor, CredentialId, CredentialPatch, MasterKey, NewCredential, Problem, Strongroom};

use super::super::ground::{new, provider};
use super::child::{Errand, PROVIDERS};
use super::site::{Site, State, Whole};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Operation {
    Create,
    NewVersion,
    RollBack,
    Stage,
    Promote,
    Delete,
    Undelete,
    Purge,
    RotateDataKey,
    ReplaceMaster,
    RetireMaster,
}

/// What an operation works on.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) id: CredentialId,
    pub(super) name: String,
    /// The key that is in use afterwards.
    pub(super) value: String,
    /// The version that is rolled back to.
    pub(super) number: i64,
    /// The number of the next version.
    next: i64,
    /// What comes back.
    whole: Option<Whole>,
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
            Self::Promote => "credential.promote",
            Self::Delete => "credential.delete",
            Self::Undelete => "credential.undelete",
            Self::Purge => "credential.purge",
            Self::RotateDataKey => "key.rotate",
            Self::ReplaceMaster => "key.rotate_master",
            Self::RetireMaster => "key.retire_master",
        }
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
        match self {
            Self::Create => task.name = format!("made-{}", site.turn),
            Self::RollBack => {
                let before = site.whole("subject").await;
                let patch =
                    CredentialPatch { api_key: Some(task.value.into()), ..CredentialPatch::default() };
                service.update(task.id, patch, None).await.expect("a change");
                (task.value, task.number) = (before.api_key, before.version);
            }
            Self::Stage | Self::Promote => {
                if service.require(task.id).await.expect("a credential").staged.is_some() {
                    service.abort(task.id, None).await.expect("it is taken back");
                }
                if self == Self::Promote {
                    let staged = service.stage(task.id, task.value.clone().into(), None, None).await;
                    staged.expect("a staged version");
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
            Self::NewVersion | Self::Delete | Self::RotateDataKey => {}
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
            Self::Promote => service.promote(id, true, None).await.map(|_| ()),
            Self::Delete => service.delete(id, None).await,
            Self::Undelete => service.undelete(id, None).await.map(|_| ()),
            Self::Purge => service.purge(id, None).await,
            Self::RotateDataKey => {
                room.keys().rotate(&actor).await?;
                room.keys().go_on().await
            }
            Self::ReplaceMaster => room.keys().rotate_master(&actor).await.map(|_| ()),
            Self::RetireMaster => room.keys().retire_masters(&actor).await.map(|_| ()),
        }
    }

    /// What is so when it is done.
    pub(super) fn after(self, before: &State, task: &Task, site: &Site) -> State {
        let mut state = before.clone();
        let name = task.name.clone();
        let replaced = |state: &mut State| {
            let it = state.credentials.get_mut(&task.name).expect("the subject");
            (it.api_key, it.version) = (task.value.clone(), task.next);
        };
        match self {
            Self::Create => {
                let made = Whole {
                    api_key: task.value.clone(),
                    api_secret: format!("second of {name}"),
                    version: 1,
                    staged: None,
                };
                state.credentials.insert(name, made);
            }
            Self::NewVersion | Self::RollBack => replaced(&mut state),
            Self::Stage => {
                state.credentials.get_mut(&name).expect("the subject").staged = Some(task.next);
            }
            Self::Promote => {
                let it = state.credentials.get_mut(&name).expect("the subject");
                it.version = it.staged.take().expect("a staged version");
                it.api_key.clone_from(&task.value);
            }
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
        }
        state
    }
}
