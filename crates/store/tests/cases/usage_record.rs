//! Single records, looked up by pages, by conditions, and by request.

use strongroom_model::credential::Source;
use strongroom_model::{LedgerText, Millis, Uid, UserId};
use strongroom_store::usage::{self, Kind, Record};
use strongroom_store::usage_record::{self, FoundPage, RecordFilter, Whose};

use super::counter::record as counter_record;
use super::ground::{Ground, NOW, ground, provider, uid};

/// An identity that begins with this instant.
fn uid_at(at: Millis, number: u8) -> Uid {
    let mut bytes = [number; 16];
    bytes[..6].copy_from_slice(&at.0.to_be_bytes()[2..]);
    Uid::from_bytes(bytes)
}

fn record(number: u8, at: i64) -> Record {
    let at = Millis(NOW.0 + at);
    Record { uid: uid_at(at, number), ..counter_record(number, Some(uid(1)), at) }
}

async fn write(ground: &Ground, records: &[Record]) {
    let mut tx = ground.write().await;
    usage::insert_all(&mut tx, records).await.expect("an answer");
    tx.commit().await.expect("an answer");
}

async fn list(ground: &Ground, filter: &RecordFilter, before: Option<Uid>, count: usize) -> FoundPage {
    usage_record::list(&mut ground.read().await, filter, before, count).await.expect("an answer")
}

fn uids(page: &FoundPage) -> Vec<Uid> {
    page.records.iter().map(|record| record.uid.parse().expect("a uid")).collect()
}

#[tokio::test]
async fn records_come_by_pages_the_newest_first() {
    let ground = ground().await;
    let records: Vec<_> = (1..=5).map(|number| record(number, i64::from(number) * 1000)).collect();
    write(&ground, &records).await;
    let all = RecordFilter::default();
    let first = list(&ground, &all, None, 2).await;
    assert_eq!(uids(&first), [records[4].uid, records[3].uid]);
    let next: Uid = first.next.expect("more").parse().unwrap();
    assert_eq!(uids(&list(&ground, &all, Some(next), 2).await), [records[2].uid, records[1].uid]);
    let last = list(&ground, &all, Some(records[1].uid), 2).await;
    assert_eq!((uids(&last), &last.next, last.looked_back_to), (vec![records[0].uid], &None, None));
    let between = RecordFilter { from: records[1].at, to: records[3].at, ..RecordFilter::default() };
    assert_eq!(uids(&list(&ground, &between, None, 9).await), [records[2].uid, records[1].uid]);
}

#[tokio::test]
async fn conditions_narrow_and_names_are_told() {
    let ground = ground().await;
    let openai = provider("openai");
    ground.put(super::ground::row(1, "one", &openai)).await;
    let of_library = Record {
        actor: LedgerText::named("library").unwrap(),
        user: None,
        provider: provider("groq"),
        model: LedgerText::named("llama").unwrap(),
        status: 429,
        kind: Kind::Read,
        cost_nano_usd: None,
        credential: None,
        version: None,
        source: Source::Environment,
        ..record(2, 2000)
    };
    write(&ground, &[record(1, 1000), of_library]).await;
    let all = list(&ground, &RecordFilter::default(), None, 9).await;
    let [environment, call] = &all.records[..] else { panic!("{all:?}") };
    assert_eq!(
        (call.credential.as_str(), call.version, call.user_id, call.cost_nano_usd),
        ("one", 1, 7, Some(100))
    );
    assert_eq!((environment.credential.as_str(), environment.version, environment.user_id), ("", 0, 0));
    assert_eq!((environment.cost_nano_usd, environment.tags.as_str()), (None, ""));
    let narrow = |change: fn(&mut RecordFilter)| {
        let mut filter = RecordFilter::default();
        change(&mut filter);
        filter
    };
    let filters = [
        (narrow(|it| it.provider = Some("groq".to_owned())), 2),
        (narrow(|it| it.model = Some("gpt-test".to_owned())), 1),
        (narrow(|it| it.credential = Some(uid(1))), 1),
        (narrow(|it| it.actor = Some("library".to_owned())), 2),
        (narrow(|it| it.user = Some(7)), 1),
        (narrow(|it| it.source = Some(Source::Environment)), 2),
        (narrow(|it| it.kind = Some(Kind::Read)), 2),
        (narrow(|it| it.statuses = vec![(0, 0), (400, 499)]), 2),
        (narrow(|it| it.whose = Whose::Actor("library".to_owned())), 2),
        (narrow(|it| it.whose = Whose::User(7)), 1),
    ];
    for (filter, number) in filters {
        let found = list(&ground, &filter, None, 9).await;
        assert_eq!(uids(&found), [record(number, i64::from(number) * 1000).uid], "{filter:?}");
    }
    let nobody = narrow(|it| (it.user, it.kind) = (Some(7), Some(Kind::Read)));
    assert_eq!(list(&ground, &nobody, None, 9).await.records, []);
}

#[tokio::test]
async fn a_search_for_what_is_rare_is_given_up_and_goes_on_from_there() {
    let ground = ground().await;
    let rare = Record { status: 418, ..record(1, -3_600_000) };
    write(&ground, std::slice::from_ref(&rare)).await;
    // As many as are looked at, in few statements: identities that begin with later instants.
    let context = format!("(SELECT context_uid FROM usage_lines WHERE uid = '{}')", rare.uid);
    let filled = match super::BACKEND {
        strongroom_testkit::Backend::Sqlite => {
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) \
             INSERT INTO usage_lines SELECT PREFIX || printf('%020x', i), 'main', CONTEXT, AT, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
             1, NULL, NULL, NULL, NULL FROM n"
        }
        strongroom_testkit::Backend::Postgres => {
            "INSERT INTO usage_lines SELECT PREFIX || lpad(to_hex(i), 20, '0'), 'main', CONTEXT, AT, 1, 1, 0, 0, 0, 0, 0, 0, 0, \
             0, 0, 1, NULL, NULL, NULL, NULL FROM generate_series(1, 50000) i"
        }
    };
    // Another status: of another context.
    write(&ground, &[record(2, 1)]).await;
    let other = context.replace(&rare.uid.to_string(), &record(2, 1).uid.to_string());
    let prefix = format!("'{:012x}'", NOW.0);
    let sql = filled.replace("PREFIX", &prefix).replace("CONTEXT", &other).replace("AT", &NOW.0.to_string());
    ground.database.execute(&sql.replace("CONTEXT", &other)).await;
    let filter = RecordFilter { statuses: vec![(418, 418)], ..RecordFilter::default() };
    let page = list(&ground, &filter, None, 9).await;
    assert_eq!((&page.records, page.looked_back_to), (&Vec::new(), Some(NOW)));
    let next: Uid = page.next.expect("it goes on").parse().unwrap();
    let page = list(&ground, &filter, Some(next), 9).await;
    assert_eq!((uids(&page), page.next), (vec![rare.uid], None));
}

#[tokio::test]
async fn the_records_of_a_request_are_found_by_its_id_and_only_by_those_who_may() {
    let ground = ground().await;
    let request = |at: i64, number: u8| uid_at(Millis(NOW.0 + at), number);
    let text = |uid: Uid| Some(LedgerText::shown(uid.to_string()));
    let (near, far, odd) = (request(0, 90), request(0, 91), uid(255));
    let first = Record { request_id: text(near), kind: Kind::Attempt, status: 401, ..record(1, 10) };
    let last = Record { request_id: text(near), ..record(2, 20) };
    let late = Record { request_id: text(far), ..record(3, 600_000) };
    // An id that does not begin with its instant, as one of an earlier version.
    let old = Record { request_id: text(odd), ..record(4, 700_000) };
    let without = record(5, 800_000);
    write(&ground, &[first.clone(), last.clone(), late.clone(), old.clone(), without.clone()]).await;
    let find = async |id: Uid, whose: Whose| -> Vec<Uid> {
        let mut session = ground.read().await;
        let found = usage_record::find(&mut session, id, &whose).await.expect("an answer");
        found.iter().map(|record| record.uid.parse().expect("a uid")).collect()
    };
    assert_eq!(find(near, Whose::All).await, [first.uid, last.uid]);
    assert_eq!(find(last.uid, Whose::All).await, [first.uid, last.uid], "by one of them");
    assert_eq!(find(far, Whose::All).await, [late.uid]);
    assert_eq!(find(odd, Whose::All).await, [old.uid]);
    assert_eq!(find(without.uid, Whose::All).await, [without.uid]);
    assert_eq!(find(request(0, 92), Whose::All).await, []);
    assert_eq!(find(near, Whose::User(UserId(7).0)).await.len(), 2);
    for whose in [Whose::User(8), Whose::Actor("token:other".to_owned())] {
        for id in [near, far, odd, last.uid, without.uid] {
            assert_eq!(find(id, whose.clone()).await, [], "{whose:?}");
        }
    }
}
