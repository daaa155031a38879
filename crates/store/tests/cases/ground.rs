//! What every case stands on: a fresh, migrated database, a clock that stands still, and rows to refer to.

use strongroom_model::authority_mac::AuthorityMac;
use strongroom_model::credential::Credential;
use strongroom_model::tag::TagSet;
use strongroom_model::user::User;
use strongroom_model::{Clock, CredentialId, Millis, Provider, Role, Uid, UserId};
use strongroom_store::credential::NewRow;
use strongroom_store::key::{KeyRow, WrapRow};
use strongroom_store::user::StoredUser;
use strongroom_store::{Session, Store, StoreOptions, Write, credential, key, schema, user, version};
use strongroom_testkit::TestDatabase;

/// 2026-01-31T23:59:59.999Z: one millisecond later it is another month.
pub(crate) const NOW: Millis = Millis(1_769_903_999_999);

static NO_TAGS: TagSet = TagSet::none();

pub(crate) struct Ground {
    pub(crate) database: TestDatabase,
    pub(crate) store: Store,
}

/// A store over the database of a URL, which may have no tables yet.
pub(crate) async fn connect(url: &str) -> Store {
    let options = StoreOptions { url: url.to_owned(), max_connections: 4, clock: Clock::fixed(NOW) };
    Store::connect(&options).await.expect("a store")
}

pub(crate) async fn ground() -> Ground {
    let database = TestDatabase::new(super::BACKEND).await;
    let store = connect(database.url()).await;
    schema::migrate(&store).await.expect("a schema");
    Ground { database, store }
}

pub(crate) fn uid(number: u8) -> Uid {
    Uid::from_bytes([number; 16])
}

pub(crate) fn provider(name: &str) -> Provider {
    Provider::stored(name.to_owned())
}

/// A row with everything at its plainest; its version is its uid with 100 added.
pub(crate) fn row<'a>(number: u8, name: &'a str, provider: &'a Provider) -> NewRow<'a> {
    NewRow {
        id: None,
        uid: uid(number),
        name,
        provider,
        endpoint: None,
        priority: 40,
        is_active: true,
        is_global: true,
        user: None,
        version: uid(number + 100),
        expires_at: None,
        rotate_after_days: None,
        tags: &NO_TAGS,
        mac: AuthorityMac { key_id: "k".to_owned(), mac: format!("mac of {number}") },
        created_at: NOW,
        updated_at: NOW,
    }
}

/// The MAC of a deleted row.
pub(crate) fn deleted_mac() -> AuthorityMac {
    AuthorityMac { key_id: "k".to_owned(), mac: "mac of a deleted row".to_owned() }
}

impl Ground {
    pub(crate) async fn read(&self) -> Session {
        self.store.read().await.expect("a session")
    }

    pub(crate) async fn write(&self) -> Write {
        self.store.write().await.expect("a transaction")
    }

    /// Stores a row with its first version.
    pub(crate) async fn put(&self, row: NewRow<'_>) -> CredentialId {
        let mut tx = self.write().await;
        let id = credential::insert(&mut tx, &row).await.expect("a credential");
        version::insert(&mut tx, row.uid, row.version, "system", NOW).await.expect("a version");
        tx.commit().await.expect("a commit");
        id
    }

    /// The row of that id, as it is now.
    pub(crate) async fn get(&self, id: CredentialId) -> Credential {
        let found = credential::get(&mut self.read().await, id, NOW).await.expect("an answer");
        found.expect("a credential")
    }

    /// Stores a user that rows can belong to.
    pub(crate) async fn put_user(&self, id: i64) -> UserId {
        let mut tx = self.write().await;
        user::insert(&mut tx, &stored_user(id, &format!("user-{id}"))).await.expect("a user");
        tx.commit().await.expect("a commit");
        UserId(id)
    }

    /// Stores a data key and a fingerprint key, whose ids are these.
    pub(crate) async fn put_keys(&self) -> (String, String) {
        let ids = (uid(1).to_string(), uid(2).to_string());
        let mut tx = self.write().await;
        key::insert_master(&mut tx, "master", NOW).await.expect("a master");
        for (id, purpose) in [(&ids.0, "data"), (&ids.1, "fingerprint")] {
            let (key, wrap) = wrapped(id, purpose, NOW);
            key::insert(&mut tx, &key, &wrap).await.expect("a key");
        }
        tx.commit().await.expect("a commit");
        ids
    }
}

/// Sums of a day that nobody wrote a record for.
#[derive(Debug, Clone)]
pub(crate) struct Sums {
    pub(crate) day_start_ms: i64,
    pub(crate) actor: &'static str,
    pub(crate) credential: String,
    pub(crate) version: &'static str,
    pub(crate) requests: i64,
    pub(crate) cost_nano_usd: i64,
}

impl Default for Sums {
    fn default() -> Self {
        let credential = uid(1).to_string();
        Self { day_start_ms: 0, actor: "token:a", credential, version: "v", requests: 1, cost_nano_usd: 7 }
    }
}

impl Ground {
    /// Writes sums of days past the product.
    pub(crate) async fn put_sums(&self, all: &[Sums]) {
        let statement = |(number, sums): (usize, &Sums)| {
            format!(
                "INSERT INTO usage_dims VALUES ('dims{number}', 'main', 'call', 'chat.completions', '{}', 0, '', '', '{}', \
                 '{}', 'openai', 'm', 'database', ''); INSERT INTO usage_days VALUES ({}, 'main', 'dims{number}', {}, 1, 0, 0, \
                 0, 0, 0, 0, 0, 0, {}, 0, 0, 0, 0, 0, 0, 0)",
                sums.actor,
                sums.credential,
                sums.version,
                sums.day_start_ms,
                sums.requests,
                sums.cost_nano_usd
            )
        };
        let statements: Vec<_> = all.iter().enumerate().map(statement).collect();
        self.database.execute(&statements.join(";")).await;
    }
}

pub(crate) fn wrapped(id: &str, purpose: &str, at: Millis) -> (KeyRow, WrapRow) {
    let key = KeyRow {
        id: id.to_owned(),
        purpose: purpose.to_owned(),
        is_current: true,
        seal_count: 0,
        created_at_ms: at.0,
        retired_at_ms: None,
    };
    let wrap = WrapRow {
        key_id: id.to_owned(),
        master_fingerprint: "master".to_owned(),
        wrapped: format!("wrapped {purpose}"),
    };
    (key, wrap)
}

pub(crate) fn stored_user(id: i64, name: &str) -> StoredUser {
    StoredUser {
        user: User {
            id: UserId(id),
            name: name.to_owned(),
            role: Role::Reader,
            is_active: true,
            created_at: NOW,
            updated_at: NOW,
        },
        mac_key_id: "key".to_owned(),
        mac: "mac".to_owned(),
    }
}
