//! A token that is scoped to credentials reaches them however many its provider has.

use strongroom::call::CallEnd;
use strongroom::token::TokenRequest;
use strongroom::{Actor, ProblemKind, Role};

use super::call::{BOUND, chat};
use super::ground::{ground, new};

/// More than calls are spread over.
const MANY: usize = 530;

#[tokio::test]
async fn a_scope_reaches_its_credentials_behind_very_many_others() {
    let ground = ground().await;
    let mut ids = Vec::new();
    for number in 0..MANY {
        ids.push(ground.make(new(&format!("key-{number:04}"))).await.id);
    }
    let last = format!("key-{:04}", MANY - 1);
    let (first, frozen) = ("key-0000".to_owned(), format!("key-{:04}", MANY - 2));
    let tokens = ground.room.tokens(Actor::library());
    let actor_of = async |credentials: &[&String]| {
        let credentials = credentials.iter().map(|name| (*name).clone()).collect();
        let name = format!("of-{}", ground.room.counters().audit_entries.get());
        let request = TokenRequest { credentials, ..TokenRequest::new(&name, Role::Gateway) };
        let (token, _) = tokens.create(request).await.unwrap();
        tokens.authenticate(&token.text).await.unwrap()
    };
    let served = async |actor: &Actor| {
        let mut call = ground.room.calls(actor.clone()).begin(chat(BOUND)).await?;
        let attempt = call.next().await?.expect("a credential");
        let name = attempt.credential().to_owned();
        attempt.answered(200).settle(CallEnd::UNBILLED);
        Ok::<_, strongroom::Problem>(name)
    };
    assert_eq!(served(&actor_of(&[&last]).await).await.unwrap(), last);
    assert_eq!(served(&actor_of(&[&first]).await).await.unwrap(), first);
    let both = actor_of(&[&last, &first]).await;
    let mut names = [served(&both).await.unwrap(), served(&both).await.unwrap()];
    names.sort();
    assert_eq!(names, [first.clone(), last.clone()], "equals take turns");
    // What is turned off serves nobody, and what is put right serves again.
    let of_one = actor_of(&[&frozen]).await;
    assert_eq!(served(&of_one).await.unwrap(), frozen);
    let active = async |is_active: bool| {
        let patch = strongroom::CredentialPatch {
            is_active: Some(is_active),
            ..strongroom::CredentialPatch::default()
        };
        ground.service().update(ids[MANY - 2], patch, None).await.unwrap();
    };
    active(false).await;
    assert_eq!(served(&of_one).await.unwrap_err().kind, ProblemKind::Denied);
    active(true).await;
    assert_eq!(served(&of_one).await.unwrap(), frozen);
}
