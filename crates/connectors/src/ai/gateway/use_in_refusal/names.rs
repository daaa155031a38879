//! Names in a refusal, by the words that they are made of.

/// The words of a name, in small letters: `partial_response`, `partialResponse` and `partial-response` have the same two.
fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for sign in name.chars() {
        let is_new = !sign.is_alphanumeric() || (sign.is_uppercase() && was_small);
        if is_new && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        was_small = sign.is_lowercase();
        if sign.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(sign.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Words by which a name says that its value is a bound, or a part of a bill that is none of this call.
const BOUNDS: [&str; 8] = ["max", "limit", "limits", "remaining", "requested", "per", "budget", "n"];

/// Tells whether a name is one of figures of use, or of a cost.
pub(super) fn tells_use(name: &str) -> bool {
    let words = words_of(name);
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    let tells_part = |wanted: &str| words.iter().any(|word| word.contains(wanted));
    let is_bound = has(&BOUNDS) || tells_part("limit") || words.last().is_some_and(|word| word == "type");
    let is_figure = ["usage", "token", "cost"].into_iter().any(tells_part)
        || has(&["billed", "charged", "usd"])
        || (has(&["credits", "units"]) && has(&["used", "spent", "consumed"]));
    is_figure && !is_bound
}

/// Tells whether a name is one behind which text stands that was generated: its last word says so.
pub(super) fn is_generated(name: &str) -> bool {
    let words = words_of(name);
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    let is_of_error = has(&["status", "error", "help", "filter", "max", "limit"]);
    let ends = |ends: &[&str]| words.last().is_some_and(|word| ends.contains(&word.as_str()));
    let is_text =
        ends(&["content", "contents", "text", "texts", "output", "outputs", "parts", "delta", "deltas"])
            || ends(&["choices", "candidates", "completion", "completions", "generation", "generations"])
            || ends(&["reasoning", "thinking", "thoughts", "answer", "answers"])
            || (ends(&["response", "message"]) && has(&["partial", "assistant"]))
            || (ends(&["tools"]) && has(&["executed"]));
    is_text && !is_of_error
}

/// Tells whether behind a name stands what the caller sent, as some validators repeat it.
pub(super) fn is_quoted(name: &str) -> bool {
    matches!(name, "ctx" | "loc") || words_of(name).last().is_some_and(|word| word == "input")
}
