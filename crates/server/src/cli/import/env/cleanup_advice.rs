//! Advice once keys have moved in: lines that can go, keys to rotate, and how programs get them now.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use strongroom_client::Client;
use strongroom_client::wire::import::ImportedRow;
use strongroom_model::Clock;
use strongroom_model::provider::KNOWN;

use super::candidates::{CandidateKey, Candidates};
use super::place::Place;
use super::row;
use crate::cli::exit::CliResult;
use crate::cli::import::send::digest;

/// Work that is left to do by hand.
#[derive(Debug, Default)]
pub(super) struct CleanupAdvice {
    /// First and last lines, by file.
    lines: BTreeMap<Arc<PathBuf>, BTreeSet<(usize, usize)>>,
    /// Variables of the environment.
    variables: BTreeSet<String>,
    /// Names that were taken by what may be another key.
    unproven: Vec<String>,
    /// Names of what is stored and is most likely no key of its provider, and why.
    doubtful: Vec<(String, String)>,
    /// Providers of which a key is stored now.
    providers: BTreeSet<&'static str>,
}

impl CleanupAdvice {
    /// Sorts the keys by what became of them. A line can go only when every key that it holds is stored.
    pub(super) async fn of(
        found: &Candidates,
        imported: &[ImportedRow],
        dry_run: bool,
        client: Option<&Client>,
    ) -> CliResult<Self> {
        let mut advice = Self::default();
        let mut kept = found.unread.clone();
        let places =
            |key: &CandidateKey| key.places.iter().map(|(_, place)| place.clone()).collect::<Vec<_>>();
        for (key, imported) in found.keys.iter().zip(imported) {
            let is_stored = match (imported.outcome.as_str(), client) {
                ("migrated", _) => true,
                ("skipped", Some(client)) if !dry_run => is_the_same(key, imported, client).await?,
                ("skipped", _) => false,
                _ => {
                    kept.extend(places(key));
                    continue;
                }
            };
            if !is_stored {
                kept.extend(places(key));
                advice.unproven.push(key.name.clone());
                continue;
            }
            advice.providers.insert(key.provider.name);
            // Stored is not usable: what it may be a key of needs its line.
            if let Some(doubt) = &key.doubt {
                kept.extend(places(key));
                advice.doubtful.push((key.name.clone(), doubt.why.clone()));
                continue;
            }
            for (variable, place) in &key.places {
                match place {
                    Place::Environment => {
                        advice.variables.insert(variable.clone());
                    }
                    Place::File { path, line, last_line } => {
                        advice.lines.entry(path.clone()).or_default().insert((*line, *last_line));
                    }
                }
            }
        }
        for place in kept {
            if let Place::File { path, line, last_line } = place
                && let Some(lines) = advice.lines.get_mut(&path)
            {
                lines.remove(&(line, last_line));
            }
        }
        advice.lines.retain(|_, lines| !lines.is_empty());
        Ok(advice)
    }

    /// Every line that can go, as `file:line` or `file:first-last`.
    pub(super) fn removable(&self) -> Vec<String> {
        let of_file = |(path, lines): (&Arc<PathBuf>, &BTreeSet<(usize, usize)>)| {
            lines.iter().map(|lines| format!("{}:{}", path.display(), range(lines))).collect::<Vec<_>>()
        };
        self.lines.iter().flat_map(of_file).collect()
    }

    /// Returns the advice, one line each.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut said = Vec::new();
        for (path, lines) in &self.lines {
            let noun = if lines.len() == 1 && lines.iter().all(|(first, last)| first == last) {
                "line"
            } else {
                "lines"
            };
            let lines: Vec<_> = lines.iter().map(range).collect();
            said.push(format!(
                "{}: {noun} {} can go, their keys are in strongroom",
                path.display(),
                lines.join(", ")
            ));
        }
        if !self.variables.is_empty() {
            let variables: Vec<_> = self.variables.iter().map(String::as_str).collect();
            said.push(format!("environment: unset {} where it is set", variables.join(", ")));
        }
        for name in &self.unproven {
            said.push(format!(
                "\"{name}\" was there already and may hold another key: keep its lines until you have compared them \
                 (`strongroom leak check` tells of a line whether its key is stored, and as which credential)"
            ));
        }
        for (name, doubt) in &self.doubtful {
            said.push(format!(
                "\"{name}\" is stored, and {doubt}: keep its lines until a call with it has been served"
            ));
        }
        if self.providers.is_empty() {
            return said;
        }
        said.push(
            "copies of these keys exist (files, backups, shell history): rotate them at their provider"
                .to_owned(),
        );
        for known in KNOWN.iter().filter(|known| self.providers.contains(known.name)) {
            said.push(format!("  {}: {}", known.name, known.keys_page));
        }
        let example = self.providers.iter().next().copied().unwrap_or_default();
        said.push(format!(
            "programs get them by `strongroom run --provider {example} -- COMMAND`, or by GET /api/providers/{example}/credential"
        ));
        said
    }
}

fn range((first, last): &(usize, usize)) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

/// Tells whether the row that stood in the way holds this very key. When it is a credential of the same name, the digest of its own
/// properties and this key must be the digest of what is stored. Otherwise it was skipped for its key alone.
async fn is_the_same(key: &CandidateKey, imported: &ImportedRow, client: &Client) -> CliResult<bool> {
    let Some(credential) = client.find_credential(&key.name).await? else {
        return Ok(imported.digest.is_none());
    };
    // An inactive key, or one that is over, is of no use to a program that relies on the line.
    let is_over = credential.expires_at.is_some_and(|at| at <= Clock::default().local_now());
    if !credential.is_active || is_over {
        return Ok(false);
    }
    let mut same = row(key);
    same.name = credential.name;
    same.provider = credential.provider;
    same.endpoint = credential.endpoint;
    same.priority = Some(credential.priority);
    (same.is_active, same.is_global) = (credential.is_active, credential.is_global);
    same.user_id = credential.user_id;
    same.rate_limit = credential.rate_limit;
    Ok(imported.digest.as_ref() == Some(&digest(&same)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_to_do_is_said_line_by_line() {
        let env = Arc::new(PathBuf::from(".env"));
        let advice = CleanupAdvice {
            lines: [(env, [(3, 3), (7, 9)].into())].into(),
            variables: ["GROQ_API_KEY".to_owned(), "OPENAI_API_KEY".to_owned()].into(),
            unproven: vec!["gemini-primary".to_owned()],
            doubtful: vec![("mistral-primary".to_owned(), "has the form of a key of GitHub".to_owned())],
            providers: ["openai", "groq"].into(),
        };
        assert_eq!(advice.removable(), [".env:3", ".env:7-9"]);
        let said = advice.lines().join("\n");
        for expected in [
            ".env: lines 3, 7-9 can go",
            "unset GROQ_API_KEY, OPENAI_API_KEY",
            "\"gemini-primary\" was there already",
            "\"mistral-primary\" is stored, and has the form of a key of GitHub: keep its lines",
            "openai: https://platform.openai.com/api-keys",
            "groq: https://console.groq.com/keys",
            "strongroom run --provider groq -- COMMAND",
        ] {
            assert!(said.contains(expected), "{expected}:\n{said}");
        }
        assert!(!said.contains("anthropic") && CleanupAdvice::default().lines().is_empty());
    }
}
