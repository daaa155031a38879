//! Sessions of people in a browser: begun once by a code, worth what their holder is worth, and over in time.

use strongroom::sign_in::{Browser, NewSession, Proof, SignInService};
use strongroom::token::TokenRequest;
use strongroom::user::{NewUser, UserPatch};
use strongroom::{Actor, ProblemKind, Role, Secret, UserId};
use strongroom_model::ActorKind;
use strongroom_model::sign_in::{CODE_SECONDS, Holder, IDLE_SECONDS, SESSION_SECONDS, SHARED_IDLE_SECONDS};

use super::ground::{Ground, NOW, ground};

fn local() -> Actor {
    Actor::new(ActorKind::Local("ada".to_owned()), Role::Admin)
}

fn browser() -> Browser {
    Browser {
        address: Some("127.0.0.1".to_owned()),
        agent: Some("a \u{202e}browser\n".to_owned()),
        is_shared: false,
    }
}

impl Ground {
    fn sign_ins(&self) -> SignInService {
        self.room.sign_ins()
    }

    async fn signed_in(&self, actor: Actor) -> NewSession {
        self.sign_ins().sign_in(Proof::Checked(actor, None), browser(), None).await.expect("a session")
    }

    async fn is_signed_in(&self, session: &NewSession) -> bool {
        self.sign_ins().find(&session.cookie).await.expect("an answer").is_some()
    }

    async fn user(&self, name: &str) -> UserId {
        let new = NewUser { name: name.to_owned(), role: Role::Reader, id: None };
        self.room.users(Actor::library()).create(new).await.expect("a user").id
    }

    fn advance(&self, seconds: i64) {
        self.clock.set(NOW.plus_seconds(seconds));
    }
}

#[tokio::test]
async fn a_code_begins_one_session_of_whom_it_was_made_for() {
    let ground = ground().await;
    let code = ground.sign_ins().create_code(&local()).await.unwrap();
    assert_eq!(code.until, NOW.plus_seconds(CODE_SECONDS));
    let holder = ground.sign_ins().holder_of_code(&code.text).await.unwrap().expect("a holder");
    assert_eq!((holder.label(), holder.role), ("local:ada".to_owned(), Role::Admin));

    let made = ground.sign_ins().sign_in(Proof::Code(code.text.clone()), browser(), None).await.unwrap();
    assert_eq!(made.session.holder, Holder::Local("ada".to_owned()));
    assert_eq!(made.session.agent.as_deref(), Some("a browser"), "without what reorders or ends a line");
    let found = ground.sign_ins().find(&made.cookie).await.unwrap().expect("somebody");
    assert_eq!((found.actor.label(), found.session), ("local:ada".to_owned(), made.session));
    assert!(ground.sign_ins().is_form_of(&made.cookie, &found.form_token));
    assert!(!ground.sign_ins().is_form_of(&code.text, &found.form_token));

    let again = ground.sign_ins().sign_in(Proof::Code(code.text.clone()), browser(), None).await.unwrap_err();
    assert_eq!(again.kind, ProblemKind::Unauthenticated);
    assert!(ground.sign_ins().holder_of_code(&code.text).await.unwrap().is_none());
    for secret in [&code.text, &Secret::from(""), &Secret::from("x".repeat(100_000))] {
        assert!(ground.sign_ins().find(secret).await.unwrap().is_none());
    }
    let entry = |action| ground.entries(action);
    assert_eq!((entry("session.offer").await.len(), entry("session.create").await.len()), (1, 1));
    assert_eq!(entry("session.create").await[0].entry.remote_address.as_deref(), Some("127.0.0.1"));
    ground.assert_sound().await;
}

#[tokio::test]
async fn neither_codes_nor_cookies_stand_in_the_database() {
    let ground = ground().await;
    let code = ground.sign_ins().create_code(&local()).await.unwrap();
    let unused = ground.sign_ins().create_code(&local()).await.unwrap();
    let made = ground.sign_ins().sign_in(Proof::Code(code.text.clone()), browser(), None).await.unwrap();
    for table in ["sessions", "login_codes", "audit_logs"] {
        for row in ground.database.query_text(&format!("SELECT * FROM {table}")).await {
            for cell in row.into_iter().flatten() {
                for secret in [&code.text, &unused.text, &made.cookie] {
                    assert!(!cell.contains(secret.expose()), "{table}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_code_is_worth_nothing_after_a_minute() {
    let ground = ground().await;
    let code = ground.sign_ins().create_code(&local()).await.unwrap();
    ground.advance(CODE_SECONDS);
    assert!(ground.sign_ins().holder_of_code(&code.text).await.unwrap().is_none());
    let late = ground.sign_ins().sign_in(Proof::Code(code.text), browser(), None).await.unwrap_err();
    assert_eq!(late.kind, ProblemKind::Unauthenticated);
}

#[tokio::test]
async fn a_code_proves_once_who_shows_it() {
    let ground = ground().await;
    let code = ground.sign_ins().create_code(&local()).await.unwrap();
    let is_waiting = async || ground.sign_ins().is_code_waiting(&code.id).await.unwrap();
    assert!(is_waiting().await && code.id != code.text.expose());
    assert_eq!(ground.sign_ins().spend_code(&code.text).await.unwrap().label(), "local:ada");
    assert!(!is_waiting().await);
    for spent in [&code.text, &Secret::from("0".repeat(64))] {
        let problem = ground.sign_ins().spend_code(spent).await.unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Unauthenticated);
    }
    assert!(ground.sign_ins().sign_in(Proof::Code(code.text), browser(), None).await.is_err());
}

#[tokio::test]
async fn programs_and_strongroom_itself_hold_no_session() {
    let ground = ground().await;
    for actor in [Actor::library(), Actor::system()] {
        assert_eq!(ground.sign_ins().create_code(&actor).await.unwrap_err().kind, ProblemKind::Denied);
        let made = ground.sign_ins().sign_in(Proof::Checked(actor, None), browser(), None).await;
        assert_eq!(made.unwrap_err().kind, ProblemKind::Unauthenticated);
    }
}

#[tokio::test]
async fn a_session_ends_with_its_token_at_once_on_every_node() {
    let ground = ground().await;
    let other = ground.node().await;
    let tokens = ground.room.tokens(Actor::library());
    let request = TokenRequest {
        providers: vec![super::ground::provider("groq")],
        ..TokenRequest::new("x", Role::Reader)
    };
    let (token, _) = tokens.create(request).await.unwrap();
    let made = ground.signed_in(tokens.authenticate(&token.text).await.unwrap()).await;
    let there = other.sign_ins().find(&made.cookie).await.unwrap().expect("somebody");
    assert_eq!(
        (there.actor.role, there.actor.scope.providers.len()),
        (Role::Reader, 1),
        "as far as the token reaches"
    );
    tokens.revoke(&token.id).await.unwrap();
    assert!(!ground.is_signed_in(&made).await);
    let is_in = async || other.sign_ins().find(&made.cookie).await.unwrap().is_some();
    for _ in 0..500 {
        if !is_in().await {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(!is_in().await);
}

#[tokio::test]
async fn a_session_is_worth_what_its_user_is_worth_now() {
    let ground = ground().await;
    let (users, ada) = (ground.room.users(Actor::library()), ground.user("ada").await);
    let made = ground.signed_in(users.authenticate(ada).await.unwrap()).await;
    let set = |role, is_active| UserPatch { role, is_active, ..UserPatch::default() };
    users.update(ada, set(Some(Role::Auditor), None)).await.unwrap();
    let found = ground.sign_ins().find(&made.cookie).await.unwrap().expect("ada");
    assert_eq!(found.actor.role, Role::Auditor);
    users.update(ada, set(None, Some(false))).await.unwrap();
    assert!(!ground.is_signed_in(&made).await);
    users.delete(ada).await.unwrap();
    assert!(!ground.is_signed_in(&made).await);
}

#[tokio::test]
async fn a_session_ends_idle_and_at_its_end_and_with_what_it_was_proved_by() {
    let ground = ground().await;
    let own = ground.signed_in(local()).await;
    let shared = Browser { is_shared: true, ..browser() };
    let shared = ground.sign_ins().sign_in(Proof::Checked(local(), None), shared, None).await.unwrap();
    let until = NOW.plus_seconds(600);
    let short = Proof::Checked(local(), Some(until));
    let short = ground.sign_ins().sign_in(short, browser(), None).await.unwrap();
    assert_eq!((short.session.ends_at, own.session.ends_at), (until, NOW.plus_seconds(SESSION_SECONDS)));

    ground.advance(600);
    assert!(!ground.is_signed_in(&short).await);
    ground.advance(SHARED_IDLE_SECONDS - 1);
    assert!(ground.is_signed_in(&shared).await, "that was a use");
    ground.advance(2 * SHARED_IDLE_SECONDS - 2);
    assert!(ground.is_signed_in(&shared).await && ground.is_signed_in(&own).await);
    ground.advance(3 * SHARED_IDLE_SECONDS);
    assert!(!ground.is_signed_in(&shared).await);
    ground.advance(2 * SHARED_IDLE_SECONDS + IDLE_SECONDS);
    assert!(!ground.is_signed_in(&own).await);

    let busy = ground.signed_in(local()).await;
    let began = busy.session.made_at;
    for hours in (0..24).step_by(6) {
        ground.clock.set(began.plus_seconds(hours * 3600));
        assert!(ground.is_signed_in(&busy).await, "after {hours} h");
    }
    ground.clock.set(began.plus_seconds(SESSION_SECONDS));
    assert!(!ground.is_signed_in(&busy).await, "its end comes however much it is used");
}

#[tokio::test]
async fn the_last_use_is_written_once_a_minute() {
    let ground = ground().await;
    let made = ground.signed_in(local()).await;
    let seen = async || ground.value("SELECT seen_at_ms FROM sessions").await.parse::<i64>().unwrap() - NOW.0;
    for (after, noted) in [(59, 0), (60, 60), (61, 60), (119, 60), (120, 120)] {
        ground.advance(after);
        assert!(ground.is_signed_in(&made).await);
        assert_eq!(seen().await, noted * 1000, "after {after} s");
    }
}

#[tokio::test]
async fn sessions_are_listed_and_ended_by_their_holder_and_by_admins() {
    let ground = ground().await;
    let (users, ada, bob) =
        (ground.room.users(Actor::library()), ground.user("ada").await, ground.user("bob").await);
    let (ada, bob) = (users.authenticate(ada).await.unwrap(), users.authenticate(bob).await.unwrap());
    let (adas, second, bobs) = (
        ground.signed_in(ada.clone()).await,
        ground.signed_in(ada.clone()).await,
        ground.signed_in(bob.clone()).await,
    );
    assert_eq!(ground.sign_ins().list().await.unwrap().len(), 3);

    let refused = ground.sign_ins().end(&bob, adas.session.uid).await.unwrap_err();
    assert_eq!(refused.kind, ProblemKind::NotFound, "that there is one is nothing to tell");
    ground.sign_ins().end(&ada, adas.session.uid).await.unwrap();
    assert!(!ground.is_signed_in(&adas).await && ground.is_signed_in(&second).await);
    ground.sign_ins().end(&local(), bobs.session.uid).await.unwrap();
    assert!(!ground.is_signed_in(&bobs).await);
    assert_eq!(
        ground.sign_ins().end(&local(), bobs.session.uid).await.unwrap_err().kind,
        ProblemKind::NotFound
    );

    let third = ground.signed_in(ada.clone()).await;
    let code = ground.sign_ins().create_code(&ada).await.unwrap();
    assert_eq!(ground.sign_ins().end_all_of_user(&local(), ada.user.unwrap()).await.unwrap(), 2);
    assert!(!ground.is_signed_in(&second).await && !ground.is_signed_in(&third).await);
    assert!(
        ground.sign_ins().holder_of_code(&code.text).await.unwrap().is_none(),
        "no code is left to begin another"
    );
    assert_eq!(ground.entries("session.end").await.len(), 3);
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_session_or_code_that_was_written_into_the_database_lets_nobody_in() {
    let ground = ground().await;
    let users = ground.room.users(Actor::library());
    let eve = users.authenticate(ground.user("eve").await).await.unwrap();
    let eves = ground.signed_in(eve.clone()).await;
    ground.database.execute("CREATE TABLE kept AS SELECT * FROM sessions").await;
    for edit in [
        "holder = 'local:root'",
        "is_shared = 1",
        "ends_at_ms = ends_at_ms + 1",
        "made_at_ms = 1",
        "mac = ''",
    ] {
        let before = ground.room.counters().integrity_failures.get();
        ground.database.execute(&format!("UPDATE sessions SET {edit}")).await;
        assert!(!ground.is_signed_in(&eves).await, "{edit}");
        assert_eq!(ground.room.counters().integrity_failures.get(), before + 1, "{edit}");
        ground.database.execute("DELETE FROM sessions; INSERT INTO sessions SELECT * FROM kept").await;
        assert!(ground.is_signed_in(&eves).await, "{edit}, undone");
    }
    // A hash of a secret of her own in the place of somebody else's.
    let adas = ground.signed_in(local()).await;
    let swap = "UPDATE sessions SET hash = (SELECT hash FROM kept) WHERE holder = 'local:ada'";
    ground.database.execute(&format!("DELETE FROM sessions WHERE holder <> 'local:ada'; {swap}")).await;
    assert!(!ground.is_signed_in(&eves).await && !ground.is_signed_in(&adas).await);

    let code = ground.sign_ins().create_code(&eve).await.unwrap();
    ground.database.execute("UPDATE login_codes SET holder = 'local:root'").await;
    assert!(ground.sign_ins().holder_of_code(&code.text).await.unwrap().is_none());
    assert!(ground.sign_ins().sign_in(Proof::Code(code.text), browser(), None).await.is_err());
}

#[tokio::test]
async fn no_backup_holds_a_session() {
    let ground = ground().await;
    ground.signed_in(local()).await;
    let file = super::backup::backup_of(&ground.room).await;
    let contents = strongroom::backup::inspect(file.as_slice()).unwrap();
    assert!(contents.tables.iter().all(|table| !["sessions", "login_codes"].contains(&table.name.as_str())));
    assert!(contents.tables.iter().any(|table| table.name == "tokens"));
}
