//! What every case stands on: a strongroom in a fresh database, with a clock that stands still.

use strongroom::{
    Actor, Clock, Credential, CredentialService, MasterKey, Millis, NewCredential, Options, Provider, Secret,
    Strongroom,
};
use strongroom_model::ProblemKind;
use strongroom_model::audit::{Entry, Filter};
use strongroom_store::{Store, StoreOptions, counter};
use strongroom_testkit::TestDatabase;

/// 2026-01-31T23:59:59.999Z: one millisecond later it is another month.
pub(crate) const NOW: Millis = Millis(1_769_903_999_999);

pub(crate) struct Ground {
    pub(crate) room: Strongroom,
    pub(crate) clock: Clock,
    pub(crate) key: Secret,
    store: Store,
    pub(crate) database: TestDatabase,
}

pub(crate) async fn ground() -> Ground {
    ground_with(|_| {}).await
}

/// A strongroom that is opened with these changes to the usual options.
pub(crate) async fn ground_with(change: impl FnOnce(&mut Options)) -> Ground {
    let database = TestDatabase::new(super::BACKEND).await;
    let key = MasterKey::generate().to_hex();
    let clock = Clock::fixed(NOW);
    let mut options = Options::new(database.url(), key.clone());
    options.clock = clock.clone();
    change(&mut options);
    let room = Strongroom::open(options).await.expect("a strongroom");
    let options = StoreOptions { url: database.url().to_owned(), max_connections: 1, clock: Clock::Database };
    let store = Store::connect(&options).await.expect("a store");
    Ground { room, clock, key, store, database }
}

pub(crate) fn provider(name: &str) -> Provider {
    Provider::parse(name).expect("a provider")
}

/// A new credential of OpenAI whose key is `key of NAME`.
pub(crate) fn new(name: &str) -> NewCredential {
    NewCredential::new(name, provider("openai"), format!("key of {name}"))
}

impl Ground {
    pub(crate) fn service(&self) -> CredentialService {
        self.room.credentials(Actor::library())
    }

    pub(crate) async fn make(&self, new: NewCredential) -> Credential {
        self.service().create(new).await.expect("a credential")
    }

    /// Changes the database behind the product's back, and has it forget everything that it holds.
    pub(crate) async fn edit(&self, sql: &str) {
        self.database.execute(sql).await;
        // A change that the log says nothing of: it may be about anything.
        self.database.execute("UPDATE changes SET value = value + 1").await;
        let name = format!("user-{}", self.room.counters().audit_entries.get());
        let user = strongroom::user::NewUser { name, role: strongroom::Role::Gateway, id: None };
        let users = self.room.users(Actor::library());
        let made = users.create(user).await.expect("a user");
        users.delete(made.id).await.expect("a change");
    }

    /// The options to open the same strongroom again.
    pub(crate) fn options(&self) -> Options {
        let mut options = Options::new(self.database.url(), self.key.clone());
        options.clock = self.clock.clone();
        options
    }

    /// Another node on the same database.
    pub(crate) async fn node(&self) -> Strongroom {
        Strongroom::open(self.options()).await.expect("another node")
    }

    /// Another node that is opened with these changes to the usual options.
    pub(crate) async fn node_with(&self, change: impl FnOnce(&mut Options)) -> Strongroom {
        let mut options = self.options();
        change(&mut options);
        Strongroom::open(options).await.expect("another node")
    }

    /// All audit entries of an action, the oldest first.
    pub(crate) async fn entries(&self, action: &str) -> Vec<Entry> {
        let filter = Filter { action: Some(action.to_owned()), ..Filter::default() };
        self.room.audit().list(&filter, false, None, 1000).await.expect("entries").items
    }

    /// The first value of the first row.
    pub(crate) async fn value(&self, sql: &str) -> String {
        let rows = self.database.query_text(sql).await;
        rows[0][0].clone().expect("a value")
    }

    /// All is well: the chain verifies, the counters equal their records, and every credential opens.
    pub(crate) async fn assert_sound(&self) {
        let verification = self.room.audit().verify(&[]).await.expect("a verification");
        assert_eq!(verification.faults, []);
        let mut session = self.store.read().await.expect("a session");
        assert_eq!(counter::proof::discrepancies(&mut session).await.expect("an answer"), []);
        for credential in self.service().list_credentials().await.expect("a list") {
            if let Err(problem) = self.service().test(credential.id, false).await {
                let is_fine = matches!(problem.kind, ProblemKind::LimitReached | ProblemKind::Unprocessable)
                    || (problem.kind == ProblemKind::NotFound && !credential.is_served());
                assert!(is_fine, "{}: {problem:?}", credential.name);
            }
        }
    }
}
