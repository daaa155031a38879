//! The audit trail as the store sees it: rows behind a head, without a key.

use strongroom_model::Millis;
use strongroom_model::audit::{Entry, Filter, Head, NewEntry, Outcome, Target};
use strongroom_store::audit::{self, Found};
use strongroom_store::{Session, StoreError};

use super::ground::{Ground, ground, uid};

fn head(seq: i64) -> Head {
    Head {
        chain_id: "main".to_owned(),
        seq,
        link: format!("link {seq}"),
        key_id: "key".to_owned(),
        mac: format!("mac {seq}"),
    }
}

fn entry(seq: u8, action: &str, actor: &str, target: Option<&str>, outcome: Outcome) -> Entry {
    Entry {
        chain_id: "main".to_owned(),
        seq: i64::from(seq),
        entry: NewEntry {
            uid: uid(seq),
            at: Millis(i64::from(seq) * 10),
            action: action.to_owned(),
            actor: actor.to_owned(),
            target: Target {
                kind: "credential".to_owned(),
                id: target.map(|name| format!("id of {name}")),
                name: target.map(ToOwned::to_owned),
            },
            outcome,
            detail: format!("{{\"n\":{seq}}}"),
            request_id: (seq == 1).then(|| "request".to_owned()),
            remote_address: (seq == 2).then(|| "127.0.0.1".to_owned()),
        },
        key_id: "key".to_owned(),
        link: format!("link {seq}"),
    }
}

/// A chain of six entries.
async fn chain() -> Ground {
    let ground = ground().await;
    let entries = [
        entry(1, "credential.create", "token:a", Some("one"), Outcome::Success),
        entry(2, "credential.read", "token:b", Some("one"), Outcome::Success),
        entry(3, "token.create", "token:a", None, Outcome::Success),
        entry(4, "credential.read", "token:b", Some("two"), Outcome::Denied),
        entry(5, "credential.delete", "token:a", Some("one"), Outcome::Failed),
        entry(6, "credentials.odd", "token:a", Some("one"), Outcome::Success),
    ];
    let mut tx = ground.write().await;
    audit::insert_head(&mut tx, &head(0)).await.expect("a head");
    audit::append(&mut tx, &entries, &head(6)).await.expect("entries");
    tx.commit().await.expect("a commit");
    ground
}

fn places(found: &[Found]) -> Vec<i64> {
    let place = |found: &Found| match found {
        Found::Entry(entry) => entry.seq,
        Found::Unreadable { seq, .. } => -seq,
    };
    found.iter().map(place).collect()
}

async fn oldest_first(session: &mut Session, filter: &Filter) -> Vec<i64> {
    places(&audit::list(session, "main", filter, false, None, 100).await.expect("a list"))
}

#[tokio::test]
async fn a_chain_is_started_once_and_its_head_moves_with_its_entries() {
    let ground = chain().await;
    assert_eq!(audit::heads(&mut ground.read().await).await.unwrap(), [head(6)]);
    let mut tx = ground.write().await;
    assert_eq!(audit::lock_head(&mut tx, "main").await.unwrap(), Some(head(6)));
    assert_eq!(audit::lock_head(&mut tx, "elsewhere").await.unwrap(), None);
    let again = audit::insert_head(&mut tx, &head(0)).await;
    assert!(matches!(again, Err(StoreError::Taken(_))), "{again:?}");
    drop(tx);

    let mut tx = ground.write().await;
    let fork = [entry(6, "credential.read", "token:c", None, Outcome::Success)];
    let fork = audit::append(&mut tx, &fork, &head(6)).await;
    assert!(matches!(fork, Err(StoreError::Taken(_))), "a place is filled once: {fork:?}");
}

#[tokio::test]
async fn entries_read_back_in_order_with_everything_they_say() {
    let ground = chain().await;
    let mut session = ground.read().await;
    let found = audit::read_on(&mut session, "main", 1, 2).await.unwrap();
    let [Found::Entry(first), Found::Entry(second)] = &found[..] else { panic!("{found:?}") };
    assert_eq!((first.chain_id.as_str(), first.seq, first.link.as_str()), ("main", 1, "link 1"));
    assert_eq!((first.key_id.as_str(), first.entry.uid, first.entry.at), ("key", uid(1), Millis(10)));
    assert_eq!((first.entry.action.as_str(), first.entry.actor.as_str()), ("credential.create", "token:a"));
    assert_eq!(first.entry.target, Target::named("credential", "id of one", "one"));
    assert_eq!((first.entry.outcome, first.entry.detail.as_str()), (Outcome::Success, "{\"n\":1}"));
    assert_eq!(
        (first.entry.request_id.as_deref(), first.entry.remote_address.as_deref()),
        (Some("request"), None)
    );
    assert_eq!(
        (second.entry.request_id.as_deref(), second.entry.remote_address.as_deref()),
        (None, Some("127.0.0.1"))
    );
    assert_eq!(places(&audit::read_on(&mut session, "main", 3, 3).await.unwrap()), [3, 4, 5]);
    assert_eq!(places(&audit::read_on(&mut session, "main", 6, 3).await.unwrap()), [6]);
    assert!(places(&audit::read_on(&mut session, "main", 7, 3).await.unwrap()).is_empty());
    assert!(places(&audit::read_on(&mut session, "elsewhere", 1, 3).await.unwrap()).is_empty());
}

#[tokio::test]
async fn chains_are_told_also_when_they_have_no_head() {
    let ground = chain().await;
    assert_eq!(audit::chains(&mut ground.read().await).await.unwrap(), ["main"]);
    ground
        .database
        .execute("DELETE FROM audit_heads; UPDATE audit_logs SET chain_id = 'odd' WHERE seq = 6")
        .await;
    assert_eq!(audit::chains(&mut ground.read().await).await.unwrap(), ["main", "odd"]);
}

#[tokio::test]
async fn filters_of_the_list_narrow_one_by_one_and_together() {
    let ground = chain().await;
    let mut session = ground.read().await;
    let text = |text: &str| Some(text.to_owned());
    let cases: [(Filter, &[i64]); 10] = [
        (Filter::default(), &[1, 2, 3, 4, 5, 6]),
        (Filter { action: text("credential.read"), ..Filter::default() }, &[2, 4]),
        (Filter { action: text("credential."), ..Filter::default() }, &[1, 2, 4, 5]),
        (Filter { action: text("credential"), ..Filter::default() }, &[]),
        (Filter { actor: text("token:b"), ..Filter::default() }, &[2, 4]),
        (Filter { target: text("one"), ..Filter::default() }, &[1, 2, 5, 6]),
        (Filter { outcome: Some(Outcome::Denied), ..Filter::default() }, &[4]),
        (Filter { from: Some(Millis(20)), to: Some(Millis(50)), ..Filter::default() }, &[2, 3, 4]),
        (
            Filter {
                actor: text("token:a"),
                target: text("one"),
                action: text("credential."),
                ..Filter::default()
            },
            &[1, 5],
        ),
        (Filter { actor: text("token:%"), ..Filter::default() }, &[]),
    ];
    for (filter, wanted) in cases {
        assert_eq!(oldest_first(&mut session, &filter).await, wanted, "{filter:?}");
    }
}

#[tokio::test]
async fn replacements_of_the_data_key_are_found_among_everything_else() {
    let ground = chain().await;
    assert!(places(&audit::key_rotations(&mut ground.read().await, "main").await.unwrap()).is_empty());
    let more = [
        entry(7, audit::KEY_ROTATION, "token:a", Some("key"), Outcome::Success),
        entry(8, "key.rotated", "token:a", Some("key"), Outcome::Success),
        entry(9, audit::KEY_ROTATION, "token:a", Some("key"), Outcome::Success),
    ];
    let mut tx = ground.write().await;
    audit::append(&mut tx, &more, &head(9)).await.unwrap();
    tx.commit().await.unwrap();
    let mut session = ground.read().await;
    assert_eq!(places(&audit::key_rotations(&mut session, "main").await.unwrap()), [9, 7]);
    assert!(places(&audit::key_rotations(&mut session, "elsewhere").await.unwrap()).is_empty());
    let mut before = audit::links_before_key_rotations(&mut session, "main").await.unwrap();
    before.sort();
    let links = audit::read_on(&mut session, "main", 6, 3).await.unwrap();
    let link = |found: &audit::Found| match found {
        audit::Found::Entry(entry) => (entry.seq, entry.link.clone()),
        audit::Found::Unreadable { .. } => panic!("it is whole"),
    };
    assert_eq!(before, [link(&links[0]), link(&links[2])]);
    assert!(audit::links_before_key_rotations(&mut session, "elsewhere").await.unwrap().is_empty());
}

#[tokio::test]
async fn cursors_lead_through_the_list_in_both_directions() {
    let ground = chain().await;
    let mut session = ground.read().await;
    let filter = Filter { action: Some("credential.".to_owned()), ..Filter::default() };
    for (newest_first, first, rest) in [(false, [1, 2, 4], 5), (true, [5, 4, 2], 1)] {
        let page = audit::list(&mut session, "main", &filter, newest_first, None, 3).await.unwrap();
        assert_eq!(places(&page), first);
        let page = audit::list(&mut session, "main", &filter, newest_first, Some(first[2]), 3).await.unwrap();
        assert_eq!(places(&page), [rest]);
        let page = audit::list(&mut session, "main", &filter, newest_first, Some(rest), 3).await.unwrap();
        assert!(places(&page).is_empty());
        let above = Filter { above: Some(2), ..filter.clone() };
        let mut page =
            places(&audit::list(&mut session, "main", &above, newest_first, None, 9).await.unwrap());
        page.sort_unstable();
        assert_eq!(page, [4, 5]);
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_ours_is_told_by_its_place_and_column() {
    let ground = chain().await;
    ground.database.execute("UPDATE audit_logs SET outcome = 'fine' WHERE seq = 2").await;
    ground.database.execute("UPDATE audit_logs SET uid = 'x' WHERE seq = 3").await;
    let found = audit::read_on(&mut ground.read().await, "main", i64::MIN, 10).await.unwrap();
    assert_eq!(places(&found), [1, -2, -3, 4, 5, 6]);
    assert!(matches!(found[1], Found::Unreadable { seq: 2, column: "outcome" }), "{found:?}");
    assert!(matches!(found[2], Found::Unreadable { seq: 3, column: "uid" }), "{found:?}");
}
