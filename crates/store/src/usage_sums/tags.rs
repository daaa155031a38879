//! Sums by the values of a tag.
//!
//! Days know a use's whole set of tags, and days of subjects its single tags. So a statement names groups by where they come from:
//! `#` and the identity of a set, `=` and a value, and `*` for everything on the days that tags are read of as subjects. What
//! everything has more than all values together has no such tag.

use std::collections::BTreeMap;

use super::{Dim, GroupSums, SumsQuery};
use crate::dispatch::fetch_all;
use crate::error::StoreError;
use crate::session::Session;
use crate::usage_figures::Figures;

/// The tags of a set, by key.
pub(crate) type Tags = BTreeMap<String, String>;

/// The dimension of a tag that a question names, if it is one.
pub(super) fn dim_of(query: &SumsQuery) -> Option<&str> {
    [Some(&query.by), query.split.as_ref()].into_iter().flatten().find_map(|dim| match dim {
        Dim::Tag(key) => Some(key.as_str()),
        _ => None,
    })
}

/// Every set of tags, by its identity. One that cannot be read has none.
pub(crate) async fn tag_sets(session: &mut Session) -> Result<BTreeMap<String, Tags>, StoreError> {
    let rows = fetch_all!(session, (String, String), "SELECT uid, tags FROM tag_sets")?;
    Ok(rows.into_iter().map(|(uid, tags)| (uid, serde_json::from_str(&tags).unwrap_or_default())).collect())
}

/// The sets of tags, if a question needs them.
pub(super) async fn needed(
    session: &mut Session,
    query: &SumsQuery,
) -> Result<BTreeMap<String, Tags>, StoreError> {
    match dim_of(query).is_some() || query.filter.tag.is_some() {
        true => tag_sets(session).await,
        false => Ok(BTreeMap::new()),
    }
}

/// The value of a tag that a group is of; `None` for the group of everything.
fn value(tags: &BTreeMap<String, Tags>, tag: &str, key: &str) -> Option<String> {
    if let Some(value) = key.strip_prefix('=') {
        return Some(value.to_owned());
    }
    let uid = key.strip_prefix('#')?;
    Some(tags.get(uid).and_then(|tags| tags.get(tag)).cloned().unwrap_or_default())
}

/// The groups by the values of a tag, of groups as a statement names them.
pub(super) fn by_value(
    query: &SumsQuery,
    tags: &BTreeMap<String, Tags>,
    rows: Vec<GroupSums>,
) -> Vec<GroupSums> {
    let name = |dim: &Dim, key: &str| match dim {
        Dim::Tag(tag) => value(tags, tag, key),
        _ => Some(key.to_owned()),
    };
    let is_by = matches!(query.by, Dim::Tag(_));
    let mut merged: BTreeMap<(String, String), Figures> = BTreeMap::new();
    // What is left of everything, by the other dimension.
    let mut rest: BTreeMap<String, Figures> = BTreeMap::new();
    for GroupSums { group_key, split_key, figures } in rows {
        let group = name(&query.by, &group_key);
        let split = query.split.as_ref().map_or(Some(split_key.clone()), |dim| name(dim, &split_key));
        let (tagged, other) = if is_by { (&group_key, &split_key) } else { (&split_key, &group_key) };
        let (Some(group), Some(split)) = (group, split) else {
            rest.entry(other.clone()).or_default().add(&figures);
            continue;
        };
        if tagged.starts_with('=') {
            let left = rest.entry(other.clone()).or_default();
            *left = left.without(&figures);
        }
        merged.entry((group, split)).or_default().add(&figures);
    }
    for (other, figures) in rest.into_iter().filter(|(_, figures)| *figures != Figures::default()) {
        let key = if is_by { (String::new(), other) } else { (other, String::new()) };
        merged.entry(key).or_default().add(&figures);
    }
    let group = |((group_key, split_key), figures)| GroupSums { group_key, split_key, figures };
    merged.into_iter().map(group).collect()
}
