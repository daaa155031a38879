//! Opening: the key and the database are checked against each other before anything is changed.

use std::path::PathBuf;
use std::sync::Arc;

use strongroom_connectors::endpoint_guard::EndpointGuard;
use strongroom_crypto::{MasterKey, audit_chain, random};
use strongroom_model::audit::Target;
use strongroom_model::price::PriceTable;
use strongroom_model::{Actor, Clock, Problem, Secret};
use strongroom_store::schema::{self, Glimpse, INSTALLATION, RESTORE};
use strongroom_store::{REGION, Store, StoreOptions};

use crate::cache::Cache;
use crate::credential::{ReadBatcher, facts};
use crate::custody::Custody;
use crate::key::{Heartbeat, ResealTask};
use crate::{Environment, Inner, Strongroom};

mod key_file;

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
    /// The master key that it replaces, as long as that is still needed.
    pub previous_key: Option<Secret>,
    /// Keys from the environment.
    pub environment: Environment,
    /// Which endpoints may be called.
    pub guard: EndpointGuard,
    /// What models cost.
    pub prices: PriceTable,
    /// Versions of a credential that keep their values; at least one does.
    pub versions_kept: u32,
    /// Days in which a deleted credential can be taken back.
    pub recovery_days: u32,
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
            previous_key: None,
            environment: Environment::disabled(),
            guard: EndpointGuard::new(false),
            prices: crate::prices::built_in(),
            versions_kept: 10,
            recovery_days: 30,
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
            Glimpse::HalfRestored => return Err(half_restored()),
        };
        // Before a master key is made: a start that fails leaves none behind.
        let previous = previous_key(&options, needed)?;
        let (master, new_key_file) = master_key(&options.key, needed)?;
        let masters = with_previous(master, previous);
        check_masters(&masters, needed)?;
        let mut is_used = false;
        let opened = Self::open_with(&options, masters, &mut is_used).await;
        if let (Err(_), Some(path), false) = (&opened, &new_key_file, is_used) {
            // The start failed before anything was sealed under the fresh key, or another node was first to make this
            // database: it would be in the way of the next start.
            key_file::remove(path);
        }
        Ok(Opened { room: opened?, new_key_file })
    }

    async fn open_with(
        options: &Options,
        masters: Vec<MasterKey>,
        is_used: &mut bool,
    ) -> Result<Self, Problem> {
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
        make_keys(&store, &masters, is_used).await?;
        let room = Self::assemble(store, options, masters).await?;
        room.start_chain().await?;
        if !room.0.custody.are_versions_signed().await? {
            let is_trail_whole = room.audit().verify(&[]).await?.faults.is_empty();
            room.0.custody.sign_versions_once(is_trail_whole).await?;
        }
        Ok(room)
    }

    /// A strongroom over a database that has its keys.
    pub(crate) async fn assemble(
        store: Store,
        options: &Options,
        masters: Vec<MasterKey>,
    ) -> Result<Self, Problem> {
        let node = random::uid();
        crate::key::announce(&store, node, &masters).await?;
        let keyring = crate::custody::keyring::load_keyring(&mut store.read().await?, &masters).await?;
        let custody = Arc::new(Custody::new(store, keyring, masters, node));
        let cache = Arc::new(Cache::new(Arc::clone(&custody)));
        Ok(Self(Arc::new_cyclic(|room| Inner {
            custody: Arc::clone(&custody),
            heartbeat: Heartbeat::start(&custody),
            reseal: ResealTask::start(Arc::clone(&custody)),
            environment: options.environment.clone(),
            guard: options.guard.clone(),
            reads: ReadBatcher::open(Arc::clone(&custody), Arc::clone(&cache)),
            admission: crate::admission::AdmissionBatcher::open(Arc::clone(&custody), Arc::clone(&cache)),
            cache: Arc::clone(&cache),
            canaries: crate::canary::Canaries::open(room.clone(), Arc::downgrade(&custody)),
            health: crate::health::Health::default(),
            versions_kept: options.versions_kept,
            recovery_days: options.recovery_days,
            prices: options.prices.clone(),
            model_names: crate::call::ModelNames::default(),
            is_stopping: std::sync::atomic::AtomicBool::default(),
            turns: std::sync::atomic::AtomicUsize::new(0),
        })))
    }

    /// Starts the audit chain once, with an entry that says so.
    async fn start_chain(&self) -> Result<(), Problem> {
        let mut tx = self.0.custody.store.write().await?;
        let now = tx.now().await?;
        if !strongroom_store::meta::claim(&mut tx, "audit_chain", REGION).await? {
            return Ok(tx.roll_back().await?);
        }
        let head = audit_chain::head(&self.0.custody.keyring(), REGION, 0, audit_chain::GENESIS);
        strongroom_store::audit::insert_head(&mut tx, &head).await?;
        let target = Target {
            kind: "installation".into(),
            id: Some(self.0.custody.master_fingerprint.clone()),
            name: None,
        };
        facts::begin(&mut tx).await?;
        let detail = facts::detail_of_new();
        let entry = crate::audit::entry(&Actor::system(), facts::CREATED, target, now, &detail);
        self.0.custody.append(&mut tx, vec![entry]).await?;
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

fn parsed(text: &Secret, place: &str, needed: &[String]) -> Result<MasterKey, Problem> {
    MasterKey::parse_strong(text.expose()).map_err(|error| {
        let needed = if needed.is_empty() { String::new() } else { format!("; {}", wanted(needed)) };
        Problem::internal(format!("{place}: {error}{needed}"))
    })
}

fn master_key(source: &KeySource, needed: &[String]) -> Result<(MasterKey, Option<PathBuf>), Problem> {
    match source {
        KeySource::Given(text) => Ok((parsed(text, "ENCRYPTION_KEY", needed)?, None)),
        KeySource::FileOrNew(path) => match key_file::read(path)? {
            Some(text) => Ok((parsed(&text, &path.display().to_string(), needed)?, None)),
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

/// Checks the form of the master keys, without making one and without looking whether they are a database's.
///
/// # Errors
/// [`Problem`] naming the key that is none, or the file that cannot be read.
pub fn check_keys(options: &Options) -> Result<(), Problem> {
    let is_there = match &options.key {
        KeySource::Given(_) => true,
        KeySource::FileOrNew(path) => key_file::read(path)?.is_some(),
    };
    if is_there {
        master_key(&options.key, &[])?;
    }
    previous_key(options, &[]).map(drop)
}

/// Why nothing is done with a database that a restore was cut short in.
pub fn half_restored() -> Problem {
    Problem::conflict(
        "the database is half restored: `strongroom restore` was cut short, or is still at it; run it again, or use another \
         database",
    )
}

/// The key that the master key replaces, where one is given.
fn previous_key(options: &Options, needed: &[String]) -> Result<Option<MasterKey>, Problem> {
    options.previous_key.as_ref().map(|text| parsed(text, "ENCRYPTION_KEY_PREVIOUS", needed)).transpose()
}

/// The key, then the one that it replaces.
fn with_previous(master: MasterKey, previous: Option<MasterKey>) -> Vec<MasterKey> {
    let previous = previous.filter(|it| it.fingerprint() != master.fingerprint());
    std::iter::once(master).chain(previous).collect()
}

/// Keys that are there already: none is made.
///
/// # Errors
/// [`Problem`] naming the key that is needed.
pub(crate) fn existing_masters(options: &Options, needed: &[String]) -> Result<Vec<MasterKey>, Problem> {
    match &options.key {
        KeySource::FileOrNew(path) if key_file::read(path)?.is_none() => Err(Problem::invalid(
            "encryption.key",
            format!(
                "there is no encryption key: ENCRYPTION_KEY and ENCRYPTION_KEY_FILE are unset and {} does not exist; this \
                 backup needs the key with fingerprint {}",
                path.display(),
                needed.join(" or ")
            ),
        )),
        source => {
            let (master, _) = master_key(source, &[])?;
            Ok(with_previous(master, previous_key(options, &[])?))
        }
    }
}

fn wanted(needed: &[String]) -> String {
    format!("this database needs the key with fingerprint {}", needed.join(" or "))
}

/// One of the masters has to be the database's: every key is wrapped under each that is.
fn check_masters(masters: &[MasterKey], needed: &[String]) -> Result<(), Problem> {
    let fingerprints: Vec<String> = masters.iter().map(MasterKey::fingerprint).collect();
    if needed.is_empty() || fingerprints.iter().any(|held| needed.contains(held)) {
        return Ok(());
    }
    let has = match fingerprints.as_slice() {
        [one] => format!("the encryption key has fingerprint {one}, which is not this database's"),
        several => format!(
            "the encryption key and the one before have fingerprints {}, which are not this database's",
            several.join(" and ")
        ),
    };
    Err(Problem::internal(format!(
        "{has}; {}: set ENCRYPTION_KEY or ENCRYPTION_KEY_FILE to that key, or STRONGROOM_DATABASE_URL to the database of \
         this one; to replace the master key, give the one that is needed as ENCRYPTION_KEY_PREVIOUS beside the new one",
        wanted(needed)
    )))
}

/// Makes one key per purpose, once: of several nodes that start at once one does, the others wait for it.
/// From the moment on when a database may hold something sealed under this master, `is_used` says so.
async fn make_keys(store: &Store, masters: &[MasterKey], is_used: &mut bool) -> Result<(), Problem> {
    let mut tx = store.write().await?;
    let now = tx.now().await?;
    if !strongroom_store::meta::claim(&mut tx, INSTALLATION, &random::uid().to_string()).await? {
        let is_half_restored = strongroom_store::meta::get(&mut tx, RESTORE).await?.is_some();
        tx.roll_back().await?;
        if is_half_restored {
            return Err(half_restored());
        }
        let known = strongroom_store::key::list_masters(&mut store.read().await?).await?;
        check_masters(masters, &known)?;
        *is_used = true;
        return Ok(());
    }
    *is_used = true;
    crate::custody::keyring::make_keys(&mut tx, &masters[0], now).await?;
    Ok(tx.commit().await?)
}
