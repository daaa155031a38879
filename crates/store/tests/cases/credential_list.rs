//! Lists of credentials: filters, pages, and the order in which a provider's are tried.

use strongroom_model::UserId;
use strongroom_model::credential::{Credential, CredentialFilter};
use strongroom_store::credential::{self, ChoicePlace};

use super::ground::{Ground, NOW, deleted_mac, ground, provider, row};

fn names(found: &[Credential]) -> Vec<&str> {
    found.iter().map(|it| it.name.as_str()).collect()
}

async fn listed(ground: &Ground, filter: CredentialFilter) -> String {
    let found = credential::list(&mut ground.read().await, &filter, 0, 100, NOW).await.expect("a list");
    names(&found).join(" ")
}

#[tokio::test]
async fn filters_narrow_one_by_one_and_together() {
    let ground = ground().await;
    let (openai, groq) = (provider("openai"), provider("groq"));
    let mut number = 0;
    for (name, of, is_active) in [
        ("alpha", &openai, true),
        ("alpha-2", &groq, false),
        ("Alpha", &groq, true),
        ("a%", &openai, false),
        ("a_c", &openai, true),
        ("ünï-1", &groq, true),
    ] {
        number += 1;
        let mut new = row(number, name, of);
        new.is_active = is_active;
        ground.put(new).await;
    }
    let prefix = |text: &str| CredentialFilter { name_prefix: Some(text.into()), ..Default::default() };
    assert_eq!(listed(&ground, CredentialFilter::default()).await, "alpha alpha-2 Alpha a% a_c ünï-1");
    assert_eq!(listed(&ground, prefix("alpha")).await, "alpha alpha-2", "case counts");
    assert_eq!(listed(&ground, prefix("a%")).await, "a%", "a percent sign is one");
    assert_eq!(listed(&ground, prefix("a_")).await, "a_c", "an underscore is one");
    assert_eq!(listed(&ground, prefix("ün")).await, "ünï-1");
    assert_eq!(listed(&ground, prefix("")).await, "alpha alpha-2 Alpha a% a_c ünï-1");
    assert_eq!(listed(&ground, prefix("' OR 1=1 --")).await, "");
    let of_groq = CredentialFilter { provider: Some(groq.clone()), ..Default::default() };
    assert_eq!(listed(&ground, of_groq.clone()).await, "alpha-2 Alpha ünï-1");
    let inactive = CredentialFilter { is_active: Some(false), ..Default::default() };
    assert_eq!(listed(&ground, inactive.clone()).await, "alpha-2 a%");
    assert_eq!(
        listed(&ground, CredentialFilter { is_active: Some(true), ..of_groq.clone() }).await,
        "Alpha ünï-1"
    );
    let exact = CredentialFilter { name: Some("alpha".into()), ..Default::default() };
    assert_eq!(listed(&ground, exact.clone()).await, "alpha");
    assert_eq!(listed(&ground, CredentialFilter { provider: Some(groq), ..exact }).await, "");
}

#[tokio::test]
async fn pages_follow_each_other_by_id_without_gap_or_repetition() {
    let ground = ground().await;
    let openai = provider("openai");
    for number in 1..=7 {
        ground.put(row(number, &format!("c-{number}"), &openai)).await;
    }
    let mut session = ground.read().await;
    let (mut after, mut seen, mut sizes) = (0, Vec::new(), Vec::new());
    loop {
        let page = credential::list(&mut session, &CredentialFilter::default(), after, 3, NOW).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.id.0;
        sizes.push(page.len());
        seen.extend(page.into_iter().map(|it| it.name));
    }
    assert_eq!(sizes, [3, 3, 1]);
    assert_eq!(seen, ["c-1", "c-2", "c-3", "c-4", "c-5", "c-6", "c-7"]);
}

#[tokio::test]
async fn a_providers_credentials_come_by_priority_then_id_and_by_whose_they_are() {
    let ground = ground().await;
    let (one, two) = (ground.put_user(1).await, ground.put_user(2).await);
    let (openai, groq) = (provider("openai"), provider("groq"));
    let mut number = 0;
    for (name, priority, user, is_global) in [
        ("late", 90, None, true),
        ("tie-1", 50, None, true),
        ("tie-2", 50, None, true),
        ("first", -1, None, true),
        ("ones", 60, Some(one), false),
        ("ones-first", 10, Some(one), false),
        ("twos", 1, Some(two), false),
        // Made by a user and everybody's: it is global.
        ("shared", 70, Some(two), true),
    ] {
        number += 1;
        let mut new = row(number, name, &openai);
        new.priority = priority;
        new.user = user;
        new.is_global = is_global;
        ground.put(new).await;
    }
    ground.put(row(20, "elsewhere", &groq)).await;
    let mut inactive = row(21, "inactive", &openai);
    inactive.is_active = false;
    ground.put(inactive).await;
    let mut session = ground.read().await;
    let mut of = async |user: Option<UserId>| {
        let (mut all, mut after) = (Vec::new(), ChoicePlace::FIRST);
        loop {
            let found =
                credential::list_of_provider(&mut session, &openai, user, after, 2, NOW).await.unwrap();
            let Some(last) = found.last() else { return names(&all).join(" ") };
            after = ChoicePlace::of(last);
            all.extend(found);
        }
    };
    assert_eq!(of(None).await, "first tie-1 tie-2 shared late");
    assert_eq!(of(Some(one)).await, "ones-first ones");
    assert_eq!(of(Some(two)).await, "twos");
    assert_eq!(of(Some(UserId(3))).await, "");
}

#[tokio::test]
async fn a_provider_has_rows_when_one_is_global_or_the_users_own() {
    let ground = ground().await;
    let (one, two) = (ground.put_user(1).await, ground.put_user(2).await);
    let (openai, groq, gemini) = (provider("openai"), provider("groq"), provider("gemini"));
    let mut own = row(1, "own", &openai);
    own.is_global = false;
    own.user = Some(one);
    ground.put(own).await;
    let mut inactive = row(2, "inactive", &groq);
    inactive.is_active = false;
    ground.put(inactive).await;

    let mut session = ground.read().await;
    for (of, user, has_rows) in [
        (&openai, None, false),
        (&openai, Some(two), false),
        (&openai, Some(one), true),
        (&groq, None, true),
        (&groq, Some(one), true),
        (&gemini, None, false),
    ] {
        let found = credential::provider_has_rows(&mut session, of, user).await.unwrap();
        assert_eq!(found, has_rows, "{of} for {user:?}");
    }
}

#[tokio::test]
async fn pages_of_names_with_a_prefix_follow_each_other_by_name_even_behind_a_deleted_one() {
    let ground = ground().await;
    let openai = provider("openai");
    for (number, name) in
        ["p-5", "q", "p-1", "p", "p-\u{10ffff}", "o", "p-é", "p-Z", "P-1"].into_iter().enumerate()
    {
        ground.put(row(u8::try_from(number).unwrap() + 1, name, &openai)).await;
    }
    let filter = CredentialFilter { name_prefix: Some("p".into()), ..Default::default() };
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let page = credential::list(&mut ground.read().await, &filter, after, 2, NOW).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.id.0;
        if last.name == "p-1" {
            let mut tx = ground.write().await;
            assert!(credential::delete(&mut tx, last.id, last.revision, &deleted_mac(), NOW).await.unwrap());
            tx.commit().await.unwrap();
        }
        seen.extend(page.into_iter().map(|it| it.name));
    }
    assert_eq!(seen, ["p", "p-1", "p-5", "p-Z", "p-é", "p-\u{10ffff}"]);
    let foreign = ground.put(row(20, "a", &openai)).await;
    let page = credential::list(&mut ground.read().await, &filter, foreign.0, 1, NOW).await.unwrap();
    assert_eq!(page[0].name, "p", "a cursor that is not of this list");
}
