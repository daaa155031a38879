//! Fills a database with valid credentials: every value sealed and fingerprinted, every counter with its record.

use std::collections::BTreeMap;
use std::error::Error;

use strongroom::{Actor, Options, Secret, Strongroom};
use strongroom_crypto::authority::{CredentialGrant, Life, credential_mac};
use strongroom_crypto::envelope::unwrap_key;
use strongroom_crypto::keyring::KeyringEntry;
use strongroom_crypto::{Keyring, MasterKey, Purpose, SealContext, random};
use strongroom_model::credential::{Field, Source};
use strongroom_model::limit::{LimitScope, Unit, Window};
use strongroom_model::tag::TagSet;
use strongroom_model::usage::{Metering, TokenUsage};
use strongroom_model::{Amount, Clock, LedgerText, Millis, Provider};
use strongroom_store::counter::{CounterKey, Delta};
use strongroom_store::credential::NewRow;
use strongroom_store::limit::LimitChange;
use strongroom_store::usage::{Kind, Record};
use strongroom_store::value::SealedValue;
use strongroom_store::{Store, StoreOptions, Write, counter, credential, key, limit, usage, value, version};

/// Credentials in one transaction.
const BATCH: u64 = 5000;

/// The name of the credential with this number, from 0.
pub(crate) fn name(number: u64) -> String {
    format!("team-{:04}-key-{number:06}", number / 50)
}

/// Makes a strongroom with so many credentials; tells its master key.
pub(crate) async fn fill(url: &str, rows: u64) -> Result<Secret, Box<dyn Error>> {
    let master = MasterKey::generate();
    let room = Strongroom::open(Options::new(url, master.to_hex())).await?;
    room.close().await.expect("nothing is lost");
    let options = StoreOptions { url: url.to_owned(), max_connections: 2, clock: Clock::Database };
    let store = Store::connect(&options).await?;
    let keyring = keyring(&store, &master).await?;
    let mut number = 0;
    while number < rows {
        let mut tx = store.write().await?;
        let now = tx.now().await?;
        let batch = BATCH.min(rows - number);
        for _ in 0..batch {
            insert(&mut tx, &keyring, number, now).await?;
            number += 1;
        }
        let data_key = keyring.current_id(Purpose::Data);
        key::count_seals(&mut tx, &data_key, i64::try_from(batch)?, i64::MAX).await?;
        tx.commit().await?;
    }
    store.close().await;
    Ok(master.to_hex())
}

async fn keyring(store: &Store, master: &MasterKey) -> Result<Keyring, Box<dyn Error>> {
    let mut session = store.read().await?;
    let wraps = key::list_wraps(&mut session).await?;
    let mut entries = Vec::new();
    for row in key::list(&mut session).await? {
        let id = row.id.parse()?;
        let purpose = Purpose::from_name(&row.purpose).ok_or("an unknown purpose")?;
        let wrap = wraps.iter().find(|wrap| wrap.key_id == row.id).ok_or("a key without a wrap")?;
        let key = unwrap_key(master, id, purpose, &wrap.wrapped)?;
        entries.push(KeyringEntry { id, purpose, is_current: row.is_current, key });
    }
    Ok(Keyring::new(entries)?)
}

async fn insert(tx: &mut Write, keyring: &Keyring, number: u64, now: Millis) -> Result<(), Box<dyn Error>> {
    const PROVIDERS: [&str; 5] = ["gemini", "groq", "openrouter", "openai", "anthropic"];
    let provider = Provider::parse(PROVIDERS[(number % 5) as usize])?;
    let (uid, version_uid) = (random::uid(), random::uid());
    let actor = Actor::system().label();
    let grant = CredentialGrant {
        credential: uid,
        name: &name(number),
        provider: &provider,
        endpoint: None,
        is_active: true,
        is_frozen: false,
        is_global: true,
        user: None,
        version: version_uid,
        life: Life::default(),
    };
    let row = NewRow {
        id: None,
        uid,
        name: &name(number),
        provider: &provider,
        endpoint: None,
        priority: provider.default_priority(),
        is_active: true,
        is_global: true,
        user: None,
        version: version_uid,
        mac: credential_mac(keyring, &grant),
        expires_at: None,
        rotate_after_days: None,
        tags: &TagSet::none(),
        created_at: now,
        updated_at: now,
    };
    credential::insert(tx, &row).await?;
    version::insert(tx, uid, version_uid, &actor, now).await?;
    let context = SealContext {
        credential: uid,
        version: version_uid,
        field: Field::ApiKey,
        provider: &provider,
        endpoint: None,
    };
    let secret = Secret::new(format!("sk-proj-{}", random::uid()));
    let sealed = keyring.seal(&context, &secret)?;
    let fingerprint = keyring.fingerprint(&secret);
    let sealed = SealedValue {
        version: version_uid,
        field: Field::ApiKey,
        key_id: sealed.key_id,
        text: sealed.text,
        fingerprint,
    };
    value::put(tx, &sealed).await?;
    let scope = LimitScope::Credential(uid);
    let (unit, window, amount) = (Unit::Requests, Window::Month, Some(1_000_000));
    let change = LimitChange { scope: &scope, unit, window, amount, uid: random::uid(), at: now };
    limit::set_on_new(tx, &change).await?;
    let counted = BTreeMap::from([(CounterKey::monthly_requests(uid, now), Delta::used(1, now))]);
    counter::apply(tx, &counted).await?;
    let record = Record {
        uid: random::uid(),
        at: now,
        kind: Kind::Read,
        operation: "secret.read",
        actor: LedgerText::shown(actor),
        user: None,
        credential: Some(uid),
        version: Some(version_uid),
        provider,
        model: LedgerText::default(),
        source: Source::Database,
        status: 200,
        requests: 1,
        client_requests: 1,
        tokens: TokenUsage::default(),
        cost_nano_usd: Some(Amount::ZERO),
        charged_tokens: Amount::ZERO,
        charged_nano_usd: Amount::ZERO,
        metering: Metering::Unmetered,
        generation: 0,
        first_byte_ms: None,
        total_ms: None,
        raw_usage: None,
        request_id: None,
        tags: strongroom_model::tag::TagSet::default(),
    };
    Ok(usage::insert_all(tx, &[record]).await?)
}
