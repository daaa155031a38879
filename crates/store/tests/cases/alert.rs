//! Alerts: incidents once, notices once, messages claimed by one at a time.

use std::collections::BTreeMap;

use strongroom_model::alert::{
    Condition, Level, Notice, Phase, QuietHours, Route, Rule, Settings, SilenceMatcher, Standing, Thresholds,
};
use strongroom_model::authority_mac::AuthorityMac;
use strongroom_model::limit::{LimitScope, Unit, Window};
use strongroom_model::{Millis, Uid, UserId};
use strongroom_store::alert::channel::{self, Channel, ChannelValue};
use strongroom_store::alert::delivery::{self, LOG, NewDelivery};
use strongroom_store::alert::incident::{self, IncidentFilter, NewIncident, Subject, Told};
use strongroom_store::alert::message::{self, Outcome};
use strongroom_store::alert::rule::{self, RuleScope};
use strongroom_store::alert::silence::{self, Silence};
use strongroom_store::alert::{backtest, route, state};
use strongroom_store::counter::CounterKey;
use strongroom_store::limit::{self, LimitChange};
use strongroom_store::{Session, StoreError, change, reveal_place};

use super::ground::{Ground, NOW, ground, uid};

pub(crate) fn channel(number: u8, name: &str) -> Channel {
    Channel {
        uid: uid(number),
        name: name.to_owned(),
        kind: "webhook".to_owned(),
        disabled_at: None,
        disabled_reason: None,
        shown: "https://example.com/****".to_owned(),
        settings: "{}".to_owned(),
        mac: AuthorityMac { key_id: "k".to_owned(), mac: "m".to_owned() },
        dead_in_a_row: 0,
        created_at: NOW,
        updated_at: NOW,
    }
}

fn at(seconds: i64) -> Millis {
    NOW.plus_seconds(seconds)
}

fn subject() -> Subject {
    Subject::of("counter", uid(9))
}

fn new(number: u8, mark: i64) -> NewIncident {
    NewIncident {
        uid: uid(number),
        rule: Rule::LimitThreshold,
        subject: subject(),
        mark,
        window_start: Millis(5),
        episode: None,
        level: Level::of_percent(u8::try_from(mark).expect("a percentage")),
        counted: Some((Unit::Requests, Window::Month)),
        value: mark,
        threshold: mark,
        at: at(i64::from(number)),
        passed_by: None,
    }
}

async fn insert(ground: &Ground, new: &NewIncident) -> bool {
    let mut tx = ground.write().await;
    let is_new = incident::insert(&mut tx, new).await.expect("an answer");
    tx.commit().await.expect("a commit");
    is_new
}

#[tokio::test]
async fn an_incident_is_there_once_until_its_line_is_armed_once_more() {
    let ground = ground().await;
    assert!(insert(&ground, &new(1, 80)).await);
    assert!(!insert(&ground, &new(2, 80)).await, "the same key under another identity");
    assert!(insert(&ground, &new(3, 95)).await);
    let mut tx = ground.write().await;
    let told = incident::marks_told(&mut tx, Rule::LimitThreshold, &subject(), Millis(5)).await.unwrap();
    assert_eq!(told.len(), 2);
    state::rearm(&mut tx, Rule::LimitThreshold, &subject(), 80, NOW).await.unwrap();
    assert!(incident::resolve(&mut tx, uid(1), "raised", at(10)).await.unwrap());
    assert!(!incident::resolve(&mut tx, uid(1), "twice", at(11)).await.unwrap());
    let told = incident::marks_told(&mut tx, Rule::LimitThreshold, &subject(), Millis(5)).await.unwrap();
    assert_eq!(told, [95], "80 may fire once more");
    tx.commit().await.unwrap();
    assert!(insert(&ground, &new(4, 80)).await);
    assert!(!insert(&ground, &new(5, 80)).await);
    let mut session = ground.read().await;
    let found = incident::get(&mut session, uid(4)).await.unwrap().unwrap();
    assert_eq!((found.episode, found.peak, found.mark), (1, 80, 80));
    let open = incident::list_open_about(&mut session, Rule::LimitThreshold, &subject()).await.unwrap();
    assert_eq!(open.iter().map(|it| it.uid).collect::<Vec<_>>(), [uid(4), uid(3)]);
    assert_eq!(incident::list_open(&mut session, Rule::LimitThreshold, 10).await.unwrap().len(), 2);
    assert_eq!(incident::list_open(&mut session, Rule::Expires, 10).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_reset_ends_the_months_incidents_of_credentials_and_arms_their_lines() {
    let ground = ground().await;
    ground.put(super::ground::row(9, "one", &super::ground::provider("openai"))).await;
    insert(&ground, &new(1, 80)).await;
    let of_limit = NewIncident { subject: Subject::of("counter", uid(77)), ..new(2, 80) };
    insert(&ground, &of_limit).await;
    let mut session = ground.read().await;
    assert!(incident::is_any_overdue(&mut session, at(1)).await.unwrap());
    assert!(!incident::is_any_overdue(&mut session, at(0)).await.unwrap());
    drop(session);
    let mut tx = ground.write().await;
    assert_eq!(incident::reset_month(&mut tx, Millis(5), "reset", at(9)).await.unwrap(), 1);
    assert_eq!(incident::reset_month(&mut tx, Millis(5), "reset", at(9)).await.unwrap(), 0);
    assert_eq!(incident::reset_month(&mut tx, Millis(6), "reset", at(9)).await.unwrap(), 0, "another month");
    tx.commit().await.unwrap();
    assert!(insert(&ground, &new(3, 80)).await, "it may fire once more");
    assert!(!insert(&ground, &of_limit).await, "a limit of its own was not reset");
}

#[tokio::test]
async fn two_transactions_that_see_the_same_write_it_once() {
    let ground = ground().await;
    let one = async { insert(&ground, &new(1, 80)).await };
    let two = async { insert(&ground, &new(2, 80)).await };
    let (one, two) = tokio::join!(one, two);
    assert!(one != two, "exactly one of them inserts");
}

#[tokio::test]
async fn an_incident_that_cannot_be_written_is_undone_and_the_rest_of_the_transaction_stays() {
    let ground = ground().await;
    let put = async |name: &str| {
        let mut tx = ground.write().await;
        strongroom_store::meta::claim(&mut tx, name, "kept").await.unwrap();
        let done = incident::insert_or_undo(&mut tx, &[new(1, 80), new(2, 95)]).await.unwrap();
        strongroom_store::meta::claim(&mut tx, &format!("{name} after"), "kept").await.unwrap();
        tx.commit().await.unwrap();
        done
    };
    assert_eq!(put("well").await, Some(2));
    assert_eq!(put("again").await, Some(0));
    ground.database.execute("ALTER TABLE alert_incidents RENAME TO gone").await;
    assert_eq!(put("broken").await, None);
    let mut session = ground.read().await;
    for name in ["well", "again", "broken", "broken after"] {
        assert!(strongroom_store::meta::get(&mut session, name).await.unwrap().is_some(), "{name}");
    }
}

#[tokio::test]
async fn incidents_are_listed_acknowledged_silenced_reminded_of_and_ended() {
    let ground = ground().await;
    for (number, mark) in [(1, 80), (2, 95), (3, 100)] {
        let passed_by = (number == 1).then(|| uid(2));
        assert!(insert(&ground, &NewIncident { passed_by, ..new(number, mark) }).await);
    }
    let mut tx = ground.write().await;
    let untold = incident::list_untold(&mut tx, 10).await.unwrap();
    assert_eq!(untold.iter().map(|it| it.mark).collect::<Vec<_>>(), [80, 95, 100]);
    assert_eq!(incident::marks_passed_by(&mut tx, uid(2)).await.unwrap(), [80]);
    incident::note_told(&mut tx, uid(1), Told::Firing(0), at(5)).await.unwrap();
    incident::note_told(&mut tx, uid(2), Told::Firing(0), at(5)).await.unwrap();
    incident::note_told(&mut tx, uid(3), Told::Masked, at(5)).await.unwrap();
    assert!(incident::list_untold(&mut tx, 10).await.unwrap().is_empty());
    let masked = incident::list_masked(&mut tx, 10).await.unwrap();
    assert_eq!(masked.iter().map(|it| it.uid).collect::<Vec<_>>(), [uid(3)]);
    let to_remind = incident::list_to_remind(&mut tx, Level::High, at(5), 10).await.unwrap();
    assert_eq!(to_remind.iter().map(|it| it.uid).collect::<Vec<_>>(), [uid(2)]);
    assert!(incident::list_to_remind(&mut tx, Level::High, at(4), 10).await.unwrap().is_empty());
    assert!(
        incident::list_to_remind(&mut tx, Level::Warn, at(9), 10).await.unwrap().is_empty(),
        "another tells of it"
    );
    assert!(incident::acknowledge(&mut tx, uid(2), "user:1", Some("raised"), at(6)).await.unwrap());
    assert!(incident::acknowledge(&mut tx, uid(2), "user:2", None, at(7)).await.unwrap());
    let found = incident::get(&mut tx, uid(2)).await.unwrap().unwrap();
    assert_eq!(found.acknowledged, Some((at(6), "user:1".to_owned())), "the first one stays");
    assert_eq!(found.note.as_deref(), Some("raised"));
    assert!(incident::list_to_remind(&mut tx, Level::High, at(9), 10).await.unwrap().is_empty());
    incident::note_peak(&mut tx, uid(2), 97).await.unwrap();
    incident::note_peak(&mut tx, uid(2), 96).await.unwrap();
    assert_eq!(incident::get(&mut tx, uid(2)).await.unwrap().unwrap().peak, 97);
    incident::resolve(&mut tx, uid(2), "over", at(8)).await.unwrap();
    assert!(!incident::acknowledge(&mut tx, uid(2), "user:1", None, at(9)).await.unwrap());
    assert_eq!(incident::list_over(&mut tx, 10).await.unwrap().len(), 1);
    incident::note_told(&mut tx, uid(2), Told::Over, at(9)).await.unwrap();
    assert!(incident::list_over(&mut tx, 10).await.unwrap().is_empty());
    tx.commit().await.unwrap();

    let mut session = ground.read().await;
    let listed = async |session: &mut _, filter: IncidentFilter<'_>| -> Vec<i64> {
        let found = incident::list(session, &filter, 10).await.unwrap();
        found.into_iter().map(|it| it.mark).collect()
    };
    let all = IncidentFilter::default();
    assert_eq!(listed(&mut session, all).await, [100, 95, 80]);
    assert_eq!(listed(&mut session, IncidentFilter { firing_only: true, ..all }).await, [100, 80]);
    assert_eq!(
        listed(&mut session, IncidentFilter { rule: Some(Rule::Expires), ..all }).await,
        Vec::<i64>::new()
    );
    assert_eq!(
        listed(&mut session, IncidentFilter { from: Some(at(2)), to: Some(at(3)), ..all }).await,
        [95]
    );
    let of = uid(9).to_string();
    assert_eq!(listed(&mut session, IncidentFilter { subject: Some(&of), ..all }).await.len(), 3);
    let counts = incident::count_open(&mut session).await.unwrap();
    assert_eq!(counts.len(), 2, "{counts:?}");
    drop(session);
    let mut tx = ground.write().await;
    assert_eq!(incident::delete_before(&mut tx, at(9), 10).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert!(incident::get(&mut ground.read().await, uid(2)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_condition_is_kept_and_an_older_episode_does_not_overwrite_it() {
    let ground = ground().await;
    let mut tx = ground.write().await;
    let firing = Condition { phase: Phase::Firing, since: NOW, episode: 3 };
    assert!(state::put(&mut tx, Rule::Expires, &subject(), 7, firing).await.unwrap());
    let older = Condition { phase: Phase::Quiet, since: NOW, episode: 2 };
    assert!(!state::put(&mut tx, Rule::Expires, &subject(), 7, older).await.unwrap());
    assert_eq!(state::list(&mut tx, Rule::Expires).await.unwrap(), [((subject(), 7), firing)]);
    assert!(state::list(&mut tx, Rule::LimitThreshold).await.unwrap().is_empty());
    tx.commit().await.unwrap();
}

fn notice<'a>(number: u8, incident: u8, channel: &'a str, notice: &'a str) -> NewDelivery<'a> {
    NewDelivery {
        uid: uid(number),
        incident: uid(incident),
        channel,
        notice,
        rule: Rule::LimitThreshold,
        level: Level::Warn,
        at: NOW,
        not_before: NOW,
    }
}

async fn notify(ground: &Ground, new: &NewDelivery<'_>) -> bool {
    let mut tx = ground.write().await;
    let is_new = delivery::insert(&mut tx, new).await.expect("an answer");
    tx.commit().await.expect("a commit");
    is_new
}

async fn make(ground: &Ground, message: u8, channel: &str, notice: &str) -> u64 {
    let mut tx = ground.write().await;
    let of = Some(("limit_threshold", "warn", notice));
    let made = message::make(&mut tx, uid(message), channel, of, NOW, NOW, 100).await.expect("a message");
    tx.commit().await.expect("a commit");
    made
}

async fn claim(ground: &Ground, message: u8, attempt: u8, now: Millis) -> Option<i64> {
    let mut tx = ground.write().await;
    let claimed = message::claim(&mut tx, uid(message), uid(attempt), now, now.plus_seconds(60)).await;
    tx.commit().await.expect("a commit");
    claimed.expect("an answer").map(|claimed| claimed.attempts)
}

async fn finish(ground: &Ground, message: u8, attempt: u8, outcome: Outcome<'_>) -> bool {
    let mut tx = ground.write().await;
    let is_ours =
        message::finish(&mut tx, uid(message), uid(attempt), outcome, at(1)).await.expect("an answer");
    tx.commit().await.expect("a commit");
    is_ours
}

#[tokio::test]
async fn notices_are_made_once_go_out_together_and_are_claimed_by_one_attempt_at_a_time() {
    let ground = ground().await;
    for (number, mark) in [(1, 80), (2, 95)] {
        insert(&ground, &new(number, mark)).await;
        assert!(notify(&ground, &notice(number + 10, number, "c", "firing")).await);
        assert!(!notify(&ground, &notice(number + 20, number, "c", "firing")).await);
    }
    assert!(notify(&ground, &notice(13, 1, LOG, "firing")).await);
    let mut session = ground.read().await;
    let waiting = message::list_waiting(&mut session, NOW).await.unwrap();
    assert_eq!(
        waiting.iter().map(|it| (it.channel_uid.as_str(), it.count)).collect::<Vec<_>>(),
        [("c", 2), ("log", 1)]
    );
    assert!(message::is_anything_due(&mut session, NOW).await.unwrap());
    assert!(!message::is_anything_due(&mut session, Millis(NOW.0 - 1)).await.unwrap());
    drop(session);
    assert_eq!(make(&ground, 50, "c", "firing").await, 2);
    assert_eq!(make(&ground, 51, "c", "firing").await, 0, "they belong to the first message");
    let mut session = ground.read().await;
    assert_eq!(message::list_due(&mut session, NOW, 10).await.unwrap(), [uid(50)]);
    let parts = message::parts(&mut session, uid(50), 10).await.unwrap();
    assert_eq!(parts, [(uid(1), "firing".to_owned()), (uid(2), "firing".to_owned())]);
    let (count, last) = message::pace(&mut session, "c", (NOW, NOW)).await.unwrap();
    assert_eq!((count, last), (1, Some(NOW)));
    drop(session);

    assert_eq!(claim(&ground, 50, 60, NOW).await, Some(1));
    assert_eq!(claim(&ground, 50, 61, NOW).await, None, "it is claimed");
    assert!(!finish(&ground, 50, 61, Outcome::Delivered).await, "by another attempt");
    let failed = Outcome::Failed { again_at: at(30), error: "HTTP 500" };
    assert!(finish(&ground, 50, 60, failed).await);
    assert_eq!(claim(&ground, 50, 62, at(29)).await, None, "it is not due");
    assert_eq!(claim(&ground, 50, 62, at(30)).await, Some(2));
    // Whoever claimed it is gone.
    assert_eq!(claim(&ground, 50, 63, at(89)).await, None);
    assert_eq!(claim(&ground, 50, 63, at(90)).await, Some(3));
    assert!(!finish(&ground, 50, 62, Outcome::Delivered).await, "it came back too late");
    assert!(finish(&ground, 50, 63, Outcome::Delivered).await);
    assert_eq!(claim(&ground, 50, 64, at(900)).await, None);
    let of = delivery::list_of_incident(&mut ground.read().await, uid(1)).await.unwrap();
    assert_eq!(of.len(), 2);
    assert_eq!(of[0].delivered_at_ms, Some(at(1).0));
}

#[tokio::test]
async fn nobody_is_told_that_something_is_over_before_they_were_told_of_it() {
    let ground = ground().await;
    insert(&ground, &new(1, 80)).await;
    notify(&ground, &notice(11, 1, "c", "firing")).await;
    notify(&ground, &notice(12, 1, "c", "resolved")).await;
    assert_eq!(make(&ground, 50, "c", "resolved").await, 0);
    let waiting = message::list_waiting(&mut ground.read().await, NOW).await.unwrap();
    assert_eq!(waiting.iter().map(|it| it.notice.as_str()).collect::<Vec<_>>(), ["firing"]);
    assert_eq!(message::channels_told(&mut ground.read().await, uid(1)).await.unwrap(), ["c"]);
    make(&ground, 51, "c", "firing").await;
    claim(&ground, 51, 60, NOW).await;
    finish(&ground, 51, 60, Outcome::Delivered).await;
    assert_eq!(make(&ground, 52, "c", "resolved").await, 1);
}

#[tokio::test]
async fn what_was_given_up_is_listed_and_may_be_tried_once_more() {
    let ground = ground().await;
    insert(&ground, &new(1, 80)).await;
    notify(&ground, &notice(11, 1, "c", "firing")).await;
    make(&ground, 50, "c", "firing").await;
    claim(&ground, 50, 60, NOW).await;
    assert!(finish(&ground, 50, 60, Outcome::Dead { error: "gone" }).await);
    let mut tx = ground.write().await;
    let dead = delivery::list(&mut tx, true, 10).await.unwrap();
    assert_eq!(dead.iter().map(|it| it.last_error.as_deref()).collect::<Vec<_>>(), [Some("gone")]);
    assert!(delivery::retry(&mut tx, uid(11), at(5)).await.unwrap());
    assert!(!delivery::retry(&mut tx, uid(11), at(5)).await.unwrap());
    let found = delivery::get(&mut tx, uid(11)).await.unwrap().unwrap();
    assert_eq!((found.dead_at_ms, found.attempts, found.not_before_ms), (None, 0, at(5).0));
    assert_eq!(delivery::give_up(&mut tx, "c", "removed", at(6)).await.unwrap(), 1);
    notify_in(&mut tx).await;
    delivery::close_restored(&mut tx, at(7)).await.unwrap();
    assert_eq!(delivery::list(&mut tx, true, 10).await.unwrap().len(), 2, "nothing is sent after a restore");
    assert!(incident::list_untold(&mut tx, 10).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    assert_eq!(delivery::notice_name(Notice::Reminder, 3), "reminder:3");
    assert_eq!(delivery::notice_of("reminder:3"), Some(Notice::Reminder));
}

async fn notify_in(tx: &mut strongroom_store::Write) {
    delivery::insert(tx, &notice(12, 1, "d", "firing")).await.expect("a notice");
}

#[tokio::test]
async fn channels_keep_their_sealed_values_and_what_became_of_their_messages() {
    let ground = ground().await;
    let mut tx = ground.write().await;
    channel::insert(&mut tx, &channel(1, "ops")).await.unwrap();
    let value = |field: &str, text: &str| ChannelValue {
        channel: uid(1),
        field: field.to_owned(),
        key_id: "k".to_owned(),
        text: text.to_owned(),
        until: None,
    };
    channel::put_value(&mut tx, &value("address", "one")).await.unwrap();
    channel::put_value(&mut tx, &value("address", "two")).await.unwrap();
    channel::put_value(&mut tx, &value("secret", "three")).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = ground.write().await;
    let values = channel::values(&mut tx, uid(1)).await.unwrap();
    assert_eq!(values.iter().map(|it| it.text.as_str()).collect::<Vec<_>>(), ["two", "three"]);
    let by_uid = channel::get(&mut tx, &uid(1).to_string()).await.unwrap();
    assert_eq!(by_uid, channel::get(&mut tx, "ops").await.unwrap());
    for expected in 1..=3 {
        assert_eq!(channel::note_outcome(&mut tx, &uid(1).to_string(), true).await.unwrap(), expected);
    }
    assert_eq!(channel::note_outcome(&mut tx, &uid(1).to_string(), false).await.unwrap(), 0);
    assert!(channel::set_disabled(&mut tx, uid(1), Some("HTTP 410"), NOW).await.unwrap());
    assert!(!channel::set_disabled(&mut tx, uid(1), Some("again"), NOW).await.unwrap());
    assert_eq!(channel::list(&mut tx).await.unwrap()[0].disabled_reason.as_deref(), Some("HTTP 410"));
    assert!(channel::set_disabled(&mut tx, uid(1), None, NOW).await.unwrap());
    tx.commit().await.unwrap();
    let mut tx = ground.write().await;
    let taken = channel::insert(&mut tx, &channel(2, "ops")).await.unwrap_err();
    assert!(matches!(taken, StoreError::Taken(_)), "{taken:?}");
    tx.roll_back().await.unwrap();
    let mut tx = ground.write().await;
    assert!(channel::remove(&mut tx, uid(1)).await.unwrap());
    assert!(!channel::remove(&mut tx, uid(1)).await.unwrap());
    assert!(channel::values(&mut tx, uid(1)).await.unwrap().is_empty());
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_limit_has_the_thresholds_that_were_set_closest_to_it() {
    let ground = ground().await;
    let of_user = LimitScope::User(UserId(7));
    let set = async |scope: &LimitScope, window: Window, number: u8| {
        let mut tx = ground.write().await;
        let (unit, amount, uid) = (Unit::Requests, Some(10), uid(number));
        let change = LimitChange { scope, unit, window, amount, uid, at: NOW };
        limit::set(&mut tx, &change).await.unwrap();
        tx.commit().await.unwrap();
    };
    set(&of_user, Window::Day, 1).await;
    set(&of_user, Window::Minute, 2).await;
    let credential = LimitScope::Credential(uid(5));
    set(&credential, Window::Month, 3).await;
    let thresholds = async |number: u8| -> String {
        let found = limit::get(&mut ground.read().await, uid(number)).await.unwrap();
        found.unwrap().thresholds.stored()
    };
    assert_eq!((thresholds(1).await, thresholds(2).await), ("80,95,100".to_owned(), String::new()));
    let put = async |number: u8, scope: RuleScope, at: &[i64]| -> Uid {
        let mut tx = ground.write().await;
        let at = Thresholds::of(at).unwrap();
        let put = rule::put(&mut tx, uid(number), Rule::LimitThreshold, &scope, at, NOW).await.unwrap();
        tx.commit().await.unwrap();
        put
    };
    let before = change::current(&mut ground.read().await).await.unwrap();
    put(100, RuleScope::All, &[70]).await;
    assert!(change::current(&mut ground.read().await).await.unwrap() > before, "servers forget the limits");
    put(101, RuleScope::Of(of_user.clone()), &[60]).await;
    put(102, RuleScope::Limit(uid(1)), &[50]).await;
    assert_eq!(put(103, RuleScope::Limit(uid(1)), &[55]).await, uid(102), "it is the same rule");
    assert_eq!([thresholds(1).await, thresholds(2).await, thresholds(3).await], ["55", "60", "70"]);
    let mut tx = ground.write().await;
    assert_eq!(rule::list(&mut tx).await.unwrap().len(), 3);
    assert!(rule::get(&mut tx, uid(102)).await.unwrap().is_some());
    assert!(rule::remove(&mut tx, uid(102)).await.unwrap());
    assert!(!rule::remove(&mut tx, uid(102)).await.unwrap());
    let key = |number, window| CounterKey::at(uid(number), Unit::Requests, window, NOW);
    let found = limit::of_counter(&mut tx, &key(1, Window::Day)).await.unwrap().unwrap();
    assert_eq!((found.uid, found.thresholds.stored().as_str()), (uid(1), "60"));
    let of_credential = limit::of_counter(&mut tx, &key(5, Window::Month)).await.unwrap().unwrap();
    assert_eq!(of_credential.uid, uid(3), "its monthly requests are counted under the credential");
    assert!(limit::of_counter(&mut tx, &key(1, Window::Month)).await.unwrap().is_none());
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn silences_and_routes_read_back() {
    let ground = ground().await;
    let silence = |number: u8, matcher: SilenceMatcher| Silence {
        uid: uid(number),
        matcher,
        from: NOW,
        until: at(60),
        reason: "load test".to_owned(),
        made_by: "user:1".to_owned(),
        ended_at: None,
    };
    let one = SilenceMatcher {
        rule: Some(Rule::Expires),
        subject: Some(("credential".to_owned(), "c".to_owned())),
        up_to: Some(Level::High),
    };
    let mut tx = ground.write().await;
    silence::insert(&mut tx, &silence(1, one.clone())).await.unwrap();
    silence::insert(&mut tx, &silence(2, SilenceMatcher::default())).await.unwrap();
    let held = silence::list(&mut tx, NOW, false).await.unwrap();
    assert_eq!(
        held.iter().map(|it| it.matcher.clone()).collect::<Vec<_>>(),
        [one, SilenceMatcher::default()]
    );
    assert!(silence::end(&mut tx, uid(1), at(1)).await.unwrap());
    assert!(!silence::end(&mut tx, uid(1), at(1)).await.unwrap());
    assert_eq!(silence::list(&mut tx, NOW, false).await.unwrap().len(), 1);
    assert!(silence::list(&mut tx, at(60), false).await.unwrap().is_empty());
    assert_eq!(silence::list(&mut tx, at(60), true).await.unwrap().len(), 2);
    let routes = [
        Route {
            rule: Some(Rule::LimitThreshold),
            from_level: Some(Level::Critical),
            provider: Some(super::ground::provider("openai")),
            channels: vec!["ops".to_owned(), "night".to_owned()],
            quiet: Some(QuietHours::parse("22:00-07:00").unwrap()),
            goes_on: true,
        },
        Route::default(),
    ];
    route::replace(&mut tx, &routes).await.unwrap();
    route::replace(&mut tx, &routes).await.unwrap();
    assert_eq!(route::list(&mut tx).await.unwrap(), routes);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn day_sums_of_each_scope_and_unit_can_be_asked_for() {
    let ground = ground().await;
    let scopes =
        [LimitScope::Credential(uid(1)), LimitScope::Token("t".to_owned()), LimitScope::User(UserId(3))];
    for scope in &scopes {
        for unit in Unit::ALL {
            let sums = backtest::day_sums(&mut ground.read().await, scope, unit, Millis(0)).await.unwrap();
            assert!(sums.is_empty());
        }
    }
}

#[tokio::test]
async fn what_is_not_over_is_counted_by_how_it_stands_and_a_channel_by_how_telling_it_went() {
    let ground = ground().await;
    for (number, mark) in [(1, 80), (2, 95), (3, 100)] {
        insert(&ground, &new(number, mark)).await;
    }
    ground
        .database
        .execute(&format!("UPDATE alert_incidents SET acknowledged_at_ms = 1 WHERE uid = '{}'", uid(1)))
        .await;
    ground
        .database
        .execute(&format!("UPDATE alert_incidents SET masked_at_ms = 1 WHERE uid = '{}'", uid(2)))
        .await;
    let mut session = ground.read().await;
    let counts = incident::count_standing(&mut session).await.unwrap();
    assert_eq!(counts, [(Standing::Acknowledged, 1), (Standing::Firing, 1), (Standing::Silenced, 1)]);
    let nothing = delivery::standing(&mut session, uid(7), Millis(0)).await.unwrap();
    assert_eq!((nothing.delivered_at, nothing.waiting, nothing.dead, nothing.last_error), (None, 0, 0, None));
    drop(session);
    let channel = uid(7).to_string();
    for (number, incident) in [(20, 1), (21, 2), (22, 3)] {
        assert!(notify(&ground, &notice(number, incident, &channel, "firing")).await);
    }
    let set =
        |number: u8, what: &str| format!("UPDATE alert_deliveries SET {what} WHERE uid = '{}'", uid(number));
    ground.database.execute(&set(20, "delivered_at_ms = 5")).await;
    ground.database.execute(&set(21, "dead_at_ms = 6, last_error = 'HTTP 500'")).await;
    let mut session = ground.read().await;
    let found = delivery::standing(&mut session, uid(7), NOW).await.unwrap();
    assert_eq!((found.delivered_at, found.waiting, found.dead), (Some(Millis(5)), 1, 1));
    assert_eq!(found.last_error.as_deref(), Some("HTTP 500"));
    let later = delivery::standing(&mut session, uid(7), at(1)).await.unwrap();
    assert_eq!((later.waiting, later.dead), (0, 0));
}

#[tokio::test]
async fn settings_of_a_rule_are_kept_once_and_are_the_usual_ones_before() {
    let ground = ground().await;
    assert_eq!(
        rule::settings(&mut ground.read().await, Rule::SpendSpike).await.unwrap(),
        Settings::default()
    );
    let given =
        |usd| Settings::of(Rule::SpendSpike, usd > 50, &BTreeMap::from([("usd".to_owned(), usd)])).unwrap();
    for (number, usd) in [(1, 50), (2, 60)] {
        let mut tx = ground.write().await;
        let stored =
            rule::put_settings(&mut tx, uid(number), Rule::SpendSpike, &given(usd), NOW).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(stored, uid(1), "it is one rule");
        let found = rule::settings(&mut ground.read().await, Rule::SpendSpike).await.unwrap();
        assert_eq!((found.is_off, found.get(Rule::SpendSpike, "usd")), (usd > 50, usd));
    }
}

#[tokio::test]
async fn places_of_reveals_are_known_for_as_long_as_they_are_kept() {
    let ground = ground().await;
    let note = async |value: &str, since: Millis, at: Millis| {
        let mut tx = ground.write().await;
        let known = reveal_place::note(&mut tx, "user:1", "address", value, since, at).await.unwrap();
        tx.commit().await.unwrap();
        known
    };
    assert!(!note("a", at(-60), at(0)).await);
    assert!(note("a", at(-60), at(10)).await);
    assert!(!note("a", at(11), at(20)).await, "seen, and too long ago");
    assert!(!note("b", at(-60), at(20)).await);
    let mut session = ground.read().await;
    let count = async |session: &mut Session, kind: &str, since| {
        reveal_place::count(session, "user:1", kind, since).await.unwrap()
    };
    assert_eq!(count(&mut session, "address", at(20)).await, 2);
    assert_eq!(count(&mut session, "address", at(21)).await, 0);
    assert_eq!(count(&mut session, "agent", at(0)).await, 0);
    drop(session);
    let mut tx = ground.write().await;
    assert_eq!(reveal_place::forget(&mut tx, at(20)).await.unwrap(), 0);
    assert_eq!(reveal_place::forget(&mut tx, at(21)).await.unwrap(), 2);
    tx.commit().await.unwrap();
}
