//! Usage from figures, in the dialect of each meter, and whether these fit together.

use strongroom_model::Amount;
use strongroom_model::usage::{Terms, TokenUsage, Unpriced, Untold};

use crate::ai::gateway::answer_terms;
use crate::ai::gateway::figures::{Details, Figures};
use crate::ai::gateway::operation::Meter;

/// Tells whether figures tell all that is billed, in numbers. A count that is left out counts as zero only where the provider
/// leaves out zeros, and where a sum tells the same.
pub(super) fn is_understood(meter: Meter, figures: &Figures) -> bool {
    let has_all = match meter {
        Meter::Chat => {
            figures.prompt_tokens.is_some()
                && (figures.completion_tokens.is_some() || figures.total_tokens.is_some())
        }
        Meter::Embeddings => figures.prompt_tokens.is_some() || figures.total_tokens.is_some(),
        Meter::Responses | Meter::Messages => {
            figures.input_tokens.is_some() && figures.output_tokens.is_some()
        }
        Meter::GenerateContent => {
            // Whoever asks for some figures alone, by a field mask, gets those.
            figures.prompt_token_count.is_some() && figures.total_token_count.is_some()
        }
        Meter::Free | Meter::Unmetered => true,
    };
    has_all && figures.are_counts()
}

pub(super) fn usage_of(meter: Meter, figures: &Figures, reports_cost: bool) -> TokenUsage {
    let of = |count: Option<i64>| Amount::of(count.unwrap_or(0));
    let mut usage = match meter {
        // <https://platform.openai.com/docs/api-reference/chat/object>. Gemini's compatible endpoint leaves thoughts out
        // of the completion and counts them in the total.
        Meter::Chat | Meter::Embeddings => {
            let (mut input, spoken, total) =
                (of(figures.prompt_tokens), of(figures.completion_tokens), of(figures.total_tokens));
            let beside = of(figures.reasoning_tokens).plus(of(figures.citation_tokens));
            // Of two that lower a bill the smaller counts.
            let told = [figures.prompt_tokens_details.cached_tokens, figures.prompt_cache_hit_tokens];
            let cached = of(told.into_iter().flatten().min());
            if meter == Meter::Embeddings {
                // All of it is prompt.
                input = input.max(total);
            }
            TokenUsage {
                input,
                cached_input: cached,
                output: spoken
                    .plus(beside)
                    .max(total.less(input))
                    .max(of(figures.completion_tokens_details.reasoning_tokens)),
                reasoning: of(figures.completion_tokens_details.reasoning_tokens)
                    .max(of(figures.reasoning_tokens))
                    .max(total.less(input).less(spoken)),
                ..parts(&figures.prompt_tokens_details, &figures.completion_tokens_details)
            }
        }
        // <https://platform.openai.com/docs/api-reference/responses/object>
        Meter::Responses => TokenUsage {
            input: of(figures.input_tokens),
            cached_input: of(figures.input_tokens_details.cached_tokens),
            // Of a sum and its parts that contradict each other the larger counts.
            output: of(figures.output_tokens)
                .max(of(figures.total_tokens).less(of(figures.input_tokens)))
                .max(of(figures.output_tokens_details.reasoning_tokens)),
            reasoning: of(figures.output_tokens_details.reasoning_tokens),
            ..parts(&figures.input_tokens_details, &figures.output_tokens_details)
        },
        Meter::Messages => {
            let mut usage = answer_terms::messages(figures);
            answer_terms::add_steps(figures, &mut usage);
            usage
        }
        // <https://ai.google.dev/api/generate-content#UsageMetadata>: thoughts are apart from the candidates.
        Meter::GenerateContent => {
            let thoughts = of(figures.thoughts_token_count);
            let input = of(figures.prompt_token_count).plus(of(figures.tool_use_prompt_token_count));
            let spoken = of(figures.candidates_token_count).plus(thoughts);
            TokenUsage {
                input,
                cached_input: of(figures.cached_content_token_count),
                // Zeros are left out, and now and then more: the total has all of it.
                output: spoken.max(of(figures.total_token_count).less(input)),
                reasoning: thoughts,
                ..TokenUsage::default()
            }
        }
        Meter::Free | Meter::Unmetered => TokenUsage::default(),
    };
    answer_terms::apply(meter, figures, &mut usage);
    if reports_cost {
        answer_terms::apply_reported(figures, &mut usage);
    }
    usage.input = usage.input.max(usage.cached_input);
    usage
}

/// Tells whether no part is larger than its whole, and something was asked.
pub(super) fn fits_together(meter: Meter, usage: &TokenUsage, figures: &Figures) -> bool {
    let of = |count: Option<i64>| Amount::of(count.unwrap_or(0));
    let is_chat = meter == Meter::Chat;
    // What was told, and not what it was raised to.
    let prompt = match meter {
        Meter::Chat => of(figures.prompt_tokens),
        Meter::Responses => of(figures.input_tokens),
        Meter::GenerateContent => {
            of(figures.prompt_token_count).plus(of(figures.tool_use_prompt_token_count))
        }
        _ => usage.input,
    };
    let parts = usage.cached_input.plus(usage.cache_write).plus(usage.cache_write_long);
    // Without a sum nobody knows whether reasoning is within the completion: xAI counts it beside.
    let is_reasoning_told = !is_chat
        || figures.total_tokens.is_some()
        || of(figures.completion_tokens_details.reasoning_tokens) == Amount::ZERO;
    // Whatever a name counts, known or not, it is no more than there is.
    let largest_of = |details: &Details| Amount::of(details.largest());
    let whole = usage.total();
    // Nor is what parts are together that are apart from each other.
    let is_summed_within = [
        (&figures.prompt_tokens_details, usage.input),
        (&figures.input_tokens_details, usage.input),
        (&figures.completion_tokens_details, usage.output),
        (&figures.output_tokens_details, usage.output),
    ]
    .into_iter()
    .all(|(details, whole)| details.largest_sum() <= whole);
    // What was read from a cache and what was not are the prompt, and none of it is both.
    let is_rest_told = figures.prompt_cache_miss_tokens.is_none_or(|missed| {
        let missed = Amount::of(missed);
        let hit = figures.prompt_cache_hit_tokens.map(Amount::of);
        usage.cached_input.plus(missed) <= prompt && hit.is_none_or(|hit| hit.plus(missed) == prompt)
    });
    let is_within = figures.largest() <= whole
        && is_summed_within
        && is_rest_told
        && [&figures.prompt_tokens_details, &figures.input_tokens_details, &figures.cache_creation]
            .into_iter()
            .all(|details| largest_of(details) <= usage.input)
        && [&figures.completion_tokens_details, &figures.output_tokens_details]
            .into_iter()
            .all(|details| largest_of(details) <= usage.output)
        && figures.of_other_meters(meter) <= whole
        && answer_terms::steps_fit(figures)
        && answer_terms::modalities_fit(figures, usage);
    is_within
        && parts <= prompt
        && usage.audio_input <= prompt
        && usage.audio_output.plus(usage.image_output) <= usage.output
        && is_reasoning_told
        // No prompt is empty.
        && (matches!(meter, Meter::Free | Meter::Unmetered)
            || usage.input > Amount::ZERO
            || usage.reported_nano_usd.is_some_and(|cost| cost > Amount::ZERO))
}

/// Parts of a prompt and of an answer that cost otherwise than the rest of them (OpenAI).
fn parts(prompt: &Details, answer: &Details) -> TokenUsage {
    let of = |count: Option<i64>| Amount::of(count.unwrap_or(0));
    let lifetimes = answer_terms::Lifetimes::of(&prompt.cache_write_tokens_details);
    // Of a sum and its parts that contradict each other the larger counts.
    let written = of(prompt.cache_write_tokens).max(lifetimes.all);
    let mut terms = Terms::default();
    terms.untold.set(Untold::CACHE_LIFETIME, written > lifetimes.all);
    if lifetimes.has_unknown {
        terms.cannot_price(Unpriced::CacheLifetime);
    }
    TokenUsage {
        terms,
        cache_write: written.less(lifetimes.long),
        cache_write_long: lifetimes.long,
        audio_input: of(prompt.audio_tokens),
        audio_output: of(answer.audio_tokens),
        image_output: of(answer.image_tokens),
        ..TokenUsage::default()
    }
}
