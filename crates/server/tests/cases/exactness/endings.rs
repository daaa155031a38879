//! Calls that end in every way at once, on several servers, under limits in tokens and dollars, with a server killed in the
//! middle: nothing that was billed is uncounted, and no limit is overdrawn.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use strongroom_testkit::fake_upstream::Bill;
use tokio::task::JoinSet;

use super::{assert_ledger, others_with, report, times};
use crate::cases::billed::{Client, Operation, Subject, call, operations};
use crate::cases::stage::Stage;
use crate::support::server::{Installation, STEP, Server};

/// Tokens of prompt and answer.
const USED: &str = "700,4000";
/// Calls in one round.
const CALLS: usize = 60;
/// How many calls may be under way at once before the limits refuse the next.
const ROOM: i64 = 24;

type Ending = (&'static [(&'static str, &'static str)], Client);

const ENDINGS: [Ending; 20] = [
    (&[], Client::Stays),
    (&[], Client::LeavesAtTheHead),
    (&[], Client::LeavesInTheBody),
    (&[], Client::LeavesAtTheFigures),
    (&[], Client::LeavesBeforeTheHead),
    (&[("x-stainless-fake-figures", "always")], Client::LeavesInTheBody),
    (&[("x-stainless-fake-figures", "none")], Client::Stays),
    (&[("x-stainless-fake-output", "-1")], Client::Stays),
    (&[("x-stainless-fake-ending", "nothing-then-silent")], Client::LeavesBeforeTheHead),
    (&[("x-stainless-fake-ending", "head-then-silent")], Client::LeavesAtTheHead),
    (&[("x-stainless-fake-ending", "partial-then-silent")], Client::LeavesInTheBody),
    (&[("x-stainless-fake-ending", "final-then-silent")], Client::LeavesAtTheFigures),
    (&[("x-stainless-fake-ending", "nothing-then-silent")], Client::Stays),
    (&[("x-stainless-fake-ending", "nothing-then-breaks")], Client::Stays),
    (&[("x-stainless-fake-ending", "in-head-then-breaks")], Client::Stays),
    (&[("x-stainless-fake-ending", "partial-then-breaks")], Client::Stays),
    (&[("x-stainless-fake-ending", "final-then-breaks")], Client::Stays),
    (&[("x-stainless-fake-ending", "error-429")], Client::Stays),
    (&[("x-stainless-fake-ending", "page-502")], Client::Stays),
    (&[("x-stainless-fake-ending", "partial-then-silent")], Client::Stays),
];

/// Numbers that look random, and are the same in every run (splitmix64).
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) as usize
}

/// Servers that give up soon, as many as can be on one database.
struct Servers {
    /// Killed and started again.
    victim: Server,
    others: Vec<Server>,
}

impl Servers {
    fn addresses(&self) -> Vec<String> {
        let all = std::iter::once(&self.victim).chain(&self.others);
        all.map(|server| server.address().to_owned()).collect()
    }

    async fn kill_and_start_again(self) -> Self {
        let Self { victim, others } = self;
        let again = tokio::task::spawn_blocking(move || {
            let installation = victim.installation.clone();
            let (_, said) = victim.end(Signal::SIGKILL);
            assert!(!said.contains("panicked"), "{said}");
            installation.start_again()
        });
        Self { victim: again.await.expect("it starts again"), others }
    }
}

/// Some calls, each with an ending of its own, to one server after the other.
fn calls(
    (stage, addresses): (&Arc<Fake>, &[String]),
    (operation, subject): (&Operation, &Subject),
    seed: &mut u64,
) -> JoinSet<()> {
    let mut calls = JoinSet::new();
    for _ in 0..CALLS / 2 {
        let (headers, client) = ENDINGS[next(seed) % ENDINGS.len()];
        let address = addresses[next(seed) % addresses.len()].clone();
        let pause = Duration::from_millis((next(seed) % 400) as u64);
        let (fake, operation, subject) = (Arc::clone(stage), operation.clone(), subject.clone());
        calls.spawn(async move {
            tokio::time::sleep(pause).await;
            let headers = [headers, &[("x-stainless-fake-usage", USED)]].concat();
            let arrived = fake.0.count(&subject.key);
            let has_arrived = || fake.0.count(&subject.key) > arrived;
            // The server may be gone, or just starting.
            let _ = call(&address, &subject.token, (&operation, &headers), client, has_arrived).await;
        });
    }
    calls
}

struct Fake(strongroom_testkit::fake_upstream::FakeUpstream);

/// Waits until nothing is under way any more, and looks all the while whether a limit is overdrawn.
async fn settle(server: &Server, subject: &Subject, most: (i64, i64), mut calls: JoinSet<()>) {
    let deadline = Instant::now() + Duration::from_secs(150);
    loop {
        while calls.try_join_next().is_some() {}
        let is_quiet = calls.is_empty();
        let counted = subject.counted(server).await;
        for ((unit, scope), (used, held)) in &counted {
            let most = if unit == "tokens" { most.0 } else { most.1 };
            assert!(used + held <= most, "{used} + {held} of {most} {unit} on the {scope}: overdrawn");
        }
        if is_quiet && counted.values().all(|(_, held)| *held == 0) {
            return;
        }
        assert!(Instant::now() < deadline, "what is held is not settled: {counted:?}");
        tokio::time::sleep(STEP).await;
    }
}

fn impatient(installation: Installation) -> Installation {
    installation
        .set("STRONGROOM_GATEWAY_FIRST_BYTE_TIMEOUT_SECONDS", "1")
        .set("STRONGROOM_GATEWAY_IDLE_TIMEOUT_SECONDS", "1")
}

#[tokio::test(flavor = "multi_thread")]
async fn however_calls_end_under_load_all_that_is_billed_is_counted_and_no_limit_is_overdrawn() {
    let stage = Stage::with(impatient).await;
    let others = others_with(&stage, 2, impatient);
    let all = operations();
    let rounds = times(3, "STRONGROOM_VERIFY_ROUNDS").div_ceil(2);
    // What a killed server held is settled half a minute later: not after each round.
    let kills = times(1, "STRONGROOM_VERIFY_KILLS").div_ceil(10).min(rounds);
    let mut seed = 0x5eed;
    let mut subjects = Vec::new();
    for round in 0..rounds {
        let operation = all[usize::try_from(round * 5).unwrap() % all.len()].clone();
        // A call holds the bytes of its request and 1,024 more for the prompt, and 5,000 for the answer.
        let one = Bill { input: 1300, output: 5000, ..Bill::default() };
        let most = (ROOM * one.tokens(), ROOM * operation.cost(one));
        let name = format!("round-{round}");
        let subject = match round % 2 {
            0 => Subject::new(&stage, &operation, &name, most).await,
            _ => Subject::with_spare(&stage, &operation, &name, most).await.0,
        };
        subjects.push((operation, subject, most));
    }
    let Stage { server, fake, .. } = stage;
    let fake = Arc::new(Fake(fake));
    let mut servers = Servers { victim: server, others };
    let mut billed = 0;
    for (round, (operation, subject, most)) in subjects.iter().enumerate() {
        let mut first = calls((&fake, &servers.addresses()), (operation, subject), &mut seed);
        let is_last = rounds - round as u64 <= kills;
        if is_last {
            tokio::time::sleep(Duration::from_millis(next(&mut seed) as u64 % 600)).await;
            servers = servers.kill_and_start_again().await;
        }
        let mut rest = calls((&fake, &servers.addresses()), (operation, subject), &mut seed);
        while first.join_next().await.is_some() {}
        let mut both = JoinSet::new();
        both.spawn(async move { while rest.join_next().await.is_some() {} });
        settle(&servers.victim, subject, *most, both).await;
        let counted = subject.counted(&servers.victim).await;
        subject.assert_billed(&fake.0, operation, &counted, "under load");
        billed += fake.0.bill(&subject.key).tokens();
    }
    assert!(billed > 0, "something is billed");
    assert_ledger(&servers.victim).await;
    report(&format!(
        "{rounds} rounds of {CALLS} calls that end in every way on {} server(s), {kills} kills: {billed} tokens billed, all counted",
        1 + servers.others.len()
    ));
}
