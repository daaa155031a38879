//! Which provider serves a model that a program asks the door for all for.

use std::fmt;

use strongroom_model::Provider;

/// Patterns of models, each with its provider; the first that fits decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routes(Vec<(String, Provider)>);

/// Names that stand for models, each with the models to try in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aliases(Vec<(String, Vec<String>)>);

/// A model at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelAt {
    /// Whose.
    pub provider: Provider,
    /// As the provider names it.
    pub model: String,
}

/// `name=value` pairs between semicolons.
fn pairs(text: &str) -> impl Iterator<Item = Result<(&str, &str), String>> {
    text.split(';').map(str::trim).filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) =
            pair.split_once('=').ok_or_else(|| format!("`{pair}` has no `=`; write name=value"))?;
        match (name.trim(), value.trim()) {
            ("", _) | (_, "") => Err(format!("`{pair}` lacks one of its sides; write name=value")),
            pair => Ok(pair),
        }
    })
}

impl Routes {
    /// Reads `pattern=provider; …`; a `*` in a pattern stands for any characters.
    ///
    /// # Errors
    /// What is wrong, and the mend.
    pub fn parse(text: &str) -> Result<Self, String> {
        let read = |pair: Result<(&str, &str), String>| {
            let (pattern, provider) = pair?;
            let provider = Provider::parse(provider).map_err(|problem| problem.message)?;
            Ok((pattern.to_owned(), provider))
        };
        pairs(text).map(read).collect::<Result<_, String>>().map(Self)
    }

    /// The provider that a name of the form `provider/model` says, or the one whose pattern fits.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ModelAt> {
        if let Some((provider, model)) = name.split_once('/')
            && let Ok(provider) = Provider::parse(provider)
            && provider.known().is_some()
            && !model.is_empty()
        {
            return Some(ModelAt { provider, model: model.to_owned() });
        }
        let (_, provider) = self.0.iter().find(|(pattern, _)| fits(pattern, name))?;
        Some(ModelAt { provider: provider.clone(), model: name.to_owned() })
    }
}

impl Aliases {
    /// Reads `name=model,model; …`.
    ///
    /// # Errors
    /// What is wrong, and the mend.
    pub fn parse(text: &str) -> Result<Self, String> {
        let read = |pair: Result<(&str, &str), String>| {
            let (name, models) = pair?;
            let models: Vec<_> = models.split(',').map(|model| model.trim().to_owned()).collect();
            match models.iter().any(String::is_empty) {
                true => Err(format!("the alias `{name}` has an empty place in its list")),
                false => Ok((name.to_owned(), models)),
            }
        };
        pairs(text).map(read).collect::<Result<_, String>>().map(Self)
    }

    /// Whether every alias leads somewhere.
    ///
    /// # Errors
    /// Which does not, and the mend.
    pub fn check(&self, routes: &Routes) -> Result<(), String> {
        for (name, models) in &self.0 {
            if let Some(lost) = models.iter().find(|model| routes.find(model).is_none()) {
                return Err(format!(
                    "the alias `{name}` leads to `{lost}`, which no route fits; write it as provider/model"
                ));
            }
        }
        Ok(())
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Where a model may be had, in the order to try; empty when nobody is known to have it.
    #[must_use]
    pub fn resolve(&self, routes: &Routes, name: &str) -> Vec<ModelAt> {
        match self.0.iter().find(|(alias, _)| alias == name) {
            Some((_, models)) => models.iter().filter_map(|model| routes.find(model)).collect(),
            None => routes.find(name).into_iter().collect(),
        }
    }
}

/// Whether a text fits a pattern whose `*` stand for any characters.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

impl fmt::Display for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (pattern, provider)) in self.0.iter().enumerate() {
            write!(f, "{}{pattern}={provider}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl fmt::Display for Aliases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, models)) in self.0.iter().enumerate() {
            write!(f, "{}{name}={}", if index == 0 { "" } else { "; " }, models.join(","))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_with_its_stars() {
        for (pattern, text, expected) in [
            ("gpt-*", "gpt-4o", true),
            ("gpt-*", "gpt", false),
            ("*", "", true),
            ("*/*", "meta/llama", true),
            ("*/*", "llama", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("exact", "exact", true),
            ("exact", "exactly", false),
            ("a*a", "a", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_model_is_found_by_its_provider_its_pattern_or_its_alias() {
        let routes = Routes::parse("gpt-*=openai; */*=openrouter").unwrap();
        let aliases = Aliases::parse("fast=groq/llama-3, gpt-4o-mini").unwrap();
        aliases.check(&routes).unwrap();
        let found = |name: &str| -> Vec<String> {
            let found = aliases.resolve(&routes, name);
            found.into_iter().map(|at| format!("{}:{}", at.provider, at.model)).collect()
        };
        assert_eq!(found("gpt-4o"), ["openai:gpt-4o"]);
        assert_eq!(found("google/gemini-x"), ["gemini:gemini-x"]);
        assert_eq!(found("openrouter/meta/llama:free"), ["openrouter:meta/llama:free"]);
        assert_eq!(found("meta/llama:free"), ["openrouter:meta/llama:free"]);
        assert_eq!(found("fast"), ["groq:llama-3", "openai:gpt-4o-mini"]);
        assert_eq!(found("unheard-of"), Vec::<String>::new());
        assert_eq!(aliases.to_string(), "fast=groq/llama-3,gpt-4o-mini");
    }

    #[test]
    fn what_leads_nowhere_is_named() {
        for text in ["gpt-*", "=openai", "gpt-*=", "gpt-*=open ai"] {
            assert!(Routes::parse(text).is_err(), "{text}");
        }
        assert!(Aliases::parse("fast=a,,b").is_err());
        let lost = Aliases::parse("fast=unheard-of").unwrap().check(&Routes::default()).unwrap_err();
        assert!(lost.contains("unheard-of"), "{lost}");
    }
}
