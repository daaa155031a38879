//! From a request to where it may go.

use http::request::Parts;
use http::{HeaderMap, Method};
use strongroom::call::CallService;
use strongroom_connectors::ai::gateway::{
    Closed, Dialect, Matched, Operation, RequestFacts, Route, closed, route_of, upstream_path,
};
use strongroom_model::model_route::{Lead, ModelAt, ModelNames};
use strongroom_model::provider::speaker_of;
use strongroom_model::{Problem, Provider};

/// Destination of a call.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Whose API.
    pub(super) provider: Provider,
    /// The path below the base URL.
    pub(super) path: String,
    /// The model, as the provider names it.
    pub(super) model: Option<String>,
    /// True when the body names another model and has to say this one.
    pub(super) renames: bool,
}

/// The entry of the gateway's list that a path is.
pub(super) struct Located<'p> {
    /// Tells whether the path is one provider's, or for all of them.
    pub(super) route: Route,
    /// The path behind the provider's name.
    pub(super) rest: &'p str,
    /// The operation, and the model if the path names it.
    pub(super) matched: Matched<'p>,
}

/// Returns the destinations of a call, in the order to try.
pub(super) async fn targets(
    located: &Located<'_>,
    facts: &RequestFacts,
    names: &ModelNames,
    calls: &CallService,
) -> Result<Vec<Target>, Problem> {
    let Located { route, rest, matched } = located;
    let operation = matched.operation;
    if let Route::Native(provider) = *route {
        let model = matched.model.map(ToOwned::to_owned).or_else(|| facts.model.clone());
        let provider = Provider::of_known(provider);
        return Ok(vec![Target { provider, path: (*rest).to_owned(), model, renames: false }]);
    }
    if operation.dialect == Dialect::Gemini {
        return of_gemini(rest, matched, names);
    }
    let Some(name) = &facts.model else {
        return Err(Problem::invalid(
            "model",
            "the body must say which model, as \"model\": \"provider/model\"",
        ));
    };
    let found = resolve(name, names, calls).await?;
    let places: Vec<Target> = found.iter().filter_map(|at| place(operation, at)).collect();
    if !places.is_empty() {
        return Ok(places);
    }
    Err(match found.first() {
        None => unknown(name),
        Some(at) => Problem::invalid(
            "model",
            format!("{} has nothing like {} for the model{}", at.provider, operation.name, shown(name)),
        ),
    })
}

/// Returns the models that a name or an alias leads to, in the order to try; empty when there is none.
pub(super) async fn resolve(
    name: &str,
    names: &ModelNames,
    calls: &CallService,
) -> Result<Vec<ModelAt>, Problem> {
    let mut found = Vec::with_capacity(1);
    for model in names.aliases.models(name) {
        let lead = names.routes.lead(model);
        let is_stored = match &lead {
            // Boxed: most names are of providers that are known by themselves.
            Lead::IfStored(at, otherwise) => Box::pin(calls.knows(&at.provider, otherwise.is_none())).await?,
            Lead::There(_) | Lead::Nowhere => false,
        };
        found.extend(lead.settled(|_| is_stored));
    }
    Ok(found)
}

/// A name is a short word; what is longer may be anything, and is not repeated.
fn shown(name: &str) -> String {
    if name.len() <= 80 { format!(" {name:?}") } else { String::new() }
}

/// The refusal of a name that leads nowhere, with the remedy.
pub(super) fn unknown(name: &str) -> Problem {
    let provider = name.split_once('/').and_then(|(provider, _)| Provider::parse(provider).ok());
    let message = match provider.filter(|provider| provider.known().is_none() && !name.ends_with('/')) {
        Some(provider) => format!(
            "no credential of a provider {provider} was ever stored, and no route names it, so the model{} goes nowhere: add \
             one with `strongroom credential add NAME --provider {provider} --endpoint URL`, write \
             openrouter/{provider}/… when OpenRouter is to serve it, or add a route such as {provider}/*=openrouter to \
             gateway.model_routes",
            shown(name)
        ),
        None => format!(
            "no provider is known for the model{}: name it as provider/model, such as openai/gpt-4o-mini, or add a route or an \
             alias to the configuration",
            shown(name)
        ),
    };
    Problem::invalid("model", message)
}

/// Gemini's own paths name the model. A name that is said to be another provider's does not go to Gemini for that.
fn of_gemini(rest: &str, matched: &Matched<'_>, names: &ModelNames) -> Result<Vec<Target>, Problem> {
    let gemini = || Provider::of_known(speaker_of(Dialect::Gemini).name);
    let as_it_is = |model: Option<&str>| {
        vec![Target {
            provider: gemini(),
            path: rest.to_owned(),
            model: model.map(str::to_owned),
            renames: false,
        }]
    };
    let Some(name) = matched.model else { return Ok(as_it_is(None)) };
    // No name in a path has a slash, so what is stored decides nothing here.
    let leads: Vec<_> =
        names.aliases.models(name).filter_map(|model| names.routes.lead(model).settled(|_| true)).collect();
    let targets: Vec<_> = leads
        .iter()
        .filter(|at| at.provider == gemini())
        .map(|at| Target {
            path: matched.path_with(&at.model),
            provider: gemini(),
            model: Some(at.model.clone()),
            renames: false,
        })
        .collect();
    match leads.first() {
        _ if !targets.is_empty() => Ok(targets),
        Some(at) => Err(Problem::invalid(
            "model",
            format!(
                "the model{} is {}'s, which has nothing like {}: ask for it on /v1/chat/completions",
                shown(name),
                at.provider,
                matched.operation.name
            ),
        )),
        None => Ok(as_it_is(Some(name))),
    }
}

fn place(operation: Operation, at: &ModelAt) -> Option<Target> {
    let path = upstream_path(operation, &at.provider)?.to_owned();
    Some(Target { provider: at.provider.clone(), path, model: Some(at.model.clone()), renames: true })
}

/// The entry of the list that a path is, if it is one.
pub(super) fn locate<'p>(parts: &Parts, path: &'p str) -> Option<Located<'p>> {
    let (mut route, rest) = route_of(path)?;
    if route == Route::Unified && asks_anthropic_for_models(&parts.method, rest, &parts.headers) {
        route = Route::Native(speaker_of(Dialect::Anthropic).name);
    }
    Some(Located { route, rest, matched: route.find(&parts.method, rest)? })
}

/// The refusal of a path that is not let through: that it is closed, or that there is none.
pub(super) fn nowhere(method: &Method, path: &str) -> Problem {
    let Closed { asked, nearest, is_forbidden } = closed(method, path);
    if is_forbidden {
        return Problem::denied(format!(
            "{asked} is not let through: the gateway takes calls to models, and none to keys, accounts, files or batches; the \
             nearest that it takes is {nearest}"
        ));
    }
    Problem::not_found(format!(
        "there is no {asked} here; the nearest that the gateway takes is {nearest}, see docs/gateway.md for base URLs"
    ))
}

/// Tells whether the list of models is asked for in the words of Anthropic's clients, which no other provider's list has.
fn asks_anthropic_for_models(method: &Method, rest: &str, headers: &HeaderMap) -> bool {
    *method == Method::GET && rest == "v1/models" && headers.contains_key("anthropic-version")
}

#[cfg(test)]
mod tests {
    use strongroom_model::model_route::{Aliases, Routes};

    use super::*;

    fn gemini(aliases: &str, routes: &str, model: &str) -> Result<Vec<Target>, Problem> {
        let path = format!("/v1beta/models/{model}:generateContent");
        let (route, rest) = route_of(&path).unwrap();
        let matched = route.find(&Method::POST, rest).unwrap();
        let names =
            ModelNames { routes: Routes::parse(routes).unwrap(), aliases: Aliases::parse(aliases).unwrap() };
        of_gemini(rest, &matched, &names)
    }

    #[test]
    fn an_alias_is_replaced_where_the_model_stands_and_nowhere_else() {
        for alias in ["e", "m", "v1beta", "models", "generateContent"] {
            let targets = gemini(&format!("{alias}=gemini/gemini-x"), "", alias).unwrap();
            let [target] = targets.as_slice() else { panic!("{targets:?}") };
            assert_eq!(target.path, "v1beta/models/gemini-x:generateContent", "{alias}");
        }
    }

    #[test]
    fn what_is_another_providers_does_not_go_to_gemini_by_its_path() {
        let routes = "gpt-*=openai; gemini-*=gemini";
        for model in ["gpt-x", "fast"] {
            let refused = gemini("fast=groq/llama-x,vllm/x", routes, model).unwrap_err();
            assert!(refused.message.contains("nothing like"), "{}", refused.message);
        }
        for model in ["gemini-x", "imagen-4", "text-embedding-004"] {
            assert_eq!(gemini("", routes, model).unwrap().len(), 1, "{model}");
        }
    }

    #[test]
    fn a_name_that_leads_nowhere_is_told_with_the_remedy() {
        for (name, remedy) in [
            ("vllm/llama-3", "strongroom credential add NAME --provider vllm"),
            ("meta-llama/llama-3", "openrouter/meta-llama/"),
            ("llama-3", "provider/model"),
            ("a b/c", "provider/model"),
            ("vllm/", "provider/model"),
        ] {
            let problem = unknown(name);
            assert!(problem.message.contains(remedy), "{}", problem.message);
        }
        assert!(!unknown(&"x".repeat(100)).message.contains("xxx"));
    }
}
