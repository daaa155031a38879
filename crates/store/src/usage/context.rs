//! Dims and contexts: the columns that records have in common, written once and named by a digest of their content.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest, Sha256};
use strongroom_model::credential::Source;
use strongroom_model::tag::TagSet;
use strongroom_model::usage::Metering;
use strongroom_model::{Uid, UserId};

use super::{Kind, Record};
use crate::REGION;
use crate::dispatch::execute_rows;
use crate::error::StoreError;
use crate::session::Write;

/// Columns by which usage is grouped.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Dims<'a> {
    kind: Kind,
    operation: &'a str,
    actor: &'a str,
    user: Option<UserId>,
    credential: Option<Uid>,
    version: Option<Uid>,
    provider: &'a str,
    model: &'a str,
    source: Source,
    tags: &'a TagSet,
}

/// Columns that lines of the ledger share.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Context<'a> {
    dims: Dims<'a>,
    status: u16,
    metering: Metering,
}

/// No team or grant, and no credential or version.
const NONE: &str = "";

impl<'a> Context<'a> {
    fn of(record: &'a Record) -> Self {
        let dims = Dims {
            kind: record.kind,
            operation: record.operation,
            actor: record.actor.as_str(),
            user: record.user,
            credential: record.credential,
            version: record.version,
            provider: record.provider.as_str(),
            model: record.model.as_str(),
            source: record.source,
            tags: &record.tags,
        };
        Self { dims, status: record.status, metering: record.metering }
    }
}

impl Dims<'_> {
    fn user(&self) -> i64 {
        self.user.map_or(0, |user| user.0)
    }

    /// The name of its tags; `None` without any.
    fn tag_set(&self) -> Option<Uid> {
        (!self.tags.is_empty()).then(|| digest(&["tag_sets 1", REGION, &self.tags.to_json()]))
    }

    /// A digest of everything in it, so that servers that write the same one agree on its name.
    fn uid(&self) -> Uid {
        digest(&[
            "usage_dims 1",
            REGION,
            self.kind.as_str(),
            self.operation,
            self.actor,
            &self.user().to_string(),
            // The team and the grant.
            NONE,
            NONE,
            &text(self.credential),
            &text(self.version),
            self.provider,
            self.model,
            self.source.as_str(),
            &text(self.tag_set()),
        ])
    }
}

/// The first half of a SHA-256 over texts and their lengths.
fn digest(texts: &[&str]) -> Uid {
    let mut digest = Sha256::new();
    for text in texts {
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text);
    }
    let digest: [u8; 32] = digest.finalize().into();
    let mut uid = [0; 16];
    uid.copy_from_slice(&digest[..16]);
    Uid::from_bytes(uid)
}

fn text(uid: Option<Uid>) -> String {
    uid.map(|uid| uid.to_string()).unwrap_or_default()
}

/// A context with the names of its rows.
pub(super) struct Named<'a> {
    context: Context<'a>,
    pub(super) dims_uid: Uid,
    tag_set: Option<Uid>,
    uid: Uid,
    /// The name of the context as the database has it.
    pub(super) text: String,
}

impl<'a> Named<'a> {
    fn of(context: Context<'a>) -> Self {
        let dims_uid = context.dims.uid();
        let (dims, status) = (dims_uid.to_string(), context.status.to_string());
        let uid = digest(&["usage_contexts 1", &dims, &status, context.metering.as_str()]);
        let tag_set = context.dims.tag_set();
        Self { context, dims_uid, tag_set, uid, text: uid.to_string() }
    }
}

/// The contexts of some records, and which record has which.
#[derive(Default)]
pub(super) struct Contexts<'a> {
    found: Vec<Named<'a>>,
    of_records: Vec<usize>,
}

impl<'a> Contexts<'a> {
    pub(super) fn of(records: &'a [Record]) -> Self {
        let mut all = Self::default();
        let mut places: HashMap<Context<'a>, usize> = HashMap::new();
        let mut last = None;
        for record in records {
            let context = Context::of(record);
            // Most records have the context of the one before.
            let place = match last {
                Some((before, place)) if before == context => place,
                _ => *places.entry(context).or_insert_with(|| {
                    all.found.push(Named::of(context));
                    all.found.len() - 1
                }),
            };
            last = Some((context, place));
            all.of_records.push(place);
        }
        all
    }

    /// The records, each with its context.
    pub(super) fn with<'b>(
        &'b self,
        records: &'b [Record],
    ) -> impl Iterator<Item = (&'b Record, &'b Named<'a>)> {
        records.iter().zip(self.of_records.iter().map(|place| &self.found[*place]))
    }

    /// Writes what the database may not have yet.
    pub(super) async fn write(&self, tx: &mut Write) -> Result<(), StoreError> {
        let names = |named: &Named<'a>| [Some(named.uid), Some(named.dims_uid), named.tag_set];
        let missing = tx.missing(self.found.iter().flat_map(names).flatten());
        if missing.is_empty() {
            return Ok(());
        }
        let tag_sets = self.found.iter().filter_map(|named| Some((named.tag_set?, named.context.dims.tags)));
        let tag_sets: BTreeMap<Uid, &TagSet> = tag_sets.filter(|(uid, _)| missing.contains(uid)).collect();
        let tag_sets: Vec<_> = tag_sets.into_iter().collect();
        execute_rows!(
            tx,
            3,
            "INSERT INTO tag_sets (uid, region, tags)",
            "ON CONFLICT (uid) DO NOTHING",
            &tag_sets,
            |one| one.0.to_string(),
            REGION,
            one.1.to_json()
        )?;
        // In the order of their names: two servers that write the same ones do not wait for each other in a circle.
        let of = |uid: fn(&Named<'a>) -> Uid| {
            let new = self.found.iter().filter(|named| missing.contains(&uid(named)));
            new.map(|named| (uid(named), named)).collect::<BTreeMap<_, _>>().into_values().collect::<Vec<_>>()
        };
        let dims = of(|named| named.dims_uid);
        execute_rows!(
            tx,
            14,
            "INSERT INTO usage_dims (uid, region, kind, operation, actor, user_id, team_uid, grant_uid, credential_uid, \
             version_uid, provider, model, source, tag_set_uid)",
            "ON CONFLICT (uid) DO NOTHING",
            &dims,
            |one| one.dims_uid.to_string(),
            REGION,
            one.context.dims.kind.as_str(),
            one.context.dims.operation,
            one.context.dims.actor,
            one.context.dims.user(),
            NONE,
            NONE,
            text(one.context.dims.credential),
            text(one.context.dims.version),
            one.context.dims.provider,
            one.context.dims.model,
            one.context.dims.source.as_str(),
            text(one.tag_set)
        )?;
        let contexts = of(|named| named.uid);
        execute_rows!(
            tx,
            5,
            "INSERT INTO usage_contexts (uid, region, dims_uid, status, metering)",
            "ON CONFLICT (uid) DO NOTHING",
            &contexts,
            |one| one.text.as_str(),
            REGION,
            one.dims_uid.to_string(),
            i64::from(one.context.status),
            one.context.metering.as_str()
        )?;
        Ok(())
    }
}
