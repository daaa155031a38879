//! The cache of one node while another one changes things: what is forgotten, what stays, and what a read that was overtaken fills.

use strongroom_crypto::MasterKey;
use strongroom_model::limit::{Unit, Window};
use strongroom_model::{Actor, Clock, Uid};
use strongroom_testkit::{Backend, TestDatabase};

use super::*;
use crate::limit::Bound;
use crate::token::TokenRequest;
use crate::user::{NewUser, UserPatch};
use crate::{NewCredential, Options, Role, Strongroom};

/// Two nodes on one database: this one's cache is looked at, the other one changes things.
struct Nodes {
    here: Strongroom,
    there: Strongroom,
    database: TestDatabase,
}

impl Nodes {
    async fn new() -> Self {
        Self::on(Backend::Sqlite).await
    }

    async fn on(backend: Backend) -> Self {
        let database = TestDatabase::new(backend).await;
        let key = MasterKey::generate().to_hex();
        let options = || Options {
            clock: Clock::fixed(Millis(1_769_903_999_999)),
            ..Options::new(database.url(), key.clone())
        };
        let here = Strongroom::open(options()).await.unwrap();
        let there = Strongroom::open(options()).await.unwrap();
        Self { here, there, database }
    }

    fn cache(&self) -> &Arc<Cache> {
        &self.here.0.cache
    }

    /// A snapshot that knows of everything.
    async fn look(&self) -> Snapshot {
        self.cache().invalidate();
        self.cache().snapshot().await.unwrap()
    }

    async fn token(&self, name: &str, user: Option<UserId>) -> String {
        let request = TokenRequest { user, ..TokenRequest::new(name, Role::Gateway) };
        self.there.tokens(Actor::library()).create(request).await.unwrap().0.id
    }

    async fn user(&self, name: &str) -> UserId {
        let new = NewUser { name: name.to_owned(), role: Role::Gateway, id: None };
        self.there.users(Actor::library()).create(new).await.unwrap().id
    }

    async fn credential(&self, name: &str, provider: &str) {
        let new =
            NewCredential::new(name, Provider::parse(provider).unwrap(), "a key of some length".to_owned());
        self.there.credentials(Actor::library()).create(new).await.unwrap();
    }

    /// Fills the cache with what there is, and tells what the token was found to be.
    async fn fill(&self, id: &str, provider: &str) -> Option<Arc<KnownToken>> {
        let (cache, snapshot) = (self.cache(), self.look().await);
        let provider = Provider::parse(provider).unwrap();
        cache.limits_of(&LimitScope::Token(id.to_owned()), snapshot.generation).await.unwrap();
        cache.active_credentials(&provider, None, snapshot).await.unwrap();
        cache.has_no_rows(&provider, None, snapshot).await.unwrap();
        cache.was_stored(&provider, snapshot).await.unwrap();
        cache.known_token(id, snapshot).await.unwrap()
    }

    /// How many tokens, limits, lists and facts about providers are held.
    fn held(&self) -> [usize; 5] {
        let known = self.cache().known();
        [
            &known.tokens.len(),
            &known.limits.len(),
            &known.active.len(),
            &known.without_rows.len(),
            &known.stored.len(),
        ]
        .map(|length| *length)
    }
}

#[tokio::test]
async fn new_rows_move_nothing_and_nothing_is_forgotten() {
    let nodes = Nodes::new().await;
    let first = nodes.token("first", None).await;
    nodes.fill(&first, "openai").await;
    let (before, held) = (nodes.look().await, nodes.held());
    let second = nodes.token("second", Some(nodes.user("ada").await)).await;
    let request = TokenRequest {
        limits: vec![(Unit::Tokens, Window::Day, 5)],
        ..TokenRequest::new("third", Role::Gateway)
    };
    let (third, _) = nodes.there.tokens(Actor::library()).create(request).await.unwrap();
    assert_eq!(nodes.look().await, before);
    assert_eq!((nodes.held(), held), (held, [1, 1, 1, 1, 1]));
    assert!(nodes.fill(&second, "openai").await.is_some_and(|known| known.is_valid));
    // Its limits bind from the first call on, whichever snapshot that is made by.
    let limits =
        nodes.cache().limits_of(&LimitScope::Token(third.id.clone()), before.generation).await.unwrap();
    assert_eq!(limits.iter().map(|limit| limit.amount).collect::<Vec<_>>(), [5]);
}

#[tokio::test]
async fn a_change_has_its_subjects_forgotten_and_nothing_else() {
    let nodes = Nodes::new().await;
    let ada = nodes.user("ada").await;
    let (one, two, hers) = (
        nodes.token("one", None).await,
        nodes.token("two", None).await,
        nodes.token("hers", Some(ada)).await,
    );
    let fill = async || {
        for id in [&one, &two, &hers] {
            nodes.fill(id, "openai").await;
            nodes.fill(id, "anthropic").await;
        }
        assert_eq!(nodes.held(), [3, 3, 2, 2, 2]);
    };
    fill().await;
    nodes.there.tokens(Actor::library()).revoke(&one).await.unwrap();
    nodes.look().await;
    assert_eq!(nodes.held(), [2, 2, 2, 2, 2]);
    let revoked = nodes.fill(&one, "openai").await.expect("a token");
    assert!(revoked.token.revoked_at.is_some());

    fill().await;
    let patch = UserPatch { is_active: Some(false), ..UserPatch::default() };
    nodes.there.users(Actor::library()).update(ada, patch).await.unwrap();
    nodes.look().await;
    assert_eq!(nodes.held(), [2, 3, 2, 2, 2], "the user's token is forgotten");
    assert!(!nodes.fill(&hers, "openai").await.expect("a token").is_valid);

    fill().await;
    let limits = nodes.there.limits(Actor::library());
    let made = limits.set(&Bound::Token(two.clone()), Unit::Tokens, Window::Day, 9).await.unwrap();
    nodes.look().await;
    assert_eq!(nodes.held(), [2, 2, 2, 2, 2]);
    let generation = nodes.look().await.generation;
    let amounts = async |generation| {
        let found = nodes.cache().limits_of(&LimitScope::Token(two.clone()), generation).await.unwrap();
        found.iter().map(|limit| limit.amount).collect::<Vec<_>>()
    };
    assert_eq!(amounts(generation).await, [9]);
    assert_eq!(amounts(generation - 1).await, [0; 0], "a call that was begun before is not counted by it");
    limits.remove(made.limit.uid).await.unwrap();
    assert_eq!(amounts(nodes.look().await.generation).await, [0; 0]);

    fill().await;
    nodes.credential("new", "anthropic").await;
    nodes.look().await;
    assert_eq!(nodes.held(), [3, 3, 1, 1, 1], "the list that it is missing from is forgotten");
}

#[tokio::test]
async fn a_read_that_a_change_overtakes_fills_nothing() {
    let nodes = Nodes::new().await;
    let (one, two) = (nodes.token("one", None).await, nodes.token("two", None).await);
    let before = nodes.look().await;
    let good = nodes.cache().known_token(&one, before).await.unwrap().expect("a token");
    nodes.there.tokens(Actor::library()).revoke(&one).await.unwrap();
    nodes.look().await;
    assert_eq!(nodes.held()[0], 0);
    // Reads that began by the snapshot before: one of what was changed meanwhile, one of what was not.
    let keep = |id: &str, what: &Arc<KnownToken>| {
        let subject = Subject::Scope(LimitScope::Token(id.to_owned()));
        nodes
            .cache()
            .keep(before.generation, &subject, |known| known.tokens.insert(id.to_owned(), Arc::clone(what)));
    };
    keep(&one, &good);
    assert_eq!(nodes.held()[0], 0, "a revoked token comes back to life in the cache");
    keep(&two, &good);
    assert_eq!(nodes.held()[0], 1);
    let snapshot = nodes.look().await;
    let revoked = nodes.cache().known_token(&one, snapshot).await.unwrap().expect("a token");
    assert!(revoked.token.revoked_at.is_some());
    // Who still goes by the older snapshot is not given the newer answer: its call is planned again.
    assert!(nodes.cache().token_at(&one, before).is_none());
    assert!(nodes.cache().token_at(&one, snapshot).is_some());
}

#[tokio::test]
async fn a_node_that_is_too_far_behind_or_lacks_a_row_of_the_log_forgets_everything() {
    let nodes = Nodes::new().await;
    let token = nodes.token("one", None).await;
    for moved in [
        "UPDATE changes SET value = value + 1",
        "UPDATE changes SET value = value + 2000",
        "UPDATE changes SET value = value - 5",
    ] {
        nodes.fill(&token, "openai").await;
        assert_eq!(nodes.held(), [1, 1, 1, 1, 1]);
        nodes.database.execute(moved).await;
        nodes.look().await;
        assert_eq!(nodes.held(), [0; 5], "{moved}");
    }
    nodes.fill(&token, "openai").await;
    let user = nodes.user("ada").await;
    let limits = nodes.there.limits(Actor::library());
    for amount in 1..4 {
        limits.set(&Bound::User(user), Unit::Tokens, Window::Day, amount).await.unwrap();
    }
    nodes.database.execute("DELETE FROM change_log WHERE value = (SELECT value - 1 FROM changes)").await;
    nodes.look().await;
    assert_eq!(nodes.held(), [0; 5], "one row of three is not there");
}

#[tokio::test]
async fn a_look_that_was_slower_than_a_later_one_takes_nothing_back() {
    let nodes = Nodes::new().await;
    let token = nodes.token("one", None).await;
    nodes.there.tokens(Actor::library()).revoke(&nodes.token("two", None).await).await.unwrap();
    let asked = Instant::now();
    nodes.fill(&token, "openai").await;
    let (generation, held) = (nodes.look().await.generation, nodes.held());
    let older = |log| Changes { since: generation - 1, value: generation - 1, log };
    let after = |log, asked| {
        nodes.cache().known().learn(older(log), asked);
        let generation = nodes.cache().known().generation;
        (generation, nodes.held())
    };
    assert_eq!(after(Some(Vec::new()), asked), (generation, held));
    // Who asks after that and hears of a lower value has another database before it.
    assert_eq!(after(None, Instant::now()), (generation - 1, [0; 5]));
}

#[tokio::test]
async fn after_a_change_a_list_is_read_once_for_all_who_wait_for_it() {
    use std::sync::atomic::Ordering;
    let backends: &[Backend] = if cfg!(feature = "postgres-tests") {
        &[Backend::Sqlite, Backend::Postgres]
    } else {
        &[Backend::Sqlite]
    };
    for backend in backends {
        let nodes = Nodes::on(*backend).await;
        let openai = Provider::parse("openai").unwrap();
        nodes.credential("one", "openai").await;
        let reads = || nodes.cache().lists_read.load(Ordering::Relaxed);
        for (round, name) in ["two", "three"].into_iter().enumerate() {
            nodes.credential(name, "openai").await;
            let (before, snapshot) = (reads(), nodes.look().await);
            let calls = (0..500).map(|_| nodes.cache().active_credentials(&openai, None, snapshot));
            for found in futures::future::join_all(calls).await {
                assert_eq!(found.unwrap().credentials.len(), round + 2);
            }
            assert_eq!(reads() - before, 1, "{backend:?}");
            nodes.cache().active_credentials(&openai, None, snapshot).await.unwrap();
            assert_eq!(reads() - before, 1, "{backend:?}: it is kept");
        }
        // Who goes away before it is there takes nothing from the others, and the next one begins once more.
        nodes.credential("four", "openai").await;
        let (before, snapshot) = (reads(), nodes.look().await);
        {
            let mut leaving = std::pin::pin!(nodes.cache().active_credentials(&openai, None, snapshot));
            assert!(futures::poll!(leaving.as_mut()).is_pending());
        }
        let found = nodes.cache().active_credentials(&openai, None, snapshot).await.unwrap();
        assert_eq!((found.credentials.len(), reads() - before), (4, 2), "{backend:?}");
    }
}

#[tokio::test]
async fn what_a_scope_names_is_found_by_itself_and_forgotten_with_its_provider() {
    let nodes = Nodes::new().await;
    let openai = Provider::parse("openai").unwrap();
    for (name, provider) in [("one", "openai"), ("two", "openai"), ("other", "anthropic")] {
        nodes.credential(name, provider).await;
    }
    let snapshot = nodes.look().await;
    let everything = nodes.cache().active_credentials(&openai, None, snapshot).await.unwrap();
    assert!(!everything.has_more);
    let uids: Vec<_> = everything.credentials.iter().map(|one| one.credential.uid).collect();
    let named = async |uids: &[Uid], view| {
        let snapshot = nodes.look().await;
        let found = nodes.cache().named_credentials(&openai, view, uids, snapshot).await.unwrap();
        found.credentials.iter().map(|one| one.credential.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(named(&uids[1..], None).await, ["two"]);
    assert_eq!(
        named(&[uids[1], uids[0]], None).await,
        ["one", "two"],
        "in the order in which they are tried"
    );
    assert_eq!(named(&uids, Some(UserId(1))).await, [""; 0], "a user has its own");
    let anthropic = Provider::parse("anthropic").unwrap();
    let snapshot = nodes.look().await;
    let other = nodes.cache().active_credentials(&anthropic, None, snapshot).await.unwrap();
    assert_eq!(named(&[other.credentials[0].credential.uid], None).await, [""; 0], "of another provider");
    let two = everything.credentials[1].credential.id;
    nodes.there.credentials(Actor::library()).delete(two, None).await.unwrap();
    assert_eq!(named(&uids, None).await, ["one"]);
}
