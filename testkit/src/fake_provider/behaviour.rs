//! What the fake provider does with a key: it stands in the key.

/// What the fake does when it is shown [`Behaviour::key`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Behaviour {
    /// Accepts it.
    Ok,
    /// Does not know it; so too with any key that is not one of these. Repeats parts of it where the provider does.
    WrongKey,
    /// Knows it, and nothing is left to spend.
    EmptyAccount,
    /// Knows it, and it is used too often.
    RateLimited,
    /// Sends the caller elsewhere: to `/elsewhere` on the same server, where every request is seen too.
    Redirect,
    /// Takes the request and never answers.
    Silent,
    /// Answers with success and a body that never ends.
    Endless,
    /// Answers with success and a web page.
    WebPage,
    /// Fails with 500, and repeats the whole key wherever an error has a text.
    Echo,
}

/// The last part of every key, and what a test looks for where no key may be.
pub const TAIL: &str = "K7wQ2mZr9TxV4bNc";

impl Behaviour {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Ok,
        Self::WrongKey,
        Self::EmptyAccount,
        Self::RateLimited,
        Self::Redirect,
        Self::Silent,
        Self::Endless,
        Self::WebPage,
        Self::Echo,
    ];

    /// A key that is treated so: `sk-fake-<behaviour>-…`. Whatever follows the second `-` does not matter, so that
    /// a test can have several.
    #[must_use]
    pub fn key(self) -> String {
        format!("sk-fake-{}-{TAIL}", self.name())
    }

    pub(super) fn of_key(key: &str) -> Self {
        let name = key.strip_prefix("sk-fake-").and_then(|rest| rest.split('-').next()).unwrap_or_default();
        Self::ALL.into_iter().find(|behaviour| behaviour.name() == name).unwrap_or(Self::WrongKey)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::WrongKey => "wrong",
            Self::EmptyAccount => "empty",
            Self::RateLimited => "limited",
            Self::Redirect => "away",
            Self::Silent => "silent",
            Self::Endless => "endless",
            Self::WebPage => "page",
            Self::Echo => "echo",
        }
    }
}
