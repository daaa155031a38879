//! Opening: the key and the database are checked against each other before anything is changed.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use futures::FutureExt;
use strongroom_crypto::{MasterKey, audit_chain, random};
use strongroom_model::audit::Target;
use strongroom_model::{Actor, Problem};
use strongroom_store::schema::{self, Glimpse, INSTALLATION, RESTORE};
use strongroom_store::{REGION, Store, StoreOptions};

use crate::admission::AdmissionBatcher;
use crate::alert::Alerts;
use crate::backup::half_restored;
use crate::cache::Cache;
use crate::call::{Calls, ModelNames};
use crate::canary::{Canaries, FallenCanaries};
use crate::cooldown::Cooldowns;
use crate::credential::ReadBatcher;
use crate::custody::{Custody, version_facts};
use crate::key::{Heartbeat, ResealTask};
use crate::master_keys::{check_masters, master_key, previous_key, with_previous};
use crate::options::Options;
use crate::settings::Settings;
use crate::supervision::supervise;
use crate::{Inner, Strongroom, master_keys};

pub use crate::master_keys::check_keys;

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
            master_keys::remove(path);
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
        let custody = crate::key::take_custody(store, masters, options.tag_keys.clone()).await?;
        let room = Self::assemble(custody, options);
        room.start_chain().await?;
        if !room.0.custody.are_versions_signed().await? {
            let is_trail_whole = room.audit().verify(&[]).await?.faults.is_empty();
            room.0.custody.sign_versions_once(is_trail_whole).await?;
        }
        Ok(room)
    }

    /// A strongroom over a database that somebody has custody of.
    fn assemble(custody: Arc<Custody>, options: &Options) -> Self {
        let cache = Arc::new(Cache::new(Arc::clone(&custody)));
        let admission = Arc::new(AdmissionBatcher::open(Arc::clone(&custody), Arc::clone(&cache)));
        let reads = Arc::new(ReadBatcher::open(Arc::clone(&custody), Arc::clone(&cache)));
        let settings = Arc::new(Settings {
            environment: options.environment.clone(),
            guard: options.guard.clone(),
            versions_kept: options.versions_kept,
            recovery_days: options.recovery_days,
        });
        let (prices, cooldowns) = (Arc::new(options.prices.clone()), Arc::new(Cooldowns::default()));
        let (canaries, fallen) = Canaries::open();
        let calls = Arc::new(Calls {
            custody: Arc::clone(&custody),
            cache: Arc::clone(&cache),
            admission: Arc::clone(&admission),
            canaries,
            cooldowns: Arc::clone(&cooldowns),
            settings: Arc::clone(&settings),
            prices: Arc::clone(&prices),
            model_names: ModelNames::default(),
            turns: AtomicUsize::new(0),
        });
        let guard = options.guard.clone();
        let alerts = Arc::new(Alerts::new(Arc::clone(&custody), guard, options.alerts.clone()));
        let room = Self(Arc::new(Inner {
            alerts,
            heartbeat: Heartbeat::start(&custody),
            reseal: Arc::new(ResealTask::start(Arc::clone(&custody))),
            custody,
            cache,
            admission,
            reads,
            calls,
            cooldowns,
            settings,
            prices,
            is_stopping: AtomicBool::default(),
        }));
        room.take_back_fallen(fallen);
        room
    }

    /// Has canaries that providers refuse taken back, for as long as calls may be made.
    fn take_back_fallen(&self, fallen: FallenCanaries) {
        let held = Arc::downgrade(&self.0.custody);
        let state = (self.credentials(Actor::system()), fallen);
        let mut tasks = self.0.custody.tasks();
        tasks
            .spawn(supervise("canaries", held, state, |(service, fallen)| service.take_back(fallen).boxed()));
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
        version_facts::begin(&mut tx).await?;
        let detail = version_facts::detail_of_new();
        let entry =
            crate::custody::trail::entry(&Actor::system(), version_facts::CREATED, target, now, &detail);
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
