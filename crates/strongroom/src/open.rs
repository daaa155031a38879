//! Opening: the key and the database are checked against each other before anything is changed.

use std::path::PathBuf;
use std::sync::Arc;

use strongroom_connectors::endpoint_guard::EndpointGuard;
use strongroom_crypto::envelope::{unwrap_key, wrap};
use strongroom_crypto::keyring::KeyringEntry;
use strongroom_crypto::{Key, Keyring, MasterKey, Purpose, audit_chain, random};
use strongroom_model::audit::Target;
use strongroom_model::price::PriceTable;
use strongroom_model::{Actor, Clock, Problem, Secret, Uid};
use strongroom_store::key::{KeyRow, WrapRow};
use strongroom_store::schema::{self, Glimpse};
use strongroom_store::{REGION, Store, StoreOptions};

use crate::credential::Desk;
use crate::signals::Signals;
use crate::{Environment, Inner, Strongroom};

mod key_file;

/// The fact that a database is somebody's: whoever sets it makes or restores what stands in it.
pub(crate) const INSTALLATION: &str = "installation";
/// The fact that a database is half restored.
pub(crate) const RESTORE: &str = "restore";

/// Where the master key comes from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// Given as 64 hex digits.
    Given(Secret),
    /// In this file, which is made with a fresh key when neither it nor the database exists.
    FileOrNew(PathBuf),
}

/// How to open a strongroom.
#[derive(Debug, Clone)]
pub struct Options {
    /// `sqlite:PATH` or `postgres://…`; may hold a password.
    pub database_url: Secret,
    /// Database connections at the most.
    pub max_connections: u32,
    /// Whether to bring the schema up to date; otherwise it is only checked.
    pub migrate: bool,
    /// The master key.
    pub key: KeySource,
    /// Keys from the environment.
    pub environment: Environment,
    /// Which endpoints may be called.
    pub guard: EndpointGuard,
    /// What models cost.
    pub prices: PriceTable,
    /// Where the time comes from.
    pub clock: Clock,
}

impl Options {
    /// The defaults: ten connections, migrations at start, no keys from the environment, public endpoints only.
    pub fn new(database_url: impl Into<Secret>, master_key: impl Into<Secret>) -> Self {
        Self {
            database_url: database_url.into(),
            max_connections: 10,
            migrate: true,
            key: KeySource::Given(master_key.into()),
            environment: Environment::disabled(),
            guard: EndpointGuard::new(false),
            prices: crate::prices::built_in(),
            clock: Clock::Database,
        }
    }
}

/// An open strongroom, and what opening it made.
#[derive(Debug)]
pub struct Opened {
    /// The strongroom.
    pub room: Strongroom,
    /// The key file, when it was made just now.
    pub new_key_file: Option<PathBuf>,
}

impl Strongroom {
    /// Opens a strongroom; see [`Strongroom::open_or_make`].
    ///
    /// # Errors
    /// [`Problem`] naming what is wrong and the mend.
    pub async fn open(options: Options) -> Result<Self, Problem> {
        Self::open_or_make(options).await.map(|opened| opened.room)
    }

    /// Opens a strongroom over a database of its own, or makes one in an empty database.
    ///
    /// With [`KeySource::FileOrNew`] no other process may open one with the same file at the same time: a key that is
    /// made and then not needed is removed again.
    ///
    /// # Errors
    /// [`Problem`] when the key is missing, malformed or not the database's, when the database belongs to something
    /// else or is newer than this binary. In each of these cases not a byte was changed.
    pub async fn open_or_make(options: Options) -> Result<Opened, Problem> {
        let url = options.database_url.expose();
        let glimpse = schema::glimpse(url).await?;
        let needed = match &glimpse {
            Glimpse::Empty => &[][..],
            Glimpse::Ours { master_fingerprints } => master_fingerprints,
            Glimpse::Foreign => return Err(foreign()),
        };
        let (master, new_key_file) = master_key(&options.key, needed)?;
        check_master(&master, needed)?;
        let mut is_used = false;
        let opened = Self::open_with(&options, &master, &mut is_used).await;
        if let (Err(_), Some(path), false) = (&opened, &new_key_file, is_used) {
            // The start failed before anything was sealed under the fresh key, or another node was first to make this
            // database: it would be in the way of the next start.
            key_file::remove(path);
        }
        Ok(Opened { room: opened?, new_key_file })
    }

    async fn open_with(options: &Options, master: &MasterKey, is_used: &mut bool) -> Result<Self, Problem> {
        let store = Store::connect(&StoreOptions {
            url: options.database_url.expose().to_owned(),
            max_connections: options.max_connections,
            clock: options.clock.clone(),
        })
        .await?;
        if options.migrate {
            schema::migrate(&store).await?;
        } else {
            schema::check(&store).await?;
        }
        make_keys(&store, master, is_used).await?;
        let room = Self::assemble(store, options, master).await?;
        room.start_chain().await?;
        Ok(room)
    }

    /// A strongroom over a database that has its keys.
    pub(crate) async fn assemble(
        store: Store,
        options: &Options,
        master: &MasterKey,
    ) -> Result<Self, Problem> {
        let keyring = load_keyring(&store, master).await?;
        Ok(Self(Arc::new_cyclic(|room| Inner {
            store,
            keyring,
            master: master.clone(),
            master_fingerprint: master.fingerprint(),
            environment: options.environment.clone(),
            guard: options.guard,
            signals: Signals::default(),
            desk: Desk::open(room.clone()),
            admission: crate::admission::Desk::open(room.clone()),
            catalog: crate::catalog::Catalog::default(),
            health: crate::health::Health::default(),
            prices: options.prices.clone(),
            turns: std::sync::atomic::AtomicUsize::new(0),
        })))
    }

    /// Starts the audit chain once, with an entry that says so.
    async fn start_chain(&self) -> Result<(), Problem> {
        let mut tx = self.0.store.write().await?;
        let now = tx.now().await?;
        if !strongroom_store::meta::claim(&mut tx, "audit_chain", REGION).await? {
            return Ok(tx.roll_back().await?);
        }
        let head = audit_chain::head(&self.0.keyring, REGION, 0, audit_chain::GENESIS);
        strongroom_store::audit::insert_head(&mut tx, &head).await?;
        let target =
            Target { kind: "installation".into(), id: Some(self.0.master_fingerprint.clone()), name: None };
        let entry =
            crate::audit::entry(&Actor::system(), "installation.create", target, now, &serde_json::json!({}));
        self.append(&mut tx, vec![entry]).await?;
        Ok(tx.commit().await?)
    }
}

fn foreign() -> Problem {
    Problem::internal(
        "the database has tables, but they are not strongroom's: use an empty database \
         (STRONGROOM_DATABASE_URL), and to move credentials of another application in from this one, run \
         `strongroom import legacy`",
    )
}

fn master_key(source: &KeySource, needed: &[String]) -> Result<(MasterKey, Option<PathBuf>), Problem> {
    let parsed = |text: &Secret, place: &str| {
        MasterKey::parse_strong(text.expose()).map_err(|error| {
            let needed = if needed.is_empty() { String::new() } else { format!("; {}", wanted(needed)) };
            Problem::internal(format!("{place}: {error}{needed}"))
        })
    };
    match source {
        KeySource::Given(text) => Ok((parsed(text, "ENCRYPTION_KEY")?, None)),
        KeySource::FileOrNew(path) => match key_file::read(path)? {
            Some(text) => Ok((parsed(&text, &path.display().to_string())?, None)),
            None if needed.is_empty() => {
                let key = MasterKey::generate();
                key_file::write(path, &key.to_hex())?;
                Ok((key, Some(path.clone())))
            }
            None => Err(Problem::internal(format!(
                "there is no encryption key: ENCRYPTION_KEY and ENCRYPTION_KEY_FILE are unset and {} does not exist; {}",
                path.display(),
                wanted(needed)
            ))),
        },
    }
}

fn half_restored() -> Problem {
    Problem::conflict(
        "the database is half restored: `strongroom restore` was cut short, or is still at it; run it again, or use another \
         database",
    )
}

/// A key that is there already: none is made.
///
/// # Errors
/// [`Problem`] naming the key that is needed.
pub(crate) fn existing_master(source: &KeySource, needed: &[String]) -> Result<MasterKey, Problem> {
    match source {
        KeySource::FileOrNew(path) if key_file::read(path)?.is_none() => Err(Problem::invalid(
            "encryption.key",
            format!(
                "there is no encryption key: ENCRYPTION_KEY and ENCRYPTION_KEY_FILE are unset and {} does not exist; this \
                 backup needs the key with fingerprint {}",
                path.display(),
                needed.join(" or ")
            ),
        )),
        _ => master_key(source, &[]).map(|(key, _)| key),
    }
}

fn wanted(needed: &[String]) -> String {
    format!("this database needs the key with fingerprint {}", needed.join(" or "))
}

fn check_master(master: &MasterKey, needed: &[String]) -> Result<(), Problem> {
    let fingerprint = master.fingerprint();
    if needed.is_empty() || needed.contains(&fingerprint) {
        return Ok(());
    }
    Err(Problem::internal(format!(
        "the encryption key has fingerprint {fingerprint}, which is not this database's; {}: set ENCRYPTION_KEY or \
         ENCRYPTION_KEY_FILE to that key, or STRONGROOM_DATABASE_URL to the database of this one",
        wanted(needed)
    )))
}

/// Makes one key per purpose, once: of several nodes that start at once one does, the others wait for it.
/// From the moment on when a database may hold something sealed under this master, `is_used` says so.
async fn make_keys(store: &Store, master: &MasterKey, is_used: &mut bool) -> Result<(), Problem> {
    let mut tx = store.write().await?;
    let now = tx.now().await?;
    if !strongroom_store::meta::claim(&mut tx, INSTALLATION, &random::uid().to_string()).await? {
        let is_half_restored = strongroom_store::meta::get(&mut tx, RESTORE).await?.is_some();
        tx.roll_back().await?;
        if is_half_restored {
            return Err(half_restored());
        }
        let masters = strongroom_store::key::list_masters(&mut store.read().await?).await?;
        check_master(master, &masters)?;
        *is_used = true;
        return Ok(());
    }
    *is_used = true;
    strongroom_store::key::insert_master(&mut tx, &master.fingerprint(), now).await?;
    for purpose in Purpose::ALL {
        let (id, key) = (random::uid(), Key::generate());
        let row = KeyRow {
            id: id.to_string(),
            purpose: purpose.as_str().to_owned(),
            is_current: true,
            seal_count: 0,
            created_at_ms: now.0,
        };
        let wrap = WrapRow {
            key_id: id.to_string(),
            master_fingerprint: master.fingerprint(),
            wrapped: wrap(master, id, purpose, &key),
        };
        strongroom_store::key::insert(&mut tx, &row, &wrap).await?;
    }
    Ok(tx.commit().await?)
}

async fn load_keyring(store: &Store, master: &MasterKey) -> Result<Keyring, Problem> {
    let mut session = store.read().await?;
    let keys = strongroom_store::key::list(&mut session).await?;
    let wraps = strongroom_store::key::list_wraps(&mut session).await?;
    let fingerprint = master.fingerprint();
    let mut entries = Vec::with_capacity(keys.len());
    for row in keys {
        let broken = |what: &str| {
            Problem::integrity(format!(
                "encryption key {} {what}; restore the tables encryption_keys and key_wraps",
                row.id
            ))
        };
        let id: Uid = row.id.parse().map_err(|_| broken("has a malformed id"))?;
        let purpose = Purpose::from_name(&row.purpose).ok_or_else(|| broken("has an unknown purpose"))?;
        let wrap = wraps
            .iter()
            .find(|wrap| wrap.key_id == row.id && wrap.master_fingerprint == fingerprint)
            .ok_or_else(|| broken("is not wrapped under the present master key"))?;
        let key = unwrap_key(master, id, purpose, &wrap.wrapped)
            .map_err(|_| broken("does not unwrap: it was changed"))?;
        entries.push(KeyringEntry { id, purpose, is_current: row.is_current, key });
    }
    Keyring::new(entries).map_err(|error| Problem::integrity(error.to_string()))
}
