//! Bills: answers of providers, what they cost to the billionth of a dollar, and where the prices stand.
//!
//! `testkit/golden/bills.jsonl` has one on each line. Names with `_real_` are answers that providers gave, `_doc_` those that
//! their references print; the others are figures at published rates. One whose `nano_usd` is null has no price, and
//! `unpriced` says why.

#![expect(clippy::unwrap_used, reason = "a bill that cannot be read has failed, and the line says where")]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Value, json};
use strongroom::prices;
use strongroom_connectors::ai::gateway::{AnswerForm, Meter, UsageReader, usage_from_raw};
use strongroom_model::price::{CallModels, Cost, PriceTable};
use strongroom_model::usage::TokenUsage;
use strongroom_model::{Amount, Millis, Provider};

const BILLS: &str = include_str!("../../../testkit/golden/bills.jsonl");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bill {
    name: String,
    provider: String,
    operation: String,
    model: String,
    /// The day on which the call was made.
    on: String,
    nano_usd: Option<i64>,
    /// How it comes about.
    #[serde(default)]
    arithmetic: String,
    #[serde(default)]
    unpriced: String,
    source: Vec<String>,
    answer: Value,
}

fn bills() -> Vec<Bill> {
    BILLS
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

impl Bill {
    fn meter(&self) -> Meter {
        match self.operation.as_str() {
            "responses" => Meter::Responses,
            "messages" => Meter::Messages,
            "generate_content" => Meter::GenerateContent,
            "embeddings" => Meter::Embeddings,
            _ => Meter::Chat,
        }
    }

    fn read(&self, is_event_stream: bool, answer: &str) -> Vec<TokenUsage> {
        let provider = Provider::parse(&self.provider).unwrap();
        let form = if is_event_stream { AnswerForm::Events } else { AnswerForm::Whole };
        let mut reader = UsageReader::new(self.meter(), &provider, form, Amount::ONE);
        answer.as_bytes().chunks(7).for_each(|piece| reader.feed(piece));
        let report = reader.finish();
        assert!(report.is_final, "{}: the figures are not final", self.name);
        let kept = report.raw.unwrap_or_else(|| panic!("{}: nothing is kept", self.name));
        let again = usage_from_raw(&self.operation, &provider, kept.as_str());
        vec![report.usage.unwrap(), again.unwrap()]
    }

    fn answered(&self) -> Option<&str> {
        self.answer["model"].as_str().or(self.answer["modelVersion"].as_str())
    }

    fn cost(&self, usage: &TokenUsage) -> Cost {
        let provider = Provider::parse(&self.provider).unwrap();
        let at = Millis::parse(&format!("{}T12:00:00Z", self.on)).unwrap();
        static TABLE: LazyLock<PriceTable> = LazyLock::new(prices::built_in);
        let models = CallModels { asked: Some(&self.model), answered: self.answered() };
        TABLE.cost_of(&provider, models, at, usage).0
    }

    /// The same answer as its provider streams it.
    fn streamed(&self) -> Option<String> {
        let event = |data: &Value| format!("data: {data}\n\n");
        let answer = &self.answer;
        Some(match self.meter() {
            Meter::Responses => {
                let mut begun = answer.clone();
                begun["output"] = json!([]);
                begun["usage"] = Value::Null;
                begun["service_tier"] = json!("auto");
                let kind = format!("response.{}", answer["status"].as_str().unwrap_or("completed"));
                let items = answer["output"].as_array().cloned().unwrap_or_default();
                let done = |item| event(&json!({ "type": "response.output_item.done", "item": item }));
                event(&json!({ "type": "response.created", "response": begun }))
                    + &items.into_iter().map(done).collect::<String>()
                    + &event(&json!({ "type": kind, "response": answer }))
            }
            Meter::Chat => {
                let mut chunk = answer.clone();
                chunk["usage"] = Value::Null;
                for choice in chunk["choices"].as_array_mut().into_iter().flatten() {
                    choice["delta"] = choice["message"].take();
                }
                let mut last = answer.clone();
                last["choices"] = json!([]);
                event(&chunk) + &event(&last) + "data: [DONE]\n\n"
            }
            Meter::Messages => {
                let mut begun = answer.clone();
                begun["usage"]["output_tokens"] = json!(1);
                begun["stop_reason"] = Value::Null;
                let delta = json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn" },
                    "usage": answer["usage"] });
                event(&json!({ "type": "message_start", "message": begun }))
                    + &event(&delta)
                    + &event(&json!({ "type": "message_stop" }))
            }
            Meter::GenerateContent => {
                let mut first = answer.clone();
                if let Some(count) = first["usageMetadata"].get_mut("candidatesTokenCount") {
                    *count = json!(1);
                }
                for candidate in first["candidates"].as_array_mut().into_iter().flatten() {
                    candidate.as_object_mut()?.remove("finishReason");
                }
                event(&first) + &event(answer)
            }
            _ => return None,
        })
    }
}

#[test]
fn every_bill_comes_out_to_the_billionth_of_a_dollar() {
    let mut wrong = Vec::new();
    for bill in bills() {
        let mut usages = bill.read(false, &bill.answer.to_string());
        if let Some(stream) = bill.streamed() {
            usages.extend(bill.read(true, &stream));
        }
        for (way, usage) in ["whole", "kept", "streamed", "streamed and kept"].into_iter().zip(usages) {
            let cost = bill.cost(&usage);
            let found = cost.whole().map(|amount| amount.get());
            let unpriced = cost.unpriced.map_or("", |what| what.as_str());
            if (found, unpriced) != (bill.nano_usd, bill.unpriced.as_str()) {
                wrong.push(format!(
                    "{}, {way}: {found:?} {unpriced}, and not {:?} {} ({}): {usage:?}",
                    bill.name, bill.nano_usd, bill.unpriced, bill.arithmetic
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What stands as `3*2000 + 1*10000000 [a search]`.
fn sum(arithmetic: &str) -> Option<f64> {
    let mut sum = 0.0;
    for part in arithmetic.split(" + ") {
        let (tokens, rate) = part.split(' ').next()?.split_once('*')?;
        sum += tokens.parse::<f64>().ok()? * rate.parse::<f64>().ok()?;
    }
    Some(sum)
}

#[test]
fn bills_say_how_they_come_about_and_where_the_prices_stand() {
    let bills = bills();
    let mut by_provider = BTreeMap::new();
    let mut names = std::collections::BTreeSet::new();
    for bill in &bills {
        assert!(names.insert(&bill.name), "{} stands there twice", bill.name);
        assert!(!bill.source.is_empty(), "{}", bill.name);
        for source in &bill.source {
            assert!(source.starts_with("https://"), "{}: {source}", bill.name);
        }
        assert_eq!(bill.nano_usd.is_none(), !bill.unpriced.is_empty(), "{}", bill.name);
        if let (Some(nano_usd), Some(sum)) = (bill.nano_usd, sum(&bill.arithmetic)) {
            assert_eq!(nano_usd, sum.ceil() as i64, "{}: {}", bill.name, bill.arithmetic);
            *by_provider.entry(bill.provider.as_str()).or_insert(0) += 1;
        }
    }
    for (provider, least) in
        [("openai", 50), ("anthropic", 20), ("gemini", 20), ("groq", 5), ("openrouter", 4)]
    {
        assert!(by_provider.get(provider).is_some_and(|count| *count >= least), "{by_provider:?}");
    }
}
