//! Routes and aliases: the provider that serves a model which a program names without one.

use std::fmt;
use std::sync::Arc;

use crate::Provider;

/// Patterns of models, each with its provider; the first that fits decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routes(Vec<(Arc<str>, Provider)>);

/// Names that stand for models, each with the models to try in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aliases(Vec<(String, Vec<String>)>);

/// Names of models that programs use, and where they lead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelNames {
    /// The provider that serves a model which is named without one.
    pub routes: Routes,
    /// Names that stand for models, in the order to try.
    pub aliases: Aliases,
}

/// A model at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelAt {
    /// Whose.
    pub provider: Provider,
    /// As the provider names it.
    pub model: String,
    /// The reason why there.
    pub because: Because,
}

/// The reason why a name leads to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// The name begins with one of the providers that strongroom knows by itself.
    Known,
    /// The name begins with a provider that has, or had, a credential.
    Credential,
    /// This pattern of `gateway.model_routes` fits.
    Route(Arc<str>),
}

impl Because {
    /// A stable word for programs.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Credential => "credential",
            Self::Route(_) => "route",
        }
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known => f.write_str("the name begins with this provider"),
            Self::Credential => {
                f.write_str("the name begins with this provider, which has or had a credential")
            }
            Self::Route(pattern) => write!(f, "the route `{pattern}` of gateway.model_routes fits"),
        }
    }
}

/// The place that a name leads to, before the credentials are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lead {
    /// There, whatever is stored.
    There(ModelAt),
    /// To the first, when that provider has or had a credential; else to what a route names, if one does.
    IfStored(ModelAt, Option<ModelAt>),
    /// Nowhere.
    Nowhere,
}

impl Lead {
    /// Tells where it leads, once it is known whether the provider has or had a credential.
    #[must_use]
    pub fn settled(self, is_stored: impl FnOnce(&Provider) -> bool) -> Option<ModelAt> {
        match self {
            Self::There(at) => Some(at),
            Self::IfStored(at, otherwise) => {
                if is_stored(&at.provider) {
                    Some(at)
                } else {
                    otherwise
                }
            }
            Self::Nowhere => None,
        }
    }
}

/// Programs that serve models on one's own machines, as client libraries name them before the slash. What is meant for them
/// is not caught by a pattern that stands for any provider.
const OWN_SERVERS: &[&str] = &[
    "gpt4all",
    "hosted_vllm",
    "jan",
    "koboldcpp",
    "lemonade",
    "llama-cpp",
    "llama.cpp",
    "llama_cpp",
    "llamacpp",
    "llamafile",
    "lm-studio",
    "lm_studio",
    "lmstudio",
    "local",
    "localai",
    "localhost",
    "mlx",
    "ollama",
    "ollama_chat",
    "oobabooga",
    "openllm",
    "sglang",
    "tabbyapi",
    "tgi",
    "triton",
    "vllm",
    "xinference",
];

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
            Ok((Arc::from(pattern), provider))
        };
        pairs(text).map(read).collect::<Result<_, String>>().map(Self)
    }

    /// The places that a name leads to. What stands before a slash is a provider's name wherever it can be one: a prompt for somebody's own
    /// server is not to leave by a pattern that was meant for others.
    #[must_use]
    pub fn lead(&self, name: &str) -> Lead {
        let named = name.split_once('/').and_then(|(provider, model)| {
            let provider = Provider::parse(provider).ok()?;
            Some(ModelAt { provider, model: model.to_owned(), because: Because::Credential })
        });
        let Some(named) = named else {
            return self.route_of(name, |_| true).map_or(Lead::Nowhere, Lead::There);
        };
        if named.model.is_empty() {
            return Lead::Nowhere;
        }
        if named.provider.known().is_some() {
            return Lead::There(ModelAt { because: Because::Known, ..named });
        }
        let is_own = OWN_SERVERS.contains(&named.provider.as_str());
        let otherwise = self.route_of(name, |pattern| !is_own || names_a_provider(pattern));
        Lead::IfStored(named, otherwise)
    }

    fn route_of(&self, name: &str, may: impl Fn(&str) -> bool) -> Option<ModelAt> {
        let (pattern, provider) = self.0.iter().find(|(pattern, _)| may(pattern) && fits(pattern, name))?;
        // `vllm/*=vllm` says whose the model is, and not what it is called there.
        let prefix = name.split_once('/').filter(|(prefix, _)| {
            names_a_provider(pattern) && Provider::parse(prefix).is_ok_and(|named| named == *provider)
        });
        let model = prefix.map_or(name, |(_, model)| model);
        Some(ModelAt {
            provider: provider.clone(),
            model: model.to_owned(),
            because: Because::Route(Arc::clone(pattern)),
        })
    }

    /// Every pattern and its provider, in the order in which they are tried.
    pub fn patterns(&self) -> impl Iterator<Item = (&str, &Provider)> {
        self.0.iter().map(|(pattern, provider)| (&**pattern, provider))
    }
}

/// Tells whether the pattern says itself what stands before the slash.
fn names_a_provider(pattern: &str) -> bool {
    pattern.split_once('/').is_some_and(|(prefix, _)| !prefix.is_empty() && !prefix.contains('*'))
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
            if let Some(lost) = models.iter().find(|model| routes.lead(model) == Lead::Nowhere) {
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

    /// The models that a name stands for, in the order to try; the name itself when it is no alias.
    pub fn models<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let alias = self.0.iter().find(|(alias, _)| alias == name);
        let (models, itself) = match alias {
            Some((_, models)) => (models.as_slice(), None),
            None => (&[][..], Some(name)),
        };
        models.iter().map(String::as_str).chain(itself)
    }

    /// Tells whether a name is an alias.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(alias, _)| alias == name)
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

    fn found(routes: &Routes, aliases: &Aliases, stored: &[&str], name: &str) -> Vec<String> {
        let settled = aliases
            .models(name)
            .filter_map(|model| routes.lead(model).settled(|provider| stored.contains(&provider.as_str())));
        settled.map(|at| format!("{}:{}", at.provider, at.model)).collect()
    }

    #[test]
    fn a_model_is_found_by_its_provider_its_pattern_or_its_alias() {
        let routes = Routes::parse("gpt-*=openai; */*=openrouter").unwrap();
        let aliases = Aliases::parse("fast=groq/llama-3, gpt-4o-mini").unwrap();
        aliases.check(&routes).unwrap();
        let found = |name: &str| found(&routes, &aliases, &[], name);
        assert_eq!(found("gpt-4o"), ["openai:gpt-4o"]);
        assert_eq!(found("google/gemini-x"), ["gemini:gemini-x"]);
        assert_eq!(found("openrouter/meta/llama:free"), ["openrouter:meta/llama:free"]);
        assert_eq!(found("meta/llama:free"), ["openrouter:meta/llama:free"]);
        assert_eq!(found("fast"), ["groq:llama-3", "openai:gpt-4o-mini"]);
        assert_eq!(found("unheard-of"), Vec::<String>::new());
        assert_eq!(aliases.to_string(), "fast=groq/llama-3,gpt-4o-mini");
    }

    #[test]
    fn a_name_goes_where_it_says_or_where_a_route_names_it_and_nowhere_else() {
        const DEFAULT: &str = "gpt-*=openai; claude-*=anthropic";
        const CATCH_ALL: &str = "gpt-*=openai; */*=openrouter";
        const ALL: &str = "*=openrouter";
        const OWN: &str = "vllm/*=vllm; house/*=vllm; meta-llama/*=openrouter";
        for (routes, stored, name, expected) in [
            // Its own provider, however it is spelled, when it has or had a credential.
            (DEFAULT, &["vllm"][..], "vllm/llama-3", Some("vllm:llama-3")),
            (CATCH_ALL, &["vllm"], "vllm/llama-3", Some("vllm:llama-3")),
            (CATCH_ALL, &["vllm"], "vLLM/meta/llama-3", Some("vllm:meta/llama-3")),
            (ALL, &["my-llm.v2"], "my-llm.v2/x", Some("my-llm.v2:x")),
            // Without one it is refused, also where something catches all.
            (DEFAULT, &[], "vllm/llama-3", None),
            (DEFAULT, &[], "ollama/llama3", None),
            (DEFAULT, &["openrouter"], "meta-llama/llama-3", None),
            (CATCH_ALL, &[], "vllm/llama-3", None),
            (CATCH_ALL, &[], "ollama/llama3", None),
            (CATCH_ALL, &["openrouter"], "Ollama/llama3", None),
            (CATCH_ALL, &[], "lm_studio/x", None),
            (ALL, &[], "localai/x", None),
            // What catches all was asked for, and it catches what is no own server's.
            (CATCH_ALL, &[], "meta-llama/llama-3:free", Some("openrouter:meta-llama/llama-3:free")),
            (ALL, &[], "llama-3", Some("openrouter:llama-3")),
            (DEFAULT, &[], "llama-3", None),
            // A route that names the prefix strips it where it is the provider's own name.
            (OWN, &[], "vllm/llama-3", Some("vllm:llama-3")),
            (OWN, &["vllm"], "vllm/meta/llama-3", Some("vllm:meta/llama-3")),
            (OWN, &[], "house/llama-3", Some("vllm:house/llama-3")),
            (OWN, &[], "meta-llama/llama-3", Some("openrouter:meta-llama/llama-3")),
            // Providers that are known by themselves.
            (CATCH_ALL, &[], "groq/llama-3", Some("groq:llama-3")),
            (CATCH_ALL, &[], "mistral/large", Some("mistral:large")),
            // No provider and no model.
            (CATCH_ALL, &["vllm"], "vllm/", None),
            (CATCH_ALL, &[], "openai/", None),
        ] {
            let routes = Routes::parse(routes).unwrap();
            let found = found(&routes, &Aliases::default(), stored, name);
            assert_eq!(found.first().map(String::as_str), expected, "{routes} with {stored:?}: {name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_meant_for_an_own_server_never_goes_to_another(
            own in proptest::sample::select(OWN_SERVERS),
            model in "[a-z0-9./:-]{1,20}",
            pattern in "[*][a-z*]{0,3}(/[*])?",
            is_stored: bool,
        ) {
            let routes = Routes::parse(&format!("{pattern}=openrouter")).unwrap();
            let found = routes.lead(&format!("{own}/{model}")).settled(|_| is_stored);
            assert_eq!(found.map(|at| (at.provider.to_string(), at.model)), is_stored.then(|| (own.to_owned(), model)));
        }
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
