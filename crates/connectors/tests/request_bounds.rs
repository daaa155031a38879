//! The bound of a call over the bodies that the providers' own libraries write, and whatever is made of them.

use proptest::prelude::*;
use strongroom_connectors::ai::gateway::{Meter, Operation, RequestError, RequestFacts, route_of};
use strongroom_model::Provider;
use strongroom_model::usage::CallBound;

#[path = "request_bounds/json.rs"]
mod json;
#[path = "request_bounds/reference.rs"]
mod reference;

use json::{Json, Random, Style};

/// A body that a library wrote.
struct Golden {
    library: String,
    path: String,
    body: String,
}

impl Golden {
    fn operation(&self) -> Operation {
        let (route, rest) = route_of(&self.path).expect("a path of the gateway");
        let matched = route.find(&http::Method::POST, rest);
        matched.unwrap_or_else(|| panic!("{} is not let through", self.path)).operation
    }
}

/// `testkit/golden/requests/`: one file per library.
fn goldens() -> Vec<Golden> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testkit/golden/requests");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let mut goldens = Vec::new();
    for file in files {
        let library = file.file_stem().expect("a name").to_string_lossy().into_owned();
        for line in std::fs::read_to_string(&file).expect("text").lines() {
            let line = line.strip_prefix("{\"path\":\"").and_then(|line| line.strip_suffix('}'));
            let (path, body) = line.and_then(|line| line.split_once("\",\"body\":")).expect("a request");
            goldens.push(Golden { library: library.clone(), path: path.to_owned(), body: body.to_owned() });
        }
    }
    goldens
}

fn is_bounded(operation: Operation) -> bool {
    !matches!(operation.meter, Meter::Free | Meter::Unmetered)
}

/// Fields that nothing bounds although the libraries write them, and why.
const UNCLEAR: &[(&str, &str)] = &[
    // Tools that the provider carries out: it runs the model again over all that came before, as often as it likes.
    ("responses", "tools[0].type"),
    ("messages", "tools[0].type"),
    ("messages", "mcp_servers"),
    ("chat.completions", "tools[0].type"),
    ("chat.completions", "compound_custom"),
    ("chat.completions", "search_settings"),
    ("chat.completions", "plugins[0].id"),
    // A model that does so by itself.
    ("chat.completions", "model"),
    // Another model may answer.
    ("chat.completions", "models"),
    // A stored prompt brings tools and settings of its own.
    ("responses", "prompt"),
    // The conversation is summed up by another run of the model.
    ("messages", "context_management.edits[0].type"),
];

#[test]
fn what_the_libraries_write_is_understood() {
    let goldens = goldens();
    for library in ["openai", "anthropic", "google-genai", "groq", "node"] {
        assert!(goldens.iter().filter(|golden| golden.library == library).count() > 20, "{library}");
    }
    let mut used = vec![false; UNCLEAR.len()];
    for golden in &goldens {
        let operation = golden.operation();
        let facts = RequestFacts::read(operation, golden.body.as_bytes())
            .unwrap_or_else(|error| panic!("{error:?}: {} {}", golden.path, golden.body));
        let provider = Provider::of_known("openai");
        if let Some(name) = facts.bound_at(&provider, facts.model.as_deref()).unclear {
            let known = UNCLEAR.iter().position(|(of, field)| *of == operation.name && **field == *name);
            let known =
                known.unwrap_or_else(|| panic!("{name} is not understood: {} {}", golden.path, golden.body));
            used[known] = true;
        }
    }
    let unused: Vec<_> = UNCLEAR.iter().zip(used).filter(|(_, used)| !used).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn the_bound_is_no_less_than_what_a_slow_reading_finds() {
    let (mut windows, mut texts) = (0, 0);
    for golden in goldens().iter().filter(|golden| is_bounded(golden.operation())) {
        let facts = RequestFacts::read(golden.operation(), golden.body.as_bytes()).unwrap();
        let bound = &facts.bound;
        let least = reference::least(golden.operation(), &golden.body);
        let shown = || format!("{bound:?}\n{least:?}\n{} {}", golden.path, golden.body);
        if bound.unclear.is_some() {
            continue;
        }
        match (least.input, bound.input) {
            (None, given) => {
                windows += 1;
                assert_eq!(given, None, "{}", shown());
            }
            (Some(least), Some(given)) => {
                texts += 1;
                assert!(given.get() >= least, "{}", shown());
            }
            (Some(_), None) => (),
        }
        match (least.output, bound.output) {
            (None, given) => assert_eq!(given, None, "{}", shown()),
            (Some(least), Some(given)) => assert!(given.get() >= least, "{}", shown()),
            (Some(_), None) => (),
        }
        assert!(bound.answers.get() >= least.answers, "{}", shown());
        assert!(bound.prompts.get() >= least.prompts, "{}", shown());
    }
    assert!(windows > 50 && texts > 300, "{windows} {texts}");
}

/// The bounds of a body wherever it may go; `None` where it is refused whole.
fn bounds(operation: Operation, body: &str) -> Option<Vec<CallBound>> {
    let facts = match RequestFacts::read(operation, body.as_bytes()) {
        Ok(facts) => facts,
        Err(RequestError::NotJson) => panic!("it is JSON: {body}"),
        Err(_) => return None,
    };
    let model = facts.model.clone();
    let at = |name| facts.bound_at(&Provider::of_known(name), model.as_deref());
    Some(vec![facts.bound.clone(), at("openai"), at("gemini"), at("deepseek")])
}

/// Tells whether one bound is no less than another: what is not understood is above the model's own bounds, and those above
/// figures.
fn is_no_less(one: &CallBound, other: &CallBound) -> bool {
    if one.unclear.is_some() {
        return true;
    }
    let above =
        |one: Option<_>, other: Option<_>| one.is_none() || other.is_some_and(|other| one >= Some(other));
    other.unclear.is_none()
        && above(one.input, other.input)
        && above(one.output, other.output)
        && one.answers >= other.answers
        && one.prompts >= other.prompts
}

/// A change that must not lower a bound.
#[derive(Debug, Clone, Copy)]
enum Change {
    Nothing,
    Case,
    Twice,
    Quoted,
    Added,
}

fn changed(golden: &Golden, change: Change, style: Style, seed: u64) -> Result<(), TestCaseError> {
    let operation = golden.operation();
    let mut random = Random::new(seed);
    let mut body = Json::parse(&golden.body);
    let before = body.written(Style::PLAIN, &mut random);
    match change {
        Change::Nothing => (),
        Change::Case => body.change_case(&mut random),
        Change::Twice => body.give_twice(&mut random),
        Change::Quoted => body.quote(&mut random),
        Change::Added => body.add(&mut random),
    }
    let after = body.written(style, &mut random);
    let Some(changed) = bounds(operation, &after) else { return Ok(()) };
    let Some(plain) = bounds(operation, &before) else {
        return Err(TestCaseError::fail(format!("refused: {before}")));
    };
    for (changed, plain) in changed.iter().zip(&plain) {
        prop_assert!(is_no_less(changed, plain), "{change:?}\n{plain:?}\n{before}\n{changed:?}\n{after}");
        if matches!(change, Change::Nothing) {
            prop_assert_eq!(changed.unclear.is_some(), plain.unclear.is_some(), "{}", after);
            prop_assert_eq!(changed.output.is_some(), plain.output.is_some(), "{}", after);
            prop_assert_eq!(changed.input.is_some(), plain.input.is_some(), "{}", after);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn no_spelling_and_no_addition_lowers_the_bound(
        place: prop::sample::Index,
        change in prop_oneof![
            Just(Change::Nothing), Just(Change::Case), Just(Change::Twice), Just(Change::Quoted), Just(Change::Added)
        ],
        escapes in prop_oneof![Just(0), Just(20), Just(100)],
        gaps in prop_oneof![Just(0), Just(30)],
        shuffles: bool,
        seed: u64,
    ) {
        static GOLDENS: std::sync::LazyLock<Vec<Golden>> = std::sync::LazyLock::new(|| {
            goldens().into_iter().filter(|golden| is_bounded(golden.operation())).collect()
        });
        changed(place.get(&GOLDENS), change, Style { escapes, gaps, shuffles }, seed)?;
    }
}
