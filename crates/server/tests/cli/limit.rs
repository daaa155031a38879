//! Limits: amounts in the limit's own unit, names that nobody has, and dollars for people.

#![expect(clippy::unwrap_used, reason = "a case whose harness breaks has failed, and the line says where")]

use serde_json::Value;

use crate::harness::{KEY, Place};

async fn place() -> Place {
    let mut place = Place::without_server().await;
    let folder = place.home.path().join("data");
    place.set("STRONGROOM_DATA_DIR", folder.to_str().unwrap());
    let add = ["credential", "add", "one", "--provider", "openai", "--api-key-stdin"];
    let done = place.run_with_stdin(&add, KEY).await;
    assert_eq!(done.code, 0, "{}", done.stderr);
    place
}

async fn set(place: &Place, amount: [&str; 2]) -> String {
    let [option, amount] = amount;
    let set = ["limit", "set", "--credential", "one", option, amount, "--per", "day", "--format", "json"];
    let done = place.run(&set).await;
    assert_eq!(done.code, 0, "{}", done.stderr);
    serde_json::from_str::<Value>(&done.stdout).unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_amount_in_another_unit_changes_nothing() {
    let place = place().await;
    for (amount, wrong, right, becomes) in [
        (["--tokens", "1000"], ["--usd", "5"], ["--amount", "60"], 60_i64),
        (["--usd", "2.5"], ["--amount", "60"], ["--usd", "5"], 5_000_000_000),
    ] {
        let id = set(&place, amount).await;
        let before = place.run(&["limit", "show", &id]).await.stdout;
        let refused = place.run(&["limit", "update", &id, wrong[0], wrong[1]]).await;
        assert!(refused.code == 2 && refused.stderr.contains(right[0]), "{refused:?}");
        assert_eq!(place.run(&["limit", "show", &id]).await.stdout, before);
        let done = place.run(&["limit", "update", &id, right[0], right[1], "--format", "json"]).await;
        let changed: Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!((done.code, &changed["amount"]), (0, &Value::from(becomes)), "{}", done.stderr);
    }
}

#[tokio::test]
async fn what_nobody_has_is_not_found_and_a_wrong_value_is_wrong_usage() {
    let place = place().await;
    for whom in [["--credential", "two"], ["--token", "AbCdEf012345"], ["--user-id", "7"]] {
        let set = place.run(&["limit", "set", whom[0], whom[1], "--requests", "5", "--per", "day"]).await;
        assert_eq!(set.code, 3, "{set:?}");
        let test = place.run(&["limit", "test", whom[0], whom[1]]).await;
        assert_eq!(test.code, 3, "{test:?}");
    }
    let wrong = place.run(&["credential", "update", "one", "--endpoint", "nowhere"]).await;
    assert_eq!(wrong.code, 2, "{wrong:?}");
}
