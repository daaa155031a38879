//! Signing in with a browser: sessions, and the one-time codes that begin them.

use crate::actor::{Actor, ActorKind, Role};
use crate::clock::Millis;
use crate::id::{Uid, UserId};

/// How long a session lasts at the most.
pub const SESSION_SECONDS: i64 = 24 * 3600;
/// How long a session lasts without a request.
pub const IDLE_SECONDS: i64 = 8 * 3600;
/// The same where programs of other ports may be shown its cookie.
pub const SHARED_IDLE_SECONDS: i64 = 30 * 60;
/// How long a one-time code can be used.
pub const CODE_SECONDS: i64 = 60;
/// Characters of a browser's name that are kept.
pub const MAX_AGENT: usize = 200;

/// Whose authority a session has. What that is worth is asked at every request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A token's, by its public id.
    Token(String),
    /// A user's.
    User(UserId),
    /// That of somebody who may read the data directory, by name.
    Local(String),
}

impl Holder {
    /// The holder that this actor can be; `None` for a program that embeds the library, and for strongroom itself.
    #[must_use]
    pub fn of(actor: &Actor) -> Option<Self> {
        match &actor.kind {
            ActorKind::Token(id) => Some(Self::Token(id.clone())),
            ActorKind::User(id) => Some(Self::User(*id)),
            ActorKind::Local(name) => Some(Self::Local(name.clone())),
            ActorKind::Library | ActorKind::System => None,
        }
    }

    /// An actor of this kind with this role.
    #[must_use]
    pub fn actor(&self, role: Role) -> Actor {
        let kind = match self {
            Self::Token(id) => ActorKind::Token(id.clone()),
            Self::User(id) => ActorKind::User(*id),
            Self::Local(name) => ActorKind::Local(name.clone()),
        };
        Actor::new(kind, role)
    }

    /// The text in the database, which is the actor's in the audit trail: `token:ID`, `user:N`, `local:NAME`.
    #[must_use]
    pub fn label(&self) -> String {
        self.actor(Role::Gateway).label()
    }

    /// Reads what [`Holder::label`] wrote.
    #[must_use]
    pub fn parse(label: &str) -> Option<Self> {
        let (kind, id) = label.split_once(':')?;
        match kind {
            "token" => Some(Self::Token(id.to_owned())),
            "user" => id.parse().ok().map(|id| Self::User(UserId(id))),
            "local" => Some(Self::Local(id.to_owned())),
            _ => None,
        }
    }
}

/// A session of somebody in a browser. Its secret is not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageSession {
    /// Its identity; may be shown.
    pub uid: Uid,
    /// Whose authority it has.
    pub holder: Holder,
    /// Set when its cookie reaches programs of other ports of the machine, as cookies of `127.0.0.1` and `localhost` do:
    /// then it reads, and every change takes a proof of its own.
    pub is_shared: bool,
    /// When it was made.
    pub made_at: Millis,
    /// When it was last used, up to a minute before the truth.
    pub seen_at: Millis,
    /// When it ends, however much it is used.
    pub ends_at: Millis,
    /// The address that it was made from.
    pub address: Option<String>,
    /// The browser that it was made in, as that calls itself.
    pub agent: Option<String>,
}

impl PageSession {
    /// The instant from which on it is over unless it is used before.
    #[must_use]
    pub fn idle_end(&self) -> Millis {
        self.seen_at.plus_seconds(if self.is_shared { SHARED_IDLE_SECONDS } else { IDLE_SECONDS })
    }

    /// Tells whether it goes on at this instant.
    #[must_use]
    pub fn is_alive(&self, now: Millis) -> bool {
        now < self.ends_at && now < self.idle_end()
    }
}

/// A one-time code that begins a session. Its secret is not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginCode {
    /// Whose session it begins.
    pub holder: Holder,
    /// From when on it is worth nothing.
    pub until: Millis,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holders_read_back_and_nobody_else_is_one() {
        let holders =
            [Holder::Token("AbC012345678".into()), Holder::User(UserId(7)), Holder::Local("a:b".into())];
        for holder in holders {
            assert_eq!(Holder::parse(&holder.label()), Some(holder.clone()));
            assert_eq!(Holder::of(&holder.actor(Role::Reader)), Some(holder));
        }
        for label in ["", "token", "user:x", "system", "library", "server:x"] {
            assert_eq!(Holder::parse(label), None, "{label}");
        }
        assert_eq!((Holder::of(&Actor::system()), Holder::of(&Actor::library())), (None, None));
    }

    #[test]
    fn a_session_ends_when_it_is_idle_and_at_its_end() {
        let session = |is_shared| PageSession {
            uid: Uid::from_bytes([1; 16]),
            holder: Holder::User(UserId(1)),
            is_shared,
            made_at: Millis(0),
            seen_at: Millis(1000),
            ends_at: Millis(0).plus_seconds(SESSION_SECONDS),
            address: None,
            agent: None,
        };
        let idle = Millis(1000).plus_seconds(IDLE_SECONDS);
        assert!(session(false).is_alive(Millis(idle.0 - 1)) && !session(false).is_alive(idle));
        let idle = Millis(1000).plus_seconds(SHARED_IDLE_SECONDS);
        assert!(session(true).is_alive(Millis(idle.0 - 1)) && !session(true).is_alive(idle));
        let end = Millis(0).plus_seconds(SESSION_SECONDS);
        let used = PageSession { seen_at: Millis(end.0 - 1), ..session(false) };
        assert!(used.is_alive(Millis(end.0 - 1)) && !used.is_alive(end));
    }
}
