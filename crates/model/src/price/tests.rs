//! Prices: what is found, what calls cost, and that no call within its bound costs more than the bound says.

use proptest::prelude::*;

use super::*;
use crate::usage::{Asked, AskedFor, CallBound, Geography, Terms, Tier, TokenUsage, Unpriced, Use, Uses};

const RATES: Rates = Rates {
    input: 3_000_000_000,
    cached_input: 300_000_000,
    cache_write: 3_750_000_000,
    cache_write_long: 6_000_000_000,
    output: 15_000_000_000,
    audio_input: None,
    audio_output: None,
    image_output: None,
};

fn price(from: i64) -> ModelPrice {
    let long = Rates { input: 6_000_000_000, cached_input: 600_000_000, output: 22_500_000_000, ..RATES };
    ModelPrice {
        from: Millis(from),
        standard: TierRates { rates: RATES, long: Some(long) },
        tiers: OtherTiers::default(),
        long_above: Some(Amount::of(200_000)),
        us_permille: None,
        fees: Fees::default(),
        max_input: 1_000_000,
        max_output: 64_000,
    }
}

fn with_rates(rates: Rates) -> ModelPrice {
    ModelPrice { standard: TierRates { rates, long: None }, long_above: None, ..price(0) }
}

fn tokens(input: i64, output: i64) -> TokenUsage {
    TokenUsage { input: Amount::of(input), output: Amount::of(output), ..TokenUsage::default() }
}

fn asked(field: &str, what: AskedFor) -> Asked {
    Asked { field: field.into(), what }
}

fn whole(price: &ModelPrice, usage: &TokenUsage) -> i64 {
    price.cost(usage).whole().unwrap().get()
}

#[test]
fn every_part_costs_its_own_rate_and_is_rounded_up_once() {
    let usage = TokenUsage {
        cached_input: Amount::of(400),
        cache_write: Amount::of(100),
        cache_write_long: Amount::of(50),
        ..tokens(1000, 10)
    };
    // 450 * 3000 + 400 * 300 + 100 * 3750 + 50 * 6000 + 10 * 15000
    assert_eq!(whole(&price(0), &usage), 1_350_000 + 120_000 + 375_000 + 300_000 + 150_000);
    let cheap = with_rates(Rates { input: 1, ..RATES });
    assert_eq!(whole(&cheap, &tokens(1, 0)), 1);
    assert_eq!(whole(&cheap, &tokens(1_000_001, 0)), 2);
}

#[test]
fn a_long_prompt_costs_the_long_rates_for_all_of_it() {
    assert_eq!(whole(&price(0), &tokens(200_000, 1)), 600_000_000 + 15_000);
    assert_eq!(whole(&price(0), &tokens(200_001, 1)), 1_200_006_000 + 22_500);
}

#[test]
fn audio_and_images_cost_their_own_rates_or_have_no_price() {
    let audio = Some(AudioInput { fresh: 40_000_000_000, cached: 10_000_000_000 });
    let rates = Rates {
        audio_input: audio,
        audio_output: Some(80_000_000_000),
        image_output: Some(120_000_000_000),
        ..RATES
    };
    let usage = TokenUsage {
        cached_input: Amount::of(30),
        audio_input: Amount::of(60),
        cached_audio_input: Amount::of(20),
        audio_output: Amount::of(5),
        image_output: Amount::of(3),
        ..tokens(100, 10)
    };
    // Text 30, cached text 10, audio 40, cached audio 20; text 2, audio 5, images 3.
    let expected = 30 * 3000 + 10 * 300 + 40 * 40_000 + 20 * 10_000 + 2 * 15_000 + 5 * 80_000 + 3 * 120_000;
    assert_eq!(whole(&with_rates(rates), &usage), expected);
    let mut untold = tokens(100, 10);
    untold.terms.has_untold_output = true;
    assert_eq!(with_rates(rates).cost(&untold).unpriced, Some(Unpriced::ImageOutput));
    assert_eq!(with_rates(RATES).cost(&untold).unpriced, None, "there is but one kind");
    for (rates, what) in [
        (Rates { audio_input: None, ..rates }, Unpriced::AudioInput),
        (Rates { audio_output: None, ..rates }, Unpriced::AudioOutput),
        (Rates { image_output: None, ..rates }, Unpriced::ImageOutput),
    ] {
        let cost = with_rates(rates).cost(&usage);
        assert_eq!((cost.whole(), cost.unpriced), (None, Some(what)));
        assert!(cost.known_nano_usd > Amount::ZERO);
    }
}

#[test]
fn tiers_places_and_fees_are_counted_or_have_no_price() {
    let mut price = with_rates(RATES);
    let double = Rates { input: 6_000_000_000, output: 30_000_000_000, ..RATES };
    price.tiers.set(Tier::Priority, TierRates { rates: double, long: None });
    price.us_permille = Some(1100);
    price.fees.set(Use::WebSearch, Fee::PerUse(10_000_000));
    price.fees.set(Use::SearchQuery, Fee::PerCall(35_000_000));
    let mut usage = tokens(100, 10);
    assert_eq!(whole(&price, &usage), 450_000);
    usage.terms.tier = Tier::Priority;
    assert_eq!(whole(&price, &usage), 900_000);
    usage.terms.geography = Geography::Us;
    assert_eq!(whole(&price, &usage), 990_000);
    usage.uses.set(Use::WebSearch, 3);
    usage.uses.set(Use::SearchQuery, 4);
    assert_eq!(whole(&price, &usage), 990_000 + 30_000_000 + 35_000_000, "fees are the same everywhere");
    for (change, what) in [
        ((|it| it.terms.tier = Tier::Flex) as fn(&mut TokenUsage), Unpriced::Tier),
        (|it| it.uses.set(Use::FileSearch, 1), Unpriced::Fee(Use::FileSearch)),
        (|it| it.terms.cannot_price(Unpriced::CodeSession), Unpriced::CodeSession),
    ] {
        let mut usage = usage;
        change(&mut usage);
        let cost = price.cost(&usage);
        assert_eq!((cost.whole(), cost.unpriced), (None, Some(what)));
    }
    let nowhere = ModelPrice { us_permille: None, ..price.clone() };
    assert_eq!(nowhere.cost(&usage).unpriced, Some(Unpriced::Geography));
    let short = ModelPrice { long_above: Some(Amount::of(50)), ..price };
    assert_eq!(short.cost(&usage).unpriced, Some(Unpriced::LongPrompt));
}

#[test]
fn what_a_request_asks_for_is_in_its_bound_or_named() {
    let mut price = with_rates(RATES);
    let double = Rates { input: 6_000_000_000, output: 30_000_000_000, ..RATES };
    price.tiers.set(Tier::Priority, TierRates { rates: double, long: None });
    price.fees.set(Use::WebSearch, Fee::PerUse(10_000_000));
    price.fees.set(Use::SearchQuery, Fee::PerCall(35_000_000));
    let most = |what: AskedFor| {
        let bound = CallBound { asked: vec![asked("field", what)], ..CallBound::of(Some(100), Some(10)) };
        price.most(&bound).nano_usd.map(Amount::get).map_err(str::to_owned)
    };
    let plain = 100 * 6000 + 10 * 15_000;
    let no = Err("field".to_owned());
    assert_eq!(most(AskedFor::Tier(Tier::Standard)), Ok(plain));
    assert_eq!(most(AskedFor::Tier(Tier::Priority)), Ok(100 * 6000 + 10 * 30_000));
    assert_eq!(most(AskedFor::Tier(Tier::Flex)), no);
    assert_eq!(most(AskedFor::Geography(Geography::Us)), no);
    assert_eq!(most(AskedFor::Geography(Geography::Global)), Ok(plain));
    assert_eq!(most(AskedFor::AudioInput), no);
    assert_eq!(most(AskedFor::AudioOutput), no);
    assert_eq!(most(AskedFor::ImageOutput), no);
    assert_eq!(most(AskedFor::Uses(Use::WebSearch, Some(3))), Ok(plain + 30_000_000));
    assert_eq!(most(AskedFor::Uses(Use::WebSearch, None)), no, "nothing bounds it");
    assert_eq!(most(AskedFor::Uses(Use::SearchQuery, None)), Ok(plain + 35_000_000), "one fee, however many");
    assert_eq!(most(AskedFor::Uses(Use::FileSearch, Some(1))), no);
    assert_eq!(most(AskedFor::Unpriced(Unpriced::CodeSession)), no);
    price.us_permille = Some(1100);
    let of_place = |asked: Vec<Asked>| {
        price.most(&CallBound { asked, ..CallBound::of(Some(100), Some(10)) }).nano_usd.unwrap().get()
    };
    assert_eq!(of_place(vec![]), plain * 11 / 10, "where a workspace is set to, the call does not say");
    assert_eq!(of_place(vec![asked("inference_geo", AskedFor::Geography(Geography::Global))]), plain);
}

#[test]
fn no_request_makes_a_models_window_larger() {
    let most = |bound: &CallBound| {
        let most = price(0).most(bound);
        (most.tokens, most.nano_usd.unwrap())
    };
    assert_eq!(
        most(&CallBound { answers: Amount::of(2), ..CallBound::of(Some(1000), Some(10)) }).0.get(),
        1020
    );
    assert_eq!(most(&CallBound::UNKNOWN).0.get(), 1_064_000);
    let huge = CallBound::of(Some(i64::MAX), Some(i64::MAX));
    assert_eq!(most(&huge), most(&CallBound::UNKNOWN));
    let many = CallBound { prompts: Amount::of(3), answers: Amount::of(5), ..CallBound::UNKNOWN };
    assert_eq!(most(&many).0.get(), 3_000_000 + 5 * 64_000);
    let all = CallBound { prompts: Amount::CEILING, answers: Amount::CEILING, ..huge };
    assert_eq!(most(&all), (Amount::CEILING, Amount::CEILING));
}

#[test]
fn a_model_is_found_by_its_own_name_or_its_vendors() {
    let provider = |name: &str| Provider::stored(name.to_owned());
    let mut table = PriceTable::default();
    table.set(&provider("openai"), "gpt-4o", vec![price(2000), price(1000)]);
    table.set(&provider("openai"), "gpt-4o-2024-05-13", vec![price(500)]);
    table.set(&provider("anthropic"), "claude-sonnet-4-5", vec![price(0)]);
    let from = |name: &str, model: &str, at| {
        table.find(&provider(name), model, Millis(at)).map(|price| price.from.0)
    };
    assert_eq!(from("openai", "gpt-4o", 999), None);
    assert_eq!(from("openai", "gpt-4o", 1000), Some(1000));
    assert_eq!(from("openai", "gpt-4o", 5000), Some(2000));
    assert_eq!(from("openai", "gpt-4o-2024-05-13", 5000), Some(500));
    for unknown in ["gpt-4o-mini", "gpt-4o-08-06", "gpt-4o-2024-08-06", "gpt-4o-20240806"] {
        assert_eq!(from("openai", unknown, 5000), None, "{unknown}: nothing is guessed");
    }
    assert_eq!(from("openrouter", "anthropic/claude-sonnet-4.5", 0), Some(0));
    assert_eq!(from("openrouter", "openai/gpt-4o:free", 5000), None);
    assert_eq!(from("groq", "gpt-4o", 5000), None);
    let answered = |asked: Option<&str>, answered: Option<&str>| {
        let models = CallModels { asked, answered };
        table.find_billed(&provider("openai"), models, Millis(5000)).map(|(_, price)| price.from.0)
    };
    assert_eq!(
        answered(Some("gpt-4o"), Some("gpt-4o-2024-05-13")),
        Some(500),
        "the dated name is what is billed"
    );
    assert_eq!(answered(Some("gpt-4o"), Some("gpt-4o-2024-08-06")), Some(2000));
    assert_eq!(answered(Some("gpt-4o-2024-05-13"), Some("gpt-4o")), Some(500));
    assert_eq!(answered(Some("alias"), Some("gpt-4o")), Some(2000));
    assert_eq!(answered(None, Some("gpt-4o")), Some(2000));
    assert_eq!(answered(Some("gpt-4o"), None), Some(2000));
    assert_eq!(answered(Some("alias"), None), None);
    let mut other = PriceTable::default();
    other.set(&provider("openai"), "gpt-4o", vec![price(3000)]);
    table.override_with(other);
    assert_eq!(table.find(&provider("openai"), "gpt-4o", Millis(2500)), None);
    assert_eq!(table.models_of(&provider("openai")), ["gpt-4o", "gpt-4o-2024-05-13"]);
}

#[test]
fn a_name_that_stands_for_one_without_a_price_has_no_exact_price() {
    let provider = |name: &str| Provider::stored(name.to_owned());
    let mut table = PriceTable::default();
    for name in ["gpt-4o", "gpt-4o-2024-05-13", "mistral-small-latest", "gpt-4"] {
        table.set(&provider("openai"), name, vec![price(0)]);
    }
    table.set(&provider("openai"), "gpt-5-pro", vec![price(1)]);
    for (asked, answered, unpriced, billed) in [
        ("gpt-4o", "gpt-4o-2024-05-13", None, "gpt-4o-2024-05-13"),
        ("gpt-4o", "gpt-4o-2027-01-01", Some(Unpriced::Model), "gpt-4o-2027-01-01"),
        ("gpt-4", "gpt-4-0613", Some(Unpriced::Model), "gpt-4-0613"),
        ("mistral-small-latest", "mistral-small-2612", Some(Unpriced::Model), "mistral-small-2612"),
        ("mistral-small-latest", "mistral-small-latest", None, "mistral-small-latest"),
        ("gpt-4o", "an-own-name", None, "gpt-4o"),
        ("gpt-4o", "gpt", None, "gpt-4o"),
        ("gpt-4o", "x", None, "gpt-4o"),
        ("mistral-small-latest", "Mistral-Huge", Some(Unpriced::Model), "Mistral-Huge"),
        ("gpt-4o", "gpt-4o-xl", Some(Unpriced::Model), "gpt-4o-xl"),
        ("gpt-4o", "GPT-5-PRO ", Some(Unpriced::Model), "GPT-5-PRO "),
        ("gpt-4o", "openai/gpt-5-pro", Some(Unpriced::Model), "openai/gpt-5-pro"),
        ("gpt-4o", "gpt-4o-v2", Some(Unpriced::Model), "gpt-4o-v2"),
        ("gpt-4o", "models/GPT-4o", None, "gpt-4o"),
        ("gpt-4o", "openai/gpt-4o", None, "gpt-4o"),
        ("gpt-4o", "openai/of-several-models", Some(Unpriced::Model), "openai/of-several-models"),
        ("gpt-4o", "others/an-own-name", None, "gpt-4o"),
        ("gpt-4o", "gpt-5-pro", Some(Unpriced::Model), "gpt-5-pro"),
        ("gpt-4", "gpt-4-001", Some(Unpriced::Model), "gpt-4-001"),
        ("gpt-4", "gpt-4-05-20", Some(Unpriced::Model), "gpt-4-05-20"),
        ("gpt-4", "gpt-4@20250514", Some(Unpriced::Model), "gpt-4@20250514"),
    ] {
        let models = CallModels { asked: Some(asked), answered: Some(answered) };
        let (cost, name) = table.cost_of(&provider("openai"), models, Millis(5), &tokens(10, 10));
        assert_eq!((cost.unpriced, name), (unpriced, Some(billed)), "{asked} {answered}");
        assert!(cost.known_nano_usd > Amount::ZERO);
    }
}

#[test]
fn nothing_is_no_cost_of_a_model_that_has_a_price() {
    let mut table = PriceTable::default();
    let provider = Provider::stored("openrouter".to_owned());
    table.set(&provider, "a/paid", vec![price(0)]);
    for (model, told, unpriced) in [
        ("a/paid", 0, Some(Unpriced::ReportedCost)),
        ("a/paid", 1, None),
        ("a/paid:free", 0, None),
        ("a/unknown", 0, None),
    ] {
        let usage = TokenUsage { reported_nano_usd: Some(Amount::of(told)), ..tokens(10, 10) };
        let models = CallModels { asked: Some(model), answered: Some(model.trim_end_matches(":free")) };
        let (cost, _) = table.cost_of(&provider, models, Millis(5), &usage);
        assert_eq!((cost.unpriced, cost.known_nano_usd.get()), (unpriced, told), "{model}");
        let unanswered = TokenUsage { output: Amount::ZERO, ..usage };
        assert_eq!(table.cost_of(&provider, models, Millis(5), &unanswered).0.unpriced, None, "{model}");
    }
}

#[test]
fn what_may_be_of_any_kind_costs_the_dearest() {
    let rates =
        Rates { output: 10, audio_output: Some(30), image_output: Some(20), ..price(0).standard.rates };
    let price = ModelPrice { standard: TierRates { rates, long: None }, ..price(0) };
    let cost = |usage: TokenUsage| price.cost(&usage).known_nano_usd.get();
    let usage = tokens(0, 1_000_000);
    let shown = TokenUsage { image_output: Amount::of(100_000), ..usage };
    assert_eq!(cost(shown), 2 + 9);
    assert_eq!(cost(TokenUsage { untold_output: Amount::of(900_000), ..shown }), 2 + 27);
    // No more of it than there is.
    assert_eq!(cost(TokenUsage { untold_output: Amount::of(9_000_000), ..shown }), 2 + 27);
    let mut heard = TokenUsage { untold_input: Amount::of(7), audio_input: Amount::of(3), ..usage };
    heard.take_untold_input_for_audio();
    assert_eq!((heard.audio_input.get(), heard.untold_input.get()), (10, 0));
}

/// Rates of any price, audio and images of their own or not.
fn any_rates() -> impl Strategy<Value = Rates> {
    let rate = || 0..200_000_000_000_i64;
    let some = || proptest::option::of(0..200_000_000_000_i64);
    let audio =
        proptest::option::of((rate(), rate()).prop_map(|(fresh, cached)| AudioInput { fresh, cached }));
    (rate(), rate(), rate(), rate(), rate(), audio, some(), some()).prop_map(
        |(
            input,
            cached_input,
            cache_write,
            cache_write_long,
            output,
            audio_input,
            audio_output,
            image_output,
        )| Rates {
            input,
            cached_input,
            cache_write,
            cache_write_long,
            output,
            audio_input,
            audio_output,
            image_output,
        },
    )
}

fn any_tier_rates() -> impl Strategy<Value = TierRates> {
    (any_rates(), proptest::option::of(any_rates())).prop_map(|(rates, long)| TierRates { rates, long })
}

fn any_price() -> impl Strategy<Value = ModelPrice> {
    let tiers = proptest::collection::vec((0..Tier::ALL.len(), any_tier_rates()), 0..4);
    let fees = proptest::collection::vec((0..Use::ALL.len(), 0..100_000_000_i64, any::<bool>()), 0..4);
    let long_above = proptest::option::of(1..2000_i64);
    (any_tier_rates(), tiers, long_above, proptest::option::of(900..2000_i64), fees).prop_map(
        |(standard, tiers, long_above, us_permille, fees)| {
            let mut price = ModelPrice {
                standard,
                long_above: long_above.map(Amount::of),
                us_permille,
                max_input: 4000,
                max_output: 1000,
                ..price(0)
            };
            tiers.into_iter().for_each(|(tier, rates)| price.tiers.set(Tier::ALL[tier], rates));
            for (kind, fee, per_call) in fees {
                price.fees.set(Use::ALL[kind], if per_call { Fee::PerCall(fee) } else { Fee::PerUse(fee) });
            }
            price
        },
    )
}

/// A usage in which no part is larger than its whole.
fn any_usage() -> impl Strategy<Value = TokenUsage> {
    let uses = proptest::array::uniform6(0..5_u32);
    (
        proptest::array::uniform5(0..1000_i64),
        proptest::array::uniform3(0..300_i64),
        uses,
        0..Tier::ALL.len(),
        any::<bool>(),
    )
        .prop_map(
            |([text, cached, write, long_write, audio], [spoken, heard, seen], uses, tier, in_us)| {
                let mut counted = Uses::default();
                Use::ALL.into_iter().zip(uses).for_each(|(kind, count)| counted.set(kind, count));
                let geography = if in_us { Geography::Us } else { Geography::Global };
                TokenUsage {
                    cached_input: Amount::of(cached),
                    cached_audio_input: Amount::of(cached.min(audio) / 2),
                    cache_write: Amount::of(write),
                    cache_write_long: Amount::of(long_write),
                    audio_input: Amount::of(audio),
                    audio_output: Amount::of(heard),
                    image_output: Amount::of(seen),
                    uses: counted,
                    terms: Terms { tier: Tier::ALL[tier], geography, ..Terms::default() },
                    ..tokens(text + cached + write + long_write + audio, spoken + heard + seen)
                }
            },
        )
}

/// A request for just what was used.
fn request_for(usage: &TokenUsage) -> CallBound {
    let mut all = vec![asked("tier", AskedFor::Tier(usage.terms.tier))];
    let mut add = |is_asked: bool, what| all.extend(is_asked.then(|| asked("what", what)));
    add(usage.terms.geography == Geography::Us, AskedFor::Geography(Geography::Us));
    add(usage.audio_input > Amount::ZERO, AskedFor::AudioInput);
    add(usage.audio_output > Amount::ZERO, AskedFor::AudioOutput);
    add(usage.image_output > Amount::ZERO, AskedFor::ImageOutput);
    for kind in Use::ALL {
        add(usage.uses.get(kind) > 0, AskedFor::Uses(kind, Some(usage.uses.get(kind))));
    }
    CallBound { asked: all, ..CallBound::of(Some(usage.input.get()), Some(usage.output.get())) }
}

proptest! {
    #[test]
    fn no_call_costs_more_than_its_bound(price in any_price(), usage in any_usage(), more in 0..1000_i64) {
        let mut bound = request_for(&usage);
        bound.input = bound.input.map(|input| input.plus(Amount::of(more)));
        let cost = price.cost(&usage);
        if let Ok(most) = price.most(&bound).nano_usd {
            prop_assert!(cost.known_nano_usd <= most, "{cost:?} > {most}");
        }
    }

    #[test]
    fn more_that_is_asked_for_never_lowers_a_bound(price in any_price(), usage in any_usage(), dropped in 0..12_usize) {
        let bound = request_for(&usage);
        let mut fewer = bound.clone();
        if dropped < fewer.asked.len() {
            fewer.asked.remove(dropped);
        }
        if let (Ok(fewer), Ok(all)) = (price.most(&fewer).nano_usd, price.most(&bound).nano_usd) {
            prop_assert!(fewer <= all);
        }
    }
}
