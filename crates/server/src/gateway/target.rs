//! From a request to where it may go.

use http::{HeaderMap, Method};
use strongroom_connectors::ai::gateway::{Dialect, Door, Matched, Operation, RequestFacts, upstream_path};
use strongroom_model::{Problem, Provider};

use super::models::{Aliases, ModelAt, Routes};

/// Where a call may go.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Whose API.
    pub(super) provider: Provider,
    /// The path below the base URL.
    pub(super) path: String,
    /// The model, as the provider names it.
    pub(super) model: Option<String>,
    /// Whether the body names another one and has to say this.
    pub(super) renames: bool,
}

/// Where a call through this door may go, in the order to try.
pub(super) fn targets(
    door: Door,
    (rest, matched): (&str, &Matched<'_>),
    facts: &RequestFacts,
    (routes, aliases): (&Routes, &Aliases),
) -> Result<Vec<Target>, Problem> {
    let operation = matched.operation;
    if let Door::Own(provider) = door {
        let model = matched.model.map(ToOwned::to_owned).or_else(|| facts.model.clone());
        let provider = Provider::of_known(provider);
        return Ok(vec![Target { provider, path: rest.to_owned(), model, renames: false }]);
    }
    let gemini = || Provider::of_known("gemini");
    if operation.dialect == Dialect::Gemini {
        let Some(name) = matched.model else {
            return Ok(vec![Target {
                provider: gemini(),
                path: rest.to_owned(),
                model: None,
                renames: false,
            }]);
        };
        let found = aliases.resolve(routes, name);
        let mut targets: Vec<_> = found
            .into_iter()
            .filter(|at| at.provider == gemini())
            .map(|at| Target {
                path: matched.path_with(&at.model),
                provider: at.provider,
                model: Some(at.model),
                renames: false,
            })
            .collect();
        if targets.is_empty() {
            let model = Some(name.to_owned());
            targets.push(Target { provider: gemini(), path: rest.to_owned(), model, renames: false });
        }
        return Ok(targets);
    }
    let Some(name) = &facts.model else {
        return Err(Problem::invalid(
            "model",
            "the body must say which model, as \"model\": \"provider/model\"",
        ));
    };
    let found = aliases.resolve(routes, name);
    let places: Vec<Target> = found.iter().filter_map(|at| place(operation, at)).collect();
    if !places.is_empty() {
        return Ok(places);
    }
    // A name is a short word; what is longer may be anything, and is not repeated.
    let shown = if name.len() <= 80 { format!(" {name:?}") } else { String::new() };
    let message = match found.first() {
        None => format!(
            "no provider is known for the model{shown}: name it as provider/model, such as openai/gpt-4o-mini, or add a \
             route or an alias to the configuration"
        ),
        Some(at) => format!("{} has nothing like {} for the model{shown}", at.provider, operation.name),
    };
    Err(Problem::invalid("model", message))
}

fn place(operation: Operation, at: &ModelAt) -> Option<Target> {
    let path = upstream_path(operation, &at.provider)?.to_owned();
    Some(Target { provider: at.provider.clone(), path, model: Some(at.model.clone()), renames: true })
}

/// Whether the list of models is asked for in the words of Anthropic's clients, which no other provider's list has.
pub(super) fn asks_anthropic_for_models(method: &Method, rest: &str, headers: &HeaderMap) -> bool {
    *method == Method::GET && rest == "v1/models" && headers.contains_key("anthropic-version")
}

#[cfg(test)]
mod tests {
    use strongroom_connectors::ai::gateway::{Meter, door_of};

    use super::*;

    #[test]
    fn an_alias_is_replaced_where_the_model_stands_and_nowhere_else() {
        let routes = Routes::default();
        for alias in ["e", "m", "v1beta", "models", "generateContent"] {
            let aliases = Aliases::parse(&format!("{alias}=gemini/gemini-x")).unwrap();
            let path = format!("/v1beta/models/{alias}:generateContent");
            let (door, rest) = door_of(&path).unwrap();
            let matched = door.find(&Method::POST, rest).unwrap();
            let facts = RequestFacts::unread(Meter::GenerateContent);
            let targets = targets(door, (rest, &matched), &facts, (&routes, &aliases)).unwrap();
            let [target] = targets.as_slice() else { panic!("{targets:?}") };
            assert_eq!(target.path, "v1beta/models/gemini-x:generateContent", "{alias}");
        }
    }
}
