//! Offboarding: whether keys that stood in files, or were replaced, are still used by somebody, and can be revoked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::{StreamExt, stream};
use serde_json::json;
use strongroom_connectors::ai::Account;
use strongroom_connectors::ai::last_use::{self, LastUse, Listing, Teller};
use strongroom_model::audit::Target;
use strongroom_model::credential::{Credential, Field};
use strongroom_model::version::Version;
use strongroom_model::{CredentialId, Millis, Problem, Secret};
use strongroom_store::{Write, credential, offboard, value, version};

use super::rotate::Opened;
use super::{CredentialService, not_found};
use crate::custody::seal::SealBinding;
use crate::custody::trail::entry;

/// Keys that are asked about at once, at the most.
const MOST_KEYS: usize = 100;
/// Providers that are asked at the same time.
const AT_ONCE: usize = 8;
/// The longest that one of them may take.
const PROVIDER_TIMEOUT: Duration = Duration::from_secs(30);
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// By how much a provider's clock may be ahead of ours, in milliseconds.
const CLOCKS_APART: i64 = 120_000;

/// Standing of a key that is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is handed out here: nothing, before another one takes its place.
    Serving,
    /// It was used too lately: find out by whom.
    InUse,
    /// Nobody has used it for long enough: revoke it.
    Idle,
    /// Its provider does not accept it any more: nothing is left to do.
    Gone,
    /// The provider could tell, and has not.
    Unknown,
}

impl Standing {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::InUse => "in_use",
            Self::Idle => "idle",
            Self::Gone => "gone",
            Self::Unknown => "unknown",
        }
    }
}

/// Facts about one key.
#[derive(Debug, Clone)]
pub struct Offboarding {
    /// Its credential.
    pub credential: Credential,
    /// The version that it is the key of.
    pub version: Version,
    /// Its standing.
    pub standing: Standing,
    /// The last use, as far as it is known.
    pub last_used: Option<Millis>,
    /// Nobody has used it from this instant on.
    pub idle_since: Option<Millis>,
    /// True if its provider told that; otherwise only uses through strongroom are known.
    pub by_provider: bool,
    /// The last use through strongroom.
    pub used_here: Option<Millis>,
    /// True if somebody used it elsewhere, where that can be told.
    pub used_elsewhere: Option<bool>,
    /// True if it will be revoked by strongroom itself.
    pub is_revoked_here: bool,
    /// Why the provider has not told.
    pub problem: Option<String>,
}

/// The provider's answer.
enum Told {
    By(LastUse),
    Nothing,
    Failed(String),
}

/// A key about which somebody may be asked.
struct Asked {
    credential: Credential,
    version: Version,
    key: Result<Secret, String>,
    is_served: bool,
    used_here: Option<Millis>,
}

/// Source of the list of a project's keys: a credential that mints, and the project.
type ListingOf = (String, Option<String>);

impl CredentialService {
    /// Says of these credentials' keys, old and present, whether anybody still uses them; without names of all that were
    /// replaced or came out of a `.env` file. Idle are those that nobody has used for so many hours.
    ///
    /// # Errors
    /// [`Problem`] on the fields `idleHours` and `credentials`, or of kind `NotFound`.
    pub async fn offboard(&self, names: &[String], idle_hours: i64) -> Result<Vec<Offboarding>, Problem> {
        if !(1..=8784).contains(&idle_hours) {
            return Err(Problem::invalid("idleHours", "idleHours must be 1 to 8784"));
        }
        // What calls have used so far is to count.
        self.admission.settle_now().await?;
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        let mut asked = Vec::new();
        for (id, number) in self.candidates(&mut tx, names, now).await? {
            asked.extend(self.asked(&mut tx, id, number, now).await?);
        }
        // The same key may be that of several versions; the newest stands for it.
        let mut seen = BTreeSet::new();
        asked.reverse();
        asked.retain(|(fingerprint, _)| seen.insert(fingerprint.clone()));
        asked.reverse();
        let asked: Vec<Asked> = asked.into_iter().map(|(_, asked)| asked).collect();
        let mut minters = BTreeMap::new();
        for one in &asked {
            if last_use::teller(&one.credential.provider) == Teller::Minter
                && let Some(place) = listing_of(&one.credential)
                && !minters.contains_key(&place)
            {
                let opened = self.open_minter_of(&mut tx, one.credential.clone(), now).await;
                minters.insert(place, opened);
            }
        }
        // Written before any key leaves: whoever asked may hang up before a provider has answered.
        let keys: Vec<_> = asked
            .iter()
            .map(|one| json!({ "name": one.credential.name, "version": one.version.number }))
            .collect();
        let with: Vec<_> = minters.values().flatten().map(|opened| opened.minter.name.clone()).collect();
        let detail = json!({ "keys": keys, "with": with, "idleHours": idle_hours });
        let entry = entry(&self.actor, "credential.offboard", Target::kind("credential"), now, &detail);
        self.custody.append(&mut tx, vec![entry]).await?;
        tx.commit().await?;
        let listings = self.list_keys(minters).await?;
        let client = self.settings.guard.client()?;
        let ask = |one: Asked| {
            let (client, listings) = (&client, &listings);
            async move {
                let told = match (&one.key, last_use::teller(&one.credential.provider)) {
                    (Err(problem), _) => Told::Failed(problem.clone()),
                    (_, Teller::Nobody) => Told::Nothing,
                    (Ok(key), Teller::Key) => {
                        let (provider, endpoint) =
                            (&one.credential.provider, one.credential.endpoint.as_deref());
                        in_time(last_use::of_key(client, Account { provider, endpoint, key }, now)).await
                    }
                    (Ok(key), Teller::Minter) => {
                        match listing_of(&one.credential).and_then(|it| listings.get(&it)) {
                            Some(Ok(listing)) => {
                                Told::By(listing.of(key, one.version.provider_key.as_deref()))
                            }
                            Some(Err(problem)) => Told::Failed(problem.clone()),
                            None => Told::Nothing,
                        }
                    }
                };
                judge(one, told, now, idle_hours * HOUR_MS)
            }
        };
        Ok(stream::iter(asked).map(ask).buffered(AT_ONCE).collect().await)
    }

    /// The keys that are asked about.
    async fn candidates(
        &self,
        tx: &mut Write,
        names: &[String],
        now: Millis,
    ) -> Result<Vec<(CredentialId, i64)>, Problem> {
        let mut found = Vec::new();
        for name in names {
            let one = credential::get_by_name(tx, name, now)
                .await?
                .ok_or_else(|| Problem::not_found(format!("there is no credential of the name {name:?}")))?;
            let staged = one.staged.map(|staged| staged.version);
            let mut versions = version::list(tx, one.uid).await?;
            versions.retain(|it| it.erased.is_none() && it.revoked_at.is_none() && staged != Some(it.uid));
            found.extend(versions.iter().rev().map(|it| (one.id, it.number)));
        }
        if names.is_empty() {
            found = offboard::candidates(tx, "env", MOST_KEYS as i64 + 1).await?;
        }
        if found.len() > MOST_KEYS {
            return Err(Problem::invalid(
                "credentials",
                format!("there are more than {MOST_KEYS} keys to ask about: name credentials, fewer at once"),
            ));
        }
        Ok(found)
    }

    /// Returns the facts about a key here, with its fingerprint; `None` of a version without a key.
    async fn asked(
        &self,
        tx: &mut Write,
        id: CredentialId,
        number: i64,
        now: Millis,
    ) -> Result<Option<(String, Asked)>, Problem> {
        let credential = credential::get(tx, id, now).await?.ok_or_else(not_found)?;
        let Some(version) = version::get(tx, credential.uid, number).await? else { return Ok(None) };
        let values = self.custody.values_of_version(tx, version.uid).await?;
        let Some(sealed) = values.into_iter().find(|it| it.field == Field::ApiKey) else { return Ok(None) };
        let is_genuine = self.custody.verify_row_mac(&credential)
            && self.custody.is_genuine(tx, credential.uid, &version).await?;
        let key = if is_genuine {
            self.custody.open_value(SealBinding::of(&credential), &sealed).map_err(|error| error.to_string())
        } else {
            Err("its row was changed outside strongroom".to_owned())
        };
        // Another version or credential may have the same key and go on serving it.
        let staged = credential.staged.map(|staged| staged.number);
        let own = credential.uid.to_string();
        let is_served = value::holders(tx, &sealed.fingerprint).await?.iter().any(|holder| {
            holder.is_served() || (holder.credential_uid == own && staged == Some(holder.version_number))
        });
        let days = offboard::last_days(tx, credential.uid).await?;
        let uid = version.uid.to_string();
        let day = days.into_iter().find(|(of, _)| *of == uid).map(|(_, day)| Millis(day));
        let used_here = day.map(|day| used_here(&credential, &version, day));
        Ok(Some((sealed.fingerprint.value, Asked { credential, version, key, is_served, used_here })))
    }

    /// Asks providers for all keys of each project that has to be asked about.
    async fn list_keys(
        &self,
        minters: BTreeMap<ListingOf, Result<Opened, Problem>>,
    ) -> Result<BTreeMap<ListingOf, Result<Listing, String>>, Problem> {
        let client = self.settings.guard.client()?;
        let ask = |(place, opened): (ListingOf, Result<Opened, Problem>)| {
            let client = &client;
            async move {
                let listing = match opened {
                    Ok(opened) => timed(last_use::list(client, opened.minter())).await,
                    Err(problem) => Err(problem.message),
                };
                (place, listing)
            }
        };
        Ok(stream::iter(minters).map(ask).buffered(AT_ONCE).collect().await)
    }
}

fn listing_of(credential: &Credential) -> Option<ListingOf> {
    let minter = credential.minter.as_ref()?;
    Some((minter.credential.to_string(), minter.project.clone()))
}

async fn timed<T>(asking: impl Future<Output = Result<T, Problem>>) -> Result<T, String> {
    match tokio::time::timeout(PROVIDER_TIMEOUT, asking).await {
        Ok(done) => done.map_err(|problem| problem.message),
        Err(_) => Err("the provider did not answer within 30 seconds".to_owned()),
    }
}

async fn in_time(asking: impl Future<Output = Result<LastUse, Problem>>) -> Told {
    timed(asking).await.map_or_else(Told::Failed, Told::By)
}

/// The last use of a version through strongroom: the instant where it is known, else the last one that it can have been.
pub(crate) fn used_here(credential: &Credential, version: &Version, day: Millis) -> Millis {
    let end = day.0 + DAY_MS - 1;
    if credential.version == version.uid
        && let Some(last) = credential.last_used
    {
        return Millis(last.0.min(end));
    }
    let replaced = version.retired_at.or(version.replaced_at);
    Millis(replaced.map_or(end, |at| at.0.min(end)))
}

fn judge(asked: Asked, told: Told, now: Millis, idle_ms: i64) -> Offboarding {
    let Asked { credential, version, is_served, used_here, .. } = asked;
    let mut found = Offboarding {
        standing: Standing::Unknown,
        last_used: None,
        idle_since: None,
        by_provider: true,
        used_here,
        used_elsewhere: None,
        is_revoked_here: version.provider_key.is_some() && credential.minter.is_some() && !is_served,
        problem: None,
        credential,
        version,
    };
    let mut is_gone = false;
    match told {
        Told::By(LastUse::At(at)) => {
            (found.last_used, found.idle_since) = (Some(at), Some(at));
            found.used_elsewhere = Some(used_here.is_none_or(|here| at.0 > here.0 + CLOCKS_APART));
        }
        Told::By(LastUse::Since(start)) => {
            found.used_elsewhere = used_here.is_none_or(|here| here < start).then_some(true);
        }
        Told::By(LastUse::Before(at)) => found.idle_since = Some(at),
        Told::By(LastUse::Never) => {
            found.idle_since = Some(found.version.created_at);
            found.used_elsewhere = Some(false);
        }
        Told::By(LastUse::Refused) => is_gone = true,
        Told::By(LastUse::Unlisted) => {
            found.problem = Some(
                "the project's list of keys does not have it: it was revoked, or is another project's"
                    .to_owned(),
            );
        }
        Told::Failed(problem) => found.problem = Some(problem),
        Told::Nothing => {
            found.by_provider = false;
            found.last_used = used_here;
            let replaced = found.version.replaced_at.unwrap_or(found.version.created_at);
            found.idle_since = Some(used_here.unwrap_or(replaced));
        }
    }
    found.standing = match (is_gone, is_served) {
        (true, _) => Standing::Gone,
        (_, true) => Standing::Serving,
        _ if found.problem.is_some() => Standing::Unknown,
        _ if found.idle_since.is_some_and(|since| now.0 - since.0 >= idle_ms) => Standing::Idle,
        _ => Standing::InUse,
    };
    found
}
