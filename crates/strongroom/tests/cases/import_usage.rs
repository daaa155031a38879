//! Usage that is moved in: which month it counts in.

use strongroom::credential::ImportRow;
use strongroom::{CredentialId, Millis, ProblemKind};
use strongroom_model::month;

use super::ground::{NOW, ground};
use super::import::{import, row};

#[tokio::test]
async fn usage_of_this_month_counts_and_usage_of_a_past_month_does_not() {
    let ground = ground().await;
    let december = Millis(month::start(NOW).0 - 1);
    let used = |id, name: &str, usage_count, current_month_usage, last_used| ImportRow {
        rate_limit: Some(5),
        usage_count,
        current_month_usage,
        last_used,
        ..row(id, name)
    };
    import(
        &ground,
        vec![
            used(1, "now", 100, 5, Some(month::start(NOW))),
            used(2, "before", 100, 5, Some(december)),
            used(3, "never", 100, 5, None),
            used(4, "ahead", 100, 5, Some(Millis(NOW.0 + 86_400_000))),
            used(5, "more", 2, 5, Some(NOW)),
        ],
    )
    .await;
    let service = ground.service();
    for (id, usage, this_month, last_used) in [
        (1, 100, 5, Some(month::start(NOW))),
        (2, 100, 0, Some(december)),
        (3, 100, 0, None),
        (4, 100, 5, Some(NOW)),
        (5, 5, 5, Some(NOW)),
    ] {
        let found = service.require(CredentialId(id)).await.unwrap();
        assert_eq!(
            (found.usage_count, found.current_month_usage, found.last_used),
            (usage, this_month, last_used),
            "{}",
            found.name
        );
    }
    assert_eq!(service.get_credential("now", None).await.unwrap_err().kind, ProblemKind::LimitReached);
    let read = service.get_credential("before", None).await.unwrap().unwrap();
    assert_eq!((read.usage_count, read.current_month_usage), (101, 1));
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_reset_after_moving_in_starts_the_month_over() {
    let ground = ground().await;
    let used = ImportRow {
        rate_limit: Some(5),
        usage_count: 9,
        current_month_usage: 5,
        last_used: Some(NOW),
        ..row(1, "one")
    };
    import(&ground, vec![used]).await;
    assert_eq!(ground.service().reset_monthly_usage().await.unwrap(), 1);
    let read = ground.service().get_credential("one", None).await.unwrap().unwrap();
    assert_eq!((read.usage_count, read.current_month_usage), (10, 1));
    ground.assert_sound().await;
}
