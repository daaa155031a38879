//! The providers that strongroom knows by themselves: one file each in `providers/`, read and checked by the build.

use super::api::*;
use super::key_form::*;
use super::variable::ElsewhereSwitch;

/// Provider as its file describes it.
#[derive(Debug)]
pub struct KnownProvider {
    /// Its name in lower case, which is its file's.
    pub name: &'static str,
    /// Other names that people give it, in lower case.
    pub aliases: &'static [&'static str],
    /// Its name as people write it.
    pub title: &'static str,
    /// Lower is tried first.
    pub priority: i64,
    /// The base URL of its API.
    pub base_url: &'static str,
    /// The page on which people make and revoke keys.
    pub keys_page: &'static str,
    /// The model that is asked for suggestions; `None`: it is not asked.
    pub suggestion_model: Option<&'static str>,
    /// Source of the prices of its models.
    pub prices: PriceSource,
    /// The name under which routers list its models, where they cost there at the most what they cost here.
    pub vendor: Option<&'static str>,
    /// `true` when routers write a dot in a version of its models where the provider writes a dash.
    pub vendor_writes_dots: bool,
    /// `true` when it routes calls to other vendors, whose models it names as `vendor/model`.
    pub resells: bool,
    /// `true` when all its keys have a beginning of their own.
    pub all_keys_are_marked: bool,
    /// Beginnings of tokens of a person's login, which no API key's place can take.
    pub login_prefixes: &'static [&'static str],
    /// Beginnings of keys that manage an account, and call no model.
    pub admin_prefixes: &'static [&'static str],
    /// Environment variables that usually hold its key; the first is the one that is set.
    pub variables: &'static [&'static str],
    /// Further names of such variables, as frameworks and older versions have them.
    pub further_variables: &'static [&'static str],
    /// Further words by which names of variables for its keys say it, in capital letters.
    pub key_words: &'static [&'static str],
    /// Beginnings of the names of variables that hold an address in place of its own.
    pub address_beginnings: &'static [&'static str],
    /// Further variables that hold such an address.
    pub address_variables: &'static [&'static str],
    /// Variables that say that its keys are not for its own API.
    pub elsewhere: &'static [ElsewhereSwitch],
    /// The variable in which its own SDK looks for another base URL.
    pub base_url_variable: Option<&'static str>,
    /// The environment of a command that is to go through the gateway.
    pub run: RunVariables,
    /// The beginning of its own paths on the gateway, from slash to slash.
    pub gateway_prefix: &'static str,
    /// Segment of gateway paths in OpenAI's dialect, where the provider speaks another one too.
    pub openai_below: Option<&'static str>,
    /// `true` when a model's name may have slashes in a path.
    pub models_have_slashes: bool,
    /// Beginnings of paths that clients write, and the one that is meant; the first whose path may be called counts.
    pub spellings: &'static [(&'static str, &'static str)],
    /// Its API on the wire.
    pub api: Api,
}

/// Variables for the clients of a provider in a command that is to go through the gateway.
#[derive(Debug)]
pub struct RunVariables {
    /// Base URLs: the variable, and the path behind the server's address.
    pub base_urls: &'static [(&'static str, &'static str)],
    /// Variables in which clients look for the key.
    pub keys: &'static [&'static str],
    /// Further variables that are set, with their values.
    pub switches: &'static [(&'static str, &'static str)],
    /// Variables that would be taken in place of the above, or sent along with it to an account that it does not belong to.
    pub removed: &'static [&'static str],
}

/// Source of the prices of a provider's models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriceSource {
    /// The price table, in a section of the provider's name.
    Table,
    /// The provider's answers tell their cost.
    Reported,
    /// None: calls are counted, and cost nobody knows how much.
    None,
}

/// Models by a part of their names, wherever they are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelMatch {
    /// The last segment begins so.
    Begins(&'static str),
    /// The last segment has this in it.
    Contains(&'static str),
    /// The whole name begins so.
    WholeBegins(&'static str),
    /// The whole name has this in it.
    WholeContains(&'static str),
    /// The last segment has this word behind a colon.
    Variant(&'static str),
}

/// Effect of a model that does more than its requests say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelEffect {
    /// Unbounded: a call with it is refused under a limit.
    Refused,
    /// The prompt holds what bytes do not bound: no more than the model's window.
    Window,
}

include!(concat!(env!("OUT_DIR"), "/known_providers.rs"));

/// Finds a provider by its name.
#[must_use]
pub fn find(name: &str) -> Option<&'static KnownProvider> {
    KNOWN.iter().find(|known| known.name == name)
}

/// Finds the provider whose own language a dialect is.
#[must_use]
pub fn speaker_of(dialect: Dialect) -> &'static KnownProvider {
    &KNOWN[match dialect {
        Dialect::OpenAi => OPENAI_SPEAKER,
        Dialect::Anthropic => ANTHROPIC_SPEAKER,
        Dialect::Gemini => GEMINI_SPEAKER,
    }]
}
