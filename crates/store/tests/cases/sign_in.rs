//! Sessions of people in a browser, and one-time codes.

use strongroom_model::authority_mac::AuthorityMac;
use strongroom_model::sign_in::{Holder, LoginCode, PageSession};
use strongroom_model::{Millis, UserId};
use strongroom_store::sign_in::{self, StoredCode, StoredSession};
use strongroom_store::{StoreError, change};

use super::ground::{Ground, NOW, ground, uid};

fn mac(text: &str) -> AuthorityMac {
    AuthorityMac { key_id: "key-1".to_owned(), mac: format!("mac of {text}") }
}

fn stored(number: u8, holder: Holder) -> StoredSession {
    StoredSession {
        session: PageSession {
            uid: uid(number),
            holder,
            is_shared: number.is_multiple_of(2),
            made_at: Millis(NOW.0 + i64::from(number)),
            seen_at: NOW,
            ends_at: NOW.plus_seconds(60),
            address: Some("127.0.0.1".to_owned()),
            agent: None,
        },
        hash: format!("hash {number}"),
        mac: mac("a session"),
    }
}

fn code(hash: &str, until: Millis) -> StoredCode {
    let code = LoginCode { holder: Holder::Local("ada".to_owned()), until };
    StoredCode { code, hash: hash.to_owned(), mac: mac(hash) }
}

impl Ground {
    async fn put_session(&self, stored: &StoredSession) {
        let mut tx = self.write().await;
        sign_in::insert(&mut tx, stored).await.expect("a new session");
        tx.commit().await.expect("a commit");
    }

    async fn sessions(&self, now: Millis) -> Vec<StoredSession> {
        sign_in::list(&mut self.read().await, now).await.expect("a list")
    }
}

#[tokio::test]
async fn a_session_reads_back_by_its_hash_until_it_is_ended() {
    let ground = ground().await;
    let before = change::current(&mut ground.read().await).await.unwrap();
    let (one, two) = (stored(1, Holder::Token("AbC".to_owned())), stored(2, Holder::User(UserId(7))));
    ground.put_session(&one).await;
    ground.put_session(&two).await;
    let mut session = ground.read().await;
    assert_eq!(sign_in::get(&mut session, "hash 1").await.unwrap(), Some(one.clone()));
    assert_eq!(sign_in::get(&mut session, "HASH 1").await.unwrap(), None);
    drop(session);
    assert_eq!(ground.sessions(NOW).await, [two.clone(), one.clone()], "the newest first");
    assert_eq!(ground.sessions(NOW.plus_seconds(60)).await, [], "at its end it is over");

    let mut tx = ground.write().await;
    assert!(sign_in::end(&mut tx, uid(1)).await.unwrap());
    assert!(!sign_in::end(&mut tx, uid(1)).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(ground.sessions(NOW).await, [two]);
    assert_eq!(
        change::current(&mut ground.read().await).await.unwrap(),
        before,
        "no server forgets what it knows"
    );
}

#[tokio::test]
async fn the_last_use_of_a_session_never_goes_back() {
    let ground = ground().await;
    ground.put_session(&stored(1, Holder::User(UserId(7)))).await;
    for (at, expected) in [(5, 5), (3, 5), (9, 9)] {
        let mut tx = ground.write().await;
        sign_in::see(&mut tx, "hash 1", Millis(NOW.0 + at)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(ground.sessions(NOW).await[0].session.seen_at, Millis(NOW.0 + expected));
    }
}

#[tokio::test]
async fn a_new_session_clears_away_those_that_are_over() {
    let ground = ground().await;
    let mut over = stored(1, Holder::User(UserId(7)));
    over.session.ends_at = NOW;
    ground.put_session(&over).await;
    ground.put_session(&stored(2, Holder::User(UserId(7)))).await;
    let left = ground.database.query_text("SELECT uid FROM sessions").await;
    assert_eq!(left, [[Some(uid(2).to_string())]]);
}

#[tokio::test]
async fn all_sessions_and_codes_of_a_user_end_with_those_of_the_users_tokens() {
    let ground = ground().await;
    let (ada, bob) = (ground.put_user(7).await, ground.put_user(8).await);
    ground
        .database
        .execute(
            "INSERT INTO tokens (id, name, role, scope_credentials, scope_providers, user_id, hash_key_id, hash, \
             mac_key_id, mac, created_at_ms) VALUES ('adas', 'x', 'reader', '[]', '[]', 7, '', '', '', '', 0), \
             ('bobs', 'x', 'reader', '[]', '[]', 8, '', '', '', '', 0)",
        )
        .await;
    let token = |id: &str| Holder::Token(id.to_owned());
    let holders =
        [Holder::User(ada), token("adas"), Holder::User(bob), token("bobs"), Holder::Local("7".into())];
    for (number, holder) in (1..).zip(holders.iter()) {
        ground.put_session(&stored(number, holder.clone())).await;
    }
    let mut tx = ground.write().await;
    for (holder, hash) in [(Holder::User(ada), "adas"), (token("bobs"), "bobs")] {
        let code = StoredCode { code: LoginCode { holder, until: NOW.plus_seconds(60) }, ..code(hash, NOW) };
        sign_in::insert_code(&mut tx, &code, NOW).await.unwrap();
    }
    assert_eq!(sign_in::end_all_of_user(&mut tx, ada).await.unwrap(), 2);
    tx.commit().await.unwrap();
    let left: Vec<_> = ground.sessions(NOW).await.into_iter().map(|it| it.session.holder).collect();
    assert_eq!(left, [holders[4].clone(), holders[3].clone(), holders[2].clone()]);
    let mut session = ground.read().await;
    assert_eq!(sign_in::get_code(&mut session, "adas", NOW).await.unwrap(), None);
    assert!(sign_in::get_code(&mut session, "bobs", NOW).await.unwrap().is_some());
}

#[tokio::test]
async fn a_code_is_spent_once_and_in_time() {
    let ground = ground().await;
    let good = code("good", NOW.plus_seconds(60));
    let mut tx = ground.write().await;
    sign_in::insert_code(&mut tx, &code("old", NOW), NOW).await.unwrap();
    sign_in::insert_code(&mut tx, &good, NOW).await.unwrap();
    tx.commit().await.unwrap();
    let left = ground.database.query_text("SELECT hash FROM login_codes").await;
    assert_eq!(left, [[Some("good".to_owned())]], "what is over goes when the next one comes");

    let mut session = ground.read().await;
    assert_eq!(
        sign_in::get_code(&mut session, "good", NOW).await.unwrap(),
        Some(good.clone()),
        "looking spends nothing"
    );
    assert_eq!(sign_in::get_code(&mut session, "good", NOW.plus_seconds(60)).await.unwrap(), None);
    drop(session);
    let mut tx = ground.write().await;
    assert_eq!(sign_in::spend_code(&mut tx, "good", NOW.plus_seconds(60)).await.unwrap(), None, "too late");
    assert_eq!(sign_in::spend_code(&mut tx, "good", NOW).await.unwrap(), Some(good));
    assert_eq!(sign_in::spend_code(&mut tx, "good", NOW).await.unwrap(), None);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn two_who_spend_one_code_at_once_get_it_once() {
    let ground = ground().await;
    for round in 0..10 {
        let hash = format!("code {round}");
        let mut tx = ground.write().await;
        sign_in::insert_code(&mut tx, &code(&hash, NOW.plus_seconds(60)), NOW).await.unwrap();
        tx.commit().await.unwrap();
        let spend = async || {
            let mut tx = ground.write().await;
            let found = sign_in::spend_code(&mut tx, &hash, NOW).await.unwrap();
            tx.commit().await.unwrap();
            found
        };
        let (one, two) = tokio::join!(spend(), spend());
        assert_eq!(one.is_some(), two.is_none(), "{one:?} {two:?}");
    }
}

#[tokio::test]
async fn a_holder_that_we_never_write_is_named_with_its_row() {
    let ground = ground().await;
    ground.put_session(&stored(1, Holder::User(UserId(7)))).await;
    let mut tx = ground.write().await;
    sign_in::insert_code(&mut tx, &code("good", NOW.plus_seconds(60)), NOW).await.unwrap();
    tx.commit().await.unwrap();
    ground
        .database
        .execute("UPDATE sessions SET holder = 'root'; UPDATE login_codes SET holder = 'root'")
        .await;
    let mut session = ground.read().await;
    let corrupt = |error| matches!(error, StoreError::Corrupt { column: "holder", .. });
    assert!(corrupt(sign_in::get(&mut session, "hash 1").await.unwrap_err()));
    assert!(corrupt(sign_in::get_code(&mut session, "good", NOW).await.unwrap_err()));
}
