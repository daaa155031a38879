//! Providers' names as people type them.

use strongroom_model::Provider;
use strongroom_model::provider::KNOWN;

use super::output::Output;

/// Similarity by Jaro and Winkler, of 0 to 1, from which on a name is taken for a misspelt one.
const LIKELY_MISSPELT: f64 = 0.88;

/// Warns of names that are no known provider's but nearly one's. They are taken all the same: a provider with an endpoint
/// of its own may have any name.
pub(super) fn warn_if_misspelt<'n>(names: impl IntoIterator<Item = &'n String>, output: &Output) {
    for name in names {
        if let Some(known) = nearly(name) {
            output.warn(&format!(
                "no provider known to strongroom is called \"{name}\": did you mean {known}?"
            ));
        }
    }
}

/// The known provider that the name is a likely misspelling of.
fn nearly(name: &str) -> Option<&'static str> {
    let provider = Provider::parse(name).ok()?;
    if provider.known().is_some() {
        return None;
    }
    let likeness = |known: &str| strsim::jaro_winkler(provider.as_str(), known);
    let names = KNOWN.iter().map(|known| known.name);
    names
        .map(|known| (known, likeness(known)))
        .filter(|(_, likeness)| *likeness >= LIKELY_MISSPELT)
        .max_by(|one, other| one.1.total_cmp(&other.1))
        .map(|(known, _)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_seen_and_another_name_is_left_alone() {
        for (given, meant) in [
            ("opnai", Some("openai")),
            ("opneai", Some("openai")),
            ("open-ai", Some("openai")),
            ("antrhopic", Some("anthropic")),
            ("anthropics", Some("anthropic")),
            ("gemni", Some("gemini")),
            ("openroute", Some("openrouter")),
            ("groqq", Some("groq")),
            ("OpenAI", None),
            ("google", None),
            ("grok", None),
            ("azure", None),
            ("acme", None),
            ("ollama", None),
            ("fireworks", None),
            ("vertex", None),
            ("not a name", None),
        ] {
            assert_eq!(nearly(given), meant, "{given}");
        }
    }
}
