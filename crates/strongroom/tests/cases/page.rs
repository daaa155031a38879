//! What pages stand on: series of usage, keys shown with a reason, forms that work once, and what has moved since.

use strongroom::credential::RevealReason;
use strongroom::pulse::Moved;
use strongroom::sign_in::Sending;
use strongroom::usage::{Dim, Grain, Order, SeriesQuestion, SumsFilter, of_credential};
use strongroom::{Actor, Millis, NewCredential, ProblemKind, Role, UserId};
use strongroom_model::ActorKind;

use super::ground::{Ground, NOW, ground, new};

const DAY: i64 = 86_400_000;
const HOUR: i64 = 3_600_000;

fn reason() -> RevealReason {
    RevealReason {
        reason: "  to test the printer  ".into(),
        ticket: Some(" ".into()),
        agent: Some("b".into()),
    }
}

fn question(by: Dim, days: i64) -> SeriesQuestion {
    let to = Millis(NOW.0 - NOW.0.rem_euclid(DAY) + DAY);
    let from = Millis(to.0 - days * DAY);
    let (filter, order) = (SumsFilter::default(), Order::Calls);
    SeriesQuestion { by, filter, from, to, order, grain: Grain::Day, with_latency: false }
}

/// The same of the last 24 hours, by the hour.
fn hourly(by: Dim, now: Millis) -> SeriesQuestion {
    let to = Millis(now.0 - now.0.rem_euclid(HOUR) + HOUR);
    let from = Millis(to.0 - 24 * HOUR);
    SeriesQuestion { from, to, grain: Grain::Hour, ..question(by, 1) }
}

impl Ground {
    async fn use_it(&self, name: &str, times: usize) {
        for _ in 0..times {
            self.service().get_credential(name, None).await.expect("an answer").expect("a key");
        }
    }
}

#[tokio::test]
async fn series_are_the_largest_by_name_and_all_others_together() {
    let ground = ground().await;
    for (number, name) in ["a", "b", "c", "d", "e", "f", "g", "h"].into_iter().enumerate() {
        ground.make(new(name)).await;
        ground.use_it(name, number + 1).await;
    }
    let usage = ground.room.usage(Actor::library());
    let report = usage.series(&question(Dim::Credential, 7)).await.unwrap();
    let names: Vec<_> = report.series.iter().map(|one| (one.name.as_str(), one.used.requests)).collect();
    assert_eq!(names, [("h", 8), ("g", 7), ("f", 6), ("e", 5), ("d", 4), ("c", 3), ("b", 2), ("a", 1)]);
    assert_eq!((report.total.requests, report.before.requests), (36, 0));
    assert_eq!(report.drawn().len(), 6);
    let rest: i64 = report.slots.iter().filter(|day| day.series.is_none()).map(|day| day.used.requests).sum();
    let named: i64 =
        report.slots.iter().filter(|day| day.series.is_some()).map(|day| day.used.requests).sum();
    assert_eq!((named, rest), (33, 3));

    for (by, expected) in [
        (Dim::Nothing, vec!["everything"]),
        (Dim::Provider, vec!["openai"]),
        (Dim::Model, vec!["key handed out"]),
        (Dim::Actor, vec!["library"]),
        (Dim::User, vec!["no user"]),
        (Dim::Source, vec!["database"]),
    ] {
        let report = usage.series(&question(by.clone(), 7)).await.unwrap();
        let names: Vec<_> = report.series.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, expected, "{by:?}");
        assert_eq!(report.slots.iter().map(|day| day.used.requests).sum::<i64>(), 36, "{by:?}");
    }
    let gone = ground.service().list(&Default::default(), 0, 1).await.unwrap().items.remove(0);
    ground.service().delete(gone.id, None).await.unwrap();
    let one = SeriesQuestion { filter: of_credential(gone.uid), ..question(Dim::Version, 7) };
    let report = usage.series(&one).await.unwrap();
    assert_eq!(report.series.len(), 1);
    let name = &report.series[0].name;
    assert!(
        name.starts_with("a (deleted, ") && name.ends_with(") v1"),
        "what is gone keeps its name: {name}"
    );
    let nothing = SumsFilter { provider: Some("groq".into()), ..SumsFilter::default() };
    let report = usage.series(&SeriesQuestion { filter: nothing, ..one }).await.unwrap();
    assert!(report.series.is_empty() && report.slots.is_empty() && report.total.requests == 0);
}

#[tokio::test]
async fn as_many_days_before_are_told_beside() {
    let ground = ground().await;
    ground.make(new("one")).await;
    ground.use_it("one", 3).await;
    ground.clock.set(Millis(NOW.0 + 7 * DAY));
    ground.use_it("one", 5).await;
    let mut asked = question(Dim::Credential, 7);
    (asked.from, asked.to) = (Millis(asked.from.0 + 7 * DAY), Millis(asked.to.0 + 7 * DAY));
    let report = ground.room.usage(Actor::library()).series(&asked).await.unwrap();
    assert_eq!((report.total.requests, report.before.requests), (5, 3));
    assert_eq!(report.series[0].before.as_ref().map(|before| before.requests), Some(3));
}

#[tokio::test]
async fn the_last_day_is_told_by_the_hour_and_beside_the_day_before() {
    let ground = ground().await;
    let (one, two) = (ground.make(new("one")).await, ground.make(new("two")).await);
    let usage = ground.room.usage(Actor::library());
    ground.use_it("one", 3).await;
    usage.roll_up().await.unwrap();
    let later = Millis(NOW.0 + 25 * HOUR);
    ground.clock.set(later);
    ground.use_it("one", 4).await;
    ground.use_it("two", 1).await;
    usage.roll_up().await.unwrap();
    for (by, series) in [
        (Dim::Nothing, vec![("everything", 5)]),
        (Dim::Provider, vec![("openai", 5)]),
        (Dim::Source, vec![("database", 5)]),
        (Dim::Credential, vec![("one", 4), ("two", 1)]),
        (Dim::User, vec![("no user", 5)]),
    ] {
        let report = usage.series(&hourly(by.clone(), later)).await.unwrap();
        let found: Vec<_> = report.series.iter().map(|one| (one.name.as_str(), one.used.requests)).collect();
        assert_eq!(found, series, "{by:?}");
        assert_eq!((report.total.requests, report.before.requests), (5, 3), "{by:?}");
        let hour = later.0 - later.0.rem_euclid(HOUR);
        assert!(report.slots.iter().all(|slot| slot.start_ms == hour), "{by:?}: {:?}", report.slots);
        assert_eq!(report.slots.iter().map(|slot| slot.used.requests).sum::<i64>(), 5, "{by:?}");
    }
    let of = |uid, by| SeriesQuestion { filter: of_credential(uid), ..hourly(by, later) };
    let report = usage.series(&of(one.uid, Dim::Nothing)).await.unwrap();
    assert_eq!((report.total.requests, report.before.requests, report.series.len()), (4, 3, 1));
    let report = usage.series(&of(two.uid, Dim::Nothing)).await.unwrap();
    assert_eq!((report.total.requests, report.before.requests), (1, 0));
    let refused = usage.series(&of(one.uid, Dim::Model)).await.unwrap_err();
    assert_eq!(refused.field.as_deref(), Some("range"), "{refused:?}");
    let of_tokens = usage.series(&hourly(Dim::Actor, later)).await.unwrap();
    assert!(of_tokens.series.is_empty(), "nothing was done with a token");
    assert_eq!(
        of_tokens.slots.iter().map(|slot| slot.used.requests).sum::<i64>(),
        5,
        "and all of it is the rest"
    );
    let timed = SeriesQuestion { with_latency: true, ..question(Dim::Provider, 7) };
    let report = usage.series(&timed).await.unwrap();
    assert!(report.total.latency.is_some_and(|latency| latency.first_byte_p95_ms.is_none()), "{report:?}");
}

#[tokio::test]
async fn a_key_is_shown_with_a_reason_that_stands_in_the_trail() {
    let ground = ground().await;
    let one = ground.make(new("one")).await;
    let shown = ground.service().reveal(one.id, &reason()).await.unwrap();
    assert_eq!((shown.api_key.expose(), shown.usage_count), ("key of one", 1));
    let entry = ground.entries("credential.read").await.pop().expect("an entry").entry;
    for part in [r#""reason":"to test the printer""#, r#""ticket":null"#, r#""agent":"b""#, r#""version":1"#]
    {
        assert!(entry.detail.contains(part), "{}", entry.detail);
    }
    for bad in ["short", "", "with a\nline break in it", &"x".repeat(501)] {
        let why = RevealReason { reason: bad.to_owned(), ..RevealReason::default() };
        let refused = ground.service().reveal(one.id, &why).await.unwrap_err();
        assert_eq!(refused.field.as_deref(), Some("reason"), "{bad:?}");
    }
    let long = RevealReason { ticket: Some("x".repeat(65)), ..reason() };
    assert_eq!(ground.service().reveal(one.id, &long).await.unwrap_err().field.as_deref(), Some("ticket"));
    assert_eq!(ground.entries("credential.read").await.len(), 1, "what was refused reads nothing");
    ground.room.leaks(Actor::library()).freeze(one.id).await.unwrap();
    let frozen = ground.service().reveal(one.id, &reason()).await.unwrap_err();
    assert!(frozen.kind == ProblemKind::NotFound && frozen.message.contains("frozen"), "{frozen:?}");
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_reader_is_shown_the_global_and_their_own_and_others_look_like_nothing() {
    let ground = ground().await;
    let user = |id, name: &str| strongroom::user::NewUser {
        name: name.into(),
        role: Role::Reader,
        id: Some(UserId(id)),
    };
    for (id, name) in [(7, "ada"), (8, "bob")] {
        ground.room.users(Actor::library()).create(user(id, name)).await.unwrap();
    }
    let own = |name: &str, id| NewCredential { is_global: false, user: Some(UserId(id)), ..new(name) };
    let (all, hers, his) =
        (ground.make(new("all")).await, ground.make(own("hers", 7)).await, ground.make(own("his", 8)).await);
    let mut ada = Actor::new(ActorKind::User(UserId(7)), Role::Reader);
    ada.user = Some(UserId(7));
    let service = ground.room.credentials(ada.clone());
    let readable: Vec<_> = service.list_readable(10).await.unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(readable, ["all", "hers"]);
    for id in [all.id, hers.id] {
        service.reveal(id, &reason()).await.unwrap();
    }
    let denied = service.reveal(his.id, &reason()).await.unwrap_err();
    let missing = service.reveal(strongroom::CredentialId(999), &reason()).await.unwrap_err();
    assert_eq!((denied.kind, &denied.message), (ProblemKind::NotFound, &missing.message));
    // A scope narrows this way as any other.
    ada.scope.credentials = vec![all.uid];
    assert!(ground.room.credentials(ada.clone()).reveal(hers.id, &reason()).await.is_err());
    for role in [Role::Auditor, Role::Gateway] {
        let other = Actor { role, ..ada.clone() };
        let refused = ground.room.credentials(other).reveal(all.id, &reason()).await.unwrap_err();
        assert_eq!(refused.kind, ProblemKind::NotFound, "{role:?}");
    }
    ground.service().reveal(his.id, &reason()).await.expect("an admin's are everybody's");
}

#[tokio::test]
async fn a_form_is_remembered_until_it_came_to_nothing() {
    let ground = ground().await;
    let (forms, ada) = (ground.room.sign_ins(), Actor::new(ActorKind::Local("ada".into()), Role::Admin));
    assert_eq!(forms.begin_form(&ada, "1").await.unwrap(), Sending::First);
    assert_eq!(forms.begin_form(&ada, "1").await.unwrap(), Sending::TooEarly);
    forms.finish_form(&ada, "1", None).await.unwrap();
    assert_eq!(forms.begin_form(&ada, "1").await.unwrap(), Sending::First, "it came to nothing");
    forms.finish_form(&ada, "1", Some("/there")).await.unwrap();
    assert_eq!(forms.begin_form(&ada, "1").await.unwrap(), Sending::Again("/there".into()));
    let bob = Actor::new(ActorKind::Local("bob".into()), Role::Admin);
    assert_eq!(forms.begin_form(&bob, "1").await.unwrap(), Sending::First, "somebody else's is another one");
    let node = ground.node().await;
    assert_eq!(node.sign_ins().begin_form(&ada, "1").await.unwrap(), Sending::Again("/there".into()));
    let text = ground.database.query_text("SELECT idempotency_key FROM idempotency_keys").await;
    assert!(text.iter().flatten().flatten().all(|key| !key.contains("form")), "{text:?}");
}

#[tokio::test]
async fn the_pulse_tells_kinds_and_nothing_else() {
    let ground = ground().await;
    let pulse = ground.room.pulse();
    let (start, moved) = pulse.feel(None).await.unwrap();
    assert_eq!(moved, []);
    assert_eq!(pulse.feel(Some(&start)).await.unwrap().1, []);
    let one = ground.make(new("one")).await;
    let (made, moved) = pulse.feel(Some(&start)).await.unwrap();
    assert_eq!(moved, [Moved::Credentials, Moved::Audit]);
    ground.use_it("one", 1).await;
    let (used, moved) = pulse.feel(Some(&made)).await.unwrap();
    assert_eq!(moved, [Moved::Usage, Moved::Audit]);
    ground.room.leaks(Actor::library()).freeze(one.id).await.unwrap();
    let (_, moved) = pulse.feel(Some(&used)).await.unwrap();
    assert_eq!(moved, [Moved::Credentials, Moved::Audit]);
}

#[tokio::test]
async fn a_limit_is_raised_for_a_reason_that_stands_in_the_trail() {
    let ground = ground().await;
    ground.make(new("one")).await;
    let limits = ground.room.limits(Actor::library());
    let bound = strongroom::limit::Bound::Credential("one".into());
    let set = limits.set(&bound, strongroom::Unit::Requests, strongroom::Window::Day, 5).await.unwrap();
    let refused = limits.change_because(set.limit.uid, 9, "because").await.unwrap_err();
    assert_eq!(refused.field.as_deref(), Some("reason"));
    let raised = limits.change_because(set.limit.uid, 9, "the batch of March").await.unwrap();
    assert_eq!(raised.limit.amount, 9);
    let entry = ground.entries("limit.set").await.pop().expect("an entry").entry;
    assert!(entry.detail.contains(r#""reason":"the batch of March""#), "{}", entry.detail);
    limits.change(set.limit.uid, 4).await.unwrap();
    let entry = ground.entries("limit.set").await.pop().expect("an entry").entry;
    assert!(!entry.detail.contains("reason"), "{}", entry.detail);
}
