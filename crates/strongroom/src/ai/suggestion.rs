//! A suggestion, and how it is read out of what a model said: repaired where that takes no guess, else refused.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A suggestion about an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Suggestion {
    /// Why it happened.
    pub root_cause: String,
    /// Steps to take, the first one first.
    pub resolution_steps: Vec<String>,
    /// Code that helps, if some does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_example: Option<String>,
    /// How to keep it from happening again.
    pub prevention_measures: Vec<String>,
    /// How sure the model is, from 0 to 1.
    pub confidence: f64,
}

impl Suggestion {
    /// Reads a model's answer: the JSON object in it, whatever stands around that. `None` when a member is missing or is
    /// something else than what was asked for.
    pub(super) fn read(answer: &str) -> Option<Self> {
        let object = object_in(answer)?;
        let suggestion = Self {
            root_cause: text(object.get("rootCause")?)?,
            resolution_steps: texts(object.get("resolutionSteps")?)?,
            code_example: match object.get("codeExample") {
                None | Some(Value::Null) => None,
                Some(code) => Some(code.as_str()?.to_owned()).filter(|code| !code.trim().is_empty()),
            },
            prevention_measures: texts(object.get("preventionMeasures")?)?,
            confidence: number(object.get("confidence")?)?,
        };
        let is_whole =
            !suggestion.resolution_steps.is_empty() && (0.0..=1.0).contains(&suggestion.confidence);
        is_whole.then_some(suggestion)
    }
}

/// The first JSON object in a text that has a root cause: models like to wrap it in words or a code fence.
fn object_in(answer: &str) -> Option<Map<String, Value>> {
    answer.match_indices('{').take(64).find_map(|(at, _)| {
        let mut values = serde_json::Deserializer::from_str(&answer[at..]).into_iter::<Map<String, Value>>();
        values.next()?.ok().filter(|object| object.contains_key("rootCause"))
    })
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(ToOwned::to_owned)
}

/// A list of texts; a single text is a list of one.
fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) => items.iter().map(text).collect(),
        one => text(one).map(|one| vec![one]),
    }
}

/// A number, or a text that is one.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str =
        r#"{"rootCause":"a","resolutionSteps":["b","c"],"preventionMeasures":["d"],"confidence":0.8}"#;

    #[test]
    fn an_answer_reads_with_whatever_stands_around_it() {
        let expected = Suggestion {
            root_cause: "a".into(),
            resolution_steps: vec!["b".into(), "c".into()],
            code_example: None,
            prevention_measures: vec!["d".into()],
            confidence: 0.8,
        };
        for answer in [
            WHOLE.to_owned(),
            format!("Here it is:\n```json\n{WHOLE}\n```\nGood luck {{}}!"),
            format!("A set is written {{1, 2}} or {{\"x\":1}}. {WHOLE}"),
            WHOLE.replace("0.8", "\" 0.8\""),
            WHOLE.replace("[\"d\"]", "\"d\""),
            WHOLE.replace("\"a\"", "\" a \""),
            WHOLE.replace("\"confidence\"", "\"codeExample\":null,\"confidence\""),
        ] {
            assert_eq!(Suggestion::read(&answer).as_ref(), Some(&expected), "{answer}");
        }
        let with_code = WHOLE.replace("\"confidence\"", "\"codeExample\":\"x()\",\"confidence\"");
        assert_eq!(Suggestion::read(&with_code).unwrap().code_example.as_deref(), Some("x()"));
    }

    #[test]
    fn what_is_missing_is_never_invented() {
        for answer in [
            "I do not know.".to_owned(),
            "{}".to_owned(),
            WHOLE[..WHOLE.len() - 1].to_owned(),
            WHOLE.replace("\"rootCause\":\"a\",", ""),
            WHOLE.replace("\"a\"", "\"\""),
            WHOLE.replace("[\"b\",\"c\"]", "[]"),
            WHOLE.replace("[\"b\",\"c\"]", "[\"b\",3]"),
            WHOLE.replace("0.8", "80"),
            WHOLE.replace("0.8", "\"high\""),
            WHOLE.replace(",\"confidence\":0.8", ""),
        ] {
            assert_eq!(Suggestion::read(&answer), None, "{answer}");
        }
    }
}
