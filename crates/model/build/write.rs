//! Writes the providers' files as constants, so that nothing is read when a program runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Result, Write as _};

use super::check::All;
use super::file::{
    AddedField, Alphabet, Api, Dialect, FieldEffect, FilesEffect, Meter, ModelEffect, Models, Outcome,
    Prices, ProviderFile, ToldTo, Variables,
};

/// The whole file.
pub(crate) fn constants(all: &All) -> std::result::Result<String, std::fmt::Error> {
    let mut out = String::new();
    writeln!(out, "/// The providers that are known, in the order in which they are tried.")?;
    writeln!(out, "pub static KNOWN: &[KnownProvider] = &[")?;
    for (name, file) in &all.providers {
        provider(&mut out, name, file)?;
    }
    writeln!(out, "];\n/// What is taken for granted of a provider that has no file.")?;
    write!(out, "pub static COMPATIBLE: Api = ")?;
    api(&mut out, &all.compatible)?;
    writeln!(out, ";")?;
    for (constant, dialect) in [
        ("OPENAI_SPEAKER", Dialect::OpenAi),
        ("ANTHROPIC_SPEAKER", Dialect::Anthropic),
        ("GEMINI_SPEAKER", Dialect::Gemini),
    ] {
        let owns = |(_, file): &(String, ProviderFile)| file.api.owns_dialect && file.api.dialect == dialect;
        let place = all.providers.iter().position(owns).unwrap_or_default();
        writeln!(out, "const {constant}: usize = {place};")?;
    }
    routes(&mut out, all)?;
    keys(&mut out, all)?;
    added_fields(&mut out, all)?;
    models(&mut out, all).map(|()| out)
}

fn provider(out: &mut String, name: &str, file: &ProviderFile) -> Result {
    let prices = match file.prices {
        Prices::Table => "Table",
        Prices::Reported => "Reported",
        Prices::None => "None",
    };
    let beginnings = address_beginnings(name, file);
    let pairs = |pairs: Vec<(&String, &String)>| format!("&{pairs:?}");
    let run = &file.run;
    writeln!(
        out,
        "KnownProvider {{ name: {name:?}, aliases: &{:?}, title: {:?}, priority: {}, base_url: {:?}, keys_page: {:?}, \
         suggestion_model: {:?}, prices: PriceSource::{prices}, vendor: {:?}, vendor_writes_dots: {}, resells: {}, \
         all_keys_are_marked: {}, login_prefixes: &{:?}, admin_prefixes: &{:?}, variables: &{:?}, \
         further_variables: &{:?}, key_words: &{:?}, address_beginnings: &{beginnings:?}, address_variables: &{:?}, \
         base_url_variable: {:?},",
        file.aliases,
        file.title,
        file.priority,
        file.base_url,
        file.keys_page,
        file.suggestion_model,
        file.vendor,
        file.vendor_writes_dots,
        file.resells,
        file.keys.all_are_marked,
        file.keys.logins,
        file.keys.admin,
        file.variables.keys,
        file.variables.further_keys,
        file.variables.key_words,
        file.variables.addresses,
        file.variables.base_url,
    )?;
    write!(out, "elsewhere: &[")?;
    for switch in &file.variables.elsewhere {
        writeln!(
            out,
            "ElsewhereSwitch {{ variable: {:?}, unless: &{:?}, address: {:?} }},",
            switch.variable, switch.unless, switch.address,
        )?;
    }
    writeln!(out, "],")?;
    writeln!(
        out,
        "run: RunVariables {{ base_urls: {}, keys: &{:?}, switches: {}, removed: &{:?} }},",
        pairs(run.base_urls.iter().map(|it| (&it.variable, &it.path)).collect()),
        run.keys,
        pairs(run.switches.iter().map(|it| (&it.variable, &it.value)).collect()),
        run.removed,
    )?;
    write!(
        out,
        "gateway_prefix: {:?}, openai_below: {:?}, models_have_slashes: {}, spellings: &{:?}, api: ",
        file.gateway.begins,
        file.gateway.openai_below,
        file.gateway.models_have_slashes,
        file.gateway.spellings,
    )?;
    api(out, &file.api)?;
    writeln!(out, "}},")
}

/// Ends of the names of keys, the longest first.
const KEY_ENDS: [&str; 7] =
    ["_API_KEY", "_API_TOKEN", "_AUTH_TOKEN", "_SECRET_KEY", "_ACCESS_TOKEN", "_TOKEN", "_KEY"];

/// Beginnings of the names of variables with an address: the provider's names, and whatever stands before its keys.
fn address_beginnings(name: &str, file: &ProviderFile) -> Vec<String> {
    let Variables { keys, further_keys, address_beginnings, no_address_beginnings, .. } = &file.variables;
    let before_end = |variable: &String| {
        let end = KEY_ENDS.iter().find(|end| variable.ends_with(*end))?;
        Some(variable[..variable.len() - end.len()].to_owned())
    };
    let names = file.aliases.iter().map(String::as_str).chain([name]);
    let mut all: BTreeSet<String> = keys.iter().chain(further_keys).filter_map(before_end).collect();
    all.extend(names.map(|name| name.to_ascii_uppercase().replace(['-', '.'], "_")));
    all.retain(|beginning| !no_address_beginnings.contains(beginning));
    all.extend(address_beginnings.iter().cloned());
    all.into_iter().collect()
}

fn segments(path: &str) -> Vec<&str> {
    path.split('/').collect()
}

fn api(out: &mut String, api: &Api) -> Result {
    let key_header = match api.key_header.as_str() {
        "bearer" => "KeyHeader::Bearer".to_owned(),
        name => format!("KeyHeader::Named({name:?})"),
    };
    let files = match api.files.as_ref().map(|files| files.effect) {
        Some(FilesEffect::Window) => "Window",
        Some(FilesEffect::Fee) => "Fee",
        // Nobody says what becomes of them.
        Some(FilesEffect::Refused) | None => "Refused",
    };
    let bounds: Vec<_> = api.bounds.iter().map(|bound| format!("BoundField::{:?}", bound.field)).collect();
    let headers: Vec<_> = api.fixed_headers.iter().map(|header| (&header.name, &header.value)).collect();
    writeln!(
        out,
        "Api {{ dialect: Dialect::{:?}, key_header: {key_header}, fixed_headers: &{headers:?}, bounds: &[{}], \
         files: FilesEffect::{files}, unrolls_schemas: {}, reports_cost: {}, tells_usage_unasked: {}, \
         errors_in: &{:?}, paths: &[",
        api.dialect,
        bounds.join(", "),
        api.unrolls_schemas,
        api.reports_cost,
        api.tells_usage_unasked,
        api.errors_in,
    )?;
    for path in &api.paths {
        let (verb, text) = match (&path.get, &path.post) {
            (Some(path), _) => ("Get", path.as_str()),
            (_, path) => ("Post", path.as_deref().unwrap_or_default()),
        };
        let meter = match path.meter {
            Meter::Chat => "Chat",
            Meter::Responses => "Responses",
            Meter::Embeddings => "Embeddings",
            Meter::Messages => "Messages",
            Meter::GenerateContent => "GenerateContent",
            Meter::Free => "Free",
            Meter::Unmetered => "Unmetered",
        };
        let takes = path.takes.as_ref().map_or("None".to_owned(), |takes| format!("Some(&{takes:?})"));
        write!(
            out,
            "ApiPath {{ verb: Verb::{verb}, path: {text:?}, operation: Operation {{ name: {:?}, dialect: Dialect::{:?}, \
             meter: Meter::{meter} }}, takes: {takes}, adds: &[",
            path.operation,
            path.dialect.unwrap_or(api.dialect),
        )?;
        for field in &path.adds {
            added(out, field)?;
            write!(out, ",")?;
        }
        writeln!(out, "] }},")?;
    }
    writeln!(
        out,
        "], probe: Probe {{ path: &{:?}, query: {:?}, accepted: {:?} }}, refusals: &[",
        segments(&api.probe.path),
        api.probe.query,
        api.probe.accepted,
    )?;
    for refusal in &api.refusals {
        let text = refusal.text.as_ref();
        let text = text.map_or("None".to_owned(), |text| format!("Some(({:?}, &{:?}))", text.at, text.is));
        let outcome = match refusal.outcome {
            Outcome::BadKey => "BadKey",
            Outcome::EmptyAccount => "EmptyAccount",
            Outcome::RateLimited => "RateLimited",
            Outcome::Unexpected => "Unexpected",
        };
        let at = refusal.message_at.as_deref().unwrap_or("/error/message");
        let words = |words: &Option<String>| {
            words.as_ref().map_or("None".to_owned(), |words| format!("Some(({at:?}, {words:?}))"))
        };
        writeln!(
            out,
            "Refusal {{ statuses: &{:?}, text: {text}, message: {}, message_begins: {}, message_ends: &{:?}, reasons: &{:?}, \
             without_detail: {:?}, nothing_left_at: {:?}, outcome: ProbeOutcome::{outcome}, in_calls: InCalls::{:?}, \
             fee_nano_usd: {}, words: {:?} }},",
            refusal.statuses,
            words(&refusal.message),
            words(&refusal.message_begins),
            refusal.message_ends,
            refusal.reasons,
            refusal.without_detail,
            refusal.nothing_left_at,
            refusal.in_calls,
            refusal.fee_nano_usd,
            refusal.words,
        )?;
    }
    let minting = api.minting.as_ref().map_or("None".to_owned(), |minting| {
        let (path, key, id) = (segments(&minting.path), &minting.key, &minting.id);
        format!("Some(Minting {{ path: &{path:?}, key: {key:?}, id: {id:?} }})")
    });
    let (teller, path) = match &api.last_use {
        None => ("Nobody", Vec::new()),
        Some(told) => (if told.told_to == ToldTo::Key { "Key" } else { "Minter" }, segments(&told.path)),
    };
    let fee = api.refusals.iter().map(|refusal| refusal.fee_nano_usd).max().unwrap_or_default();
    write!(
        out,
        "], refusal_fee_nano_usd: {fee}, minting: {minting}, last_use: Teller::{teller}, last_use_path: &{path:?} }}"
    )
}

/// Patterns of models with their providers, in the form of the setting.
fn routes(out: &mut String, all: &All) -> Result {
    let routes: Vec<_> = all
        .providers
        .iter()
        .flat_map(|(name, file)| file.model_patterns.iter().map(move |pattern| format!("{pattern}={name}")))
        .collect();
    writeln!(out, "/// Which provider serves a model that is named without one, as `pattern=provider; …`.")?;
    writeln!(out, "pub const MODEL_ROUTES: &str = {:?};", routes.join("; "))
}

fn keys(out: &mut String, all: &All) -> Result {
    let mut marked: Vec<_> = all
        .providers
        .iter()
        .flat_map(|(name, file)| file.keys.marked.iter().map(move |key| (name, key)))
        .collect();
    // Of one beginning the narrowest comes first.
    marked.sort_by_key(|(_, key)| (usize::MAX - key.begins.len(), &key.begins, key.most - key.least));
    writeln!(out, "/// Keys with a beginning of their own, the most telling beginnings first.")?;
    writeln!(out, "pub static MARKED_KEYS: &[MarkedKey] = &[")?;
    for (name, key) in marked {
        let alphabet = match key.of {
            Alphabet::Plain => "Plain",
            Alphabet::LowerPlain => "LowerPlain",
            Alphabet::Dashed => "Dashed",
            Alphabet::DashedRun => "DashedRun",
        };
        writeln!(
            out,
            "MarkedKey {{ prefix: {:?}, kind: {name:?}, least: {}, most: {}, alphabet: Alphabet::{alphabet}, \
             is_shared: {} }},",
            key.begins, key.least, key.most, key.is_shared,
        )?;
    }
    writeln!(out, "];\n/// Keys without a mark.\npub static UNMARKED_KEYS: &[UnmarkedKey] = &[")?;
    for (name, file) in &all.providers {
        for key in &file.keys.unmarked {
            writeln!(
                out,
                "UnmarkedKey {{ word: {:?}, kind: {name:?}, length: {}, is_hex: {} }},",
                key.behind, key.length, key.is_hex,
            )?;
        }
    }
    writeln!(out, "];")
}

fn added(out: &mut String, field: &AddedField) -> Result {
    let effect = match field.effect {
        FieldEffect::Bytes => "Bytes",
        FieldEffect::Window => "Window",
        FieldEffect::Refused => "Refused",
        FieldEffect::Deferred => "Deferred",
    };
    write!(out, "AddedField {{ name: {:?}, effect: FieldEffect::{effect} }}", field.field)
}

/// The fields that single providers have added, each once: what a field does is the same at all of them.
fn added_fields(out: &mut String, all: &All) -> Result {
    let paths = all.providers.iter().flat_map(|(_, file)| &file.api.paths);
    let fields: BTreeMap<_, _> = paths
        .flat_map(|path| path.adds.iter().map(move |field| ((&path.operation, &field.field), field)))
        .collect();
    writeln!(out, "/// Fields that single providers have added to operations, in the order of both names.")?;
    writeln!(out, "pub static ADDED_FIELDS: &[(&str, AddedField)] = &[")?;
    for ((operation, _), field) in fields {
        write!(out, "({operation:?}, ")?;
        added(out, field)?;
        writeln!(out, "),")?;
    }
    writeln!(out, "];")
}

fn models(out: &mut String, all: &All) -> Result {
    let mut special: Vec<&Models> = all.providers.iter().flat_map(|(_, file)| &file.models).collect();
    special.sort_by_key(|models| models.effect);
    writeln!(out, "/// Models that do more than their requests say; the first that fits decides.")?;
    writeln!(out, "pub static SPECIAL_MODELS: &[(ModelMatch, ModelEffect)] = &[")?;
    for models in special {
        let (form, text) = match models {
            Models { begins: Some(text), .. } => ("Begins", text),
            Models { contains: Some(text), .. } => ("Contains", text),
            Models { whole_begins: Some(text), .. } => ("WholeBegins", text),
            Models { whole_contains: Some(text), .. } => ("WholeContains", text),
            Models { variant: Some(text), .. } => ("Variant", text),
            _ => continue,
        };
        let effect = match models.effect {
            ModelEffect::Refused => "Refused",
            ModelEffect::Window => "Window",
        };
        writeln!(out, "(ModelMatch::{form}({text:?}), ModelEffect::{effect}),")?;
    }
    writeln!(out, "];")
}
