//! Tokens: minted, narrowed, revoked, ended, and refused when their rows were changed.

use strongroom::token::TokenRequest;
use strongroom::{Actor, Millis, ProblemKind, Role, Secret};

use super::ground::{Ground, NOW, ground, new, provider};

async fn is_let_in(ground: &Ground, token: &Secret) -> bool {
    match ground.room.tokens(Actor::system()).authenticate(token).await {
        Ok(_) => true,
        Err(problem) => {
            assert_eq!(problem.kind, ProblemKind::Unauthenticated);
            assert_eq!(problem.message, "Invalid or expired token");
            false
        }
    }
}

#[tokio::test]
async fn a_token_is_the_actor_that_it_was_made_as() {
    let ground = ground().await;
    let tokens = ground.room.tokens(Actor::library());
    for role in Role::ALL {
        let (new, named) = tokens.create(TokenRequest::new(" ci ", role)).await.unwrap();
        assert_eq!((named.token.name.as_str(), named.token.role, &named.token.id), ("ci", role, &new.id));
        let actor = tokens.authenticate(&new.text).await.unwrap();
        assert_eq!((actor.role, actor.label(), actor.user), (role, format!("token:{}", new.id), None));
        assert!(actor.scope.is_everything());
    }
    let stored = format!("{:?}", ground.database.query_text("SELECT * FROM tokens").await);
    let (new, _) = tokens.create(TokenRequest::new("last", Role::Reader)).await.unwrap();
    let secret = &new.text.expose()[16..];
    assert!(!stored.contains(secret));
    assert!(!format!("{:?}", ground.entries("token.create").await).contains(secret));
    assert_eq!(tokens.list().await.unwrap().len(), 5);
    ground.assert_sound().await;
}

#[tokio::test]
async fn what_is_not_a_token_of_ours_is_refused_in_the_same_words() {
    let ground = ground().await;
    let tokens = ground.room.tokens(Actor::library());
    let (new, _) = tokens.create(TokenRequest::new("ci", Role::Admin)).await.unwrap();
    let elsewhere = super::ground::ground().await;
    let (unknown, _) =
        elsewhere.room.tokens(Actor::library()).create(TokenRequest::new("ci", Role::Admin)).await.unwrap();
    let mut cut = new.text.expose().to_owned();
    cut.pop();
    for text in ["", "sr_", "Bearer", cut.as_str(), unknown.text.expose(), &new.text.expose().to_uppercase()]
    {
        assert!(!is_let_in(&ground, &Secret::from(text)).await, "{text}");
    }
    assert!(is_let_in(&ground, &new.text).await);
}

#[tokio::test]
async fn a_scope_names_credentials_and_holds_for_those_and_not_for_later_ones_of_the_name() {
    let ground = ground().await;
    let one = ground.make(new("one")).await;
    ground.make(new("two")).await;
    let tokens = ground.room.tokens(Actor::library());
    let mut request = TokenRequest::new("ci", Role::Reader);
    request.credentials = vec!["one".to_owned()];
    let (token, named) = tokens.create(request.clone()).await.unwrap();
    assert_eq!((named.token.scope.credentials, named.credentials), (vec![one.uid], vec!["one".to_owned()]));

    let actor = tokens.authenticate(&token.text).await.unwrap();
    let service = ground.room.credentials(actor);
    assert!(service.get_own_credential("one").await.unwrap().is_some());
    for name in ["two", "no-such-name"] {
        let problem = service.get_own_credential(name).await.unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Denied);
        assert_eq!(problem.message, "this token does not reach that credential", "the same for both");
        assert_eq!(service.rate_limit_status(name).await.unwrap_err().kind, ProblemKind::Denied);
    }
    ground.service().delete(one.id, None).await.unwrap();
    ground.make(new("one")).await;
    assert_eq!(service.get_own_credential("one").await.unwrap_err().kind, ProblemKind::Denied);
    assert_eq!(tokens.list().await.unwrap()[0].credentials, ["one"]);

    request.credentials = vec!["no-such-name".to_owned()];
    let problem = tokens.create(request).await.unwrap_err();
    assert_eq!((problem.kind, problem.field.as_deref()), (ProblemKind::Invalid, Some("scope.credentials")));
}

#[tokio::test]
async fn a_scope_of_providers_chooses_within_them() {
    let ground = ground().await;
    ground.make(new("openai-1")).await;
    let tokens = ground.room.tokens(Actor::library());
    let mut request = TokenRequest::new("ci", Role::Reader);
    request.providers = vec![provider("groq")];
    let (token, _) = tokens.create(request).await.unwrap();
    let service = ground.room.credentials(tokens.authenticate(&token.text).await.unwrap());
    let denied = service.get_own_credential_by_provider("openai").await.unwrap_err();
    assert_eq!(denied.kind, ProblemKind::Denied);
    assert_eq!(service.get_own_credential("openai-1").await.unwrap_err().kind, ProblemKind::Denied);
    assert!(service.get_own_credential_by_provider("groq").await.unwrap().is_none());
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_once_and_revoked_once() {
    let ground = ground().await;
    let tokens = ground.room.tokens(Actor::library());
    let (token, _) = tokens.create(TokenRequest::new("ci", Role::Reader)).await.unwrap();
    tokens.revoke(&token.id).await.unwrap();
    assert!(!is_let_in(&ground, &token.text).await);
    for id in [token.id.as_str(), "unknown", ""] {
        assert_eq!(tokens.revoke(id).await.unwrap_err().kind, ProblemKind::NotFound, "{id}");
    }
    assert_eq!(tokens.list().await.unwrap()[0].token.revoked_at, Some(NOW));
    assert_eq!(ground.entries("token.revoke").await.len(), 1);
    ground.database.execute("UPDATE tokens SET revoked_at_ms = NULL").await;
    assert!(!is_let_in(&ground, &token.text).await, "the row says what we did not write");
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_token_ends_when_it_was_to_end() {
    let ground = ground().await;
    let tokens = ground.room.tokens(Actor::library());
    let ending = |at| TokenRequest { expires_at: Some(Millis(at)), ..TokenRequest::new("ci", Role::Reader) };
    let (token, _) = tokens.create(ending(NOW.0 + 10)).await.unwrap();
    ground.clock.set(Millis(NOW.0 + 9));
    assert!(is_let_in(&ground, &token.text).await);
    ground.clock.set(Millis(NOW.0 + 10));
    assert!(!is_let_in(&ground, &token.text).await);
    let problem = tokens.create(ending(NOW.0 + 10)).await.unwrap_err();
    assert_eq!(problem.field.as_deref(), Some("expiresAt"));
}

#[tokio::test]
async fn a_token_that_nobody_prolongs_ends_on_every_node_and_goes_on_when_somebody_does() {
    let ground = ground().await;
    let other = ground.node().await;
    let tokens = ground.room.tokens(Actor::library());
    let leased = TokenRequest { lease_seconds: Some(60), ..TokenRequest::new("run", Role::Gateway) };
    let (token, made) = tokens.create(leased).await.unwrap();
    assert_eq!(made.token.leased_until, Some(NOW.plus_seconds(60)));
    let is_let_in = async || {
        let mut all = Vec::new();
        for room in [&ground.room, &other] {
            all.push(room.tokens(Actor::library()).authenticate(&token.text).await.is_ok());
        }
        assert_eq!(all[0], all[1], "the nodes agree");
        all[0]
    };
    assert!(is_let_in().await);
    ground.clock.set(NOW.plus_seconds(40));
    assert_eq!(tokens.prolong(&token.id, 60).await.unwrap(), NOW.plus_seconds(100));
    ground.clock.set(NOW.plus_seconds(99));
    assert!(is_let_in().await, "each looks again once what it knew has lapsed");
    ground.clock.set(NOW.plus_seconds(100));
    assert!(!is_let_in().await);
    // Its server was away for longer, or the machine slept.
    ground.clock.set(NOW.plus_seconds(200));
    tokens.prolong(&token.id, 60).await.unwrap();
    assert!(is_let_in().await);
    assert_eq!(ground.entries("token.").await.len(), 1, "its making alone is in the trail");

    let (lasting, _) = tokens.create(TokenRequest::new("ci", Role::Reader)).await.unwrap();
    for id in [lasting.id.as_str(), "unknown"] {
        assert_eq!(tokens.prolong(id, 60).await.unwrap_err().kind, ProblemKind::NotFound, "{id}");
    }
    for seconds in [0, -1, 86_401, i64::MAX] {
        let asked = TokenRequest { lease_seconds: Some(seconds), ..TokenRequest::new("run", Role::Gateway) };
        for problem in
            [tokens.prolong(&token.id, seconds).await.unwrap_err(), tokens.create(asked).await.unwrap_err()]
        {
            assert_eq!(problem.field.as_deref(), Some("leaseSeconds"), "{seconds}");
        }
    }
    // That it has to be prolonged cannot be taken away in the database.
    ground.edit("UPDATE tokens SET leased_until_ms = NULL").await;
    assert!(tokens.authenticate(&token.text).await.is_err());
    tokens.revoke(&token.id).await.unwrap();
    assert_eq!(tokens.prolong(&token.id, 60).await.unwrap_err().kind, ProblemKind::NotFound);
    other.close().await.unwrap();
}

#[tokio::test]
async fn a_token_whose_row_was_changed_is_refused_and_the_failure_is_counted() {
    let ground = ground().await;
    let tokens = ground.room.tokens(Actor::library());
    let made = ground.make(new("one")).await;
    ground.database.execute("CREATE TABLE kept AS SELECT * FROM tokens").await;
    let mut request = TokenRequest::new("ci", Role::Reader);
    request.credentials = vec!["one".to_owned()];
    request.expires_at = Some(Millis(NOW.0 + 10));
    let (token, _) = tokens.create(request).await.unwrap();
    let user = strongroom::user::NewUser { name: "ada".to_owned(), role: Role::Admin, id: None };
    let user = ground.room.users(Actor::library()).create(user).await.unwrap();
    ground.database.execute("INSERT INTO kept SELECT * FROM tokens").await;
    let other = format!("scope_credentials = '[\"{}\"]'", made.version);
    for edit in [
        "role = 'admin'",
        "scope_credentials = '[]'",
        &other,
        "scope_providers = '[\"openai\"]'",
        &format!("user_id = {}", user.id),
        "expires_at_ms = NULL",
        "expires_at_ms = expires_at_ms + 1",
        "mac = ''",
        "mac_key_id = 'x'",
    ] {
        let before = ground.room.counters().integrity_failures.get();
        ground.edit(&format!("UPDATE tokens SET {edit}")).await;
        assert!(!is_let_in(&ground, &token.text).await, "{edit}");
        assert_eq!(ground.room.counters().integrity_failures.get(), before + 1, "{edit}");
        ground.edit("DELETE FROM tokens; INSERT INTO tokens SELECT * FROM kept").await;
        assert!(is_let_in(&ground, &token.text).await, "{edit}, undone");
    }
    for edit in ["hash = ''", "hash_key_id = 'x'", "id = 'another'"] {
        ground.edit(&format!("UPDATE tokens SET {edit}")).await;
        assert!(!is_let_in(&ground, &token.text).await, "{edit}");
        ground.edit("DELETE FROM tokens; INSERT INTO tokens SELECT * FROM kept").await;
    }
}

#[tokio::test]
async fn the_first_token_is_minted_once_or_taken_as_given() {
    let ground = ground().await;
    for text in ["", "hunter2", "sr_short"] {
        let problem = ground.room.mint_first_token(Some(text.into())).await.unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Invalid);
        assert!(text.is_empty() || !problem.message.contains("hunter2"));
    }
    let first = ground.room.mint_first_token(None).await.unwrap().unwrap();
    assert!(is_let_in(&ground, &first.text).await);
    assert!(ground.room.mint_first_token(None).await.unwrap().is_none());
    assert!(ground.room.mint_first_token(Some(first.text.clone())).await.unwrap().is_none());

    // An edit of the database does not bring it back, neither as it was nor as another one.
    ground.room.tokens(Actor::library()).revoke(&first.id).await.unwrap();
    let forget = "DELETE FROM strongroom_meta WHERE key = 'first_admin_token'; DELETE FROM tokens";
    ground.edit(forget).await;
    for given in [Some(first.text.clone()), None] {
        assert!(ground.room.mint_first_token(given).await.unwrap().is_none());
    }
    ground.edit("DELETE FROM audit_logs WHERE action = 'token.create'").await;
    let refused = ground.room.mint_first_token(Some(first.text.clone())).await.unwrap_err();
    assert_eq!(refused.kind, ProblemKind::Integrity, "the trail is not whole");
    assert!(!is_let_in(&ground, &first.text).await);

    let other = super::ground::ground().await;
    let given = other.room.mint_first_token(Some(first.text.clone())).await.unwrap().unwrap();
    assert_eq!(given.text, first.text);
    let actor = other.room.tokens(Actor::system()).authenticate(&first.text).await.unwrap();
    assert_eq!(actor.role, Role::Admin);
}
