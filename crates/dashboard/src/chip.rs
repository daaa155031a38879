//! States as a mark and a word: no state is told by its colour alone.

use maud::{Markup, html};
use strongroom::Credential;
use strongroom::health::Cooldown;
use strongroom_model::Millis;

/// How good a state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Good,
    Warn,
    Bad,
    Plain,
}

/// A state.
pub(crate) fn chip(mood: Mood, words: &str) -> Markup {
    let (class, mark) = match mood {
        Mood::Good => ("good", "●"),
        Mood::Warn => ("warn", "▲"),
        Mood::Bad => ("bad", "✕"),
        Mood::Plain => ("plain", "○"),
    };
    html! { span class={ "chip " (class) } { span aria-hidden="true" { (mark) } " " (words) } }
}

/// The most important thing to say of a credential: what keeps it from serving before what its provider says of it.
pub(crate) fn of_credential(credential: &Credential, cooldown: Option<Cooldown>, now: Millis) -> Markup {
    let (mood, words) = state_of(credential, cooldown, now);
    chip(mood, words)
}

/// The same as a mood and words.
pub(crate) fn state_of(
    credential: &Credential,
    cooldown: Option<Cooldown>,
    now: Millis,
) -> (Mood, &'static str) {
    if credential.frozen_at.is_some() {
        return (Mood::Bad, "frozen");
    }
    if !credential.is_active {
        return (Mood::Plain, "inactive");
    }
    if credential.is_expired(now) {
        return (Mood::Bad, "expired");
    }
    if let Some(cooldown) = cooldown {
        return match cooldown.reason.as_str() {
            "bad_key" => (Mood::Bad, "key not accepted"),
            "empty_account" => (Mood::Bad, "account empty"),
            "rate_limited" => (Mood::Warn, "rate-limited"),
            "provider_down" => (Mood::Warn, "provider down"),
            other => (Mood::Warn, other),
        };
    }
    if credential.rotation_due().is_some_and(|due| due <= now) {
        return (Mood::Warn, "due for rotation");
    }
    (Mood::Good, "healthy")
}
