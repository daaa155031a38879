//! Section `ai`: which models the AI service asks.

use std::collections::BTreeMap;

use strongroom::ai::Models;
use strongroom_model::Provider;

use super::reader::Reader;
use super::setting::{DefaultValue, Setting, ValueKind};

/// Models that the AI service asks.
#[derive(Debug, Clone)]
pub struct AiConfig {
    /// Other models than the usual ones, by provider.
    pub others: BTreeMap<Provider, String>,
}

impl AiConfig {
    /// All models, in the order in which they are asked.
    #[must_use]
    pub fn models(&self) -> Models {
        Models::default().with(self.others.clone())
    }
}

const MODELS: Setting = Setting {
    section: "ai",
    key: "models",
    variables: &["STRONGROOM_AI_MODELS"],
    flag: None,
    kind: ValueKind::Text,
    default: DefaultValue::Value(""),
    sample: r#"models = "openai=gpt-4o-mini; anthropic=claude-haiku-4-5""#,
    doc: "Which model of a provider `ai suggest` asks, where it is not to be the usual one.",
    show: |config| {
        let pairs = config.ai.others.iter().map(|(provider, model)| format!("{provider}={model}"));
        pairs.collect::<Vec<_>>().join("; ")
    },
};

pub(super) const SETTINGS: &[Setting] = &[MODELS];

pub(super) fn read(reader: &mut Reader<'_>) -> Option<AiConfig> {
    reader.read(&MODELS, |text, _| parse(text)).map(|others| AiConfig { others })
}

fn parse(text: &str) -> Result<BTreeMap<Provider, String>, String> {
    let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (provider, model) = part
                .split_once('=')
                .ok_or_else(|| format!("`{part}` has no `=`: write provider=model; provider=model"))?;
            let provider = Provider::parse(provider).map_err(|problem| problem.message)?;
            let model = model.trim();
            if model.is_empty() {
                Err(format!("no model is named for {provider}"))
            } else {
                Ok((provider, model.to_owned()))
            }
        })
        .collect()
}
