//! The data key is replaced while everything goes on, and everything is under the new one afterwards.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use strongroom::call::{CallEnd, CallTarget, NewCall};
use strongroom::key::{DataKeyState, Policy};
use strongroom::{Actor, Credential, CredentialPatch, NewCredential, ProblemKind, Strongroom};
use strongroom_crypto::random;
use strongroom_model::usage::{CallBound, Metering};
use strongroom_testkit::giving_up::polled_so_often;

use super::ground::{Ground, NOW, ground, new, provider};

/// `count` credentials with two secrets each and two versions, every fifth of them deleted.
async fn garden(count: usize) -> Ground {
    let ground = ground().await;
    for number in 0..count {
        let made = ground
            .make(NewCredential { api_secret: Some("second".into()), ..new(&format!("c-{number}")) })
            .await;
        let patch = CredentialPatch {
            api_key: Some(format!("key of c-{number}").into()),
            endpoint: Some((number % 2 == 0).then(|| format!("https://e-{number}.example.com/"))),
            ..CredentialPatch::default()
        };
        ground.service().update(made.id, patch, None).await.expect("a change");
        if number % 5 == 4 {
            ground.service().delete(made.id, None).await.expect("a deletion");
        }
    }
    ground
}

/// Everything is under one current data key, every other one is retired, and everything opens.
async fn assert_rotated(ground: &Ground, rotations: usize) {
    let status = ground.room.keys().status().await.expect("a status");
    let rotation = status.rotation.expect("a rotation");
    assert!(!rotation.is_open && rotation.finished_at.is_some(), "{rotation:?}");
    assert_eq!((rotation.left, rotation.broken), (0, 0));
    let data: Vec<_> = status.keys.iter().filter(|key| key.row.purpose == "data").collect();
    assert_eq!(data.len(), rotations + 1);
    for key in data {
        let is_new = key.row.id == rotation.key_id;
        assert_eq!(key.state, if is_new { DataKeyState::Current } else { DataKeyState::Retired });
        let total = ground.value("SELECT count(*) FROM credential_values").await;
        assert_eq!(key.texts.expect("a count").to_string(), if is_new { total } else { "0".to_owned() });
    }
    let others = status.keys.iter().filter(|key| key.row.purpose != "data");
    assert!(others.clone().all(|key| key.state == DataKeyState::Current && key.texts.is_none()));
    ground.assert_sound().await;
    assert_reads(&ground.room).await;
    assert_reads(&ground.node().await).await;
}

async fn assert_reads(room: &Strongroom) {
    let service = room.credentials(Actor::library());
    for credential in service.list_credentials().await.expect("a list") {
        let read = service.get_credential(&credential.name, None).await.expect("an answer").expect("a key");
        assert_eq!(read.api_key.expose(), format!("key of {}", credential.name));
    }
}

#[tokio::test]
async fn everything_is_resealed_old_versions_and_deleted_credentials_too() {
    let ground = garden(30).await;
    let before = ground.database.query_text("SELECT value FROM credential_values ORDER BY value").await;
    let old = ground.value("SELECT id FROM encryption_keys WHERE purpose = 'data'").await;
    let changes = ground.value("SELECT value FROM changes").await;
    let started = ground.room.keys().rotate(&Actor::library()).await.unwrap();
    assert!(started.is_new && started.state.is_open);
    assert_eq!((started.state.texts, started.state.left), (120, 120));
    ground.room.keys().go_on().await.unwrap();
    assert_eq!(
        ground.value("SELECT value FROM changes").await,
        changes,
        "servers forget nothing that they know"
    );
    let after = ground.database.query_text("SELECT value FROM credential_values ORDER BY value").await;
    assert!(after.len() == 120 && after.iter().all(|value| !before.contains(value)));
    assert_rotated(&ground, 1).await;

    let [begin] = <[_; 1]>::try_from(ground.entries("key.rotate").await).unwrap();
    let [end] = <[_; 1]>::try_from(ground.entries("key.rotate_finish").await).unwrap();
    assert_eq!(begin.entry.target.id, end.entry.target.id);
    assert_eq!((begin.entry.actor.as_str(), end.entry.actor.as_str()), ("library", "system"));
    let seals = format!("SELECT seal_count FROM encryption_keys WHERE id = '{}'", started.state.key_id);
    assert!(ground.value(&seals).await.parse::<i64>().unwrap() >= 120);

    // Nothing is sealed under the old one from then on, and a second rotation is another one.
    ground.make(new("later")).await;
    let again = ground.room.keys().rotate(&Actor::library()).await.unwrap();
    assert!(again.is_new && again.state.key_id != started.state.key_id && started.state.key_id != old);
    ground.room.keys().go_on().await.unwrap();
    assert_rotated(&ground, 2).await;
}

#[tokio::test]
async fn a_sealed_text_stands_in_no_column_that_the_list_does_not_know() {
    let ground = garden(3).await;
    ground.room.mint_first_token(None).await.unwrap();
    ground.room.keys().rotate(&Actor::library()).await.unwrap();
    ground.room.keys().go_on().await.unwrap();
    let columns = match super::BACKEND {
        strongroom_testkit::Backend::Sqlite => {
            "SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c \
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND upper(c.type) = 'TEXT'"
        }
        strongroom_testkit::Backend::Postgres => {
            "SELECT table_name, column_name FROM information_schema.columns \
             WHERE table_schema = 'public' AND data_type = 'text'"
        }
    };
    let is_sealed = |text: &str| {
        let parts: Vec<&str> = text.split(':').collect();
        let is_hex = |part: &&str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
        parts.len() == 3 && parts[0].len() == 24 && parts[1].len() == 32 && parts.iter().all(is_hex)
    };
    let mut found = Vec::new();
    for row in ground.database.query_text(columns).await {
        let [Some(table), Some(column)] = row.as_slice() else { panic!("{row:?}") };
        let values = ground.database.query_text(&format!("SELECT {column} FROM {table}")).await;
        if values.iter().flatten().flatten().any(|text| is_sealed(text)) {
            let listed = strongroom_store::sealed::KEY_COLUMNS.iter();
            let is_listed = listed.clone().any(|it| it.table == table && it.made == column);
            assert!(is_listed, "{table}.{column} holds sealed texts and is not in sealed::KEY_COLUMNS");
            found.push(format!("{table}.{column}"));
        }
    }
    found.sort_unstable();
    assert_eq!(found, ["credential_values.value", "key_wraps.wrapped"]);
}

#[tokio::test]
async fn a_second_call_joins_the_rotation_that_is_open() {
    let ground = garden(5).await;
    let first = ground.room.keys().rotate(&Actor::library()).await.unwrap();
    let node = ground.node().await;
    let second = node.keys().rotate(&Actor::library()).await.unwrap();
    assert!(first.is_new);
    // The first one may have ended meanwhile.
    assert_eq!(second.is_new, second.state.key_id != first.state.key_id);
    ground.room.keys().go_on().await.unwrap();
    assert_rotated(&ground, usize::from(second.is_new) + 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_reads_and_writes_on_two_nodes_nothing_is_lost_and_nothing_stays_under_the_old_key() {
    let ground = garden(20).await;
    let node = ground.node().await;
    let rooms = [ground.room.clone(), node.clone()];
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..6_usize {
        let service = rooms[worker % 2].credentials(Actor::library());
        tasks.spawn(async move {
            for round in 0..25_usize {
                let name = format!("c-{}", (worker * 7 + round) % 4);
                match worker % 3 {
                    0 => {
                        let read = service.get_credential(&name, None).await.unwrap().unwrap();
                        assert_eq!(read.api_key.expose(), format!("key of {name}"));
                    }
                    1 => {
                        service.create(new(&format!("made-{worker}-{round}"))).await.unwrap();
                    }
                    _ => {
                        let id = service.list_credentials().await.unwrap();
                        let id = id.iter().find(|it| it.name == name).unwrap().id;
                        let patch = CredentialPatch {
                            api_key: (round % 2 == 0).then(|| format!("key of {name}").into()),
                            provider: Some(provider(if round % 3 == 0 { "groq" } else { "openai" })),
                            endpoint: Some(Some(format!("https://r-{round}.example.com/"))),
                            ..CredentialPatch::default()
                        };
                        service.update(id, patch, None).await.unwrap();
                    }
                }
            }
        });
    }
    for room in rooms.clone() {
        tasks.spawn(async move {
            room.keys().rotate(&Actor::library()).await.unwrap();
            room.keys().go_on().await.unwrap();
        });
    }
    for room in rooms {
        tasks.spawn(async move { room.keys().go_on().await.unwrap() });
    }
    for done in tasks.join_all().await {
        let () = done;
    }
    ground.room.keys().go_on().await.unwrap();
    let rotations = ground.entries("key.rotate_finish").await.len();
    assert!((1..=2).contains(&rotations), "{rotations}");
    assert_eq!(ground.entries("credential.integrity").await.len(), 0);
    assert_rotated(&ground, rotations).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_at_every_await_it_goes_on_from_where_it_was() {
    let mut ground = garden(12).await;
    ground.room.close().await.expect("nothing is lost");
    let mut drops = 0;
    for times in 1.. {
        // Each time a process of its own, which knows nothing of the one before.
        let room = ground.node().await;
        let work = async {
            room.keys().rotate(&Actor::library()).await.unwrap();
            room.keys().go_on().await.unwrap();
        };
        let is_done = polled_so_often(times, work).await.is_some();
        // What its reseal task was at is dropped as well.
        room.close().await.expect("nothing is lost");
        drops += usize::from(!is_done);
        if is_done {
            break;
        }
        let again = ground.node().await;
        assert_reads(&again).await;
        assert_eq!(again.audit().verify(&[]).await.unwrap().faults, []);
        again.close().await.expect("nothing is lost");
    }
    assert!(drops > 10, "{drops}");
    ground.room = ground.node().await;
    ground.room.keys().go_on().await.unwrap();
    let rotations = ground.value("SELECT count(*) FROM key_rotations").await.parse().unwrap();
    assert_rotated(&ground, rotations).await;
}

#[tokio::test]
async fn a_text_that_does_not_open_is_named_and_its_key_stays_until_it_is_mended() {
    let ground = garden(6).await;
    let victim = ground.value("SELECT uid FROM credential_versions ORDER BY uid").await;
    let kept =
        format!("SELECT value FROM credential_values WHERE version_uid = '{victim}' AND field = 'api_key'");
    let kept = ground.value(&kept).await;
    let put = |text: &str| {
        format!(
            "UPDATE credential_values SET value = '{text}' WHERE version_uid = '{victim}' AND field = 'api_key'"
        )
    };
    ground.database.execute(&put("00:11:22")).await;
    let old = ground.value("SELECT id FROM encryption_keys WHERE purpose = 'data'").await;
    ground.room.keys().rotate(&Actor::library()).await.unwrap();
    ground.room.keys().go_on().await.unwrap();
    let status = ground.room.keys().status().await.unwrap();
    let rotation = status.rotation.unwrap();
    assert_eq!((rotation.is_open, rotation.left, rotation.broken), (false, 1, 1));
    let state = |id: &str| status.keys.iter().find(|key| key.row.id == id).unwrap().state;
    assert_eq!((state(&old), state(&rotation.key_id)), (DataKeyState::Leaving, DataKeyState::Current));
    assert!(status.next.iter().any(|next| next.contains("did not open")), "{:?}", status.next);
    let [end] = <[_; 1]>::try_from(ground.entries("key.rotate_finish").await).unwrap();
    assert_eq!(end.entry.outcome, strongroom_model::audit::Outcome::Failed);
    assert!(
        end.entry.detail.contains(&victim) && !end.entry.detail.contains("00:11:22"),
        "{}",
        end.entry.detail
    );

    ground.database.execute(&put(&kept)).await;
    ground.room.keys().rotate(&Actor::library()).await.unwrap();
    ground.room.keys().go_on().await.unwrap();
    assert_rotated(&ground, 2).await;
}

#[tokio::test]
async fn it_rotates_by_itself_at_an_age_and_after_so_many_seals() {
    let ground = garden(2).await;
    let count = async || ground.entries("key.rotate").await.len();
    let keys = ground.room.keys();
    let policy = Policy { days: 90, seals: 1000 };
    keys.rotate_if_due(&policy).await.unwrap();
    assert_eq!(count().await, 0);
    ground.clock.set(NOW.plus_seconds(90 * 24 * 3600 - 1));
    keys.rotate_if_due(&policy).await.unwrap();
    keys.rotate_if_due(&Policy { days: 0, seals: 1000 }).await.unwrap();
    assert_eq!(count().await, 0);
    ground.clock.set(NOW.plus_seconds(90 * 24 * 3600));
    keys.rotate_if_due(&policy).await.unwrap();
    keys.go_on().await.unwrap();
    assert_eq!(count().await, 1);
    assert_rotated(&ground, 1).await;
    keys.rotate_if_due(&policy).await.unwrap();
    assert_eq!(count().await, 1, "the new one is young");

    let sealed =
        ground.value("SELECT seal_count FROM encryption_keys WHERE purpose = 'data' AND is_current").await;
    let seals = sealed.parse::<u32>().unwrap();
    keys.rotate_if_due(&Policy { days: 0, seals: seals + 1 }).await.unwrap();
    assert_eq!(count().await, 1);
    keys.rotate_if_due(&Policy { days: 0, seals }).await.unwrap();
    keys.go_on().await.unwrap();
    let reasons: Vec<String> =
        ground.entries("key.rotate").await.into_iter().map(|it| it.entry.detail).collect();
    assert!(reasons[0].contains("\"age\"") && reasons[1].contains("\"seals\""), "{reasons:?}");
    assert_rotated(&ground, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_servers_that_find_it_due_at_once_one_begins() {
    let ground = garden(2).await;
    let nodes = [ground.room.clone(), ground.node().await, ground.node().await];
    ground.clock.set(NOW.plus_seconds(90 * 24 * 3600));
    let mut tasks = tokio::task::JoinSet::new();
    for node in nodes {
        tasks.spawn(async move {
            for _ in 0..3 {
                node.keys().rotate_if_due(&Policy { days: 90, seals: 1000 }).await.unwrap();
                node.keys().go_on().await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(ground.entries("key.rotate").await.len(), 1);
    assert_rotated(&ground, 1).await;
}

#[tokio::test]
async fn another_node_that_looks_goes_on_by_itself() {
    let ground = garden(4).await;
    // Begun by a process that ends before it has done anything.
    let gone = ground.node().await;
    polled_so_often(1, async { gone.keys().rotate(&Actor::library()).await }).await;
    gone.keys().rotate(&Actor::library()).await.unwrap();
    gone.close().await.expect("nothing is lost");
    ground.room.keys().rotate_if_due(&Policy { days: 0, seals: u32::MAX }).await.unwrap();
    // Its reseal task works beside this; what it does is seen in the database.
    while ground.room.keys().status().await.unwrap().rotation.unwrap().is_open {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let rotations = ground.value("SELECT count(*) FROM key_rotations").await.parse().unwrap();
    assert_rotated(&ground, rotations).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_stopped_at_random_again_and_again_ends_it_all_the_same() {
    let ground = garden(10).await;
    let began = Instant::now();
    ground.room.keys().rotate(&Actor::library()).await.unwrap();
    ground.room.keys().go_on().await.unwrap();
    // As long as a whole one takes here: they stop before it begins, within it, and after it.
    let whole = began.elapsed();
    for _ in 0..30 {
        let patience = whole * u32::from(random::bytes::<1>()[0]) / u32::from(u8::MAX);
        let room = ground.node().await;
        let work = async {
            room.keys().rotate(&Actor::library()).await.unwrap();
            room.keys().go_on().await.unwrap();
        };
        let _ = tokio::time::timeout(patience, work).await;
        drop(room);
        assert_reads(&ground.room).await;
    }
    // Joins the last one that began, once what was left under way is over.
    ground.room.keys().rotate(&Actor::library()).await.unwrap();
    ground.room.keys().go_on().await.unwrap();
    let rotations = ground.value("SELECT count(*) FROM key_rotations").await.parse().unwrap();
    assert_rotated(&ground, rotations).await;
}

/// A credential with the versions `first NAME`, `second NAME` and `third NAME`.
async fn three_versions(ground: &Ground, name: &str) -> Credential {
    let first = NewCredential { api_key: Some(format!("first {name}").into()), ..new(name) };
    let mut made = ground.make(first).await;
    for key in ["second", "third"] {
        let patch =
            CredentialPatch { api_key: Some(format!("{key} {name}").into()), ..CredentialPatch::default() };
        made = ground.service().update(made.id, patch, None).await.expect("a change");
    }
    made
}

/// Nothing is under an old data key, and whatever is sealed opens, on any node.
async fn assert_all_opens(ground: &Ground) {
    let status = ground.room.keys().status().await.expect("a status");
    let rotation = status.rotation.expect("a rotation");
    assert_eq!((rotation.is_open, rotation.left, rotation.broken), (false, 0, 0));
    let sealed = ground.value("SELECT COUNT(*) FROM credential_values WHERE kind = 'sealed'").await;
    for key in status.keys.iter().filter(|key| key.row.purpose == "data") {
        let expected = if key.row.id == rotation.key_id { sealed.as_str() } else { "0" };
        assert_eq!(key.texts.expect("a count").to_string(), expected);
    }
    for room in [ground.room.clone(), ground.node().await] {
        let proof = room.prove().await.expect("a proof");
        assert_eq!((proof.faults, proof.values.to_string()), (vec![], sealed.clone()));
    }
    ground.assert_sound().await;
}

async fn read(ground: &Ground, name: &str) -> String {
    let found = ground.service().get_credential(name, None).await.expect("an answer").expect("a key");
    found.api_key.expose().to_owned()
}

/// The keys that the next ten calls through the gateway are made with.
async fn called_with(room: &Strongroom) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for _ in 0..10 {
        let target = CallTarget { provider: provider("openai"), model: None, bound: CallBound::UNKNOWN };
        let call = NewCall { operation: "chat.completions", targets: vec![target] };
        let mut call = room.calls(Actor::library()).begin(call).await.expect("a call");
        let attempt = call.next().await.expect("an answer").expect("a key");
        keys.insert(attempt.api_key().expose().to_owned());
        let end = CallEnd { usage: None, model: None, raw_usage: None, metering: Metering::Unmetered };
        attempt.answered(200).settle(end);
    }
    keys
}

#[tokio::test]
async fn a_rotation_meets_a_canary_and_what_was_rolled_back_to_and_destroyed() {
    let ground = ground().await;
    let (service, keys) = (ground.service(), ground.room.keys());
    let back = three_versions(&ground, "back").await;
    service.roll_back(back.id, 1, None).await.unwrap();
    service.destroy_version(back.id, 2, None).await.unwrap();
    let tried = three_versions(&ground, "tried").await;
    service
        .update(back.id, CredentialPatch { is_active: Some(false), ..CredentialPatch::default() }, None)
        .await
        .unwrap();
    service.stage(tried.id, "staged tried".into(), None, None).await.unwrap();
    service.canary(tried.id, 50, true, None).await.unwrap();
    let both = BTreeSet::from(["third tried".to_owned(), "staged tried".to_owned()]);
    assert_eq!(called_with(&ground.room).await, both);

    keys.rotate(&Actor::library()).await.unwrap();
    keys.go_on().await.unwrap();
    assert_all_opens(&ground).await;
    assert_eq!(called_with(&ground.room).await, both, "what is held in memory goes on");
    assert_eq!(called_with(&ground.node().await).await, both, "what was resealed opens as the canary");
    service.promote(tried.id, true, None).await.unwrap();
    assert_eq!(read(&ground, "tried").await, "staged tried");
    service.roll_back(tried.id, 2, None).await.unwrap();
    assert_eq!(read(&ground, "tried").await, "second tried");
    service
        .update(back.id, CredentialPatch { is_active: Some(true), ..CredentialPatch::default() }, None)
        .await
        .unwrap();
    assert_eq!(read(&ground, "back").await, "first back");
    service.roll_back(back.id, 3, None).await.unwrap();
    assert_eq!(read(&ground, "back").await, "third back");
    assert_eq!(service.roll_back(back.id, 2, None).await.unwrap_err().kind, ProblemKind::Conflict);
    assert_all_opens(&ground).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_are_staged_rolled_back_and_destroyed_while_the_key_rotates() {
    let ground = ground().await;
    let mut made = Vec::new();
    for number in 0..60 {
        made.push(three_versions(&ground, &format!("c-{number:02}")).await);
    }
    let (node, keys) = (ground.node().await, ground.room.keys());
    keys.rotate(&Actor::library()).await.unwrap();
    let service = node.credentials(Actor::library());
    let changing = async {
        for (number, one) in made.iter().enumerate() {
            match number % 4 {
                0 => drop(service.destroy_version(one.id, 1, None).await.unwrap()),
                1 => drop(service.roll_back(one.id, 1, None).await.unwrap()),
                2 => {
                    let key = format!("staged {}", one.name);
                    service.stage(one.id, key.into(), None, None).await.unwrap();
                    service.canary(one.id, 50, true, None).await.unwrap();
                }
                _ => {
                    service.delete(one.id, None).await.unwrap();
                    service.purge(one.id, None).await.unwrap();
                }
            }
        }
    };
    let (rotated, ()) = tokio::join!(keys.go_on(), changing);
    rotated.unwrap();
    assert_all_opens(&ground).await;
    for (number, one) in made.iter().enumerate() {
        let name = &one.name;
        match number % 4 {
            0 => assert_eq!(read(&ground, name).await, format!("third {name}")),
            1 => assert_eq!(read(&ground, name).await, format!("first {name}")),
            2 => {
                service.promote(one.id, true, None).await.unwrap();
                assert_eq!(read(&ground, name).await, format!("staged {name}"));
            }
            _ => assert!(ground.service().get_credential(name, None).await.unwrap().is_none()),
        }
    }
    let erased = "SELECT COUNT(*) FROM credential_values WHERE kind = 'erased' AND key_id IS NULL";
    assert_eq!(ground.value(erased).await, (15 + 15 * 3).to_string());
    assert_all_opens(&ground).await;
}

/// Whoever can write to the database, and has got hold of a data key that was replaced for that reason, would have new secrets
/// sealed under it.
#[tokio::test]
async fn a_replaced_key_does_not_come_back_by_an_edit_of_the_database() {
    let back = "UPDATE encryption_keys SET is_current = false WHERE purpose = 'data' AND is_current; \
                UPDATE encryption_keys SET is_current = true, retired_at_ms = NULL WHERE purpose = 'data' AND id = ";
    for with_rotation in [false, true] {
        let ground = garden(3).await;
        let first =
            ground.value("SELECT id FROM encryption_keys WHERE purpose = 'data' AND is_current").await;
        ground.room.keys().rotate(&Actor::library()).await.unwrap();
        ground.room.keys().go_on().await.unwrap();
        assert_rotated(&ground, 1).await;
        let mut edit = format!("{back}'{first}'");
        if with_rotation {
            edit.push_str("; UPDATE key_rotations SET is_open = true, finished_at_ms = NULL, key_id = ");
            edit.push_str(&format!("'{first}'"));
        }
        ground.database.execute(&edit).await;
        // Neither by a server that runs, nor by one that starts.
        let sealed = ground.service().create(new("after")).await.unwrap_err();
        assert_eq!(sealed.kind, ProblemKind::Integrity, "{sealed}");
        let opened = Strongroom::open(ground.options()).await.unwrap_err();
        assert!(
            opened.kind == ProblemKind::Integrity && opened.message.contains("last rotation"),
            "{opened}"
        );
        let under = format!("SELECT COUNT(*) FROM credential_values WHERE key_id = '{first}'");
        assert_eq!(ground.value(&under).await, "0");
        assert_reads(&ground.room).await;
        // Nor when the trail says nothing of the rotation for a moment.
        ground.database.execute("DELETE FROM audit_logs WHERE action = 'key.rotate'").await;
        let opened = Strongroom::open(ground.options()).await.unwrap_err();
        assert_eq!(opened.kind, ProblemKind::Integrity, "{opened}");
    }
}
