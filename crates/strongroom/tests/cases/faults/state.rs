//! What is so: everything that operations change, looked at through the product.

use std::collections::{BTreeMap, BTreeSet};

use strongroom::{Actor, ProblemKind};
use strongroom_model::limit::Unit;
use strongroom_model::version::{Ending, Erasure, Version};

use super::super::ground::provider;
use super::child::PROVIDERS;
use super::operation::reader;
use super::site::Site;

/// A credential that can be used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) api_key: String,
    pub(super) api_secret: String,
    pub(super) version: i64,
    /// The number of the staged version and its share of the calls.
    pub(super) staged: Option<(i64, i64)>,
    pub(super) is_frozen: bool,
    /// Versions that somebody took back or destroyed, and which of the two.
    pub(super) ends: BTreeSet<(i64, &'static str)>,
}

/// All that operations change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub(super) credentials: BTreeMap<String, Whole>,
    pub(super) deleted: BTreeSet<String>,
    pub(super) data_keys: usize,
    pub(super) masters: BTreeSet<String>,
    /// Reads that the process has made which is killed.
    pub(super) revealed: u64,
    /// Tokens and users, and whether each may still do something.
    pub(super) tokens: BTreeMap<String, bool>,
    pub(super) users: BTreeMap<String, bool>,
    /// Limits of tokens, by the name of the credential.
    pub(super) tokens_a_day: BTreeMap<String, i64>,
}

impl State {
    pub(super) fn is_frozen(&self, name: &str) -> bool {
        self.credentials.get(name).is_some_and(|it| it.is_frozen)
    }
}

impl Site {
    pub(super) async fn whole(&self, name: &str) -> Whole {
        let (service, leaks) = (self.service(), self.room().leaks(Actor::library()));
        let all = service.list_credentials().await.expect("a list");
        let kept = all.into_iter().find(|it| it.name == name).unwrap_or_else(|| panic!("{name} is lost"));
        let is_frozen = kept.frozen_at.is_some();
        if is_frozen {
            let served = service.get_credential(name, None).await.expect("an answer");
            assert!(served.is_none(), "{name} is frozen, and somebody is served from it");
            leaks.unfreeze(kept.id).await.expect("its row says what we wrote");
        }
        let found = service.get_credential(name, None).await.expect("an answer").expect("it is not frozen");
        if is_frozen {
            leaks.freeze(kept.id).await.expect("it is frozen again");
        }
        let (_, versions) = service.versions(kept.id).await.expect("its versions");
        let end = |version: &Version| {
            let aborted = matches!(version.ended, Some((Ending::Aborted, ..)));
            let destroyed = matches!(version.erased, Some((Erasure::Destroyed, _)));
            let end = if destroyed { Some("destroyed") } else { aborted.then_some("aborted") };
            end.map(|end| (version.number, end))
        };
        Whole {
            api_key: found.api_key.expose().to_owned(),
            api_secret: found.api_secret.expect("a second secret").expose().to_owned(),
            version: kept.version_number,
            staged: kept.staged.map(|staged| (staged.number, staged.percent)),
            is_frozen,
            ends: versions.iter().filter_map(end).collect(),
        }
    }

    pub(super) async fn state(&self) -> State {
        let service = self.service();
        let mut credentials = BTreeMap::new();
        for credential in service.list_credentials().await.expect("a list") {
            if credential.provider == provider(PROVIDERS[2]) {
                let found = self.whole(&credential.name).await;
                assert_eq!(found.api_secret, format!("second of {}", credential.name));
                credentials.insert(credential.name, found);
            } else {
                // Near its limit: to read it would count.
                if let Err(problem) = service.test(credential.id, false).await {
                    assert_eq!(problem.kind, ProblemKind::LimitReached, "{}: {problem:?}", credential.name);
                }
            }
        }
        let deleted = service.list_deleted().await.expect("a list").into_iter().map(|it| it.name).collect();
        let status = self.room().keys().status().await.expect("a status");
        let data_keys = status.keys.iter().filter(|key| key.row.purpose == "data").count();
        let masters = status.masters.into_iter().map(|master| master.fingerprint).collect();
        let revealed = format!(
            "SELECT count(*) FROM usage_records WHERE kind = 'read' AND actor = '{}'",
            reader().label()
        );
        let (room, actor) = (self.room(), Actor::library);
        let tokens = room.tokens(actor()).list().await.expect("a list").into_iter();
        let users = room.users(actor()).list().await.expect("a list").into_iter();
        let limits = room.limits(actor()).list().await.expect("a list").into_iter();
        State {
            credentials,
            deleted,
            data_keys,
            masters,
            revealed: self.number(&revealed).await,
            tokens: tokens.map(|it| (it.token.name, it.token.revoked_at.is_none())).collect(),
            users: users.map(|it| (it.name, it.is_active)).collect(),
            tokens_a_day: limits
                .filter(|it| it.limit.unit == Unit::Tokens)
                .map(|it| (it.name, it.limit.amount))
                .collect(),
        }
    }
}
