//! Dimensions of usage, and the tables that know them.

use super::SumsFilter;
use crate::usage_record::Whose;

/// A dimension of usage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dim {
    /// None: one sum of everything, of the empty name.
    Nothing,
    /// The credential's name, of a deleted one with the beginning of its identity, as `openai-primary (deleted, 63818d8e)`: another
    /// one may have its name by now. Empty for the environment.
    Credential,
    /// The same with the number of the version, as `openai-primary v3`; empty for the environment.
    Version,
    /// The provider.
    Provider,
    /// The provider's name of the model; empty for keys that were handed out.
    Model,
    /// The public id of the token; what others than tokens did is left out.
    Token,
    /// Whoever used it, as the audit trail calls them: `token:ID`, `user:N`, `local:NAME`.
    Actor,
    /// The user's number; empty for those without one.
    User,
    /// Where the key came from.
    Source,
    /// The operation.
    Operation,
    /// The first instant of the day.
    Day,
    /// The value of a tag; empty where it is not set.
    Tag(String),
}

impl Dim {
    /// How a group is named, from the column of its key.
    pub(super) fn shown(&self, column: &str) -> String {
        const NAME: &str = "c.name || CASE WHEN c.deleted_at_ms IS NULL THEN '' ELSE ' (deleted, ' || SUBSTR(c.uid, 1, 8) || ')' END";
        match self {
            Self::Credential => {
                format!("COALESCE((SELECT {NAME} FROM api_credentials c WHERE c.uid = {column}), {column})")
            }
            Self::Version => format!(
                "COALESCE((SELECT {NAME} || ' v' || CAST(v.number AS TEXT) FROM credential_versions v \
                 JOIN api_credentials c ON c.uid = v.credential_uid WHERE v.uid = {column}), {column})"
            ),
            _ => column.to_owned(),
        }
    }

    /// The kind of subject that it tells apart.
    const fn subject(&self) -> Option<&'static str> {
        match self {
            Self::Credential => Some("credential"),
            Self::Token => Some("token"),
            Self::Actor => Some("actor"),
            Self::User => Some("user"),
            Self::Tag(_) => Some("tag"),
            _ => None,
        }
    }

    const fn is_mixed(&self) -> bool {
        matches!(self, Self::Provider | Self::Model | Self::Source)
    }

    /// Tells whether every table of days knows it.
    const fn is_of_all(&self) -> bool {
        matches!(self, Self::Day | Self::Nothing)
    }
}

/// The tables that an answer comes from: the smallest that know all that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// Days by all that usage is told apart by.
    Days,
    /// Days by provider, model and source.
    Mix,
    /// Days by one kind of subject.
    Subjects(&'static str),
}

impl Source {
    pub(super) fn of(by: &Dim, split: Option<&Dim>, filter: &SumsFilter) -> Self {
        let SumsFilter { whose, provider, model, credential, token, user, source, tag } = filter;
        let dims = || [Some(by), split].into_iter().flatten();
        let asked = [
            credential.map(|_| "credential"),
            token.as_ref().map(|_| "token"),
            user.map(|_| "user"),
            tag.as_ref().map(|_| "tag"),
            match whose {
                Whose::All => None,
                Whose::Actor(_) => Some("actor"),
                Whose::User(_) => Some("user"),
            },
        ];
        let mut subjects: Vec<_> =
            dims().filter_map(Dim::subject).chain(asked.into_iter().flatten()).collect();
        // A use has one credential and one user, and as many tags as it has keys of them.
        if subjects.iter().filter(|subject| **subject == "tag").count() > 1 {
            return Self::Days;
        }
        subjects.sort_unstable();
        subjects.dedup();
        let is_mix = dims().any(Dim::is_mixed) || provider.is_some() || model.is_some() || source.is_some();
        let is_other = dims().any(|dim| dim.subject().is_none() && !dim.is_mixed() && !dim.is_of_all());
        match subjects.as_slice() {
            _ if is_other => Self::Days,
            [] => Self::Mix,
            [one] if !is_mix => Self::Subjects(one),
            _ => Self::Days,
        }
    }

    /// The column or expression that groups are told apart by.
    pub(super) fn key(self, dim: &Dim) -> String {
        match (self, dim) {
            (_, Dim::Nothing) => "''",
            (Self::Days, Dim::Day) => "CAST(d.day_start_ms AS TEXT)",
            (_, Dim::Day) => "CAST(m.day_start_ms AS TEXT)",
            // What follows the key of the tag and its sign.
            (Self::Subjects(_), Dim::Tag(tag)) => {
                return format!("'=' || SUBSTR(m.subject, {})", tag.chars().count() + 2);
            }
            (Self::Mix, Dim::Tag(_)) => "'*'",
            (Self::Days, Dim::Tag(_)) => "'#' || m.tag_set_uid",
            (Self::Subjects(_), Dim::Credential | Dim::Token | Dim::Actor | Dim::User) => "m.subject",
            (_, Dim::Credential) => "m.credential_uid",
            (_, Dim::Version) => "m.version_uid",
            (_, Dim::Provider) => "m.provider",
            (_, Dim::Model) => "m.model",
            (_, Dim::Token) => "SUBSTR(m.actor, 7)",
            (_, Dim::Actor) => "m.actor",
            (_, Dim::User) => "CASE WHEN m.user_id = 0 THEN '' ELSE CAST(m.user_id AS TEXT) END",
            (_, Dim::Source) => "m.source",
            (_, Dim::Operation) => "m.operation",
        }
        .to_owned()
    }
}
