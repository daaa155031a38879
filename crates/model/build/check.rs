//! Reads the providers' files and refuses what is wrong in one, or in all of them together.

use std::collections::{BTreeMap, BTreeSet};

use super::file::{AddedField, Api, CompatibleFile, Dialect, ProviderFile, Refusal};

/// Facts assumed of a provider without a file; no provider's name.
const COMPATIBLE: &str = "compatible";

/// First segments of paths that are not a provider's on the gateway.
const TAKEN_SEGMENTS: [&str; 6] = ["api", "docs", "health", "metrics", "v1", "v1beta"];

/// All files.
#[derive(Debug)]
pub(crate) struct All {
    /// By priority, then by name.
    pub(crate) providers: Vec<(String, ProviderFile)>,
    pub(crate) compatible: Api,
}

/// Reads all files, each with its name.
///
/// # Errors
/// The file, the fault and what is to be there.
pub(crate) fn read(files: &[(String, String)]) -> Result<All, String> {
    let mut providers = Vec::new();
    let mut compatible = None;
    for (name, text) in files {
        let faulty = |fault: String| format!("providers/{name}.toml: {fault}");
        if name == COMPATIBLE {
            let file: CompatibleFile = toml::from_str(text).map_err(|error| faulty(error.to_string()))?;
            check_day(&file.as_of).and_then(|()| check_api(&file.api)).map_err(faulty)?;
            compatible = Some(file.api);
        } else {
            let file: ProviderFile = toml::from_str(text).map_err(|error| faulty(error.to_string()))?;
            check_file(name, &file).map_err(faulty)?;
            providers.push((name.clone(), file));
        }
    }
    providers.sort_by(|(name, file), (other_name, other)| {
        (file.priority, name).cmp(&(other.priority, other_name))
    });
    let mut compatible = compatible.ok_or("there is no providers/compatible.toml")?;
    check_together(&providers)?;
    let own: BTreeMap<String, Vec<Refusal>> =
        providers.iter().map(|(name, file)| (name.clone(), file.api.refusals.clone())).collect();
    let apis = providers.iter_mut().map(|(_, file)| &mut file.api).chain([&mut compatible]);
    for api in apis {
        if let Some(like) = api.refusals_like.take() {
            let theirs =
                own.get(&like).ok_or_else(|| format!("refusals_like: there is no provider {like:?}"))?;
            api.refusals.extend(theirs.iter().cloned());
        }
    }
    Ok(All { providers, compatible })
}

fn check_file(name: &str, file: &ProviderFile) -> Result<(), String> {
    for name in std::iter::once(name).chain(file.aliases.iter().map(String::as_str)) {
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        ensure(
            name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric) && name.bytes().all(is_plain),
            || format!("{name:?} is no name of a provider"),
        )?;
    }
    ensure(!file.sources.is_empty(), || "sources: name the pages that say so".to_owned())?;
    for url in file.sources.iter().chain([&file.base_url, &file.keys_page]) {
        ensure(url.starts_with("https://"), || format!("{url:?} is no address of a page"))?;
    }
    ensure(!file.base_url.ends_with('/'), || "base_url: leave the slash at its end out".to_owned())?;
    check_day(&file.as_of)?;
    check_api(&file.api)?;
    let begins = &file.gateway.begins;
    let first = begins.trim_start_matches('/').split('/').next().unwrap_or_default();
    ensure(begins.starts_with('/') && begins.ends_with('/') && first == name, || {
        format!("gateway.begins: {begins:?} is to be between slashes, and to begin with {name:?}")
    })?;
    ensure(!TAKEN_SEGMENTS.contains(&name), || format!("{name:?} begins other paths of the server"))?;
    for (written, meant) in &file.gateway.spellings {
        let is_path = |path: &str| path.starts_with('/') && path.ends_with('/');
        ensure(is_path(written) && is_path(meant) && meant.starts_with(begins.as_str()), || {
            format!("gateway.spellings: {written:?} is to lead to what begins with {begins:?}")
        })?;
    }
    ensure(!file.variables.keys.is_empty(), || "variables.keys: there is no variable for a key".to_owned())?;
    for key in &file.keys.marked {
        let is_text = !key.begins.is_empty() && key.begins.is_ascii();
        ensure(is_text && key.begins.len() < key.least && key.least <= key.most && key.most <= 256, || {
            format!(
                "keys.marked: the lengths of {:?} are to be above its own, and 256 at the most",
                key.begins
            )
        })?;
    }
    for models in &file.models {
        let given =
            [&models.begins, &models.contains, &models.whole_begins, &models.whole_contains, &models.variant];
        ensure(given.iter().filter(|part| part.is_some()).count() == 1, || {
            "models: give one of begins, contains, whole_begins, whole_contains, variant".to_owned()
        })?;
    }
    Ok(())
}

fn check_api(api: &Api) -> Result<(), String> {
    ensure(api.key_header == "bearer" || is_header(&api.key_header), || {
        format!("api.key_header: {:?} is neither bearer nor a header's name in lower case", api.key_header)
    })?;
    let sources =
        api.bounds.iter().map(|bound| &bound.source).chain(api.files.iter().map(|files| &files.source));
    for source in sources {
        ensure(source.starts_with("https://"), || format!("api: {source:?} is no address of a page"))?;
    }
    let mut bounds = BTreeSet::new();
    for bound in &api.bounds {
        ensure(bounds.insert(bound.field), || format!("api.bounds: {:?} stands there twice", bound.field))?;
    }
    let mut seen = BTreeSet::new();
    for path in &api.paths {
        let (verb, text) = match (&path.get, &path.post) {
            (Some(path), None) => ("GET", path),
            (None, Some(path)) => ("POST", path),
            _ => return Err("api.paths: give one of get and post".to_owned()),
        };
        ensure(!text.starts_with('/') && !text.ends_with('/') && !text.contains("//"), || {
            format!("api.paths: {text:?} is to be below the base URL")
        })?;
        ensure(seen.insert((verb, text)), || format!("api.paths: {verb} {text} stands there twice"))?;
        let mut fields = BTreeSet::new();
        let named = path.takes.iter().flatten().chain(path.adds.iter().map(|added| &added.field));
        for field in named {
            ensure(fields.insert(field), || format!("api.paths: {text} names the field {field:?} twice"))?;
        }
    }
    for refusal in &api.refusals {
        ensure(refusal.fee_nano_usd >= 0, || "api.refusals: a fee is no less than nothing".to_owned())?;
        let pointers = refusal
            .text
            .iter()
            .map(|text| &text.at)
            .chain(&refusal.nothing_left_at)
            .chain(&refusal.message_at);
        for pointer in pointers {
            ensure(pointer.starts_with('/'), || format!("api.refusals: {pointer:?} is no JSON pointer"))?;
        }
    }
    Ok(())
}

fn check_together(providers: &[(String, ProviderFile)]) -> Result<(), String> {
    let mut names = BTreeSet::new();
    let mut variables = BTreeMap::new();
    let mut vendors = BTreeSet::new();
    let mut added: BTreeMap<(&str, &str), (&str, &AddedField)> = BTreeMap::new();
    for (name, file) in providers {
        for given in std::iter::once(name).chain(&file.aliases) {
            ensure(names.insert(given), || format!("two providers are called {given:?}"))?;
        }
        for variable in file.variables.keys.iter().chain(&file.variables.further_keys) {
            if let Some(other) = variables.insert(variable, name) {
                return Err(format!("{variable} is a variable of {other} and of {name}"));
            }
        }
        if let Some(vendor) = &file.vendor {
            ensure(vendors.insert(vendor), || format!("two providers are the vendor {vendor:?}"))?;
        }
        // One pass over a body does for all providers that it may go to.
        for path in &file.api.paths {
            for field in &path.adds {
                let (other, there) = *added.entry((&path.operation, &field.field)).or_insert((name, field));
                ensure(there.effect == field.effect, || {
                    format!(
                        "{} of {} does another thing at {other} than at {name}",
                        field.field, path.operation
                    )
                })?;
            }
        }
    }
    for dialect in [Dialect::OpenAi, Dialect::Anthropic, Dialect::Gemini] {
        let owns = |file: &ProviderFile| file.api.owns_dialect && file.api.dialect == dialect;
        let owners = providers.iter().filter(|(_, file)| owns(file)).count();
        ensure(owners == 1, || format!("{owners} providers own the dialect {dialect:?}"))?;
    }
    Ok(())
}

fn is_header(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn check_day(day: &str) -> Result<(), String> {
    let is_day = day.len() == 10
        && day.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    ensure(is_day, || format!("as_of: {day:?} is no day such as 2026-01-31"))
}

fn ensure(holds: bool, fault: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(fault()) }
}
