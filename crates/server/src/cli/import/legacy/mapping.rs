//! Mapping of a row of the original to one of ours, and the parts of it that have no place here.

use strongroom::legacy::LegacyRow;
use strongroom_client::wire::SecretText;
use strongroom_client::wire::import::ImportRow;
use strongroom_crypto::sealed_text::open_unbound;
use strongroom_crypto::{MasterKey, OpenError};
use strongroom_model::Provider;

/// Columns whose values decide who may use a key and how much: a value that cannot be read is not guessed.
const DECISIVE: [&str; 8] =
    ["name", "provider", "api_key", "api_secret", "is_active", "is_global", "user_id", "endpoint"];

/// The columns that can hold the monthly limit.
const LIMITS: [&str; 2] = ["rate_limit", "monthly_limit"];

/// The highest id that every client of the API can say (RFC 8259, 6), and far from where new ids would run out.
const MAX_ID: i64 = (1 << 53) - 1;

/// A row that can be sent, and what was left behind of it.
#[derive(Debug)]
pub(super) struct Mapped {
    pub(super) row: ImportRow,
    pub(super) notes: Vec<String>,
}

/// Why a row cannot be sent. Nothing of a secret is in it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unmappable {
    #[error("it has no {0}")]
    Missing(&'static str),
    #[error("its {0} cannot be read as what that column means; mend it in the source and run this again")]
    Unreadable(&'static str),
    #[error("its {column} does not open: {error}")]
    Sealed { column: &'static str, error: OpenError },
}

/// Opens the row's secrets with the original's key and gives it our shape.
pub(super) fn map(source: LegacyRow, key: &MasterKey) -> Result<Mapped, Unmappable> {
    let decides = |column: &&&str| DECISIVE.contains(*column) || LIMITS.contains(*column);
    if let Some(column) = source.unreadable.iter().find(decides) {
        return Err(Unmappable::Unreadable(column));
    }
    let mut notes = notes(&source);
    let open = |column, sealed: Option<&String>| {
        let opened = sealed.map(|sealed| open_unbound(key, sealed)).transpose();
        opened.map(|secret| secret.map(SecretText)).map_err(|error| Unmappable::Sealed { column, error })
    };
    let api_key = open("api_key", source.api_key.as_ref())?;
    let api_secret = open("api_secret", source.api_secret.as_ref())?;
    let name = source.name.ok_or(Unmappable::Missing("name"))?;
    let provider = source.provider.ok_or(Unmappable::Missing("provider"))?;
    // A provider that cannot be read here is sent as it is: the server says what is wrong with it.
    let (provider, default_priority) = match Provider::parse(&provider) {
        Ok(parsed) => (parsed.as_str().to_owned(), Some(parsed.default_priority())),
        Err(_) => (provider, None),
    };
    let row = ImportRow {
        id: Some(source.id).filter(|id| (1..=MAX_ID).contains(id)),
        name,
        provider,
        api_key,
        api_secret,
        endpoint: source.endpoint,
        priority: source.priority.or(default_priority),
        is_active: source.is_active.unwrap_or(false),
        is_global: source.is_global.unwrap_or(false),
        user_id: source.user_id,
        // Below zero nothing was ever allowed, as with zero.
        rate_limit: source.monthly_limit.map(|limit| limit.max(0)),
        expires_at: None,
        rotate_after_days: None,
        usage_count: source.usage_count.unwrap_or(0).max(0),
        current_month_usage: source.current_month_usage.unwrap_or(0).max(0),
        last_used: source.last_used,
        created_at: source.created_at,
        updated_at: source.updated_at,
    };
    if row.rate_limit == Some(0) {
        notes.push("its monthly limit of 0 lets no request pass; set it to null for no limit".to_owned());
    }
    if !row.is_global && row.user_id.is_none() {
        notes.push(
            "it is neither global nor anybody's: nobody is given it until an admin changes that".to_owned(),
        );
    }
    Ok(Mapped { row, notes })
}

/// Names what has no place here, so that nothing is dropped in silence. A configuration may hold secrets: only its size
/// is told.
fn notes(source: &LegacyRow) -> Vec<String> {
    let LegacyRow { minute_limit, daily_limit, organization_id, configuration, created_by, .. } = source;
    let configuration = configuration.as_ref().map(|text| format!("configuration ({} bytes)", text.len()));
    let left_behind = [
        minute_limit.map(|limit| format!("rate_limit {limit} a minute")),
        daily_limit.map(|limit| format!("daily_limit {limit}")),
        organization_id.as_ref().map(|id| format!("organization_id {id}")),
        configuration,
        created_by.as_ref().map(|by| format!("created_by {by}")),
    ];
    let left_behind: Vec<_> = left_behind.into_iter().flatten().collect();
    let mut notes = Vec::new();
    if !left_behind.is_empty() {
        notes.push(format!("not taken over, as there is no place for it here: {}", left_behind.join(", ")));
    }
    if !source.unreadable.is_empty() {
        notes.push(format!("left empty, as it cannot be read: {}", source.unreadable.join(", ")));
    }
    if source.is_active.is_none() {
        notes.push("its is_active is NULL, which the original took for inactive".to_owned());
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers of `docs/format.md`, made with Node's `crypto`.
    const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    const SEALED: &str =
        "6df26b5a203d62099163e3e1c65339ef:03a48ff3eaeb3224dd4ffd51da77639e:e7eb59ede044b2e4fd001abe5392";
    const OPEN: &str = "sk-proj-abc123";

    fn row() -> LegacyRow {
        LegacyRow {
            id: 7,
            name: Some("Große Röhre/1".to_owned()),
            provider: Some("Google".to_owned()),
            api_key: Some(SEALED.to_owned()),
            api_secret: None,
            endpoint: None,
            priority: None,
            is_active: Some(true),
            is_global: Some(true),
            user_id: None,
            monthly_limit: Some(10_000),
            daily_limit: None,
            minute_limit: None,
            usage_count: Some(1250),
            current_month_usage: Some(45),
            last_used: None,
            created_at: None,
            updated_at: None,
            organization_id: None,
            configuration: None,
            created_by: None,
            unreadable: Vec::new(),
        }
    }

    fn key() -> MasterKey {
        MasterKey::parse(KEY).unwrap()
    }

    #[test]
    fn everything_that_has_a_place_here_gets_it() {
        let source = LegacyRow {
            api_secret: Some(SEALED.to_owned()),
            user_id: Some(3),
            is_active: Some(false),
            ..row()
        };
        let Mapped { row, notes } = map(source, &key()).unwrap();
        assert!(notes.is_empty(), "{notes:?}");
        assert_eq!((row.id, row.name.as_str(), row.provider.as_str()), (Some(7), "Große Röhre/1", "gemini"));
        assert_eq!(row.api_key.unwrap().0.expose(), OPEN);
        assert_eq!(row.api_secret.unwrap().0.expose(), OPEN);
        assert_eq!((row.priority, row.rate_limit, row.user_id), (Some(10), Some(10_000), Some(3)));
        assert_eq!((row.is_active, row.is_global), (false, true));
        assert_eq!((row.usage_count, row.current_month_usage), (1250, 45));
    }

    #[test]
    fn an_id_that_nobody_could_use_is_not_kept() {
        for (id, kept) in [(1, Some(1)), (MAX_ID, Some(MAX_ID)), (0, None), (-1, None), (i64::MAX, None)] {
            assert_eq!(map(LegacyRow { id, ..row() }, &key()).unwrap().row.id, kept);
        }
    }

    #[test]
    fn a_row_without_a_key_is_a_row() {
        let mapped = map(LegacyRow { api_key: None, ..row() }, &key()).unwrap();
        assert!(mapped.row.api_key.is_none() && mapped.notes.is_empty());
    }

    #[test]
    fn what_has_no_place_here_is_noted_without_its_contents() {
        let source = LegacyRow {
            minute_limit: Some(60),
            daily_limit: Some(1000),
            organization_id: Some("acme".to_owned()),
            configuration: Some("{\"key\":\"canary\"}".to_owned()),
            unreadable: vec!["last_used"],
            ..row()
        };
        let notes = map(source, &key()).unwrap().notes;
        assert_eq!(
            notes,
            [
                "not taken over, as there is no place for it here: rate_limit 60 a minute, daily_limit 1000, \
                 organization_id acme, configuration (16 bytes)",
                "left empty, as it cannot be read: last_used",
            ]
        );
    }

    #[test]
    fn flags_that_are_null_give_nobody_anything() {
        let Mapped { row, notes } =
            map(LegacyRow { is_active: None, is_global: None, ..row() }, &key()).unwrap();
        assert_eq!((row.is_active, row.is_global, notes.len()), (false, false, 2));
    }

    #[test]
    fn a_limit_that_lets_nothing_pass_still_lets_nothing_pass() {
        for limit in [0, -1] {
            let Mapped { row, notes } =
                map(LegacyRow { monthly_limit: Some(limit), ..row() }, &key()).unwrap();
            assert_eq!((row.rate_limit, notes.len()), (Some(0), 1));
        }
    }

    #[test]
    fn a_row_that_cannot_be_sent_says_why() {
        let why = |source, key: &MasterKey| map(source, key).unwrap_err().to_string();
        let cut = Some(SEALED[..50].to_owned());
        assert_eq!(
            why(LegacyRow { api_key: cut.clone(), ..row() }, &key()),
            "its api_key does not open: Invalid encrypted text format"
        );
        assert!(
            why(LegacyRow { api_secret: cut, ..row() }, &key()).starts_with("its api_secret does not open")
        );
        assert!(why(row(), &MasterKey::generate()).contains("sealed under another key"));
        assert_eq!(why(LegacyRow { name: None, ..row() }, &key()), "it has no name");
        assert_eq!(why(LegacyRow { provider: None, ..row() }, &key()), "it has no provider");
        for column in ["rate_limit", "monthly_limit", "is_global", "user_id", "api_key"] {
            let source = LegacyRow { unreadable: vec!["last_used", column], ..row() };
            assert_eq!(map(source, &key()).unwrap_err(), Unmappable::Unreadable(column));
        }
    }
}
