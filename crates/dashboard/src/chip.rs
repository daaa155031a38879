//! States as a mark and a word: no state is told by its colour alone.

use maud::{Markup, html};
use strongroom::Credential;
use strongroom::health::Cooldown;
use strongroom_model::Millis;

use crate::figure;

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

/// What a provider says of a key: how good that is, in a word, and in a sentence.
pub(crate) fn of_health(state: &str) -> (Mood, &'static str, &'static str) {
    match state {
        "bad_key" => (Mood::Bad, "key not accepted", "the provider does not accept the key"),
        "empty_account" => {
            (Mood::Bad, "account empty", "the provider says that the account has nothing left to spend")
        }
        "rate_limited" => (Mood::Warn, "rate-limited", "the provider limits how often the key is used"),
        "provider_down" => (Mood::Warn, "provider down", "the provider fails, or does not answer"),
        "healthy" => (Mood::Good, "healthy", "nothing is known against the key"),
        _ => (Mood::Warn, "refused", "the provider refused the key"),
    }
}

/// The reason that a provider gave last, and since when, where there is one: below the state in a row.
pub(crate) fn since(cooldown: Option<Cooldown>, now: Millis) -> Markup {
    html! { @if let Some(cooldown) = cooldown { span.detail { code { (cooldown.reason.as_str()) } " since " (figure::short_when(cooldown.since, now)) } } }
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
        let (mood, words, _) = of_health(cooldown.reason.as_str());
        return (mood, words);
    }
    if credential.rotation_due().is_some_and(|due| due <= now) {
        return (Mood::Warn, "due for rotation");
    }
    (Mood::Good, "healthy")
}
