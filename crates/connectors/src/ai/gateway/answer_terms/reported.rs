//! Costs that providers state for a call.

use serde_json::Value;
use strongroom_model::Amount;
use strongroom_model::usage::{TokenUsage, Unpriced, Untold};

use crate::ai::gateway::figures::Figures;

/// Takes the cost that the provider states for a call. With a key of one's own at OpenRouter's provider, `cost` is OpenRouter's fee
/// alone: <https://openrouter.ai/docs/use-cases/usage-accounting>. xAI tells it in ticks:
/// <https://docs.x.ai/developers/cost-tracking>.
pub(in super::super) fn apply_reported(figures: &Figures, usage: &mut TokenUsage) {
    let words = figures.words();
    let ticks = figures.cost_in_usd_ticks.filter(|ticks| *ticks >= 0).map(|ticks| {
        const TICKS_PER_NANO_USD: i64 = 10;
        Amount::of(ticks / TICKS_PER_NANO_USD + i64::from(ticks % TICKS_PER_NANO_USD > 0))
    });
    if ticks == Some(Amount::ZERO) && usage.total() > Amount::ZERO {
        // Who counts in ticks serves nothing for none.
        usage.terms.cannot_price(Unpriced::ReportedCost);
        return;
    }
    let Some(told) = figures.cost else {
        if ticks.is_some() {
            usage.terms.unpriced = None;
            usage.reported_nano_usd = ticks;
            return;
        }
        // Searches and tools of those who tell costs have prices of their own.
        let counts = [figures.server_side_tools_used, figures.sources_used];
        let has_used = counts.iter().flatten().any(|count| *count != 0)
            || [&words.tool_usage, &words.tool_usage_details].into_iter().any(tells_of_something)
            || !usage.uses.is_none()
            || !words.server_tools.is_null();
        if has_used {
            usage.terms.cannot_price(Unpriced::OtherUse);
        }
        // Where the name of a cost stands and none with it, or a cost under another name, it is not known.
        if figures.has_empty_cost || figures.other_cost > 0.0 || !words.cost_details.is_null() {
            usage.terms.cannot_price(Unpriced::ReportedCost);
        }
        usage.terms.untold.set(Untold::COST, true);
        return;
    };
    let Some(cost) = nano_usd(told) else {
        // What is there and is no cost may be any.
        usage.terms.cannot_price(Unpriced::ReportedCost);
        return;
    };
    // The cost is told on whatever terms it came about.
    usage.terms.unpriced = None;
    // Of costs that contradict each other the larger counts.
    let other = nano_usd(figures.other_cost).unwrap_or_default();
    let cost = cost.max(ticks.unwrap_or(cost)).max(other);
    let Upstream { cost: upstream, is_odd } = Upstream::of(&words.cost_details);
    if is_odd {
        usage.terms.cannot_price(Unpriced::ReportedCost);
    }
    usage.reported_nano_usd = Some(match (&words.is_byok, upstream) {
        (Value::Null | Value::Bool(false), upstream) => cost.max(upstream.unwrap_or(cost)),
        (_, Some(upstream)) => cost.plus(upstream),
        (_, None) => {
            usage.terms.cannot_price(Unpriced::ReportedCost);
            cost
        }
    });
}

/// What OpenRouter's provider took for a call.
struct Upstream {
    cost: Option<Amount>,
    /// Something stands there that is no cost.
    is_odd: bool,
}

impl Upstream {
    /// A sum, and parts of it, which have other names for each API. Of those that contradict each other the larger counts.
    fn of(details: &Value) -> Self {
        let mut is_odd = !details.is_null() && !details.is_object();
        let (mut sum, mut prompt, mut answer, mut rest) = (None, None, None, None);
        for (name, value) in details.as_object().into_iter().flatten() {
            let Some(of) = name.strip_prefix("upstream_").filter(|_| !value.is_null()) else { continue };
            let usd = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
            let Some(cost) = usd.and_then(nano_usd) else {
                is_odd = true;
                continue;
            };
            let place = match of {
                "inference_cost" => &mut sum,
                of if of.contains("prompt") || of.contains("input") => &mut prompt,
                of if of.contains("completion") || of.contains("output") => &mut answer,
                _ => &mut rest,
            };
            *place = Some(place.map_or(cost, |before: Amount| before.max(cost)));
        }
        let parts = [prompt, answer, rest].into_iter().flatten().reduce(Amount::plus);
        Self { cost: sum.max(parts), is_odd }
    }
}

/// Tells whether a count of uses, or one within it, is there and not zero.
fn tells_of_something(told: &Value) -> bool {
    match told {
        Value::Null => false,
        Value::Object(parts) => parts.values().any(tells_of_something),
        Value::Array(list) => list.iter().any(tells_of_something),
        other => other.as_f64() != Some(0.0),
    }
}

/// Billionths of a dollar, rounded up: a started one counts. What a figure of 64 bits cannot tell apart from a whole number
/// of them is that number.
#[expect(clippy::cast_possible_truncation, reason = "what is larger than any i64 becomes the largest")]
fn nano_usd(usd: f64) -> Option<Amount> {
    let nano = usd * 1e9;
    let whole = nano.round();
    let is_whole = (nano - whole).abs() <= whole.abs() * 1e-12 + 1e-6;
    (usd >= 0.0).then(|| Amount::of(if is_whole { whole } else { nano.ceil() } as i64))
}
