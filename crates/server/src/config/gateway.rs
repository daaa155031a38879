//! Section `gateway`: how calls go on to the providers.

use strongroom_model::model_route::{Aliases, ModelNames, Routes};
use strongroom_model::provider::MODEL_ROUTES;

use super::reader::{Reader, whole_number};
use super::setting::{DefaultValue, Setting, ValueKind};

/// Settings of calls to the providers.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// Seconds until a provider must be connected to, TLS included.
    pub connect_timeout_seconds: u32,
    /// Seconds until the head of a provider's answer must be there.
    pub first_byte_timeout_seconds: u32,
    /// Seconds that an answer may pause.
    pub idle_timeout_seconds: u32,
    /// Names of models, and where they lead.
    pub names: ModelNames,
}

const CONNECT_TIMEOUT: Setting = Setting {
    section: "gateway",
    key: "connect_timeout_seconds",
    variables: &["STRONGROOM_GATEWAY_CONNECT_TIMEOUT_SECONDS"],
    flag: None,
    kind: ValueKind::Number,
    default: DefaultValue::Value("5"),
    sample: "connect_timeout_seconds = 5",
    doc: "How long connecting to a provider may take, TLS included.",
    show: |config| config.gateway.connect_timeout_seconds.to_string(),
};

const FIRST_BYTE_TIMEOUT: Setting = Setting {
    section: "gateway",
    key: "first_byte_timeout_seconds",
    variables: &["STRONGROOM_GATEWAY_FIRST_BYTE_TIMEOUT_SECONDS"],
    flag: None,
    kind: ValueKind::Number,
    default: DefaultValue::Value("600"),
    sample: "first_byte_timeout_seconds = 600",
    doc: "How long a provider may take to begin its answer. Answers that are not streamed begin when they are complete.",
    show: |config| config.gateway.first_byte_timeout_seconds.to_string(),
};

const IDLE_TIMEOUT: Setting = Setting {
    section: "gateway",
    key: "idle_timeout_seconds",
    variables: &["STRONGROOM_GATEWAY_IDLE_TIMEOUT_SECONDS"],
    flag: None,
    kind: ValueKind::Number,
    default: DefaultValue::Value("300"),
    sample: "idle_timeout_seconds = 300",
    doc: "How long an answer may pause before it is given up.",
    show: |config| config.gateway.idle_timeout_seconds.to_string(),
};

const ROUTES: Setting = Setting {
    section: "gateway",
    key: "model_routes",
    variables: &["STRONGROOM_MODEL_ROUTES"],
    flag: None,
    kind: ValueKind::Text,
    default: DefaultValue::Value(MODEL_ROUTES),
    sample: r#"model_routes = "gpt-*=openai; claude-*=anthropic""#,
    doc: "Which provider serves a model that `/v1` is asked for without one; the first pattern that fits. `vllm/*=vllm` takes \
          the provider off the name. Nothing catches all: add `*/*=openrouter` for that.",
    show: |config| config.gateway.names.routes.to_string(),
};

const ALIASES: Setting = Setting {
    section: "gateway",
    key: "model_aliases",
    variables: &["STRONGROOM_MODEL_ALIASES"],
    flag: None,
    kind: ValueKind::Text,
    default: DefaultValue::Value(""),
    sample: r#"model_aliases = "fast=groq/llama-3.1-8b-instant,openai/gpt-4o-mini; smart=anthropic/claude-sonnet-4-5""#,
    doc: "Names that stand for models on `/v1`, each with the models to try in order.",
    show: |config| config.gateway.names.aliases.to_string(),
};

pub(super) const SETTINGS: &[Setting] = &[CONNECT_TIMEOUT, FIRST_BYTE_TIMEOUT, IDLE_TIMEOUT, ROUTES, ALIASES];

pub(super) fn read(reader: &mut Reader<'_>) -> Option<GatewayConfig> {
    let connect = reader.read(&CONNECT_TIMEOUT, |text, _| whole_number(text, 1..=60));
    let first_byte = reader.read(&FIRST_BYTE_TIMEOUT, |text, _| whole_number(text, 1..=3600));
    let idle = reader.read(&IDLE_TIMEOUT, |text, _| whole_number(text, 1..=3600));
    let routes = reader.read(&ROUTES, |text, _| Routes::parse(text));
    let aliases = reader.read(&ALIASES, |text, _| Aliases::parse(text));
    let routes = routes?;
    let aliases = aliases?;
    if let Err(problem) = aliases.check(&routes) {
        reader.problem(format!("gateway.model_aliases: {problem}"));
        return None;
    }
    Some(GatewayConfig {
        connect_timeout_seconds: connect?,
        first_byte_timeout_seconds: first_byte?,
        idle_timeout_seconds: idle?,
        names: ModelNames { routes, aliases },
    })
}
