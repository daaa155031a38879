//! However a call ends, no less is counted than is billed, on credential, token and user, in tokens and in dollars; and what
//! the provider said last is counted as it is. The table is the one of `docs/limits.md`.

use futures::future::join_all;
use serde_json::json;
use strongroom_testkit::fake_upstream::Bill;

use crate::BACKEND;
use crate::cases::billed::{Client, Counted, Operation, Subject, call, operations};
use crate::cases::exactness::assert_ledger;
use crate::cases::stage::{Stage, texts};
use crate::support::away::Way;
use crate::support::server::{Installation, STEP, STEPS};

/// Tokens of prompt and answer, most of them hidden.
const USED: &str = "700,4000";
/// More than all calls of the table use together.
const PLENTY: (i64, i64) = (1 << 60, 1 << 60);

/// What a call is charged with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Charged {
    /// What it was billed.
    Bill,
    /// What was held for it.
    Hold,
    /// What the provider says, and that is more than anybody sells.
    Ceiling,
    /// What was held for it, or the figures that were told, whichever is more.
    HoldOrFigures,
    Nothing,
}

/// How a call ends: a row of the table.
#[derive(Debug, Clone, Copy)]
struct Ending {
    name: &'static str,
    headers: &'static [(&'static str, &'static str)],
    client: Client,
    charged: Charged,
    metering: &'static str,
    /// What the client sees, if it stays so long.
    status: Option<u16>,
    fits: fn(&Operation) -> bool,
}

const ALL: fn(&Operation) -> bool = |_| true;
const STREAMS: fn(&Operation) -> bool = Operation::is_stream;
const WHOLE: fn(&Operation) -> bool =
    |operation| !operation.is_stream() && operation.name != "generate-array";
const CHAT_STREAMS: fn(&Operation) -> bool = |operation| operation.name.starts_with("chat-stream");
/// The client sees the last figures.
const SHOWN: fn(&Operation) -> bool = |operation| operation.name != "chat-stream-unasked";

const fn ends(
    name: &'static str,
    headers: &'static [(&'static str, &'static str)],
    client: Client,
    (charged, metering): (Charged, &'static str),
    status: u16,
    fits: fn(&Operation) -> bool,
) -> Ending {
    let status = if status == 0 { None } else { Some(status) };
    Ending { name, headers, client, charged, metering, status, fits }
}

const BILLED: (Charged, &str) = (Charged::Bill, "reported");
const HELD: (Charged, &str) = (Charged::Hold, "held");
const FREE: (Charged, &str) = (Charged::Nothing, "unmetered");

/// Those that end at once or by the client.
#[rustfmt::skip]
const ENDINGS: [Ending; 62] = [
    ends("comes to its end", &[], Client::Stays, BILLED, 200, ALL),
    ends("figures in every chunk", &[("x-stainless-fake-figures", "always")], Client::Stays, BILLED, 200, ALL),
    ends("figures before the text", &[("x-stainless-fake-figures", "early")], Client::Stays, BILLED, 200, CHAT_STREAMS),
    ends("figures before the text and the provider breaks off", &[("x-stainless-fake-figures", "early"), ("x-stainless-fake-ending", "partial-then-breaks")], Client::Stays, HELD, 0, CHAT_STREAMS),
    ends("zeros behind the figures", &[("x-stainless-fake-figures", "shrink")], Client::Stays, BILLED, 200, CHAT_STREAMS),
    ends("client leaves before the head", &[("x-stainless-fake-ending", "nothing-then-silent")], Client::LeavesBeforeTheHead, HELD, 0, ALL),
    ends("client leaves at the head", &[("x-stainless-fake-ending", "head-then-silent")], Client::LeavesAtTheHead, HELD, 200, ALL),
    ends("client leaves in the body", &[("x-stainless-fake-ending", "partial-then-silent")], Client::LeavesInTheBody, HELD, 200, ALL),
    ends("client leaves in a body with figures", &[("x-stainless-fake-ending", "partial-then-silent"), ("x-stainless-fake-figures", "always")], Client::LeavesInTheBody, HELD, 200, STREAMS),
    ends("client leaves at the last figures", &[("x-stainless-fake-ending", "final-then-silent")], Client::LeavesAtTheFigures, BILLED, 200, SHOWN),
    ends("provider breaks off before the head", &[("x-stainless-fake-ending", "nothing-then-breaks")], Client::Stays, HELD, 502, ALL),
    ends("provider breaks off in the head", &[("x-stainless-fake-ending", "in-head-then-breaks")], Client::Stays, HELD, 502, ALL),
    ends("provider breaks off at the head", &[("x-stainless-fake-ending", "head-then-breaks")], Client::Stays, HELD, 0, ALL),
    ends("provider breaks off in the body", &[("x-stainless-fake-ending", "partial-then-breaks")], Client::Stays, HELD, 0, ALL),
    ends("provider breaks off in a body with figures", &[("x-stainless-fake-ending", "partial-then-breaks"), ("x-stainless-fake-figures", "always")], Client::Stays, HELD, 0, STREAMS),
    ends("provider breaks off behind the last figures", &[("x-stainless-fake-ending", "final-then-breaks")], Client::Stays, BILLED, 0, ALL),
    ends("no first byte in time", &[("x-stainless-fake-ending", "nothing-then-silent")], Client::Stays, HELD, 502, ALL),
    ends("no whole head in time", &[("x-stainless-fake-ending", "in-head-then-silent")], Client::Stays, HELD, 502, ALL),
    ends("pause at the head", &[("x-stainless-fake-ending", "head-then-silent")], Client::Stays, HELD, 0, ALL),
    ends("pause in the body", &[("x-stainless-fake-ending", "partial-then-silent")], Client::Stays, HELD, 0, ALL),
    ends("pause behind the last figures", &[("x-stainless-fake-ending", "final-then-silent")], Client::Stays, BILLED, 0, ALL),
    ends("no figures", &[("x-stainless-fake-figures", "none")], Client::Stays, HELD, 200, ALL),
    ends("figure below zero", &[("x-stainless-fake-output", "-5")], Client::Stays, HELD, 200, ALL),
    ends("figure far below zero", &[("x-stainless-fake-output", "-9223372036854775808")], Client::Stays, HELD, 200, ALL),
    ends("figure that is a text", &[("x-stainless-fake-output", "\"many\"")], Client::Stays, HELD, 200, ALL),
    ends("figure that is a list", &[("x-stainless-fake-output", "[1]")], Client::Stays, HELD, 200, ALL),
    ends("figure that is true", &[("x-stainless-fake-output", "true")], Client::Stays, HELD, 200, ALL),
    ends("figure below zero and the client leaves", &[("x-stainless-fake-output", "-1"), ("x-stainless-fake-ending", "final-then-silent")], Client::LeavesAtTheFigures, HELD, 200, SHOWN),
    ends("figure that is not there", &[("x-stainless-fake-output", "null")], Client::Stays, (Charged::HoldOrFigures, ""), 200, ALL),
    ends("figure that is a broken number", &[("x-stainless-fake-output", "4000.0")], Client::Stays, BILLED, 200, |it| it.name != "embeddings"),
    ends("figure of 400 digits", &[("x-stainless-fake-output", "1e300")], Client::Stays, (Charged::Ceiling, "reported"), 200, ALL),
    ends("figure of 64 bits", &[("x-stainless-fake-output", "9223372036854775807")], Client::Stays, (Charged::Ceiling, "reported"), 200, ALL),
    ends("refusal 400", &[("x-stainless-fake-ending", "error-400")], Client::Stays, FREE, 400, ALL),
    ends("refusal 403", &[("x-stainless-fake-ending", "error-403")], Client::Stays, FREE, 403, ALL),
    ends("page 403", &[("x-stainless-fake-ending", "page-403")], Client::Stays, HELD, 403, ALL),
    ends("page 408", &[("x-stainless-fake-ending", "page-408")], Client::Stays, HELD, 408, ALL),
    ends("refusal 408", &[("x-stainless-fake-ending", "error-408")], Client::Stays, HELD, 408, ALL),
    ends("page 499", &[("x-stainless-fake-ending", "page-499")], Client::Stays, HELD, 499, ALL),
    ends("refusal 404", &[("x-stainless-fake-ending", "error-404")], Client::Stays, FREE, 404, ALL),
    ends("refusal 413", &[("x-stainless-fake-ending", "page-413")], Client::Stays, FREE, 413, ALL),
    ends("refusal 422", &[("x-stainless-fake-ending", "error-422")], Client::Stays, FREE, 422, ALL),
    ends("refusal 429", &[("x-stainless-fake-ending", "error-429")], Client::Stays, FREE, 429, ALL),
    ends("page 429", &[("x-stainless-fake-ending", "page-429")], Client::Stays, FREE, 429, ALL),
    ends("refusal 500", &[("x-stainless-fake-ending", "error-500")], Client::Stays, FREE, 500, ALL),
    ends("refusal 503", &[("x-stainless-fake-ending", "error-503")], Client::Stays, FREE, 503, ALL),
    ends("refusal 529", &[("x-stainless-fake-ending", "error-529")], Client::Stays, FREE, 529, ALL),
    ends("refusal 400 with figures", &[("x-stainless-fake-ending", "told-400")], Client::Stays, BILLED, 400, WHOLE),
    ends("refusal 429 with figures", &[("x-stainless-fake-ending", "told-429")], Client::Stays, BILLED, 429, WHOLE),
    ends("refusal 500 with figures", &[("x-stainless-fake-ending", "told-500")], Client::Stays, BILLED, 500, WHOLE),
    ends("error 502", &[("x-stainless-fake-ending", "error-502")], Client::Stays, HELD, 502, ALL),
    ends("error 504", &[("x-stainless-fake-ending", "error-504")], Client::Stays, HELD, 504, ALL),
    ends("page 500", &[("x-stainless-fake-ending", "page-500")], Client::Stays, HELD, 500, ALL),
    ends("page 502", &[("x-stainless-fake-ending", "page-502")], Client::Stays, HELD, 502, ALL),
    ends("page 503", &[("x-stainless-fake-ending", "page-503")], Client::Stays, HELD, 503, ALL),
    ends("page 504", &[("x-stainless-fake-ending", "page-504")], Client::Stays, HELD, 504, ALL),
    ends("page 520", &[("x-stainless-fake-ending", "page-520")], Client::Stays, HELD, 520, ALL),
    ends("page 522", &[("x-stainless-fake-ending", "page-522")], Client::Stays, HELD, 522, ALL),
    ends("page 524", &[("x-stainless-fake-ending", "page-524")], Client::Stays, HELD, 524, ALL),
    ends("redirect 302", &[("x-stainless-fake-ending", "redirect-302")], Client::Stays, FREE, 502, ALL),
    ends("redirect 307", &[("x-stainless-fake-ending", "redirect-307")], Client::Stays, FREE, 502, ALL),
    ends("redirect that tells its figures", &[("x-stainless-fake-ending", "told-307")], Client::Stays, BILLED, 502, WHOLE),
    ends("redirect 303", &[("x-stainless-fake-ending", "redirect-303")], Client::Stays, HELD, 502, ALL),
];

async fn impatient(installation: Installation) -> Stage {
    Stage::with(|it| {
        drop(it);
        installation
            .set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true")
            .set("STRONGROOM_GATEWAY_FIRST_BYTE_TIMEOUT_SECONDS", "1")
            .set("STRONGROOM_GATEWAY_IDLE_TIMEOUT_SECONDS", "1")
    })
    .await
}

fn used(counted: &Counted, before: &Counted) -> Vec<(String, String, i64)> {
    let more = |(key, (now, held)): (&(String, String), &(i64, i64))| {
        assert_eq!(*held, 0, "nothing is under way: {counted:?}");
        (key.0.clone(), key.1.clone(), now - before[key].0)
    };
    counted.iter().map(more).collect()
}

/// What is held for a call that is under way, in tokens and in billionths of a dollar.
async fn hold_of(stage: &Stage, operation: &Operation, subject: &Subject) -> (i64, i64) {
    let headers = [("x-stainless-fake-ending", "nothing-then-silent")];
    let seen = std::sync::Mutex::new((0, 0));
    let calls = stage.fake.count(&subject.key);
    let address = stage.server.address();
    let waiting = call(address, &subject.token, (operation, &headers), Client::Stays, || true);
    let looking = async {
        while stage.fake.count(&subject.key) == calls {
            tokio::time::sleep(STEP).await;
        }
        let counted = subject.counted(&stage.server).await;
        let of = |unit: &str| counted[&(unit.to_owned(), "token".to_owned())].1;
        *seen.lock().unwrap() = (of("tokens"), of("nano_usd"));
    };
    let (status, ()) = tokio::join!(waiting, looking);
    assert_eq!(status.unwrap(), Some(502));
    seen.into_inner().unwrap()
}

/// All endings of one operation, one after the other.
async fn end_in_every_way(stage: &Stage, operation: &Operation) {
    let subject = Subject::new(stage, operation, operation.name, PLENTY).await;
    let (mut calls, mut hold) = (0, (0, 0));
    // On a busy machine the call may end before both have been looked at.
    while calls < 5 && (hold.0 == 0 || hold.1 == 0) {
        hold = hold_of(stage, operation, &subject).await;
        calls += 1;
    }
    assert!(hold.0 > 4700 && hold.1 > 0, "{}: {hold:?}", operation.name);
    let mut seen = calls;
    for ending in ENDINGS.iter().filter(|ending| (ending.fits)(operation)) {
        let what = format!("{}: {}", operation.name, ending.name);
        let (before, billed) = (subject.counted(&stage.server).await, stage.fake.bill(&subject.key));
        let arrived = stage.fake.count(&subject.key);
        let headers = [ending.headers, &[("x-stainless-fake-usage", USED)]].concat();
        let has_arrived = || stage.fake.count(&subject.key) > arrived;
        let status =
            call(stage.server.address(), &subject.token, (operation, &headers), ending.client, has_arrived)
                .await;
        let status = status.unwrap_or_else(|error| panic!("{what}: {error}"));
        if let Some(expected) = ending.status {
            assert_eq!(status, Some(expected), "{what}");
        }
        calls += 1;
        let columns = "metering, charged_tokens, charged_nano_usd, kind, requests, client_requests";
        let records = subject.records(&stage.server, calls, columns).await;
        let new: Vec<_> = records[..records.len() - seen].iter().map(|record| texts(record)).collect();
        seen = records.len();
        let (record, attempts): (Vec<_>, Vec<_>) = new.iter().partition(|record| record[3] == "call");
        let record = record[0];
        assert_eq!(record[3..], ["call", "1", "1"], "{what}");
        assert!(attempts.iter().all(|attempt| attempt[0] == "held"), "{what}: {attempts:?}");
        let now = stage.fake.bill(&subject.key);
        let bill = Bill {
            calls: now.calls - billed.calls,
            input: now.input - billed.input,
            cached_input: now.cached_input - billed.cached_input,
            cache_write: now.cache_write - billed.cache_write,
            output: now.output - billed.output,
        };
        let counted = subject.counted(&stage.server).await;
        for (unit, scope, charged) in used(&counted, &before) {
            let is_tokens = unit == "tokens";
            let billed = if is_tokens { bill.tokens() } else { operation.cost(bill) };
            let hold = if is_tokens { hold.0 } else { hold.1 } * new.len() as i64;
            assert!(
                billed <= charged,
                "{what}: {billed} {unit} are billed and {charged} counted on the {scope}"
            );
            let column = if is_tokens { 1 } else { 2 };
            let recorded: i64 = new.iter().map(|record| record[column].parse::<i64>().unwrap()).sum();
            assert_eq!(charged, recorded, "{what}: {unit} on the {scope}");
            match ending.charged {
                Charged::Bill => assert_eq!(charged, billed, "{what}: {unit} on the {scope}"),
                Charged::Hold => assert_eq!(charged, hold, "{what}: {unit} on the {scope}"),
                Charged::Ceiling => assert!(charged > hold, "{what}: {charged} {unit} on the {scope}"),
                Charged::HoldOrFigures => {
                    assert!([hold, billed].contains(&charged), "{what}: {charged} {unit}")
                }
                Charged::Nothing => {
                    assert_eq!((charged, bill.calls), (0, 0), "{what}: {unit} on the {scope}")
                }
            }
        }
        if !ending.metering.is_empty() {
            assert_eq!(record[0], ending.metering, "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn however_a_call_ends_no_less_is_counted_than_is_billed_and_figures_are_counted_as_they_are() {
    let stage = impatient(Installation::new(BACKEND).await).await;
    let all = operations();
    join_all(all.iter().map(|operation| end_in_every_way(&stage, operation))).await;
    assert_ledger(&stage.server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_attempt_that_may_have_been_billed_is_charged_and_the_clients_request_counts_once() {
    let stage = impatient(Installation::new(BACKEND).await).await;
    let all = operations();
    let cases = [
        ("nothing-then-breaks", "held"),
        ("in-head-then-breaks", "held"),
        ("error-502", "held"),
        ("error-504", "held"),
        ("page-503", "held"),
        ("page-524", "held"),
        ("redirect-303", "held"),
        ("redirect-307", "unmetered"),
        ("error-401", "unmetered"),
        ("error-429", "unmetered"),
        ("error-500", "unmetered"),
        ("error-529", "unmetered"),
    ];
    let one = async |operation: &Operation, ending: &str, metering: &str| {
        let is_charged = metering != "unmetered";
        let name = format!("{}-{ending}", operation.name);
        let (subject, spare) = Subject::with_spare(&stage, operation, &name, PLENTY).await;
        let id = subject.actor.split_once(':').unwrap().1;
        let requests = json!({ "token": id, "unit": "requests", "window": "prepaid", "amount": 100 });
        stage.server.post("/api/admin/limits", requests).await.expect(200);
        let headers = [("x-stainless-fake-ending", ending), ("x-stainless-fake-usage", USED)];
        let address = stage.server.address();
        let status =
            call(address, &subject.token, (operation, &headers), Client::Stays, || true).await.unwrap();
        assert_eq!(status, Some(200), "{name}");
        let columns = "kind, metering, requests, client_requests, charged_tokens, charged_nano_usd";
        let records = subject.records(&stage.server, 1, columns).await;
        let mut rows: Vec<Vec<&str>> = records.iter().map(|row| texts(row)).collect();
        rows.sort_unstable();
        let (last, attempts) = rows.split_last().unwrap();
        // Over a connection that was kept, and that the provider closes just then, it is tried twice, and the first time is
        // charged as it was held.
        assert!((1..=2).contains(&attempts.len()), "{name}: {rows:?}");
        assert_eq!(last[..4], ["call", "reported", "1", "1"], "{name}");
        let number = |row: &[&str], column: usize| row[column].parse::<i64>().unwrap();
        let is_answered = |attempt: &&Vec<&str>| {
            attempt[..4] == ["attempt", metering, "1", "0"] && (number(attempt, 4) > 0) == is_charged
        };
        let is_held =
            |attempt: &Vec<&str>| attempt[..4] == ["attempt", "held", "1", "0"] && number(attempt, 4) > 0;
        let answered = attempts.iter().find(is_answered);
        assert!(answered.is_some(), "{name}: {rows:?}");
        let others = attempts.iter().filter(|attempt| Some(*attempt) != answered);
        assert!(others.into_iter().all(is_held), "{name}: {rows:?}");
        let bills = (stage.fake.bill(&subject.key), stage.fake.bill(&spare));
        let counted = subject.counted(&stage.server).await;
        for ((unit, scope), (used, held)) in &counted {
            let column = if unit == "tokens" { 4 } else { 5 };
            let billed = |bill: Bill| if unit == "tokens" { bill.tokens() } else { operation.cost(bill) };
            let attempt: i64 = attempts.iter().map(|attempt| number(attempt, column)).sum();
            let call = number(last, column);
            assert_eq!(*held, 0, "{name}");
            match (&**unit, &**scope) {
                ("requests", _) => assert_eq!(*used, 1, "{name}: the client's request counts once"),
                (_, "credential") => assert_eq!(*used, attempt, "{name}: {unit}"),
                _ => {
                    assert_eq!(*used, attempt + call, "{name}: {unit} on the {scope}");
                    assert!(billed(bills.0) + billed(bills.1) <= *used, "{name}: {unit} on the {scope}");
                }
            }
            assert!(unit == "requests" || billed(bills.0) <= attempt, "{name}: {unit}");
            assert!(unit == "requests" || billed(bills.1) == call, "{name}: {unit}");
        }
    };
    let chosen = ["chat", "chat-stream", "messages-stream", "generate-array"];
    for operation in all.iter().filter(|operation| chosen.contains(&operation.name)) {
        join_all(cases.map(|(ending, metering)| one(operation, ending, metering))).await;
    }
    // A refusal that tells figures is billed at them, whoever answers the call in the end.
    let whole = all.iter().find(|operation| operation.name == "chat").unwrap();
    join_all(["told-401", "told-429", "told-500"].map(|ending| one(whole, ending, "reported"))).await;
    assert_ledger(&stage.server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_was_lost_is_charged_when_there_is_no_room_for_another() {
    let stage = impatient(Installation::new(BACKEND).await).await;
    let all = operations();
    let operation = all.iter().find(|operation| operation.name == "chat").unwrap();
    let (room, _) = Subject::with_spare(&stage, operation, "room", PLENTY).await;
    let hold = hold_of(&stage, operation, &room).await;
    // Room for one hold and a half.
    let (subject, spare) = Subject::with_spare(&stage, operation, "tight", (hold.0 * 3 / 2, PLENTY.1)).await;
    let headers = [("x-stainless-fake-ending", "nothing-then-breaks"), ("x-stainless-fake-usage", USED)];
    let address = stage.server.address();
    let status = call(address, &subject.token, (operation, &headers), Client::Stays, || true).await.unwrap();
    assert_eq!(status, Some(502), "what was said before tells more than that there is no room");
    let columns = "kind, metering, requests, client_requests, charged_tokens";
    let records = subject.records(&stage.server, 1, columns).await;
    assert_eq!(texts(&records[0])[..4], ["call", "held", "1", "1"]);
    for ((unit, scope), (used, held)) in subject.counted(&stage.server).await {
        let charged = if unit == "tokens" { hold.0 } else { hold.1 };
        assert_eq!((used, held), (charged, 0), "{unit} on the {scope}");
    }
    assert_eq!(stage.fake.count(&spare), 0);
    assert_ledger(&stage.server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_while_the_database_is_away_is_charged_when_it_is_back() {
    let (installation, way) = Way::to(Installation::new(BACKEND).await).await;
    let stage = impatient(installation).await;
    let all = operations();
    let operation = all.iter().find(|operation| operation.name == "messages-stream").unwrap();
    let subject = Subject::new(&stage, operation, "away", PLENTY).await;
    let hold = hold_of(&stage, operation, &subject).await;
    let address = stage.server.address();
    let arrived = stage.fake.count(&subject.key);
    let run = |ending| {
        let headers = [("x-stainless-fake-ending", ending), ("x-stainless-fake-usage", USED)];
        let token = &subject.token;
        async move { call(address, token, (operation, &headers), Client::Stays, || true).await.unwrap() }
    };
    let going_away = async {
        while stage.fake.count(&subject.key) < arrived + 2 {
            tokio::time::sleep(STEP).await;
        }
        way.close(&stage.server).await;
    };
    // They end by the pause of a second, when the database has been away for most of it.
    tokio::join!(run("partial-then-silent"), run("final-then-silent"), going_away);
    way.open(&stage.server).await;
    let records = subject.records(&stage.server, 3, "metering").await;
    let mut meterings: Vec<_> = records.iter().map(|row| texts(row)[0]).collect();
    meterings.sort_unstable();
    assert_eq!(meterings, ["held", "held", "reported"]);
    let counted = subject.counted(&stage.server).await;
    subject.assert_billed(&stage.fake, operation, &counted, "the database was away");
    let bill = Bill { calls: 1, input: 700, cached_input: 4, cache_write: 3, output: 4000 };
    for ((unit, scope), (used, held)) in counted {
        let (hold, billed) =
            if unit == "tokens" { (hold.0, bill.tokens()) } else { (hold.1, operation.cost(bill)) };
        assert_eq!((used, held), (2 * hold + billed, 0), "{unit} on the {scope}");
    }
    assert_ledger(&stage.server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_that_is_told_to_stop_still_has_under_way_is_charged() {
    let stage = impatient(Installation::new(BACKEND).await).await;
    let all = operations();
    let operation = all.iter().find(|operation| operation.name == "chat-stream").unwrap();
    let subject = Subject::new(&stage, operation, "stopping", PLENTY).await;
    let hold = hold_of(&stage, operation, &subject).await;
    let (address, token) = (stage.server.address().to_owned(), subject.token.clone());
    let mut waiting = tokio::task::JoinSet::new();
    {
        let operation = operation.clone();
        waiting.spawn(async move {
            let headers =
                [("x-stainless-fake-ending", "partial-then-silent"), ("x-stainless-fake-usage", USED)];
            call(&address, &token, (&operation, &headers), Client::Stays, || true).await
        });
    }
    for _ in 0..STEPS {
        if stage.fake.count(&subject.key) == 2 {
            break;
        }
        tokio::time::sleep(STEP).await;
    }
    let Stage { server, fake, .. } = stage;
    let installation = server.installation.clone();
    let ended = tokio::task::spawn_blocking(move || server.end(nix::sys::signal::Signal::SIGTERM));
    let (status, said) = ended.await.unwrap();
    assert!(status.success(), "{said}");
    waiting.join_next().await.unwrap().unwrap().unwrap();
    let again = tokio::task::spawn_blocking(move || installation.start_again()).await.unwrap();
    let counted = subject.counted(&again).await;
    subject.assert_billed(&fake, operation, &counted, "stopped");
    for ((unit, scope), (used, held)) in counted {
        let hold = if unit == "tokens" { hold.0 } else { hold.1 };
        assert_eq!((used, held), (2 * hold, 0), "{unit} on the {scope}");
    }
    assert_ledger(&again).await;
}
