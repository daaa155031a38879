//! Figures on pages, from calls that were made: by the hour, with percentiles, down to the single use; and what providers say of keys.

use serde_json::json;
use strongroom_testkit::fake_upstream::Mode;

use super::stage::{Stage, question};
use crate::support::server::{STEP, STEPS};
use crate::support::visitor::{Page, Visitor};

/// Waits until a page shows something.
async fn until_shown(visitor: &Visitor, path: &str, wanted: &str) -> Page {
    for _ in 0..STEPS {
        let page = visitor.get(path).await.expect(200);
        if page.text.contains(wanted) {
            return page;
        }
        tokio::time::sleep(STEP).await;
    }
    panic!("{path} never shows {wanted}: {}", visitor.get(path).await.text);
}

async fn id_of(stage: &Stage, name: &str) -> i64 {
    let found = stage.server.get(&format!("/api/admin/credentials?name={name}")).await.expect(200).json();
    found[0]["id"].as_i64().expect("a number")
}

/// The first address on a page that begins so, as browsers read it.
fn link(page: &Page, beginning: &str) -> String {
    let (_, rest) =
        page.text.split_once(&format!("href=\"{beginning}")).unwrap_or_else(|| panic!("{}", page.text));
    format!("{beginning}{}", rest.split('"').next().expect("an end")).replace("&amp;", "&")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_its_provider_refuses_says_so_and_since_when() {
    let stage = Stage::new().await;
    stage.credential("bad", "openai", Mode::Wrong, json!({ "priority": 1 })).await;
    stage.credential("good", "openai", Mode::Ok, json!({ "priority": 2 })).await;
    stage.credential("elsewhere", "anthropic", Mode::Ok, json!({})).await;
    stage.chat().await.expect(200);
    let visitor = Visitor::at_own_name(&stage.server).signed_in(&stage.server.admin).await;
    let own = format!("/dashboard/credentials/{}", id_of(&stage, "bad").await);
    // What became of it is written down every few seconds.
    let health = until_shown(&visitor, &format!("{own}?tab=health"), "<code>bad_key</code><span").await;
    for words in ["✕</span> key not accepted", "the provider does not accept the key, since "] {
        assert!(health.text.contains(words), "{words} in {}", health.text);
    }
    assert!(health.text.contains("healthy") && health.text.contains("What became of it"), "{}", health.text);
    let list = visitor.get("/dashboard/credentials").await.expect(200);
    assert!(
        list.text.contains("key not accepted") && list.text.contains("<code>bad_key</code> since <time"),
        "{}",
        list.text
    );
    let refused = visitor.get("/dashboard/credentials?state=refused").await.expect(200);
    assert!(refused.text.contains(">bad<") && !refused.text.contains(">good<"), "{}", refused.text);
    let overview = visitor.get("/dashboard").await.expect(200);
    assert!(overview.text.contains("✕ 1 cannot serve"), "{}", overview.text);
    let good = format!("/dashboard/credentials/{}?tab=health", id_of(&stage, "good").await);
    let good = visitor.get(&good).await.expect(200);
    assert!(
        good.text.contains("Nothing is known against the key") && good.text.contains("Nothing has changed"),
        "{}",
        good.text
    );

    // What another server has heard is shown by this one as well.
    let database = &stage.server.installation.database;
    database
        .execute(
            "INSERT INTO credential_health (credential_uid, node_uid, region, version_uid, state, since_ms, until_ms, times) \
             SELECT uid, '00000000000000000000000000000009', 'main', version_uid, 'empty_account', 1000, 2000, 3 \
             FROM api_credentials WHERE name = 'elsewhere'",
        )
        .await;
    let elsewhere = format!("/dashboard/credentials/{}?tab=health", id_of(&stage, "elsewhere").await);
    let elsewhere = visitor.get(&elsewhere).await.expect(200);
    assert!(
        elsewhere.text.contains("account empty") && elsewhere.text.contains("3 times in a row"),
        "{}",
        elsewhere.text
    );
    let told = stage.server.get("/api/admin/credentials/health").await.expect(200).json();
    let told = told.as_array().unwrap().iter().find(|it| it["name"] == "elsewhere").unwrap().clone();
    assert_eq!((&told["state"], &told["times"]), (&json!("empty_account"), &json!(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_day_is_shown_by_the_hour_with_percentiles_and_its_single_uses() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    for _ in 0..3 {
        stage.chat().await.expect(200);
    }
    let formula = stage.server.token(json!({ "name": "=HYPERLINK(1)", "role": "gateway" })).await;
    stage
        .server
        .post("/openai/v1/chat/completions", question("gpt-4o-mini"))
        .token(&formula)
        .await
        .expect(200);
    let visitor = Visitor::at_own_name(&stage.server).signed_in(&stage.server.admin).await;
    for (path, words) in [
        (
            "/dashboard?range=24h",
            vec!["Spend per hour, by provider", "Calls, 24 hours", ">p95<", "Hour (UTC)"],
        ),
        (
            "/dashboard?range=7d",
            vec!["Spend per day, by provider", "Calls, 7 days", "Error share per day, by class"],
        ),
        ("/dashboard?from=2020-01-01&to=2020-01-31", vec!["2020-01-01 to 2020-01-31", "Nothing was spent"]),
        (
            "/dashboard?from=2020-02-01&to=2020-01-31",
            vec!["the first day is behind the last one", "value=\"2020-02-01\""],
        ),
        (
            "/dashboard/usage?range=24h&measure=calls&by=model",
            vec!["Calls per hour, by model", "gpt-4o-mini", ">4<"],
        ),
        (
            "/dashboard/usage?measure=first-byte-p95&by=model",
            vec!["First byte, p95 per day, by model", " ms<"],
        ),
        ("/dashboard/usage?measure=first-byte-p50&by=source", vec!["database"]),
        (
            "/dashboard/usage?measure=first-byte-p95&by=credential",
            vec!["percentiles are kept by provider, model and source alone"],
        ),
        (
            "/dashboard/usage?range=24h&by=version",
            vec!["by the hour, usage is kept by provider", "role=\"alert\""],
        ),
        ("/dashboard/usage?from=2026-01-01&to=2026-11-30&measure=calls&by=nothing", vec!["Calls per week"]),
    ] {
        let page = visitor.get(path).await.expect(200);
        for words in words {
            assert!(page.text.contains(words), "{path}: {words} in {}", page.text);
        }
    }
    let mine = Visitor::at_own_name(&stage.server).signed_in(&stage.token).await;
    let mine = mine.get("/dashboard/mine").await.expect(200);
    assert!(mine.text.contains("By model, 30 days") && mine.text.contains("gpt-4o-mini"), "{}", mine.text);
    // Of a credential, hours are made by a job, which waits for nobody.
    let own = format!("/dashboard/credentials/{}?range=24h", id_of(&stage, "one").await);
    let page = until_shown(&visitor, &own, "Calls per hour").await;
    assert!(page.text.contains("By the hour, use of one credential is kept in one"), "{}", page.text);
    let page = until_shown(&visitor, &own, "4 uses of its key").await;
    assert!(page.text.contains("Answers per hour, by class"), "{}", page.text);
    let page = until_shown(&visitor, "/dashboard/usage?range=24h&measure=calls&by=credential", ">one<").await;
    let csv = visitor.get(&link(&page, "/dashboard/usage.csv")).await.expect(200);
    assert!(
        csv.text.starts_with("hour_utc,key,name,calls") && csv.text.contains(",\"one\",4,4,0,0,"),
        "{}",
        csv.text
    );

    // From a point of the chart to its uses, and from there to each.
    let page =
        visitor.get("/dashboard/usage?range=24h&measure=calls&by=model&provider=openai").await.expect(200);
    let uses = visitor.get(&link(&page, "/dashboard/usage/records?from=")).await.expect(200);
    assert!(uses.text.contains("id=\"records\""), "{}", uses.text);
    let list = visitor.get("/dashboard/usage/records?provider=openai&status=2xx").await.expect(200);
    assert_eq!(list.text.matches("gpt-4o-mini").count(), 4, "{}", list.text);
    let one = visitor.get(&link(&list, "/dashboard/usage/records/")).await.expect(200);
    assert!(one.text.contains("Operation") && one.text.contains("chat.completions"), "{}", one.text);
    let file = visitor.get(&link(&list, "/dashboard/usage/records.csv")).await.expect(200);
    assert_eq!(file.text.lines().count(), 5, "{}", file.text);
    assert!(file.text.contains("\"'=HYPERLINK(1)\"") && !file.text.contains("\"=HYP"), "{}", file.text);
    let none = visitor.get("/dashboard/usage/records?status=failed").await.expect(200);
    assert!(none.text.contains("No use fits this"), "{}", none.text);
    assert!(page.text.contains("strongroom usage --by hour --split model"), "{}", page.text);
    assert!(
        page.text.contains("--provider openai") && page.text.contains("provider=openai"),
        "{}",
        page.text
    );
    let (code, out, error) =
        stage.cli(&["usage", "--by", "hour", "--split", "model", "--provider", "openai"]);
    assert_eq!(code, 0, "the command that is copied works: {error}");
    assert!(out.contains("gpt-4o-mini"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burn_down_is_drawn_of_samples_with_what_was_refused_and_is_a_file() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let public = stage.token.split('_').nth(1).unwrap();
    let limit = json!({ "token": public, "unit": "requests", "window": "month", "amount": 2 });
    let id =
        stage.server.post("/api/admin/limits", limit).await.expect(200).at("id").as_str().unwrap().to_owned();
    for _ in 0..2 {
        stage.chat().await.expect(200);
    }
    stage.chat().await.expect(429);
    let database = &stage.server.installation.database;
    let now = strongroom_model::Clock::default().local_now();
    let start = strongroom_model::limit::Window::Month.start(now).0;
    database
        .execute(&format!(
            "INSERT INTO limit_samples (limit_uid, window_start_ms, at_ms, region, amount, settled, adjusted, held, carved, refused) \
             VALUES ('{id}', {start}, {}, 'main', 2, 1, 0, 0, 0, 0)",
            now.0 - 1
        ))
        .await;
    let visitor = Visitor::at_own_name(&stage.server).signed_in(&stage.server.admin).await;
    let page = until_shown(&visitor, &format!("/dashboard/limits/{id}"), "1 call refused").await;
    assert!(page.text.contains("✕ now") && page.text.contains("data-points="), "{}", page.text);
    let file = visitor.get(&link(&page, "/dashboard/limits/")).await.expect(200);
    assert!(file.text.starts_with("at_utc,binds,name,unit,amount,used\r\n"), "{}", file.text);
    assert!(
        file.text.contains(",requests,2,1\r\n") && file.text.ends_with(",requests,2,2\r\n"),
        "{}",
        file.text
    );
}

#[tokio::test]
async fn a_verb_and_a_name_lead_to_the_form_that_does_it() {
    let stage = Stage::new().await;
    stage.credential("openai-primary", "openai", Mode::Ok, json!({})).await;
    let visitor = Visitor::at_own_name(&stage.server).signed_in(&stage.server.admin).await;
    let own = format!("/dashboard/credentials/{}", id_of(&stage, "openai-primary").await);
    for (typed, path, shown) in [
        ("freeze%20openai", format!("{own}?open=freeze"), "<details class=\"change\" open>"),
        ("tag%20openai", format!("{own}?open=tags"), "name=\"tags\""),
        ("limit%20openai", format!("{own}?tab=limits"), "id=\"limits\""),
        ("show%20openai", format!("{own}/reveal"), "name=\"reason\""),
    ] {
        let found = visitor.get(&format!("/dashboard/find?q={typed}")).await.expect(200);
        assert_eq!(link(&found, &own), path, "{typed}");
        let page = visitor.get(&path).await.expect(200);
        assert!(page.text.contains(shown), "{typed}: {}", page.text);
    }
    let frozen = stage.server.get(&own.replace("/dashboard", "/api/admin")).await.expect(200);
    assert!(frozen.at("frozenAt").is_null(), "looking at a form does nothing");
}
