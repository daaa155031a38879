//! Prices: what has none is charged as it was held, and has its cost once the table knows it.

use strongroom::Strongroom;
use strongroom::call::{CallEnd, CallTarget, NewCall};
use strongroom::limit::Bound;
use strongroom::token::TokenRequest;
use strongroom::usage::Dim;
use strongroom::{Actor, Millis, ProblemKind, Role};
use strongroom_connectors::ai::gateway::{AnswerForm, Meter, UsageReader};
use strongroom_model::Amount;
use strongroom_model::limit::{Unit, Window};
use strongroom_model::usage::{Asked, AskedFor, CallBound, Metering, Tier, Unpriced, Use};

use super::ground::{Ground, ground, new, provider};

const DOLLAR: i64 = 1_000_000_000;

async fn limited(ground: &Ground, usd: i64) -> Actor {
    let tokens = ground.room.tokens(Actor::library());
    let (token, _) = tokens.create(TokenRequest::new("program", Role::Gateway)).await.expect("a token");
    let limits = ground.room.limits(Actor::library());
    limits.set(&Bound::Token(token.id), Unit::NanoUsd, Window::Day, usd * DOLLAR).await.expect("a limit");
    tokens.authenticate(&token.text).await.expect("an actor")
}

fn chat(model: &str, bound: CallBound) -> NewCall {
    let target = CallTarget { provider: provider("openai"), model: Some(model.to_owned()), bound };
    NewCall { operation: "chat.completions", targets: vec![target] }
}

/// The end of a call that was answered so.
fn end_of(answer: &str) -> CallEnd {
    let mut reader = UsageReader::new(Meter::Chat, &provider("openai"), AnswerForm::Whole, Amount::ONE);
    reader.feed(answer.as_bytes());
    let report = reader.finish();
    CallEnd { usage: report.usage, model: report.model, raw_usage: report.raw, metering: Metering::Reported }
}

fn answer(model: &str, beside: &str) -> String {
    format!(
        "{{\"model\":\"{model}\"{beside},\"choices\":[],\"usage\":{{\"prompt_tokens\":100,\"completion_tokens\":50}}}}"
    )
}

async fn call(ground: &Ground, actor: &Actor, new: NewCall, answer: &str) {
    let mut call = ground.room.calls(actor.clone()).begin(new).await.expect("somebody serves it");
    let attempt = call.next().await.expect("it is admitted").expect("a credential");
    attempt.answered(200).settle(end_of(answer));
}

/// Billionths of dollars, and calls without a price.
async fn costs(room: &Strongroom) -> (i64, i64) {
    let usage = room.usage(Actor::library());
    let sums = usage.sums(Dim::Provider, Millis(0), Millis(i64::MAX)).await.expect("sums");
    (sums[0].figures.cost_nano_usd, sums[0].figures.unpriced)
}

/// What the one limit counts.
async fn used(room: &Strongroom) -> i64 {
    room.limits(Actor::library()).list().await.expect("limits")[0].used
}

#[tokio::test]
async fn a_class_of_service_without_a_price_is_charged_as_held_and_priced_once_it_has_one() {
    let ground = ground().await;
    ground.make(new("one")).await;
    let actor = limited(&ground, 1).await;
    let bound = CallBound::of(Some(1000), Some(500));
    let held = 1000 * 2500 + 500 * 10_000;
    call(&ground, &actor, chat("gpt-4o", bound), &answer("gpt-4o", ",\"service_tier\":\"flex\"")).await;
    assert_eq!(costs(&ground.room).await, (0, 1));
    assert_eq!(used(&ground.room).await, held);

    // The same table prices no more than before.
    let usage = ground.room.usage(Actor::library());
    assert_eq!(usage.reprice(Millis(0)).await.expect("done").changed, 0);

    let mut options = ground.options();
    let prices = "[openai]\n\"gpt-4o\" = [{ input = 2.5, output = 10.0, max_input = 128000, max_output = 16384, \
                  tiers = { flex = 0.5 } }]";
    options.prices.override_with(strongroom::prices::parse(prices).expect("a table"));
    let later = Strongroom::open(options).await.expect("it opens");
    let done = later.usage(Actor::library()).reprice(Millis(0)).await.expect("done");
    let cost = (100 * 2500 + 50 * 10_000) / 2;
    assert_eq!((done.records, done.changed, done.nano_usd), (1, 1, cost));
    assert_eq!(costs(&later).await, (cost, 0));
    assert_eq!(used(&later).await, held, "calls were admitted by what was charged");
    assert_eq!(later.usage(Actor::library()).verify(Millis(0)).await.expect("sums"), []);
    later.close().await.expect("nothing is lost");
}

#[tokio::test]
async fn a_dated_name_that_answers_has_its_own_price_and_keeps_it() {
    let ground = ground().await;
    ground.make(new("one")).await;
    let actor = limited(&ground, 1).await;
    let bound = CallBound::of(Some(1000), Some(500));
    call(&ground, &actor, chat("gpt-4o", bound), &answer("gpt-4o-2024-05-13", "")).await;
    let cost = 100 * 5000 + 50 * 15_000;
    assert_eq!(costs(&ground.room).await, (cost, 0));
    let done = ground.room.usage(Actor::library()).reprice(Millis(0)).await.expect("done");
    assert_eq!((done.records, done.changed), (1, 0), "it is priced again by the name that has the price");
    assert_eq!(used(&ground.room).await, cost);
}

#[tokio::test]
async fn what_has_no_price_is_refused_under_a_limit_in_dollars_by_its_name() {
    let ground = ground().await;
    ground.make(new("one")).await;
    let actor = limited(&ground, 1).await;
    let with = |what: AskedFor| CallBound {
        asked: vec![Asked { field: "the[0].field".into(), what }],
        ..CallBound::of(Some(1000), Some(500))
    };
    for (model, what) in [
        ("gpt-4o", AskedFor::Tier(Tier::Flex)),
        ("gpt-4o", AskedFor::AudioInput),
        ("gpt-4o", AskedFor::Uses(Use::WebSearch, None)),
        ("gpt-4o", AskedFor::Uses(Use::SearchQuery, Some(1))),
        ("gpt-4o", AskedFor::Unpriced(Unpriced::CodeSession)),
    ] {
        let mut call = ground
            .room
            .calls(actor.clone())
            .begin(chat(model, with(what)))
            .await
            .expect("somebody serves it");
        let problem = call.next().await.expect_err("it is refused");
        assert_eq!(problem.kind, ProblemKind::Denied);
        assert!(problem.message.contains("the[0].field"), "{}", problem.message);
        // Nobody is bound in dollars here.
        let free = ground.room.calls(Actor::library()).begin(chat(model, with(what))).await;
        assert!(free.expect("somebody serves it").next().await.expect("admitted").is_some(), "{what:?}");
    }
    // What has a price is held at it: ten searches at a cent each.
    let searches = with(AskedFor::Uses(Use::WebSearch, Some(10)));
    let mut call =
        ground.room.calls(actor).begin(chat("gpt-4o", searches)).await.expect("somebody serves it");
    let attempt = call.next().await.expect("it is admitted").expect("a credential");
    let standing = &ground.room.limits(Actor::library()).list().await.expect("limits")[0];
    assert_eq!(standing.held, 1000 * 2500 + 500 * 10_000 + 10 * 10_000_000);
    drop(attempt);
}
