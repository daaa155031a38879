//! A program that may do in the database only what the published grants say.

use strongroom::credential::ImportOptions;
use strongroom::token::TokenRequest;
use strongroom::user::{NewUser, UserPatch};
use strongroom::{Actor, CredentialPatch, Options, Role, Strongroom};

use super::ground::{ground, new};
use super::import::row;

const GRANTS: &str = include_str!("../../../../docs/postgres-grants.sql");

#[tokio::test]
async fn it_does_everything_but_change_the_schema_or_the_trail() {
    let ground = ground().await;
    let (server, database) = ground.database.url().rsplit_once('/').unwrap();
    let role = format!("app_{database}");
    ground.database.execute(&format!("CREATE ROLE {role} LOGIN")).await;
    ground.database.execute(&GRANTS.replace(":\"app\"", &role)).await;
    let place =
        server.rsplit_once('@').map_or_else(|| server.trim_start_matches("postgres://"), |(_, place)| place);
    let url = format!("postgres://{role}@{place}/{database}");
    let granted = Options { migrate: false, database_url: url.into(), ..ground.options() };

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
    both.close().await;
    ground.clock.set(super::ground::NOW);

    // A broken credential takes the path with the lock.
    ground.database.execute("UPDATE credential_values SET value = 'x'").await;
    let problem = service.get_credential("two", None).await.unwrap_err();
    assert_eq!(problem.kind, strongroom::ProblemKind::Integrity, "{problem:?}");
    assert_eq!(ground.entries("credential.integrity").await.len(), 1);
    room.close().await;
    ground.database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}
