//! A program that may do in the database only what the published grants say.

use strongroom::credential::ImportOptions;
use strongroom::limit::Bound;
use strongroom::token::TokenRequest;
use strongroom::usage::Dim;
use strongroom::user::{NewUser, UserPatch};
use strongroom::{Actor, CredentialPatch, Millis, Options, Role, Strongroom};
use strongroom_model::limit::{Unit, Window};

use super::backup::home::lived_in_with;
use super::backup::lived_in::assert_goes_on;
use super::backup::{backup_of, proof_of};
use super::call::{BOUND, chat, end};
use super::ground::{Ground, ground, new};
use super::import::row;

const GRANTS: &str = include_str!("../../../../docs/postgres-grants.sql");

/// A new role that may do what is published, and how to open the strongroom as it.
async fn granted(ground: &Ground) -> (String, Options) {
    let (server, database) =
        ground.database.url().rsplit_once('/').expect("a URL that ends in a database's name");
    let role = format!("app_{}", ground.database.name());
    ground.database.execute(&format!("CREATE ROLE {role} LOGIN")).await;
    ground.database.execute(&GRANTS.replace(":\"app\"", &role)).await;
    let place =
        server.rsplit_once('@').map_or_else(|| server.trim_start_matches("postgres://"), |(_, place)| place);
    let url = format!("postgres://{role}@{place}/{database}");
    let granted = Options { migrate: false, database_url: url.into(), ..ground.options() };
    (role, granted)
}

/// Roles belong to the whole server and outlive the database.
async fn drop_role(ground: &Ground, role: &str) {
    ground.database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

#[tokio::test]
async fn it_serves_calls_prices_them_again_and_lets_old_records_go() {
    let ground = ground().await;
    let (role, granted) = granted(&ground).await;
    let room = Strongroom::open(granted.clone()).await.unwrap();
    room.credentials(Actor::library()).create(new("one")).await.unwrap();
    let tokens = room.tokens(Actor::library());
    let (token, _) = tokens.create(TokenRequest::new("program", Role::Gateway)).await.unwrap();
    let actor = tokens.authenticate(&token.text).await.unwrap();
    let limits = room.limits(Actor::library());
    limits.set(&Bound::Token(token.id), Unit::Tokens, Window::Day, 10_000).await.unwrap();
    // The record is going to lie in the partition of its day.
    assert_eq!(room.usage(Actor::library()).retire(1).await.unwrap(), 0);
    let mut call = room.calls(actor).begin(chat(BOUND)).await.unwrap();
    call.next().await.unwrap().expect("a credential").answered(200).settle(end(100, 50));

    let mut dearer = granted;
    let prices = "[openai]\n\"gpt-4o-mini\" = [{ input = 1.0, output = 2.0, max_input = 9, max_output = 9 }]";
    dearer.prices.override_with(strongroom::prices::parse(prices).unwrap());
    room.close().await.expect("nothing is lost");
    let room = Strongroom::open(dearer).await.unwrap();
    let usage = room.usage(Actor::library());
    let done = usage.reprice(Millis(0)).await.unwrap();
    // 100 × $0.15 + 50 × $0.60 per million before, 100 × $1 + 50 × $2 after.
    assert_eq!((done.records, done.changed, done.nano_usd), (1, 1, 200_000 - 45_000));
    let sums = usage.sums(Dim::Provider, Millis(0), Millis(i64::MAX)).await.unwrap();
    assert_eq!(sums[0].figures.cost_nano_usd, 200_000);
    assert_eq!(usage.verify(Millis(0)).await.unwrap(), []);
    ground.clock.set(Millis(super::ground::NOW.0 + 3 * 86_400_000));
    let partitions = "SELECT count(*) FROM pg_class WHERE relname ~ '^usage_lines_2026(0131|02[0-9]{2})$' AND relkind = 'r'";
    assert_eq!(ground.value(partitions).await, "8");
    assert_eq!(usage.retire(1).await.unwrap(), 1);
    // Those of three days are gone, and three more are there.
    assert_eq!(ground.value(partitions).await, "9");
    let sums = usage.sums(Dim::Provider, Millis(0), Millis(i64::MAX)).await.unwrap();
    assert_eq!(sums[0].figures.cost_nano_usd, 200_000, "the sums of a day stay");
    assert_eq!(room.audit().verify(&[]).await.unwrap().faults, []);
    assert_eq!(ground.entries("usage.reprice").await.len(), 1);
    room.close().await.expect("nothing is lost");
    drop_role(&ground, &role).await;
}

#[tokio::test]
async fn it_lives_through_the_life_of_keys_and_backs_it_up() {
    let ground = ground().await;
    let (role, granted) = granted(&ground).await;
    let home = Box::pin(lived_in_with(ground, granted)).await;
    let bytes = backup_of(&home.ground.room).await;
    assert_eq!(proof_of(&bytes, &home.ground.key).await.unwrap().faults, [""; 0]);
    assert_goes_on(&home, &home.ground.database, &home.ground.room).await;
    home.ground.room.close().await.expect("nothing is lost");
    drop_role(&home.ground, &role).await;
}

#[tokio::test]
async fn it_does_everything_but_change_the_schema_or_the_trail() {
    let ground = ground().await;
    let (role, granted) = granted(&ground).await;

    let room = Strongroom::open(granted.clone()).await.unwrap();
    room.mint_first_token(None).await.unwrap().unwrap();
    let service = room.credentials(Actor::library());
    let made = service.create(new("one")).await.unwrap();
    let patch = CredentialPatch {
        api_key: Some("key 2".into()),
        endpoint: Some(Some("https://llm.example.com/v1".into())),
        rate_limit: Some(Some(5)),
        ..CredentialPatch::default()
    };
    service.update(made.id, patch, None).await.unwrap();
    let patch = CredentialPatch { rate_limit: Some(None), ..CredentialPatch::default() };
    service.update(made.id, patch, None).await.unwrap();
    service.get_credential("one", None).await.unwrap().unwrap();
    service.test(made.id, false).await.unwrap();
    service.reset_monthly_usage().await.unwrap();
    let options = ImportOptions { source: "x".to_owned(), dry_run: false, skip_known_secrets: true };
    let report = service.import(vec![row(90, "moved")], &options).await.unwrap();
    assert!(report[0].id.is_some(), "{report:?}");
    let once = strongroom::credential::Once { key: "k".to_owned(), request: "r".into() };
    service.create_once(new("two"), once, |made| made.name.clone()).await.unwrap();
    service.delete(made.id, None).await.unwrap();

    let (users, tokens) = (room.users(Actor::library()), room.tokens(Actor::library()));
    let user = users.create(NewUser { name: "ada".to_owned(), role: Role::Reader, id: None }).await.unwrap();
    users.update(user.id, UserPatch { is_active: Some(false), ..UserPatch::default() }).await.unwrap();
    users.delete(user.id).await.unwrap();
    let (token, _) = tokens.create(TokenRequest::new("ci", Role::Reader)).await.unwrap();
    tokens.authenticate(&token.text).await.unwrap();
    tokens.revoke(&token.id).await.unwrap();
    room.keys().rotate(&Actor::library()).await.unwrap();
    room.keys().go_on().await.unwrap();
    assert_eq!(room.audit().verify(&[]).await.unwrap().faults, []);
    let next = strongroom::MasterKey::generate().to_hex();
    let previous_key = Some(ground.key.clone());
    let key = strongroom::KeySource::Given(next);
    let both = Strongroom::open(Options { key, previous_key, ..granted.clone() }).await.unwrap();
    both.keys().rotate_master(&Actor::library()).await.unwrap();
    // Refused for the two that have the old one alone, and not by the database.
    let refused = both.keys().retire_masters(&Actor::library()).await.unwrap_err();
    assert_eq!(refused.kind, strongroom::ProblemKind::Conflict, "{refused:?}");
    ground.clock.set(super::ground::NOW.plus_seconds(61));
    both.keys().retire_masters(&Actor::library()).await.unwrap();
    both.close().await.expect("nothing is lost");
    ground.clock.set(super::ground::NOW);

    // A broken credential takes the path with the lock.
    ground.database.execute("UPDATE credential_values SET value = 'x'").await;
    let problem = service.get_credential("two", None).await.unwrap_err();
    assert_eq!(problem.kind, strongroom::ProblemKind::Integrity, "{problem:?}");
    assert_eq!(ground.entries("credential.integrity").await.len(), 1);
    room.close().await.expect("nothing is lost");
    drop_role(&ground, &role).await;
}
