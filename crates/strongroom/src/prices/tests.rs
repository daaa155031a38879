//! The price table that comes with strongroom, and what is refused in one.

use strongroom_model::provider::{KNOWN, PriceSource};
use strongroom_model::usage::{Asked, AskedFor, CallBound, Tier, TokenUsage};
use strongroom_model::{Amount, ProblemKind};

use super::*;

fn provider(name: &str) -> Provider {
    Provider::stored(name.to_owned())
}

/// A day on which all built-in prices but those of a later year hold: 2026-11-29.
const TODAY: Millis = Millis(1_795_910_400_000);

#[test]
fn the_built_in_table_reads_and_knows_every_provider_that_has_prices() {
    let table = parse(BUILT_IN).unwrap();
    assert_eq!(table, built_in());
    for name in ["openai", "anthropic", "gemini", "groq"] {
        assert!(table.models_of(&provider(name)).len() > 3, "{name}");
    }
    for known in KNOWN {
        let has_prices = !table.models_of(&provider(known.name)).is_empty();
        assert_eq!(has_prices, known.prices == PriceSource::Table, "{}", known.name);
    }
    let price = table.find(&provider("openai"), "gpt-4o-mini", Millis(0)).unwrap();
    let rates = &price.standard.rates;
    assert_eq!((rates.input, rates.cached_input, rates.output), (150_000_000, 75_000_000, 600_000_000));
}

#[test]
fn every_section_names_its_source_and_its_day() {
    for (name, section) in sections(BUILT_IN).unwrap() {
        section.check().unwrap();
        assert!(section.source.is_some() && section.as_of.is_some(), "{name}");
    }
}

#[test]
fn a_dated_name_costs_what_stands_under_it_and_never_what_another_costs() {
    let table = built_in();
    let input = |name: &str, model: &str| {
        table.find(&provider(name), model, TODAY).map(|price| price.standard.rates.input / 1_000_000)
    };
    for (name, model, milli_usd) in [
        ("openai", "gpt-4o", Some(2500)),
        ("openai", "gpt-4o-2024-05-13", Some(5000)),
        ("openai", "gpt-4o-2024-08-06", Some(2500)),
        ("openai", "gpt-4o-2031-01-01", None),
        ("openai", "gpt-3.5-turbo-1106", Some(1000)),
        ("openai", "gpt-3.5-turbo-16k-0613", Some(3000)),
        ("openai", "ft:gpt-4o-2024-08-06:acme::7qTVM5AR", Some(3750)),
        ("openai", "ft:gpt-9:acme::7qTVM5AR", None),
        ("anthropic", "claude-sonnet-4-5-20250929", Some(3000)),
        ("anthropic", "claude-sonnet-4-5-20300101", None),
        ("anthropic", "claude-3-haiku-20240307", Some(250)),
        ("gemini", "models/gemini-2.5-pro", Some(1250)),
        ("openrouter", "anthropic/claude-sonnet-4.5", Some(3000)),
    ] {
        assert_eq!(input(name, model), milli_usd, "{name}, {model}");
    }
}

#[test]
fn prices_that_changed_hold_from_their_day_on() {
    let table = built_in();
    let input = |model: &str, day: &str| {
        let price = table.find(&provider("openai"), model, start_of(day).unwrap()).unwrap();
        price.standard.rates.input / 1_000_000
    };
    assert_eq!([input("gpt-5.6-sol", "2026-08-20"), input("gpt-5.6-sol", "2026-08-21")], [5000, 4000]);
    assert_eq!([input("gpt-5.6-luna", "2026-07-29"), input("gpt-5.6-luna", "2026-07-30")], [1000, 200]);
}

/// For every model of the table, in every class of service, of every kind of token, up to and beyond its long prompts:
/// what was bounded costs no more than the bound.
#[test]
fn no_call_to_any_model_costs_more_than_its_bound() {
    let table = built_in();
    let mut looked_at = 0;
    for name in KNOWN.iter().map(|known| known.name) {
        for model in table.models_of(&provider(name)) {
            let price = table.find(&provider(name), model, TODAY).unwrap();
            for tier in Tier::ALL {
                for input in [0, 1, 1000, 128_001, 200_000, 200_001, 272_001, price.max_input] {
                    let input = Amount::of(input.min(price.max_input));
                    let output = Amount::of(price.max_output.min(1000));
                    let mut base = TokenUsage { input, output, ..TokenUsage::default() };
                    base.terms.tier = tier;
                    let asked = [
                        asked("tier", AskedFor::Tier(tier)),
                        asked("audio", AskedFor::AudioInput),
                        asked("spoken", AskedFor::AudioOutput),
                        asked("image", AskedFor::ImageOutput),
                    ];
                    for (kind, usage) in [
                        ("text", base),
                        ("cached", TokenUsage { cached_input: input, ..base }),
                        ("written", TokenUsage { cache_write: input, ..base }),
                        ("written for long", TokenUsage { cache_write_long: input, ..base }),
                        ("audio", TokenUsage { audio_input: input, ..base }),
                        ("spoken", TokenUsage { audio_output: output, ..base }),
                        ("image", TokenUsage { image_output: output, ..base }),
                    ] {
                        let wanted = |one: &Asked| &*one.field == "tier" || &*one.field == kind;
                        let asked = asked.iter().filter(|one| wanted(one)).cloned().collect();
                        let bound =
                            CallBound { asked, ..CallBound::of(Some(input.get()), Some(output.get())) };
                        let cost = price.cost(&usage);
                        match price.most(&bound).nano_usd {
                            Ok(most) => {
                                assert!(cost.known_nano_usd <= most, "{model}, {tier:?}, {kind}, {input}")
                            }
                            Err(field) => {
                                assert!(field == "tier" || field == kind, "{field}");
                                let has_nothing_of_it = input == Amount::ZERO || output == Amount::ZERO;
                                assert!(
                                    cost.whole().is_none() || has_nothing_of_it,
                                    "{model}, {tier:?}, {kind}"
                                );
                            }
                        }
                        looked_at += 1;
                    }
                }
            }
        }
    }
    assert!(looked_at > 20_000, "{looked_at}");
}

fn asked(field: &str, what: AskedFor) -> Asked {
    Asked { field: field.into(), what }
}

#[test]
fn a_table_of_the_first_form_still_reads() {
    let text = "[openai]\n\"m\" = [{ from = \"2026-01-31\", input = 1.0, cached_input = 0.5, cache_write = 2.0, output = 3.0, \
                max_input = 10, max_output = 20, long = { above = 5, input = 2.0, output = 6.0 } }]";
    let table = parse(text).unwrap();
    let price = table.find(&provider("openai"), "m", TODAY).unwrap();
    assert_eq!((price.long_above, price.max_input), (Some(Amount::of(5)), 10));
    assert_eq!(price.standard.rates.cache_write_long, 2_000_000_000);
    assert_eq!(price.tiers.get(Tier::Flex), None, "what it does not name has no price");
}

#[test]
fn what_is_no_price_is_named() {
    let entry = |fields: &str| {
        format!(
            "[openai]\n\"m\" = [{{ input = 1.0, output = 1.0, max_input = 1, max_output = 1, {fields} }}]"
        )
    };
    let cases = [
        (
            "[openai]\n\"m\" = [{ input = -1.0, output = 1.0, max_input = 1, max_output = 1 }]".to_owned(),
            "-1",
        ),
        ("[openai]\n\"m\" = [{ input = 1.0, max_input = 1, max_output = 1 }]".to_owned(), "output"),
        (
            "[openai]\n\"m\" = [{ input = 1.0, output = 1.0, max_input = 0, max_output = 1 }]".to_owned(),
            "max_input",
        ),
        (entry("from = \"soon\""), "soon"),
        ("[openai]\n\"m\" = [{ inptu = 1.0 }]".to_owned(), "inptu"),
        ("[\"open ai\"]\n".to_owned(), "provider"),
        (entry("tiers = { fats = 2.0 }"), "fats"),
        (entry("tiers = { standard = 2.0 }"), "standard"),
        (entry("tiers = { flex = -0.5 }"), "-0.5"),
        (entry("tiers = { flex = 0.0001 }"), "0.0001"),
        (
            entry("tiers = { flex = { input = 1.0, output = 1.0, long = { input = 1.0, output = 1.0 } } }"),
            "above",
        ),
        (entry("us_times = 1e9"), "1000000000"),
        (entry("fees_per_1000 = { web_serach = 10.0 }"), "web_serach"),
        (entry("fees_per_1000 = { search_query = 14.0, search_prompt = 35.0 }"), "search_prompt"),
        (entry("cached_audio_input = 1.0"), "audio_input"),
        (entry("also = [\"m\"]"), "already"),
        (entry("source = \"hearsay\""), "hearsay"),
        ("[openai]\nas_of = \"today\"".to_owned(), "today"),
        ("[openai]\nsource = \"hearsay\"".to_owned(), "hearsay"),
    ];
    for (text, named) in cases {
        let problem = parse(&text).unwrap_err();
        assert!(problem.kind == ProblemKind::Invalid, "{problem:?}");
        assert!(problem.message.contains(named), "{named}: {}", problem.message);
    }
}
