//! Tokens.

use strongroom_model::actor::Scope;
use strongroom_model::tag::TagSet;
use strongroom_model::token::Token;
use strongroom_model::{Millis, Role, UserId};
use strongroom_store::StoreError;
use strongroom_store::token::{self, StoredToken};

use super::ground::{NOW, ground, provider, uid};

pub(crate) fn stored(id: &str, created_at: Millis) -> StoredToken {
    StoredToken {
        token: Token {
            id: id.to_owned(),
            name: format!("name of {id}"),
            role: Role::Reader,
            scope: Scope::default(),
            tags: TagSet::default(),
            user: None,
            created_at,
            expires_at: None,
            leased_until: None,
            revoked_at: None,
        },
        hash_key_id: "key-1".to_owned(),
        hash: "hash".to_owned(),
        mac_key_id: "key-2".to_owned(),
        mac: "mac".to_owned(),
    }
}

#[tokio::test]
async fn a_token_reads_back_with_its_scope_and_both_of_its_keys() {
    let ground = ground().await;
    let owner = ground.put_user(7).await;
    let mut full = stored("full", NOW);
    full.token.role = Role::Gateway;
    full.token.scope = Scope {
        credentials: vec![uid(1), uid(2)],
        providers: vec![provider("openai"), provider("groq")],
        models: vec!["gpt-4o*".to_owned(), "say \"x\"".to_owned()],
    };
    full.token.tags = TagSet::stored([("project".to_owned(), "search".to_owned())].into());
    full.token.user = Some(owner);
    full.token.expires_at = Some(Millis(NOW.0 + 1));
    let mut tx = ground.write().await;
    token::insert(&mut tx, &full).await.unwrap();
    token::insert(&mut tx, &stored("older", Millis(5))).await.unwrap();
    tx.commit().await.unwrap();

    let mut session = ground.read().await;
    let found = token::get(&mut session, "full").await.unwrap().unwrap();
    assert_eq!((found.token.name.as_str(), found.token.role), ("name of full", Role::Gateway));
    assert_eq!((found.token.scope, found.token.tags), (full.token.scope, full.token.tags));
    assert_eq!(found.token.user, Some(owner));
    assert_eq!((found.token.created_at, found.token.expires_at), (NOW, Some(Millis(NOW.0 + 1))));
    assert_eq!(found.token.revoked_at, None);
    assert_eq!((found.hash_key_id.as_str(), found.hash.as_str()), ("key-1", "hash"));
    assert_eq!((found.mac_key_id.as_str(), found.mac.as_str()), ("key-2", "mac"));
    assert!(token::get(&mut session, "FULL").await.unwrap().is_none());
    let all = token::list(&mut session).await.unwrap();
    assert_eq!(all.iter().map(|it| it.token.id.as_str()).collect::<Vec<_>>(), ["older", "full"]);
}

#[tokio::test]
async fn a_term_that_is_not_known_refuses_the_token() {
    let ground = ground().await;
    let mut tx = ground.write().await;
    token::insert(&mut tx, &stored("one", NOW)).await.unwrap();
    tx.commit().await.unwrap();
    let get = async || token::get(&mut ground.read().await, "one").await;
    for terms in [r#"{"models":["a"],"addresses":["10.0.0.0/8"]}"#, r#"{"models":"a"}"#, "[]", "x"] {
        ground.database.execute(&format!("UPDATE tokens SET terms = '{terms}'")).await;
        let refused = get().await;
        assert!(matches!(refused, Err(StoreError::Corrupt { column: "terms", .. })), "{terms}: {refused:?}");
    }
    ground.database.execute("UPDATE tokens SET terms = '{}'").await;
    assert!(get().await.unwrap().is_some());
}

#[tokio::test]
async fn a_taken_id_and_a_missing_user_are_told_apart() {
    let ground = ground().await;
    let mut tx = ground.write().await;
    token::insert(&mut tx, &stored("one", NOW)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = ground.write().await;
    let taken = token::insert(&mut tx, &stored("one", NOW)).await;
    assert!(matches!(taken, Err(StoreError::Taken(_))), "{taken:?}");
    drop(tx);
    let mut orphan = stored("two", NOW);
    orphan.token.user = Some(UserId(9));
    let mut tx = ground.write().await;
    let dangling = token::insert(&mut tx, &orphan).await;
    assert!(matches!(dangling, Err(StoreError::Dangling(_))), "{dangling:?}");
}

#[tokio::test]
async fn a_token_is_revoked_once() {
    let ground = ground().await;
    let mut tx = ground.write().await;
    token::insert(&mut tx, &stored("one", NOW)).await.unwrap();
    let mut revoked = stored("one", NOW);
    revoked.token.revoked_at = Some(Millis(NOW.0 + 1));
    revoked.mac = "mac of the revoked".to_owned();
    assert!(token::revoke(&mut tx, &revoked).await.unwrap());
    revoked.token.revoked_at = Some(Millis(NOW.0 + 2));
    assert!(!token::revoke(&mut tx, &revoked).await.unwrap(), "revoked already");
    revoked.token.id = "none".to_owned();
    assert!(!token::revoke(&mut tx, &revoked).await.unwrap());
    tx.commit().await.unwrap();
    let found = token::get(&mut ground.read().await, "one").await.unwrap().unwrap();
    assert_eq!(found.token.revoked_at, Some(Millis(NOW.0 + 1)));
    assert_eq!((found.hash.as_str(), found.mac.as_str()), ("hash", "mac of the revoked"));
}

#[tokio::test]
async fn a_scope_that_we_never_write_is_named_with_its_row() {
    let ground = ground().await;
    let mut tx = ground.write().await;
    token::insert(&mut tx, &stored("one", NOW)).await.unwrap();
    tx.commit().await.unwrap();
    for (column, value) in [("scope_credentials", "[\"x\"]"), ("scope_providers", "all"), ("role", "root")] {
        let before = &ground.database.query_text(&format!("SELECT {column} FROM tokens")).await[0][0];
        ground.database.execute(&format!("UPDATE tokens SET {column} = '{value}'")).await;
        let error = token::get(&mut ground.read().await, "one").await.unwrap_err();
        let wanted = format!("tokens.{column} of row one holds a value that strongroom does not write");
        assert_eq!(error.to_string(), wanted);
        ground
            .database
            .execute(&format!("UPDATE tokens SET {column} = '{}'", before.as_deref().unwrap()))
            .await;
    }
    assert!(token::get(&mut ground.read().await, "one").await.unwrap().is_some());
}

#[tokio::test]
async fn only_a_token_that_has_to_be_is_prolonged_and_no_server_forgets_anything() {
    let ground = ground().await;
    let mut tx = ground.write().await;
    let lasting = stored("lasting", NOW);
    let mut leased = stored("leased", NOW);
    leased.token.leased_until = Some(Millis(NOW.0 + 10));
    for token in [&lasting, &leased] {
        token::insert(&mut tx, token).await.unwrap();
    }
    tx.commit().await.unwrap();
    let before = strongroom_store::change::current(&mut ground.read().await).await.unwrap();
    let mut tx = ground.write().await;
    for (id, is_prolonged) in [("leased", true), ("lasting", false), ("nobody", false)] {
        assert_eq!(token::prolong(&mut tx, id, Millis(NOW.0 + 99)).await.unwrap(), is_prolonged, "{id}");
    }
    tx.commit().await.unwrap();
    let mut session = ground.read().await;
    let found = token::get(&mut session, "leased").await.unwrap().unwrap();
    assert_eq!(found.token.leased_until, Some(Millis(NOW.0 + 99)));
    assert_eq!(strongroom_store::change::current(&mut session).await.unwrap(), before);
    drop(session);
    leased.token.revoked_at = Some(NOW);
    let mut tx = ground.write().await;
    assert!(token::revoke(&mut tx, &leased).await.unwrap());
    assert!(!token::prolong(&mut tx, "leased", NOW).await.unwrap(), "it was revoked");
    tx.commit().await.unwrap();
}
