//! Requests that are sent more than once and carried out once.

use strongroom::credential::{Created, Once};
use strongroom::{Actor, CredentialService, Problem, ProblemKind, Role};
use strongroom_model::ActorKind;

use super::ground::{NOW, ground, new};

fn once(key: &str, request: &str) -> Once {
    Once { key: key.to_owned(), request: request.into() }
}

async fn create(service: &CredentialService, name: &str, once: Once) -> Result<(bool, String), Problem> {
    let made =
        service.create_once(new(name), once, |made| format!("made {} as {}", made.name, made.id)).await?;
    Ok(match made {
        Created::Now(made) => (true, format!("made {} as {}", made.name, made.id)),
        Created::Before(body) => (false, body),
    })
}

#[tokio::test]
async fn the_same_request_again_gets_the_same_answer() {
    let ground = ground().await;
    let service = ground.service();
    let (is_new, first) = create(&service, "one", once("k", "request")).await.unwrap();
    assert!(is_new);
    assert_eq!(create(&service, "one", once("k", "request")).await.unwrap(), (false, first));
    assert_eq!(service.list_credentials().await.unwrap().len(), 1);
    assert_eq!(ground.entries("credential.create").await.len(), 1);

    let problem = create(&service, "two", once("k", "another request")).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Unprocessable);
    let other = ground.room.credentials(Actor::new(ActorKind::Token("t".into()), Role::Admin));
    assert!(create(&other, "two", once("k", "request")).await.unwrap().0, "keys are an actor's own");
    for key in ["", "a\nb", &"x".repeat(256)] {
        let problem = create(&service, "three", once(key, "request")).await.unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Invalid, "{key:?}");
    }
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_request_that_failed_is_not_remembered() {
    let ground = ground().await;
    let service = ground.service();
    let taken = ground.make(new("one")).await;
    let problem = create(&service, "one", once("k", "request")).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Conflict);
    service.delete(taken.id, None).await.unwrap();
    assert!(create(&service, "one", once("k", "request")).await.unwrap().0);
    ground.assert_sound().await;
}

#[tokio::test]
async fn an_answer_is_forgotten_after_a_day() {
    let ground = ground().await;
    let service = ground.service();
    create(&service, "one", once("k", "request")).await.unwrap();
    ground.clock.set(NOW.plus_seconds(24 * 3600));
    assert!(!create(&service, "one", once("k", "request")).await.unwrap().0);
    ground.clock.set(NOW.plus_seconds(24 * 3600 + 1));
    assert!(create(&service, "two", once("k", "another")).await.unwrap().0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_sent_many_times_at_once_is_carried_out_once() {
    let ground = ground().await;
    let node = ground.node().await;
    for round in 0..5 {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..6 {
            let room = if number % 2 == 0 { &ground.room } else { &node };
            let service = room.credentials(Actor::library());
            let (name, once) = (format!("c-{round}"), once(&format!("k-{round}"), "request"));
            tasks.spawn(async move { create(&service, &name, once).await });
        }
        let answers: Result<Vec<_>, Problem> = tasks.join_all().await.into_iter().collect();
        let answers = answers.unwrap();
        assert_eq!(answers.iter().filter(|(is_new, _)| *is_new).count(), 1, "{answers:?}");
        assert!(answers.iter().all(|(_, body)| *body == answers[0].1), "{answers:?}");
    }
    assert_eq!(ground.service().list_credentials().await.unwrap().len(), 5);
    ground.assert_sound().await;
}
